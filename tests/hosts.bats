#!/usr/bin/env bats
# Services on three hosts: an engine here, one behind TCP with TLS, one behind ssh.
load helpers/common
load helpers/engine
load helpers/faults
load helpers/fleet

setup_file() {
	start_fleet 1 0.0.1
	export ROBOTS=3
	export SSH_PORT CERTS=$BATS_FILE_TMPDIR/certs
	SSH_PORT=$(free_port)
	# the same registry, as the others call it
	ln -s local "$BATS_FILE_TMPDIR/far"
	start_registry far 5010
	make_certificates
	"start_${GANTRY_TEST_ENGINE}_hosts"
	start_sshd
	on 2 start_robot 2 0.0.1
	on 3 start_robot 3 0.0.1
}

teardown_file() {
	local n
	for n in 2 3; do
		on $n stop_site
	done
	stop_fleet
}

setup() {
	hosts_conf
	ssh_knows
}

teardown() {
	stop_proxies
}

# on N COMMAND...: with the engine of host N.
on() (
	n=$1
	shift
	[ "$n" = 1 ] || SITE=$BATS_FILE_TMPDIR/host$n DOCKER_HOST=unix://$BATS_FILE_TMPDIR/host$n/docker.sock
	[ "$GANTRY_TEST_ENGINE" = docker ] || name_podman_conf
	"$@"
)

# start_host N [OPTION...]: an engine with data and a network of its own.
start_host() {
	local n=$1
	shift
	mkdir -p "$BATS_FILE_TMPDIR/host$n/data"
	on "$n" start_engine --bridge "gantry$n" "$@"
}

start_docker_hosts() {
	local n
	for n in 2 3; do
		ip link add "gantry$n" type bridge
		ip addr add "10.213.$n.1/24" dev "gantry$n"
		ip link set "gantry$n" up
	done
	start_host 2 -H tcp://127.0.0.1:2376 --tlsverify --tlscacert "$CERTS/ca.pem" \
		--tlscert "$CERTS/server.pem" --tlskey "$CERTS/server.key"
	start_host 3
}

# What listens at the port, and what answers as docker there, are not Podman's own.
start_podman_hosts() {
	start_host 2 10.213.2
	start_host 3 10.213.3
	python3 -c '
import socket, socketserver, ssl, sys, threading
certs, to = sys.argv[1:]
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certs + "/ca.pem")
tls.load_cert_chain(certs + "/server.pem", certs + "/server.key")
tls.verify_mode = ssl.CERT_REQUIRED
def pass_on(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
class Client(socketserver.BaseRequestHandler):
    def handle(self):
        up = socket.socket(socket.AF_UNIX)
        up.connect(to)
        with tls.wrap_socket(self.request, server_side=True) as client, up:
            threading.Thread(target=pass_on, args=(client, up), daemon=True).start()
            pass_on(up, client)
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("127.0.0.1", 2376), Client).serve_forever()' \
		"$CERTS" "$BATS_FILE_TMPDIR/host2/docker.sock" 2>"$BATS_FILE_TMPDIR/tls.log" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 is_listening 2376
}

is_listening() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

make_certificates() {
	mkdir -p "$CERTS/stranger"
	cd "$CERTS"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=site -keyout ca.key -out ca.pem 2>/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=stranger -keyout stranger/ca.key -out stranger/ca.pem 2>/dev/null
	sign server ca "subjectAltName=IP:127.0.0.1"
	sign cert ca "extendedKeyUsage=clientAuth"
	sign stranger/cert stranger/ca "extendedKeyUsage=clientAuth"
	mv cert.key key.pem
	mv stranger/cert.key stranger/key.pem
}

# sign NAME CA EXTENSION: NAME.pem and NAME.key.
sign() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=${1##*/}" \
		-keyout "$1.key" -out "$1.csr" 2>/dev/null
	openssl x509 -req -in "$1.csr" -days 2 -CA "$2.pem" -CAkey "$2.key" -CAcreateserial \
		-extfile <(echo "$3") -out "$1.pem" 2>/dev/null
}

