#!/usr/bin/env bats
# manage-services.sh: robots and infrastructure start, stop and show themselves.

load helpers/common
load helpers/engine
load helpers/image
load helpers/site

setup_file() {
	start_site
	make_key good
	make_key stranger
	start_registry remote
	start_registry local
	export CONF=$BATS_FILE_TMPDIR/gantry.conf
	site_conf "$CONF"
}

teardown_file() {
	stop_fleet
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	manage=$ROOT/scripts/manage-services.sh
}

running() {
	docker ps --format '{{.Names}}' | sort | xargs
}

@test "help says what it does, in both spellings" {
	run -0 --separate-stderr "$manage" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: manage-services.sh [-c FILE] COMMAND [...]"* ]]
	text=$output
	run -0 "$manage" help
	[ "$output" = "$text" ]
	for verb in start stop restart start-infra start-robots stop-infra stop-robots restart-robots status \
		logs logs-robots logs-infra; do
		[[ $text == *"$verb"* ]]
	done
}

@test "wrong usage is 64" {
	run -64 --separate-stderr "$manage"
	[ "${stderr_lines[0]}" = "manage-services.sh: what is to be done?" ]
	run -64 --separate-stderr "$manage" frob
	[ "${stderr_lines[0]}" = "manage-services.sh: 'frob' is not something that can be done" ]
	run -64 "$manage" --frob
	run -64 "$manage" start now
}

@test "no engine is 71, in words" {
	run -71 --separate-stderr env DOCKER_HOST=unix:///nonexistent.sock "$manage" -c "$CONF" status
	[ "$stderr" = "manage-services.sh: no Docker engine answers at unix:///nonexistent.sock" ]
}

@test "robots do not start from an empty registry" {
	run -1 "$manage" -c "$CONF" start-robots || run -75 "$manage" -c "$CONF" start-robots
	[ "$(running)" = "" ]
	[ ! -e "$BATS_FILE_TMPDIR/robots.env" ]
}

@test "robots do not start with an image that nobody we trust has signed" {
	release 0.0.1 stranger
	reg-sync --list "$REGISTRY_REMOTE/robot-app" | reg-sync --stdin "$REGISTRY_LOCAL/robot-app"
	run -1 "$manage" -c "$CONF" start-robots
	[ "$(running)" = "" ]
	[ ! -e "$BATS_FILE_TMPDIR/robots.env" ]
}

@test "robots do not start without a key" {
	grep -v VERIFY_KEY "$CONF" >nokey.conf
	run -78 --separate-stderr "$manage" -c nokey.conf start-robots
	[ "$stderr" = "manage-services.sh: neither VERIFY_KEY, CERTIFICATE_IDENTITY nor POLICY is set: no image can be trusted" ]
}

@test "stopping robots that never started is no error, and says so" {
	run -0 --separate-stderr "$manage" -c "$CONF" stop-robots
	[ "$stderr" = "manage-services.sh: no robots were started here" ]
	run -1 "$manage" -c "$CONF" logs-robots
	run -1 "$manage" -c "$CONF" restart-robots
}

