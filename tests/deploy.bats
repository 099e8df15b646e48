#!/usr/bin/env bats
# deploy, on a real engine with real robots and a real registry.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 2 0.0.1
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
}

short() {
	digest_of "$1" | cut -c 1-19
}

id_of() {
	docker inspect -f '{{.Id}}' "$1"
}

@test "wrong options are 64 with the usage" {
	run --separate-stderr -64 deploy --image a/b:1 --tag 2
	[ "${stderr_lines[0]}" = "deploy: --image and --tag exclude each other" ]
	run --separate-stderr -64 deploy --strategy magic
	[ "${stderr_lines[0]}" = "deploy: the strategy must be auto, handover or recreate, not 'magic'" ]
	run --separate-stderr -64 deploy --soak long
	[[ ${stderr_lines[0]} == "deploy: --soak must be from 0 to 86400 seconds, not 'long'" ]]
	run --separate-stderr -64 deploy -c "$CONF" robot-service-9
	[[ $stderr == "deploy: 'robot-service-9' is not one of the services: robot-service-1 robot-service-2"* ]]
}

@test "settings that are wrong are 78 with file and line" {
	write_conf NO_SUCH_KEY=1
	run --separate-stderr -78 deploy -c "$CONF"
	[ -z "$output" ]
	[[ $stderr == "deploy: $CONF:"*": unknown key 'NO_SUCH_KEY'" ]]
	write_conf STRATEGY=magic
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"STRATEGY: must be auto, handover or recreate, not 'magic'" ]]
	write_conf SERVICE_robot_service_1_HOST=10.0.0.1:2375
	run --separate-stderr -78 deploy -c "$CONF"
	[ "$stderr" = "deploy: engine '10.0.0.1:2375': want unix:///PATH, tcp://HOST[:PORT] or ssh://[USER@]HOST[:PORT]" ]
	run --separate-stderr -78 deploy -c "$BATS_TEST_TMPDIR/nosuch.conf"
}

@test "no engine is 71, and one line that names the socket" {
	DOCKER_HOST=unix:///nosuch/docker.sock run --separate-stderr -71 deploy -c "$CONF"
	[ -z "$output" ]
	[ "$stderr" = "deploy: no container engine at '/nosuch/docker.sock': No such file or directory" ]
}

@test "no registry is 75, and one line" {
	write_conf
	sed -i 's/^REGISTRY_URL=.*/REGISTRY_URL=127.0.0.1:1/' "$CONF"
	run --separate-stderr -75 deploy -c "$CONF"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"127.0.0.1:1"* ]]
}

@test "a web server that is no registry is 75" {
	sed -i 's/^REGISTRY_URL=.*/REGISTRY_URL=127.0.0.1:5001/' "$CONF"
	run --separate-stderr -75 deploy -c "$CONF"
	[[ $stderr == *"127.0.0.1:5001"* ]]
}

@test "a container that is not there is 1" {
	sed -i 's/^ROBOT_CONTAINERS=.*/ROBOT_CONTAINERS=robot-service-7/' "$CONF"
	run --separate-stderr -1 deploy -c "$CONF"
	[[ $stderr == "deploy: no container 'robot-service-7' at '$DOCKER_HOST'" ]]
}