# An ssh of our own: neither the keys nor the known hosts of whoever runs the tests.
start_sshd() {
	local dir=$BATS_FILE_TMPDIR/ssh
	mkdir -p "$dir/bin" "$dir/far" /run/sshd
	# as podman-docker does
	[ "$GANTRY_TEST_ENGINE" = docker ] || ln -s /usr/bin/podman "$dir/far/docker"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/client"
	cp "$dir/client.pub" "$dir/authorized"
	cat >"$dir/sshd.conf" <<-CONF
		ListenAddress 127.0.0.1:$SSH_PORT
		HostKey $dir/host
		AuthorizedKeysFile $dir/authorized
		PidFile none
		PermitRootLogin prohibit-password
		StrictModes no
		UsePAM no
		SetEnv PATH=$dir/far:$PATH
	CONF
	cat >"$dir/config" <<-CONF
		IdentityFile $dir/client
		IdentitiesOnly yes
		UserKnownHostsFile $dir/known
		GlobalKnownHostsFile /dev/null
	CONF
	printf '#!/bin/sh\nexec /usr/bin/ssh -F %s/config "$@"\n' "$dir" >"$dir/bin/ssh"
	chmod 755 "$dir/bin/ssh"
	export PATH=$dir/bin:$PATH
	/usr/sbin/sshd -D -e -f "$dir/sshd.conf" 2>"$dir/log" 3>&- &
	echo $! >"$dir/pid"
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 ssh-keyscan -p "$SSH_PORT" 127.0.0.1
}

ssh_knows() {
	echo "[127.0.0.1]:$SSH_PORT $(cut -d' ' -f1,2 "$BATS_FILE_TMPDIR/ssh/host.pub")" \
		>"$BATS_FILE_TMPDIR/ssh/known"
}

# hosts_conf [KEY=VALUE...]
hosts_conf() {
	write_conf "SERVICE_robot_service_2_HOST=tcp://127.0.0.1:2376" \
		"SERVICE_robot_service_2_CERT_PATH='$CERTS'" \
		"SERVICE_robot_service_2_REGISTRY=127.0.0.1:5010" \
		"SERVICE_robot_service_3_HOST=ssh://root@127.0.0.1:$SSH_PORT$BATS_FILE_TMPDIR/host3/docker.sock" \
		"SERVICE_robot_service_3_REGISTRY=127.0.0.1:5010" "$@"
}

hosts_at() {
	local n
	for n in 1 2 3; do
		[ "$(version_of $n)" = "$1" ] || {
			echo "robot $n answers as '$(version_of $n)', not $1" >&2
			return 1
		}
		[ "$(on $n docker ps -a --format '{{.Names}}' | grep -v ^gantry-keep- | sort | xargs)" = "robot-holder-$n robot-service-$n" ]
	done
}

image_of() {
	on "$1" docker inspect -f '{{.Config.Image}}' "robot-service-$1"
}

@test "one deployment moves services on three hosts, each with its own registry's name" {
	release 0.0.2
	run --separate-stderr -0 deploy -c "$CONF"
	[ "${#lines[@]}" = 3 ]
	hosts_at 0.0.2
	[ "$(image_of 1)" = "$IMAGE@$(digest_of 0.0.2)" ]
	[ "$(image_of 2)" = "127.0.0.1:5010/robot-app@$(digest_of 0.0.2)" ]
	[ "$(image_of 3)" = "127.0.0.1:5010/robot-app@$(digest_of 0.0.2)" ]
}

@test "nothing to do, on three hosts" {
	run --separate-stderr -0 deploy -c "$CONF"
	[ -z "$output" ]
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
}

@test "the pins file names each image as its host does" {
	grep -qx "ROBOT_SERVICE_1_IMAGE=$IMAGE@$(digest_of 0.0.2)" "$PINS"
	grep -qx "ROBOT_SERVICE_3_IMAGE=127.0.0.1:5010/robot-app@$(digest_of 0.0.2)" "$PINS"
}

@test "rollback takes them all back, and the list of what was proven has one name for an image" {
	run --separate-stderr -0 rollback -c "$CONF"
	[ "${#lines[@]}" = 3 ]
	hosts_at 0.0.1
	[ "$(jq -r 'select(.event == "proven").image' "$STATE/journal.jsonl" | sort -u)" = "$IMAGE" ]
	run --separate-stderr -0 deploy -c "$CONF" --status
	[ "${#lines[@]}" = 3 ]
	[ "$(grep -c ' 0.0.1 .* running ' <<<"$output")" = 3 ]
	run -0 deploy -c "$CONF" --force
	hosts_at 0.0.2
}