@test "start-robots starts three robots by digest, at the newest signed release" {
	release 0.0.2
	release 0.0.10
	bring "$CONF" || true
	run -0 "$manage" -c "$CONF" start-robots
	wait_for 20 healthcheck http://localhost:500{1,2,3}/health
	[ "$(versions)" = "0.0.10 0.0.10 0.0.10" ]
	digest=$(reg-sync --list --tags 0.0.10 "$REGISTRY_LOCAL/robot-app")
	digest=${digest##*@}
	[ "$(sort "$BATS_FILE_TMPDIR/robots.env" | xargs -n 1)" = "$(printf '%s\n' \
		"ROBOT_HOLDER_IMAGE=$REGISTRY_LOCAL/robot-app@$digest" \
		"ROBOT_SERVICE_"{1,2,3}"_IMAGE=$REGISTRY_LOCAL/robot-app@$digest")" ]
	[ "$(running)" = "robot-holder-1 robot-holder-2 robot-holder-3 robot-service-1 robot-service-2 robot-service-3" ]
}

@test "every container is hardened and says whose it is" {
	# Podman tells what ALL is, and neither log options nor sysctls
	for n in 1 2 3; do
		run docker inspect "robot-service-$n"
		jq -e --arg n "$n" --arg restart "$ROBOT_RESTART" --arg engine "$GANTRY_TEST_ENGINE" '.[0] |
			.HostConfig.ReadonlyRootfs and (.HostConfig.CapDrop == ["ALL"] or $engine == "podman")
			and any(.HostConfig.SecurityOpt[]; startswith("no-new-privileges"))
			and .HostConfig.RestartPolicy.Name == $restart
			and (.HostConfig.LogConfig.Config["max-size"] == "1m" or $engine == "podman")
			and .Config.User == "10001:10001" and .Config.Labels.monitoring == "robot"
			and .Config.Labels.robot_id == $n and .Config.Labels["io.gantry.project"] == "gantry"
			and (.Config.Env | index("ROBOT_ID=robot-" + $n))' <<<"$output"
		pid=$(jq '.[0].State.Pid' <<<"$output")
		[ "$(awk '/^(CapEff|NoNewPrivs)/ { print $2 }' "/proc/$pid/status" | xargs)" = "0000000000000000 1" ]
		run docker inspect "robot-holder-$n"
		jq -e --arg n "$n" --arg engine "$GANTRY_TEST_ENGINE" '.[0] |
			.HostConfig.ReadonlyRootfs and (.HostConfig.CapDrop == ["ALL"] or $engine == "podman")
			and .HostConfig.RestartPolicy.Name == "always"
			and (.HostConfig.Sysctls["net.ipv4.tcp_migrate_req"] == "1" or $engine == "podman")
			and .HostConfig.PortBindings["5000/tcp"] == [{HostIp: "127.0.0.1", HostPort: ("500" + $n)}]' \
			<<<"$output"
	done
}

@test "start-robots again leaves every container as it is" {
	docker ps -q --no-trunc | sort >before
	run -0 "$manage" -c "$CONF" start-robots
	docker ps -q --no-trunc | sort | diff before -
}

@test "status is one table: version, digest, health, since when, and where the page is" {
	run -0 --separate-stderr "$manage" -c "$CONF" status
	[[ ${lines[0]} =~ ^SERVICE\ +VERSION\ +DIGEST\ +HEALTH\ +SINCE\ +PAGE$ ]]
	[[ ${lines[1]} =~ ^robot-service-1\ +0\.0\.10\ +sha256:[0-9a-f]+\ +healthy\ +20[0-9T:.Z-]+\ +http://[^\ ]*5001$ ]]
	[[ $output != *robot-holder* ]]
	docker stop -t 1 robot-service-2 >/dev/null
	run -0 --separate-stderr "$manage" -c "$CONF" status
	docker start robot-service-2 >/dev/null
	[[ ${lines[2]} =~ ^robot-service-2\ .*\ exited\  ]]
	wait_for 20 healthcheck "http://localhost:5002/health"
}

@test "health asks every robot" {
	run -0 --separate-stderr "$manage" -c "$CONF" health
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == "healthy http://"*5001/health\ 200\ * ]]
}

@test "logs-robots and logs show what the robots say" {
	run -0 "$manage" -c "$CONF" logs-robots --tail=5
	[[ $output == *robot-service-1* ]]
	[[ $output == *robot-service-3* ]]
	run -0 "$manage" -c "$CONF" logs
	[[ $output == *robot-service-2* ]]
}

@test "restart-robots restarts the services, never the holders" {
	started() { docker inspect --format '{{.Name}} {{.State.StartedAt}}' robot-"$1"-{1,2,3}; }
	started holder >holders
	started service >services
	run -0 "$manage" -c "$CONF" restart-robots
	started holder | diff holders -
	run diff <(started service) services
	[ "$(grep -c '^<' <<<"$output")" = 3 ]
	[ "$(versions)" = "0.0.10 0.0.10 0.0.10" ]
}

@test "stop-robots stops them, start-robots starts the same ones again" {
	docker ps -aq --no-trunc | sort >before
	run -0 "$manage" -c "$CONF" stop-robots
	[ "$(running)" = "" ]
	run -1 "$manage" -c "$CONF" health
	run -0 "$manage" -c "$CONF" start-robots
	wait_for 20 healthcheck http://localhost:500{1,2,3}/health
	docker ps -aq --no-trunc | sort | diff before -
}

@test "after a deployment, a restart of everything comes back at the deployed version" {
	release 0.0.11
	bring "$CONF" || true
	run -0 deploy -c "$CONF"
	[ "$(versions)" = "0.0.11 0.0.11 0.0.11" ]
	"$manage" -c "$CONF" stop-robots
	"$manage" -c "$CONF" start-robots
	wait_for 20 healthcheck http://localhost:500{1,2,3}/health
	[ "$(versions)" = "0.0.11 0.0.11 0.0.11" ]
	[ "$(running)" = "robot-holder-1 robot-holder-2 robot-holder-3 robot-service-1 robot-service-2 robot-service-3" ]
}

@test "the infrastructure starts, serves, shows its log and stops, beside the robots" {
	registry_image
	export REGISTRY_IMAGE=gantry-test/registry:1 REGISTRY_PORT=5999
	run -0 "$manage" -c "$CONF" start-infra
	wait_for 20 curl -fsS http://127.0.0.1:5999/v2/
	[ "$(docker inspect --format '{{index .Config.Labels "io.gantry.project"}}' local-registry)" = gantry ]
	run -0 "$manage" -c "$CONF" logs-infra
	[[ $output == *"listening on"* ]]
	[[ $output != *rphan* ]]
	run -0 "$manage" -c "$CONF" stop-infra
	run ! curl -fsS http://127.0.0.1:5999/v2/
	[ "$(running)" = "robot-holder-1 robot-holder-2 robot-holder-3 robot-service-1 robot-service-2 robot-service-3" ]
}

@test "registry-sync, as nobody in a read-only container without a Docker socket, brings what is signed" {
	registry_image
	publish 0.9.1 good
	publish 0.9.2 stranger
	mkdir conf metrics
	chmod 777 metrics
	cp "$BATS_FILE_TMPDIR/good.pub" conf
	printf '%s\n' REMOTE_IMAGE=localhost:5001/robot-app VERIFY_KEY=/etc/gantry/good.pub >conf/gantry.conf
	"$ROOT/scripts/build-image.sh" --sync --output sync.tar 0.0.1
	reg-sync --insecure-skip-verify oci-archive:sync.tar docker-archive:registry-sync.tar
	docker load -i registry-sync.tar
	export REGISTRY_IMAGE=gantry-test/registry:1 REGISTRY_PORT=5999 COMPOSE_PROFILES=sync \
		SYNC_IMAGE=registry-sync:0.0.1 CONFIG_DIR=$PWD/conf METRICS_DIR=$PWD/metrics
	"$manage" -c "$CONF" start-infra
	# the remote registry is not there yet
	wait_for 20 grep -q gantry_sync_last_run metrics/gantry_sync.prom
	run ! grep -q ^gantry_sync_last_success metrics/gantry_sync.prom
	docker run -d --name remote --network container:local-registry -e REGISTRY_HTTP_ADDR=:5001 \
		-v "$BATS_FILE_TMPDIR/remote:/var/lib/registry:ro" gantry-test/registry:1
	wait_for 10 docker exec registry-sync reg-sync --list localhost:5001/robot-app
	run -1 docker exec registry-sync bash /libexec/sync-images.sh
	[[ $output == *"copied localhost:5000/robot-app:0.9.1@sha256:"* ]]
	[[ $output == *"localhost:5001/robot-app:0.9.2@"*"has no signature that counts"* ]]
	run -0 curl -fsS http://127.0.0.1:5999/v2/robot-app/tags/list
	[[ $output == *'"0.9.1"'* ]]
	[[ $output != *'"0.9.2"'* ]]
	run -0 docker inspect registry-sync
	jq -e --arg engine "$GANTRY_TEST_ENGINE" '.[0] | .HostConfig.ReadonlyRootfs and .Config.User == "10001:10001"
		and .HostConfig.Memory > 0
		and ($engine == "podman" or (.HostConfig.CapDrop == ["ALL"] and .HostConfig.LogConfig.Config["max-size"] == "1m"))
		and all(.Mounts[]; .Source | test("docker.sock") | not)' <<<"$output"
	pid=$(jq '.[0].State.Pid' <<<"$output")
	[ "$(awk '/^(Uid|CapEff)/ { print $2 }' "/proc/$pid/status" | xargs)" = "10001 0000000000000000" ]
	# as its health check asks
	mapfile -t check < <(docker inspect -f '{{range .Config.Healthcheck.Test}}{{println .}}{{end}}' registry-sync | sed '1d;$d')
	wait_for 10 docker exec registry-sync "${check[@]}"
	docker exec registry-sync touch -d 2001-01-01 /run/gantry/sync.looked
	run ! docker exec registry-sync "${check[@]}"
	docker rm -f remote
	docker stop registry-sync
	# it went by itself: whom the engine had to kill ends with 137
	[ "$(docker inspect -f '{{.State.ExitCode}}' registry-sync)" = 0 ]
	"$manage" -c "$CONF" stop-infra
	docker rm -f registry-sync
	docker rm -f local-registry
}

# An image that stands for all of monitoring's: a shell that waits.
waiting_image() {
	mkdir -p waiting/bin
	cp "$(command -v busybox)" waiting/bin
	for name in sh touch date sleep cat; do
		ln -s busybox waiting/bin/$name
	done
	tar -C waiting -c . | docker import -c 'ENTRYPOINT ["sh", "-c", "trap \"exit 0\" TERM; sleep 1000 & wait"]' \
		-c 'ENV PATH=/bin' - gantry-test/waiting:1 >/dev/null
}

@test "monitoring starts and stops beside the robots, and never without its secrets" {
	local name env=$BATS_FILE_TMPDIR/monitoring.env
	run -78 --separate-stderr "$manage" -c "$CONF" start-monitoring
	[ "$stderr" = "manage-services.sh: '$env' cannot be read: copy $ROOT/compose/env.example there and fill it in" ]
	cp "$ROOT/compose/env.example" "$env"
	run ! "$manage" -c "$CONF" start-monitoring
	[[ $output == *"set it in monitoring.env"* ]]
	waiting_image
	touch hook
	mkdir logs
	sed -i -e 's/^GRAFANA_PASSWORD=.*/GRAFANA_PASSWORD=s3cret/' -e "s|^SLACK_WEBHOOK_FILE=.*|SLACK_WEBHOOK_FILE=$PWD/hook|" \
		-e "s|^#CONTAINERS_DIR=.*|CONTAINERS_DIR=$PWD/logs|" "$env"
	for name in PROMETHEUS VMAGENT ALERTMANAGER NODE_EXPORTER CADVISOR GRAFANA LOKI FLUENT_BIT TEMPO; do
		echo "${name}_IMAGE=gantry-test/waiting:1" >>"$env"
	done
	before=$(running)
	run -0 "$manage" -c "$CONF" start-monitoring
	[ "$(running)" = "$(tr ' ' '\n' <<<"$before alertmanager cadvisor fluent-bit grafana loki node-exporter
		prometheus-1 prometheus-2 send-missing tempo vmagent" | grep . | tr -d '\t' | sort | xargs)" ]
	run -0 --separate-stderr "$manage" -c "$CONF" status
	[[ $output == *$'\n'"grafana "*" http://127.0.0.1:3000"* ]]
	run -0 "$manage" -c "$CONF" logs-monitoring
	run -0 "$manage" -c "$CONF" stop-monitoring
	[ "$(running)" = "$before" ]
	docker ps -a --format '{{.Image}} {{.Names}}' | awk '/waiting:1/ { print $2 }' | xargs docker rm >/dev/null
}

@test "start, restart and stop do both" {
	registry_image
	export REGISTRY_IMAGE=gantry-test/registry:1 REGISTRY_PORT=5999
	run -0 "$manage" -c "$CONF" stop
	[ "$(running)" = "" ]
	run -0 "$manage" -c "$CONF" start
	wait_for 20 healthcheck http://localhost:500{1,2,3}/health http://127.0.0.1:5999/v2/
	run -0 "$manage" -c "$CONF" restart
	wait_for 20 healthcheck http://localhost:500{1,2,3}/health http://127.0.0.1:5999/v2/
	run -0 "$manage" -c "$CONF" stop
	[ "$(running)" = "" ]
}
