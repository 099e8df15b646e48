#!/usr/bin/env bats
# The demo, step by step: what it says, what is really there, that it starts clean again, and that it
# leaves nothing.

load helpers/common
load helpers/engine

setup_file() {
	export DEMO_DIR=$BATS_FILE_TMPDIR/demo D=$BATS_FILE_TMPDIR/demo
	export DEMO=$ROOT/scripts/demo.sh
	# the first story finds no engine on this machine
	unset DOCKER_HOST
	traces >"$BATS_FILE_TMPDIR/before"
	"$DEMO" start >"$BATS_FILE_TMPDIR/said" 2>&1 || {
		cat "$BATS_FILE_TMPDIR/said" >&2
		"$DEMO" stop
		return 1
	}
}

teardown_file() {
	"$DEMO" stop >/dev/null
	[ ! -f "$BATS_FILE_TMPDIR/env" ] || . "$BATS_FILE_TMPDIR/env"
	stop_site
	stop_all
}

# What a demo could leave on the machine: processes, mounts, sockets, control groups, files.
traces() {
	ps -eo comm= | grep -E 'docker|containerd|robot-serve|load' | sort
	# networks of other tests come and go
	awk '$5 !~ "^/run/netns/" { print $5 }' /proc/self/mountinfo | sort
	ss -Hlntx | awk '{ print $1, $5 }' | sort
	ip -o link | cut -d: -f2 | sort
	find /sys/fs/cgroup -type d -name '*gantry*' | sort
	find /etc/docker /run -maxdepth 1 2>/dev/null | grep -E 'docker|gantry|contain' | sort
	# other tests are at work here too
	find /tmp -maxdepth 1 -name 'gantry-demo*' | sort
	iptables-save 2>/dev/null | grep -v "^#" || true
}

said() {
	grep -E "$1" "$BATS_FILE_TMPDIR/said"
}

# after STEP: what was printed by a step, from the story's log.
after() {
	awk -v words="--- $1" 'index($0, "--- ") == 1 { on = index($0, words) == 1 } on' "$D/story.log"
}

own() {
	DOCKER_HOST=unix://$D/docker.sock docker "$@"
}

version_of() {
	curl -fsS "http://localhost:$1/health" | jq -r .version
}

@test "every step is a line that begins with ok, and none failed" {
	said '^  ok  ' | sed 's/:.*//; s/  *[0-9.]* s$//; s/^  ok  //' >"$BATS_TEST_TMPDIR/steps"
	diff "$BATS_TEST_TMPDIR/steps" - <<-'STEPS'
		an engine
		two registries
		a key to sign with, and somebody else's
		the site's configuration
		0.0.1 is built, pushed to the remote registry and signed
		sync brings 0.0.1 and its signature to the site
		three robots start at 0.0.1
		0.0.2 is built, pushed and signed
		sync brings 0.0.2
		deploy moves the robots to 0.0.2, one at a time
		0.0.3 is signed too, but will not be healthy
		sync brings 0.0.3
		deploy tries 0.0.3, and takes every robot back to 0.0.2 (exit 3)
		the next deploy knows that 0.0.3 is quarantined, and does nothing
		0.0.4 is signed with somebody else's key
		sync refuses 0.0.4 (exit 1)
		rollback takes the robots to 0.0.1, because we say so
	STEPS
	run ! said FAIL
}

@test "an engine was started, as none ran, and the line says which" {
	said 'an engine: Docker [0-9.+a-z]+ \(API 1\.[0-9]+\) at /'
	own version
}

@test "two registries serve: all four releases on the remote, three here" {
	run reg-sync --list 127.0.0.2:5000/robot-app
	[ "$(sed 's/.*:\(.*\)@.*/\1/' <<<"$output" | sort | xargs)" = "0.0.1 0.0.2 0.0.3 0.0.4" ]
	run reg-sync --list localhost:5000/robot-app
	[ "$(sed 's/.*:\(.*\)@.*/\1/' <<<"$output" | sort | xargs)" = "0.0.1 0.0.2 0.0.3" ]
	for tag in 0.0.1 0.0.2 0.0.3; do
		[ "$(reg-sync --list --tags $tag localhost:5000/robot-app | cut -d@ -f2)" = \
			"$(reg-sync --list --tags $tag 127.0.0.2:5000/robot-app | cut -d@ -f2)" ]
	done
}

@test "the site can verify by itself what it has; 0.0.4 has a signature, but not ours" {
	img-verify -q --key "$D/keys/cosign.pub" localhost:5000/robot-app:0.0.{1,2,3}
	run -1 img-verify -q --key "$D/keys/cosign.pub" 127.0.0.2:5000/robot-app:0.0.4
	img-verify -q --key "$D/keys/stranger.pub" 127.0.0.2:5000/robot-app:0.0.4
}

