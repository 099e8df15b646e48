#!/usr/bin/env bats
# healthcheck and containers: what their engine says of them, and what they say in their own network.
load helpers/common
load helpers/engine

setup_file() {
	start_site
	start_registry images 5009
	"$ROOT/scripts/build-image.sh" --output "$BATS_FILE_TMPDIR/one.tar" 0.0.1 >/dev/null
	"$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/one.tar" "$REGISTRY_IMAGES/robot-app:0.0.1" >/dev/null
	docker pull -q "$REGISTRY_IMAGES/robot-app:0.0.1" >/dev/null
	run_robot robot --health-interval 1s
}

teardown_file() {
	stop_site
	stop_all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	docker rm -f other >/dev/null 2>&1 || true
}

# run_robot NAME ARGUMENTS-FOR-docker-run...: without any network but its own
run_robot() {
	local name=$1
	shift
	docker run -d --name "$name" --network none --read-only "${ROBOT_RUN[@]}" "$@" \
		"$REGISTRY_IMAGES/robot-app:0.0.1" >/dev/null
}

@test "docker:CONTAINER is what its own health check says" {
	run -0 healthcheck --wait 30 -i 0.1 docker:robot
	[[ $output =~ ^"healthy docker:robot - "[0-9]+$ ]]
	run -0 healthcheck "docker:$(docker inspect -f '{{.Id}}' robot)"
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman drops the health check of an image in OCI's format"
	run_robot other --health-interval 1h
	run -1 healthcheck docker:other docker:robot
	[[ ${lines[0]} =~ ^"unhealthy docker:other - "[0-9]+" its health check has not passed yet"$ ]]
	[[ ${lines[1]} == "healthy docker:robot - "* ]]
}

@test "one whose check fails is unhealthy, with its words" {
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman drops the health check of an image in OCI's format"
	run_robot other --health-interval 1s --health-retries 1 --health-start-period 0s -e LOG_DIR=/nonexistent
	fails() { [[ $(healthcheck docker:other) == *" its health check fails: unhealthy http+unix:"*" 503 "* ]]; }
	wait_for 20 fails
	run -1 healthcheck docker:other
}

@test "without a check it is healthy while it runs; one that is gone is not" {
	run_robot other --no-healthcheck --stop-timeout 10
	run -0 healthcheck docker:other
	docker stop other >/dev/null
	run -1 healthcheck docker:other
	[[ $output =~ ^"unhealthy docker:other - "[0-9]+" it has exited with status 0"$ ]]
	run -1 healthcheck docker:other/tcp://localhost:5000
	[[ $output == *" it has exited with status 0" ]]
	docker rm other >/dev/null
	run --separate-stderr -1 healthcheck docker:other
	[[ $output =~ ^"unhealthy docker:other - "[0-9]+" the engine answers 404: ".*[Nn]"o such container" ]]
	[ -z "$stderr" ]
}

@test "docker:CONTAINER/TARGET is asked in the container's network, and nothing else is" {
	run -0 healthcheck --wait 20 -i 0.1 --json-path status=healthy docker:robot/http://localhost:5000/health
	[[ $output =~ ^"healthy docker:robot/http://localhost:5000/health 200 "[0-9]+$ ]]
	run -1 healthcheck http://127.0.0.1:5000/health docker:robot/tcp://127.0.0.1:5000 \
		docker:robot/http://127.0.0.1:5000/nosuch tcp://127.0.0.1:5000
	[[ ${lines[0]} == *" connect to '127.0.0.1' port 5000: Connection refused" ]]
	[[ ${lines[1]} == "healthy docker:robot/tcp://127.0.0.1:5000 - "* ]]
	[[ ${lines[2]} == *" answered 404, not 200-399" ]]
	[[ ${lines[3]} == *" connect to '127.0.0.1' port 5000: Connection refused" ]]
}