@test "--check is 0 with nothing new, 10 and the image with something new" {
	run --separate-stderr -0 deploy -c "$CONF" --check
	[ -z "$output$stderr" ]
	release 0.0.2
	run --separate-stderr -10 deploy -c "$CONF" --check
	[ "$output" = "$IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	run --separate-stderr -10 deploy -c "$CONF" --check --json
	[ "$(jq -r .image <<<"$output")" = "$IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ ! -e "$STATE/journal.jsonl" ]
}

@test "--dry-run says what would be done" {
	run --separate-stderr -0 deploy -c "$CONF" -n
	[ "${lines[0]}" = "would-move robot-service-1 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${lines[1]}" = "would-move robot-service-2 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${#lines[@]}" = 2 ]
	all_at 0.0.1
}

@test "without a key nothing is trusted: 78" {
	sed -i '/^VERIFY_KEY/d' "$CONF"
	run --separate-stderr -78 deploy -c "$CONF"
	[ -z "$output" ]
	[ "$stderr" = "deploy: nobody to trust: neither VERIFY_KEY nor POLICY is set" ]
	all_at 0.0.1
}

@test "an image that nobody signed is refused: 1, unless told otherwise aloud" {
	build_release 0.0.9-unsigned
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.9-unsigned
	[ -z "$output" ]
	[[ $stderr == "deploy: '$IMAGE@$(digest_of 0.0.9-unsigned)' is refused: "* ]]
	all_at 0.0.1
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.9-unsigned --insecure-skip-verify robot-service-2
	[[ ${stderr_lines[0]} == "deploy: warning: signatures are not checked (--insecure-skip-verify)" ]]
	[ "$(version_of 1)" = 0.0.1 ]
	[ "$(version_of 2)" = 0.0.9-unsigned ]
	run -0 deploy -c "$CONF" --tag 0.0.1
	all_at 0.0.1
}

@test "services move to the newest release, one after another, and nobody notices" {
	holder=$(id_of robot-holder-1)
	start_load
	run --separate-stderr -0 deploy -c "$CONF"
	end_load
	[ "${lines[0]}" = "moved robot-service-1 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${lines[1]}" = "moved robot-service-2 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${#lines[@]}" = 2 ]
	[ "${stderr_lines[0]}" = "deploy: robot-service-1: 0.0.1 to 0.0.2 by handover" ]
	[ "${stderr_lines[1]}" = "deploy: robot-service-2: 0.0.1 to 0.0.2 by handover" ]
	all_at 0.0.2
	[ "$(id_of robot-holder-1)" = "$holder" ]
}

@test "what people set stays with the container" {
	run -0 docker inspect -f '{{.Config.Labels.site}} {{.HostConfig.ReadonlyRootfs}} {{.Config.Image}}' robot-service-1
	[ "$output" = "test true $IMAGE@$(digest_of 0.0.2)" ]
	run -0 docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' robot-service-1
	[[ $output == *"ROBOT_ID=robot-1"* ]]
	[[ $output == *"APP_VERSION=0.0.2"* ]]
	[[ $output == *"GANTRY_INSTANCE="* ]]
	[[ $output == *"GANTRY_IMAGE=$IMAGE@$(digest_of 0.0.2)"* ]]
}

@test "the pins file agrees, and other lines in it stay" {
	[ "$(grep -c . "$PINS")" = 2 ]
	grep -qx "ROBOT_SERVICE_1_IMAGE=$IMAGE@$(digest_of 0.0.2)" "$PINS"
	grep -qx "ROBOT_SERVICE_2_IMAGE=$IMAGE@$(digest_of 0.0.2)" "$PINS"
}

@test "with nothing to do it is 0, says so, and leaves the containers alone" {
	before=$(id_of robot-service-1)
	run --separate-stderr -0 deploy -c "$CONF"
	[ -z "$output" ]
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
	[ "$(id_of robot-service-1)" = "$before" ]
	run --separate-stderr -0 deploy -q -c "$CONF"
	[ -z "$output$stderr" ]
}

@test "--image takes an image by its digest" {
	run --separate-stderr -0 deploy -c "$CONF" --json --image "$IMAGE@$(digest_of 0.0.1)" robot-service-1
	[ "$(jq -r '[.result, .service, .image] | join(" ")' <<<"$output")" = \
		"moved robot-service-1 $IMAGE@$(digest_of 0.0.1)" ]
	[ "$(version_of 1)" = 0.0.1 ]
	run -0 deploy -c "$CONF" robot-service-1
	all_at 0.0.2
}

@test "a second run at the same time is 75 and says who is first" {
	(
		exec 9<>"$STATE/lock" 3>&-
		flock 9
		echo "deploy, pid 7 since noon" >"$STATE/lock"
		exec sleep 60
	) &
	pid=$!
	wait_for 5 grep -q noon "$STATE/lock"
	run --separate-stderr -75 deploy -c "$CONF"
	[ "$stderr" = "deploy: '$STATE/lock' is held by deploy, pid 7 since noon" ]
	run --separate-stderr -0 deploy -c "$CONF" --history
	kill "$pid"
	wait_for 5 flock -n "$STATE/lock" true
}

@test "a release that is not healthy: everything goes back, 3" {
	release 0.0.3 --env LOG_DIR=/nonexistent
	before=$(id_of robot-service-1)
	start_load
	run --separate-stderr -3 deploy -c "$CONF"
	end_load
	[[ ${lines[0]} == "failed robot-service-1 $IMAGE:0.0.3@$(digest_of 0.0.3) 'robot-service-1': "*"503"* ]]
	[ "${lines[1]}" = "back robot-service-1 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${#lines[@]}" = 2 ]
	[[ $stderr == *"deploy: 0.0.3 failed and was rolled back: 'robot-service-1': "* ]]
	[ "$(id_of robot-service-1)" = "$before" ]
	all_at 0.0.2
}

@test "what failed is in quarantine: the next run says so and does nothing" {
	run --separate-stderr -0 deploy -c "$CONF"
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "deploy: 0.0.3 ($(short 0.0.3)) is quarantined since 20"*": 'robot-service-1': "* ]]
	[ "${stderr_lines[1]}" = "deploy: nothing to do" ]
	run --separate-stderr -0 deploy -c "$CONF" --check
	[ -z "$output" ]
}