@test "signals go through the engine where it is not this machine's" {
	run -0 on 3 docker inspect -f '{{.State.Running}}' robot-service-3
	run -0 deploy -c "$CONF" --tag 0.0.1 robot-service-3
	[ "$(version_of 3)" = 0.0.1 ]
	[ "$(version_of 2)" = 0.0.2 ]
	run -0 deploy -c "$CONF" --tag 0.0.2
	hosts_at 0.0.2
}

@test "an unknown host key is 71, in ssh's words, and keeps nobody else from the update" {
	: >"$BATS_FILE_TMPDIR/ssh/known"
	run --separate-stderr -71 deploy -c "$CONF" --tag 0.0.1
	[ "${#lines[@]}" = 2 ]
	[[ ${stderr_lines[0]} == "deploy: warning: engine at 'ssh://root@127.0.0.1:$SSH_PORT"*"': Host key verification failed" ]]
	[[ ${stderr_lines[-1]} == "deploy: 'robot-service-3': engine at 'ssh://"*"': Host key verification failed" ]]
	[ "$(version_of 1) $(version_of 2) $(version_of 3)" = "0.0.1 0.0.1 0.0.2" ]
	run --separate-stderr -0 deploy -c "$CONF" --status
	[ "$(grep -c ' running ' <<<"$output")" = 2 ]
	[[ ${lines[2]} == "robot-service-3 0.0.2 "*" unknown "* ]]
	ssh_knows
	run -0 deploy -c "$CONF" --tag 0.0.1
	hosts_at 0.0.1
}

@test "a key that is refused is 71: nobody is asked for a password" {
	cp "$BATS_FILE_TMPDIR/ssh/authorized" "$BATS_TEST_TMPDIR/authorized"
	: >"$BATS_FILE_TMPDIR/ssh/authorized"
	run --separate-stderr -71 deploy -c "$CONF" --check robot-service-3
	cp "$BATS_TEST_TMPDIR/authorized" "$BATS_FILE_TMPDIR/ssh/authorized"
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == "deploy: 'robot-service-3': engine at 'ssh://"*"Permission denied (publickey"* ]]
}

@test "a host that is not reached is 75, by ssh and by tcp, and not held against the release" {
	before=$(grep -c '"quarantine"' "$STATE/journal.jsonl" || true)
	sed -i "s|ssh://root@127.0.0.1:$SSH_PORT|ssh://root@127.0.0.1:1|; s|:2376|:2|" "$CONF"
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[ "${#lines[@]}" = 1 ]
	[[ $stderr == *"warning: engine at 'ssh://root@127.0.0.1:1/"*"': ssh: connect to host 127.0.0.1 port 1: Connection refused"* ]]
	[[ $stderr == *"warning: engine at 'tcp://127.0.0.1:2': "*"onnect"* ]]
	[[ ${stderr_lines[-1]} == "deploy: 'robot-service-2' and others: "* ]]
	[ "$(version_of 1) $(version_of 2) $(version_of 3)" = "0.0.2 0.0.1 0.0.1" ]
	[ "$(grep -c '"quarantine"' "$STATE/journal.jsonl" || true)" = "$before" ]
	hosts_conf
	run -0 deploy -c "$CONF" --tag 0.0.2
	hosts_at 0.0.2
}

@test "rollback leaves a host that is away for the next run, and takes nobody further back meanwhile" {
	release 0.0.3 --env NUMBER=3
	run -0 deploy -c "$CONF" --tag 0.0.3
	sed -i "s|:2376|:2|" "$CONF"
	run --separate-stderr -75 rollback -c "$CONF"
	[ "${#lines[@]}" = 2 ]
	[[ ${stderr_lines[-1]} == "rollback: 'robot-service-2': engine at 'tcp://127.0.0.1:2': "* ]]
	[ "$(version_of 1) $(version_of 2) $(version_of 3)" = "0.0.2 0.0.3 0.0.2" ]
	# 0.0.1 was proven too
	run --separate-stderr -75 rollback -c "$CONF"
	[ -z "$output" ]
	[[ ${stderr_lines[-2]} == "rollback: every service runs 0.0.2 already" ]]
	[ "$(version_of 1) $(version_of 2) $(version_of 3)" = "0.0.2 0.0.3 0.0.2" ]
	hosts_conf
	run --separate-stderr -0 rollback -c "$CONF"
	[ "$(grep -c '^moved ' <<<"$output")" = 1 ]
	hosts_at 0.0.2
}

@test "an engine that is down behind ssh is 75" {
	sed -i "s|host3/docker.sock|host3/nosuch.sock|" "$CONF"
	run --separate-stderr -75 deploy -c "$CONF" --check robot-service-3
	[[ $stderr == *"engine at 'ssh://"*"nosuch.sock"* ]]
}