@test "sync copied each release once and refused the stranger's by name" {
	after "sync brings 0.0.1" | grep -q "^copied .*:0.0.1@sha256:"
	after "sync brings 0.0.2" | grep -q "^copied .*:0.0.2@sha256:"
	after "sync brings 0.0.2" | grep -q "^current .*:0.0.1@sha256:"
	after "sync brings 0.0.3" | grep -q "^copied .*:0.0.3@sha256:"
	after "sync refuses 0.0.4" | grep -q "0.0.4"
	run ! grep -E "^copied .*:0.0.4@" "$D/story.log"
}

@test "0.0.3 was healthy for nobody: the deployment said why" {
	after "deploy tries 0.0.3" | grep -q "nonexistent\|503\|unhealthy"
}

@test "the second deploy of 0.0.3 named the quarantine" {
	after "the next deploy knows" | grep -qi "quarantine"
}

@test "no request was lost while robots moved" {
	[ "$(said 'requests' | wc -l)" = 3 ]
	while read -r line; do
		[[ $line =~ ([0-9]+)\ requests,\ ([0-9]+)\ failed ]]
		[ "${BASH_REMATCH[1]}" -gt 100 ]
		[ "${BASH_REMATCH[2]}" = 0 ]
	done < <(said 'requests')
}