@test "asked for by name it is refused: 1" {
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3
	[[ $stderr == "deploy: 0.0.3 ($(short 0.0.3)) is quarantined since "*"(--force lifts it)" ]]
}

@test "--force tries it again" {
	run --separate-stderr -3 deploy -c "$CONF" --force
	[[ ${lines[0]} == "failed robot-service-1 "* ]]
	all_at 0.0.2
	[ "$(jq -r 'select(.event == "lift") | .digest' "$STATE/journal.jsonl")" = "$(digest_of 0.0.3)" ]
	run -0 deploy -c "$CONF" --check
}

@test "a release that is bad for the second robot takes the first back too" {
	docker rm -f robot-service-2 >/dev/null
	docker run -d --name robot-service-2 --restart "$ROBOT_RESTART" --read-only \
		--network container:robot-holder-2 "${ROBOT_RUN[@]}" \
		"$IMAGE@$(digest_of 0.0.2)" >/dev/null
	wait_for 10 healthy 2
	release 0.0.4 --env 'ROBOT_ID=not a word'
	run --separate-stderr -3 deploy -c "$CONF"
	[ "${lines[0]}" = "moved robot-service-1 $IMAGE:0.0.4@$(digest_of 0.0.4)" ]
	[[ ${lines[1]} == "failed robot-service-2 "*"it ended with status 78: "*"ROBOT_ID"* ]]
	[ "${lines[2]}" = "back robot-service-2 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	[ "${lines[3]}" = "back robot-service-1 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	all_at 0.0.2
	grep -qx "ROBOT_SERVICE_1_IMAGE=$IMAGE@$(digest_of 0.0.2)" "$PINS"
}

@test "the next older release counts if it is newer than what runs" {
	release 0.0.5
	release 0.0.6 --env LOG_DIR=/nonexistent
	run -3 deploy -c "$CONF"
	run --separate-stderr -0 deploy -c "$CONF"
	[[ ${stderr_lines[0]} == "deploy: 0.0.6 ("*") is quarantined since "* ]]
	[ "${lines[0]}" = "moved robot-service-1 $IMAGE:0.0.5@$(digest_of 0.0.5)" ]
	all_at 0.0.5
}

@test "a layer whose bytes are wrong is the place's fault: 75, and not held against the release" {
	release 0.0.7 --env EXTRA=7
	layer=$(tar -xOf "$BATS_FILE_TMPDIR/0.0.7.tar" "blobs/sha256/$(digest_of 0.0.7 | cut -d: -f2)" |
		jq -r '.config.digest' | cut -d: -f2)
	blob=$BATS_FILE_TMPDIR/local/docker/registry/v2/blobs/sha256/${layer:0:2}/$layer/data
	cp "$blob" "$BATS_TEST_TMPDIR/blob"
	tr 7 8 <"$BATS_TEST_TMPDIR/blob" >"$blob"
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.7
	[ -z "$output" ]
	[[ $stderr == "deploy: pull '$IMAGE@$(digest_of 0.0.7)': "* ]]
	all_at 0.0.5
	cp "$BATS_TEST_TMPDIR/blob" "$blob"
	run -0 deploy -c "$CONF" --tag 0.0.7
	all_at 0.0.7
	run -0 deploy -c "$CONF" --tag 0.0.5
}

@test "somebody else's container in the way is not touched: 71" {
	docker create --name robot-service-1-next "$IMAGE@$(digest_of 0.0.2)" >/dev/null
	run --separate-stderr -71 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == *"container 'robot-service-1-next' is in the way and not Gantry's: remove it"* ]]
	docker inspect robot-service-1-next >/dev/null
	docker rm robot-service-1-next >/dev/null
	all_at 0.0.5
	run -0 deploy -c "$CONF" --tag 0.0.5
}

@test "a robot that the engine could not bring back is started, one that a person stopped is not" {
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman starts the holder along with its robot"
	# as after a power loss, when the engine starts robots before their holders
	docker stop robot-service-1 robot-service-2 robot-holder-1 >/dev/null
	run ! docker start robot-service-1
	docker start robot-holder-1 >/dev/null
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.5
	[ "${stderr_lines[0]}" = "deploy: robot-service-1: was left down by the engine, is started" ]
	[ "${#stderr_lines[@]}" = 2 ]
	wait_for 10 healthy 1
	[ "$(docker inspect -f '{{.State.Running}}' robot-service-2)" = false ]
	docker start robot-service-2 >/dev/null
	wait_for 10 healthy 2
}