@test "a port that nobody has there, and a container that is not asked for its check" {
	run -1 healthcheck docker:robot/http://127.0.0.1:5999/ docker:robot/tcp://127.0.0.1:5999
	[[ ${lines[0]} =~ ^"unhealthy docker:robot/http://127.0.0.1:5999/ - "[0-9]+" connect to '127.0.0.1' port 5999: Connection refused"$ ]]
	[[ ${lines[1]} == *" connect to '127.0.0.1' port 5999: Connection refused" ]]
	run_robot other --health-interval 1h
	run -0 healthcheck --wait 20 -i 0.1 docker:other/http://127.0.0.1:5000/health
	# each try gives back what it took
	run -0 bash -c 'ulimit -n 80; exec healthcheck -i 0 --successes 80 docker:other/tcp://127.0.0.1:5000'
	# one that hangs, and does not answer for the engine's time
	docker kill --signal STOP other
	run -1 healthcheck -t 0.5 docker:other/http://127.0.0.1:5000/health
	[[ $output =~ ^"unhealthy docker:other/http://127.0.0.1:5000/health - "([0-9]+)" Operation timed out " ]]
	[ "${BASH_REMATCH[1]}" -lt 4900 ]
}

@test "who may not enter the network is told so, and has no answer" {
	run --separate-stderr -71 setpriv --bounding-set=-sys_admin healthcheck docker:robot/tcp://127.0.0.1:5000
	[ "$stderr" = "healthcheck: probe 'docker:robot/tcp://127.0.0.1:5000': enter the container's network: Operation not permitted" ]
	[ -z "$output" ]
	run --separate-stderr -71 setpriv --bounding-set=-sys_admin,-sys_ptrace healthcheck docker:robot/tcp://127.0.0.1:5000
	[ "$stderr" = "healthcheck: probe 'docker:robot/tcp://127.0.0.1:5000': enter the container's network: Permission denied" ]
	run --separate-stderr -71 setpriv --bounding-set=-sys_admin healthcheck --watch docker:robot/tcp://127.0.0.1:5000
	run -0 setpriv --bounding-set=-sys_admin healthcheck --wait 20 -i 0.1 docker:robot
}

@test "an engine that hangs or is gone makes nobody wait longer than -t" {
	kill -STOP "$(<"$SITE/engine")"
	run -1 healthcheck -t 0.3 docker:robot docker:robot/tcp://127.0.0.1:5000
	kill -CONT "$(<"$SITE/engine")"
	[[ ${lines[0]} == *" ask the engine: Operation timed out after "* ]]
	[[ ${lines[1]} == *" ask the engine: Operation timed out after "* ]]
	DOCKER_HOST=unix://$PWD/none run -1 healthcheck docker:robot
	[[ $output == *" ask the engine: connect to '$PWD/none': No such file or directory" ]]
	# where it is if nobody says
	DOCKER_HOST='' run -1 healthcheck docker:robot
	[[ $output == *" ask the engine: connect to '/var/run/docker.sock': No such file or directory" ]]
	DOCKER_HOST=tcp://127.0.0.1:1 run --separate-stderr -78 healthcheck docker:robot
	[ "$stderr" = "healthcheck: 'tcp://127.0.0.1:1' is no engine: want unix:///PATH" ]
}

@test "what is no container, or cannot be asked in one, is wrong usage" {
	for bad in docker: docker:/http://x docker:-x docker:a/ docker:a/ftp://x docker:a/http:// \
		docker:a/http+unix:///x:/y docker:a/tcp://b; do
		run --separate-stderr -64 healthcheck "$bad"
		[[ ${stderr_lines[0]} == "healthcheck: '$bad' is not a target: "* ]]
	done
}

@test "--ca is instead of the system's certificates, not besides" {
	local name port
	for name in system other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
			-addext subjectAltName=DNS:registry.test -keyout $name.key -out $name.pem 2>/dev/null
	done
	mkdir certs
	cp system.pem certs
	openssl rehash certs
	port=$(free_port)
	openssl s_server -accept "$port" -cert system.pem -key system.key -www -quiet >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 healthcheck "tcp://localhost:$port"
	# these mounts are this file's own, as all of its machine
	mount --bind certs /etc/ssl/certs
	echo 127.0.0.1 registry.test >hosts
	mount --bind hosts /etc/hosts
	run -0 healthcheck --ca system.pem "https://registry.test:$port/"
	run -1 healthcheck --ca other.pem "https://registry.test:$port/"
	[[ $output == *" SSL certificate problem: "* ]]
	run ! reg-sync --list --src-ca other.pem "registry.test:$port/x"
	[[ $output == *"SSL certificate problem: "* ]]
	umount /etc/ssl/certs /etc/hosts
}