@test "three robots run 0.0.1 by digest, healthy, and the page answers where the demo says" {
	local n digest
	digest=$(reg-sync --list --tags 0.0.1 localhost:5000/robot-app)
	digest=${digest##*@}
	for n in 1 2 3; do
		[ "$(version_of 500$n)" = 0.0.1 ]
		said "robot-$n  http://localhost:500$n/"
		curl -fsS "http://localhost:500$n/" | grep -qi "<html"
		own inspect "robot-service-$n" | jq -e --arg i "localhost:5000/robot-app@$digest" \
			'.[0].Config.Image == $i and .[0].State.Running
			and .[0].HostConfig.RestartPolicy.Name == "unless-stopped"'
		grep -qx "ROBOT_SERVICE_${n}_IMAGE=localhost:5000/robot-app@$digest" "$D/state/robots.env"
	done
}

@test "everything on the engine carries the project's name and label, and nothing is left half done" {
	# beside those that only keep an image from being pruned
	[ "$(own ps -a --format '{{.Names}}' | grep -vc ^gantry-keep-)" = 6 ]
	[ "$(own ps -aq --filter label=io.gantry.project="$(cat "$D/project")" \
		--filter label=com.docker.compose.project="$(cat "$D/project")" | wc -l)" = 6 ]
	[ "$(own network ls -q --filter label=io.gantry.project="$(cat "$D/project")" | wc -l)" = 1 ]
	[ "$(own ps -a --format '{{.Names}}' | grep -v ^gantry-keep- | sort | xargs)" = \
		"robot-holder-1 robot-holder-2 robot-holder-3 robot-service-1 robot-service-2 robot-service-3" ]
}

@test "the holders never changed: they run what they were started with" {
	run own inspect --format '{{.RestartCount}} {{.Config.Image}}' robot-holder-{1,2,3}
	[ "$(sort -u <<<"$output" | wc -l)" = 1 ]
}

@test "the journal tells the whole history, and nothing is unfinished" {
	run deploy -c "$D/gantry.conf" --history
	[ "$status" -eq 0 ]
	for version in 0.0.1 0.0.2 0.0.3; do
		[[ $output == *"$version"* ]]
	done
	[[ $(cat "$BATS_FILE_TMPDIR/said") == *"The journal:"*0.0.2*0.0.3*0.0.1* ]]
	run -0 rollback -c "$D/gantry.conf" --list
	[[ $output == *0.0.2* ]]
	[[ $output != *0.0.3* ]]
}

@test "the site is well in the eyes of test-deployment.sh" {
	DOCKER_HOST=unix://$D/docker.sock run "$ROOT/scripts/test-deployment.sh" -c "$D/gantry.conf"
	[ "$status" -eq 0 ]
}

@test "a taken port is said in words before anything starts" {
	local port
	port=$(free_port)
	listen $((port + 2))
	run -1 --separate-stderr env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT="$port" "$DEMO" start
	[ "$output" = "" ]
	[[ $stderr == "demo.sh: port $((port + 2)) is taken (python3, process "*"): end that, or play on four other ports with GANTRY_PORT=7000" ]]
	[ ! -e "$BATS_TEST_TMPDIR/other" ]
	stop_all
}

listen() {
	python3 -m http.server -b 127.0.0.1 "$1" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fsS "http://127.0.0.1:$1/"
}

@test "wrong usage and wrong ports are 64" {
	run -64 --separate-stderr "$DEMO"
	[ "${stderr_lines[0]}" = "demo.sh: start or stop?" ]
	run -64 "$DEMO" frob
	run -64 env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT=http "$DEMO" start
	run -64 env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT=65533 "$DEMO" start
	[ ! -e "$BATS_TEST_TMPDIR/other" ]
	run -0 --separate-stderr "$DEMO" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: demo.sh start [-v] | stop"* ]]
}

@test "an engine elsewhere, or one that does not answer, is refused in words" {
	run -1 --separate-stderr env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT=7000 \
		DOCKER_HOST=tcp://10.0.0.1:2375 "$DEMO" start
	[[ $stderr == "demo.sh: the demo plays on this machine: DOCKER_HOST must be unix://SOCKET, not 'tcp://10.0.0.1:2375'" ]]
	run -71 --separate-stderr env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT=7000 \
		DOCKER_HOST=unix:///nonexistent.sock "$DEMO" start
	[[ $stderr == "demo.sh: no engine answers at DOCKER_HOST=unix:///nonexistent.sock" ]]
	[ ! -e "$BATS_TEST_TMPDIR/other" ]
}

@test "stop leaves nothing: no process, mount, socket, network, control group or file" {
	run -0 "$DEMO" stop
	[ "$output" = "Everything that the demo made is gone." ]
	[ ! -e "$D" ]
	traces | diff "$BATS_FILE_TMPDIR/before" -
}

@test "stop where nothing runs is no error" {
	run -0 "$DEMO" stop
	[ "$output" = "Everything that the demo made is gone." ]
}

# The second story: on an engine that somebody uses already.

everything() {
	docker ps -a --format '{{.ID}} {{.Names}} {{.State}}'
	docker images --digests --format '{{.ID}} {{.Repository}}'
	docker network ls --format '{{.ID}} {{.Name}}'
	docker volume ls -q
}

@test "a container that has a robot's name, but is not the demo's, is refused and untouched" {
	start_site
	mkdir "$BATS_TEST_TMPDIR/image"
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/image/"
	tar -C "$BATS_TEST_TMPDIR/image" -c . | docker import - mine:1 >/dev/null
	docker network create mine >/dev/null
	docker create --name mine --network mine --label keep=1 mine:1 sh >/dev/null
	docker create --name robot-service-1 mine:1 sh >/dev/null
	everything >"$BATS_FILE_TMPDIR/engine"
	run -1 --separate-stderr env GANTRY_PORT=7000 "$DEMO" start
	[[ $stderr == *"there is a container named robot-service-1 that is not the demo's: rename it, or name another engine in DOCKER_HOST" ]]
	everything | diff "$BATS_FILE_TMPDIR/engine" -
	[ ! -e "$D" ]
	docker rename robot-service-1 another
	everything >"$BATS_FILE_TMPDIR/engine"
	# every engine makes this folder with its first container, and keeps it
	mkdir -p /run/containerd
	traces >"$BATS_FILE_TMPDIR/before"
	{
		echo "export SITE=$SITE DOCKER_HOST=$DOCKER_HOST"
	} >"$BATS_FILE_TMPDIR/env"
}

@test "a demo that is killed in the middle is cleared away by the next one, which plays on other ports" {
	. "$BATS_FILE_TMPDIR/env"
	GANTRY_PORT=7000 "$DEMO" start >"$BATS_TEST_TMPDIR/killed" 2>&1 3>&- &
	pid=$!
	wait_for 40 grep -q 'ok.*three robots start' "$BATS_TEST_TMPDIR/killed"
	kill -9 "$pid"
	run -0 env GANTRY_PORT=7000 "$DEMO" start -v
	[[ ${lines[0]} == "The demo of before is taken away first." ]]
	[ "$(grep -c '^  ok  ' <<<"$output")" = 17 ]
	[[ $output == *"        \$ "*"sync-images.sh "* ]]
	[[ $output == *"        copied localhost:7000/robot-app:0.0.1@sha256:"* ]]
	[[ $output == *"robot-3  http://localhost:7003/"* ]]
	for n in 1 2 3; do
		[ "$(version_of 700$n)" = 0.0.1 ]
	done
	[ "$(docker ps -q | wc -l)" = 6 ]
}

@test "another folder's demo: start is refused in words, and stop leaves the first one running" {
	. "$BATS_FILE_TMPDIR/env"
	docker ps -aq --no-trunc | sort >"$BATS_TEST_TMPDIR/running"
	run -1 --separate-stderr env DEMO_DIR="$BATS_TEST_TMPDIR/other" GANTRY_PORT=7100 "$DEMO" start
	[ "$stderr" = "demo.sh: robot-holder-1 of another folder's demo is there: make demo-stop in that folder takes it away" ]
	run -0 env DEMO_DIR="$BATS_TEST_TMPDIR/other" "$DEMO" stop
	docker ps -aq --no-trunc | sort | diff "$BATS_TEST_TMPDIR/running" -
	for n in 1 2 3; do
		[ "$(version_of 700$n)" = 0.0.1 ]
	done
	[ -d "$D" ]
}

@test "its stop takes away what the demo made and nothing else, whatever DOCKER_HOST says by then" {
	. "$BATS_FILE_TMPDIR/env"
	run -0 env -u DOCKER_HOST "$DEMO" stop
	[ ! -e "$D" ]
	everything | diff "$BATS_FILE_TMPDIR/engine" -
	[ "$GANTRY_TEST_ENGINE" = docker ] || return 0 # Podman leaves chains of its own
	traces | diff "$BATS_FILE_TMPDIR/before" -
}