@test "SIGTERM before the commit leaves everything as it was: 75" {
	deploy -c "$CONF" --tag 0.0.2 --soak 60 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 20 soaking
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 75 ]
	grep -q "stopped by a signal" "$BATS_TEST_TMPDIR/out"
	all_at 0.0.5
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.5
	[ "$stderr" = "deploy: every service runs 0.0.5 already" ]
}

soaking() {
	[ "$(tail -n 1 "$STATE/journal.jsonl" | jq -r .step)" = soak ]
}

@test "a container with a port of its own is recreated" {
	docker rm -f robot-service-1 >/dev/null
	docker rm -f robot-holder-1 >/dev/null
	docker run -d --name robot-service-1 --restart "$ROBOT_RESTART" --read-only -p 127.0.0.1:5001:5000 \
		"${ROBOT_RUN[@]}" "$IMAGE@$(digest_of 0.0.5)" >/dev/null
	wait_for 10 healthy 1
	run --separate-stderr -78 deploy -c "$CONF" --strategy handover --tag 0.0.2 robot-service-1
	[[ $stderr == *"'robot-service-1' cannot be handed over: it does not join a holder's network"* ]]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 robot-service-1
	[ "${stderr_lines[0]}" = "deploy: robot-service-1: 0.0.5 to 0.0.2 by recreate" ]
	run --separate-stderr -3 deploy -c "$CONF" --force --tag 0.0.3 robot-service-1
	run -0 deploy -c "$CONF" --tag 0.0.2
	all_at 0.0.2
}

@test "POLICY stands for the key, by the repository that is deployed" {
	policy=$BATS_TEST_TMPDIR/policy.json
	sed -i "s|^VERIFY_KEY=.*|POLICY=$policy|" "$CONF"
	jq -n --arg k "$BATS_FILE_TMPDIR/key.pub" \
		'{rules: [{repositories: ["registry.example/*"], keys: [$k]}]}' >"$policy"
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.1 robot-service-2
	[ "$stderr" = "deploy: '$IMAGE@$(digest_of 0.0.1)' is refused: no rule of policy '$policy' speaks of '$IMAGE'" ]
	[ "$(version_of 2)" = 0.0.2 ]
	jq --arg i "$IMAGE" '.rules[0].repositories = [$i]' "$policy" >"$policy.new"
	mv "$policy.new" "$policy"
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1 robot-service-2
	[ "$(version_of 2)" = 0.0.1 ]
	run -0 deploy -c "$CONF" --tag 0.0.2 robot-service-2
	all_at 0.0.2
}

@test "--status and --history, also as JSON and with the engine down" {
	run --separate-stderr -0 deploy -c "$CONF" --status
	[[ ${lines[0]} == "robot-service-1 0.0.2 $(short 0.0.2) running 20"* ]]
	run -0 deploy -c "$CONF" --status --json robot-service-2
	[ "$(jq -r '[.service, .tag, .digest, .state] | join(" ")' <<<"$output")" = \
		"robot-service-2 0.0.2 $(digest_of 0.0.2) running" ]
	run --separate-stderr -0 deploy -c "$CONF" --history
	[[ ${lines[0]} == "20"*" deploy 0.0.9-unsigned $(short 0.0.9-unsigned) done soaked -" ]]
	[[ $output == *" deploy 0.0.3 $(short 0.0.3) rolled-back candidate 'robot-service-1': "* ]]
	[[ $output == *" deploy 0.0.2 $(short 0.0.2) stopped healthy "*"stopped by a signal"* ]]
	kill_engine
	run --separate-stderr -0 deploy -c "$CONF" --status
	[[ ${lines[0]} == "robot-service-1 0.0.2 $(short 0.0.2) unknown 20"* ]]
	[ "${stderr_lines[0]}" = "deploy: warning: no container engine at '$SITE/docker.sock': No such file or directory; from the journal alone" ]
	[[ $stderr == *"deploy: 0.0.3 ($(short 0.0.3)) is quarantined since 20"*": 'robot-service-1': "*503* ]]
	[[ $stderr != *"0.0.2 ("* ]]
	run --separate-stderr -0 deploy -c "$CONF" --history --json
	[ -z "$stderr" ]
	[ "$(jq -r .kind <<<"${lines[0]}")" = deploy ]
	run -71 deploy -c "$CONF"
	start_engine
}