@test "a client certificate of a stranger is 71, and so is a server's" {
	hosts_conf
	sed -i "s|CERT_PATH=.*|CERT_PATH='$BATS_TEST_TMPDIR'|" "$CONF"
	cp "$CERTS/ca.pem" "$CERTS/stranger/cert.pem" "$CERTS/stranger/key.pem" "$BATS_TEST_TMPDIR"
	run --separate-stderr -71 deploy -c "$CONF" --check robot-service-2
	[[ $stderr =~ ^"deploy: 'robot-service-2': engine at 'tcp://127.0.0.1:2376': ".*("certificate"|"unknown ca") ]]
	cp "$CERTS/stranger/ca.pem" "$CERTS/cert.pem" "$CERTS/key.pem" "$BATS_TEST_TMPDIR"
	run --separate-stderr -71 deploy -c "$CONF" --check robot-service-2
	[[ $stderr == "deploy: 'robot-service-2': engine at 'tcp://127.0.0.1:2376': "*"certificate"* ]]
	echo rubbish >"$BATS_TEST_TMPDIR/key.pem"
	run --separate-stderr -78 deploy -c "$CONF" --check robot-service-2
}

@test "tcp without TLS has to be asked for in words" {
	sed -i "s|:2376|:2375|" "$CONF"
	run --separate-stderr -78 deploy -c "$CONF" --check
	[ "$stderr" = "deploy: engine 'tcp://127.0.0.1:2375': port 2375 has no TLS, so that anybody may do anything there: use 2376, or say SERVICE_<name>_TLS=none" ]
	echo SERVICE_robot_service_2_TLS=none >>"$CONF"
	run --separate-stderr -75 deploy -c "$CONF" --check robot-service-2
	sed -i s/TLS=none/TLS=maybe/ "$CONF"
	run --separate-stderr -78 deploy -c "$CONF" --check
	[ "$stderr" = "deploy: TLS of service 'robot-service-2' must be verify or none, not 'maybe'" ]
}

@test "certificates are found where the docker client looks, too" {
	sed -i /CERT_PATH/d "$CONF"
	DOCKER_CERT_PATH=$CERTS run -0 deploy -c "$CONF" --check robot-service-2
	DOCKER_CONFIG=$CERTS run -0 deploy -c "$CONF" --check robot-service-2
	HOME=$BATS_TEST_TMPDIR run --separate-stderr -71 deploy -c "$CONF" --check robot-service-2
}

# Somebody waits at that port for an answer.
is_called() {
	[ "$(ss -Hltn "sport = :${1##*:}" | awk '{ print $2 }')" -gt 0 ]
}

@test "hosts pull at the same time, and one that cannot is named" {
	release 0.0.3
	start_proxy two 127.0.0.1:5010
	start_proxy three 127.0.0.1:5010
	sed -i "/robot_service_[23]_REGISTRY/d" "$CONF"
	printf 'SERVICE_robot_service_2_REGISTRY=%s\nSERVICE_robot_service_3_REGISTRY=%s\n' \
		"$PROXY_TWO" "$PROXY_THREE" >>"$CONF"
	# neither gets anything before both have asked
	kill -STOP "$(<"$BATS_TEST_TMPDIR/two.proxy")" "$(<"$BATS_TEST_TMPDIR/three.proxy")"
	deploy -c "$CONF" --stage >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 20 is_called "$PROXY_TWO"
	wait_for 20 is_called "$PROXY_THREE"
	kill -CONT "$(<"$BATS_TEST_TMPDIR/two.proxy")" "$(<"$BATS_TEST_TMPDIR/three.proxy")"
	wait "$pid"
	on 2 docker inspect "$PROXY_TWO/robot-app@$(digest_of 0.0.3)" >/dev/null
	on 3 docker inspect "$PROXY_THREE/robot-app@$(digest_of 0.0.3)" >/dev/null
	release 0.0.4
	stop_proxy three
	run --separate-stderr -75 deploy -c "$CONF" --stage
	[[ $stderr == "deploy: pull '$PROXY_THREE/robot-app@$(digest_of 0.0.4)' at 'ssh://root@127.0.0.1:$SSH_PORT/"*"': "*"connection refused"* ]]
	on 2 docker inspect "$PROXY_TWO/robot-app@$(digest_of 0.0.4)" >/dev/null
}
