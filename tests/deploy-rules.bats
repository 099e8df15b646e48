#!/usr/bin/env bats
# When deploy may begin, who has a say in it, and what a failure takes with it.
load helpers/common
load helpers/engine
load helpers/fleet
load helpers/collector

setup_file() {
	start_fleet 2 0.0.1
	release 0.0.2
	# its image asks for a log folder that is not there: honestly unhealthy
	release 0.0.3 --env LOG_DIR=/nosuch
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
}

# hook NAME LINE...: a hook that notes what it was told, and then does that.
hook() {
	local name=$1
	shift
	mkdir -p "$BATS_TEST_TMPDIR/hooks"
	{
		echo '#!/bin/sh'
		echo "echo \"$name \$GANTRY_SERVICE \$GANTRY_TAG \$GANTRY_OLD_DIGEST \$GANTRY_NEW_DIGEST\" >>'$BATS_TEST_TMPDIR/told'"
		printf '%s\n' "$@"
	} >"$BATS_TEST_TMPDIR/hooks/$name"
	chmod +x "$BATS_TEST_TMPDIR/hooks/$name"
	write_conf "HOOKS_DIR='$BATS_TEST_TMPDIR/hooks'"
}

told() {
	cat "$BATS_TEST_TMPDIR/told"
}

@test "outside its window nothing begins: 75 and one line; a bad window is 78" {
	local hour
	hour=$(date +%H)
	printf -v closed '%02d:00-%02d:01' $(((10#$hour + 12) % 24)) $(((10#$hour + 12) % 24))
	write_conf "UPDATE_WINDOW='$closed'"
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[ -z "$output" ]
	[[ $stderr == "deploy: it is "*", outside UPDATE_WINDOW '$closed'" ]]
	all_at 0.0.1
	write_conf "UPDATE_WINDOW='Mon-Fri 22:00'"
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == "deploy: $CONF:"*": UPDATE_WINDOW: 'Mon-Fri 22:00' is not [DAYS] HH:MM-HH:MM" ]]
	# with nothing to do the hour does not matter
	write_conf "UPDATE_WINDOW='$closed'"
	run -0 deploy -c "$CONF" --tag 0.0.1
}

@test "an inhibit file holds it, until its time is over or somebody forces it" {
	mkdir -p "$STATE"
	printf '%s\n' OWNER=ann "REASON='the press is here'" UNTIL=2099-01-01T00:00:00Z >"$STATE/inhibit"
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: inhibited by ann until 2099-01-01T00:00:00Z: the press is here (--force goes on)" ]
	all_at 0.0.1
	echo "UNTIL=tomorrow" >"$STATE/inhibit"
	run --separate-stderr -78 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: $STATE/inhibit:1: UNTIL: 'tomorrow' is not a time like 2026-11-21T18:00:00Z" ]
	echo "UNTIL=2020-01-01T00:00:00Z" >"$STATE/inhibit"
	run -0 deploy -c "$CONF" --tag 0.0.2
	all_at 0.0.2
	echo "OWNER=ann" >"$STATE/inhibit"
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.1
	[ "$stderr" = "deploy: inhibited by ann (--force goes on)" ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1 --force
	[[ ${stderr_lines[0]} == "deploy: warning: inhibited by ann: goes on (--force)" ]]
	all_at 0.0.1
	rm "$STATE/inhibit"
}

@test "--stage verifies and pulls at any time, --switch needs no registry" {
	run --separate-stderr -1 deploy -c "$CONF" --switch
	[ "$stderr" = "deploy: nothing is staged: deploy --stage comes first" ]
	run --separate-stderr -64 deploy -c "$CONF" --switch --tag 0.0.2
	[[ ${stderr_lines[0]} == "deploy: --switch takes what was staged, no --image or --tag" ]]
	echo "OWNER=ann" >"$STATE/inhibit"
	run --separate-stderr -0 deploy -c "$CONF" --stage --tag 0.0.2
	[ "$output" = "$IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	all_at 0.0.1
	sed -i 's/^REGISTRY_URL=.*/REGISTRY_URL=127.0.0.1:1/' "$CONF"
	run -75 deploy -c "$CONF" --switch
	rm "$STATE/inhibit"
	run --separate-stderr -0 deploy -c "$CONF" -n --switch
	[ "${lines[0]}" = "would-move robot-service-1 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	run --separate-stderr -0 deploy -c "$CONF" --switch
	[ "${lines[1]}" = "moved robot-service-2 $IMAGE:0.0.2@$(digest_of 0.0.2)" ]
	all_at 0.0.2
	run --separate-stderr -0 deploy -c "$CONF" --switch
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
	run -0 rollback -c "$CONF"
	all_at 0.0.1
	# gone back from by hand: the staged one is in quarantine
	run --separate-stderr -1 deploy -c "$CONF" --switch
	[[ $stderr == *"is quarantined since "*"rolled back by hand (--force lifts it)" ]]
}

@test "what was staged and is gone is said, nothing changes" {
	reset_fleet 0.0.1
	deploy -c "$CONF" --stage --tag 0.0.2
	local staged=$IMAGE@$(digest_of 0.0.2)
	# of what has other names Podman takes this one alone
	[ "$GANTRY_TEST_ENGINE" = docker ] || staged=$(podman image inspect -f '{{.Id}}' "$staged")
	docker rmi -f "$staged" >/dev/null
	run --separate-stderr -1 deploy -c "$CONF" --switch
	[[ $stderr == "deploy: what was staged is gone: "* ]]
	all_at 0.0.1
}

@test "hooks are told what happens, in order, and what they print reaches the log" {
	reset_fleet 0.0.1
	for h in pre-deploy pre-switch post-switch failed rolled-back; do hook "$h"; done
	hook post-deploy 'echo all done; echo twice' "echo \$GANTRY_DEPLOYMENT >'$BATS_TEST_TMPDIR/id'"
	run --separate-stderr -0 env GANTRY_SERVICE=mine deploy -c "$CONF" --tag 0.0.2
	local old new
	old=$(digest_of 0.0.1) new=$(digest_of 0.0.2)
	[ "$(told)" = "pre-deploy  0.0.2  $new
pre-switch robot-service-1 0.0.2 $old $new
post-switch robot-service-1 0.0.2 $old $new
pre-switch robot-service-2 0.0.2 $old $new
post-switch robot-service-2 0.0.2 $old $new
post-deploy  0.0.2  $new" ]
	[[ $stderr == *"deploy: post-deploy: all done"*"deploy: post-deploy: twice"* ]]
	grep -q "\"$(cat "$BATS_TEST_TMPDIR/id")\"" "$STATE/journal.jsonl"
	# a rollback is stopped by nobody
	hook pre-switch 'exit 1'
	rm "$BATS_TEST_TMPDIR/told"
	run -0 rollback -c "$CONF"
	[ ! -e "$BATS_TEST_TMPDIR/told" ]
	all_at 0.0.1
}

@test "a hook before the switch stops or defers, and nothing has changed" {
	reset_fleet 0.0.1
	hook pre-deploy 'exit 75'
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: hook '$BATS_TEST_TMPDIR/hooks/pre-deploy' says: not now" ]
	hook pre-deploy 'exit 3'
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: hook '$BATS_TEST_TMPDIR/hooks/pre-deploy' says no: exit 3" ]
	rm "$BATS_TEST_TMPDIR/hooks/pre-deploy"
	hook pre-switch 'exit 75'
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	all_at 0.0.1
	hook pre-switch 'sleep 60'
	write_conf "HOOKS_DIR='$BATS_TEST_TMPDIR/hooks'" HOOK_TIMEOUT=1
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == *"hook '$BATS_TEST_TMPDIR/hooks/pre-switch' is not done after 1 seconds"* ]]
	all_at 0.0.1
	hook pre-switch
	chmod -x "$BATS_TEST_TMPDIR/hooks/pre-switch"
	run --separate-stderr -71 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == *"hook '$BATS_TEST_TMPDIR/hooks/pre-switch': "*"Permission denied"* ]]
	# the release was not to blame
	run ! grep -q '"quarantine"' "$STATE/journal.jsonl"
	all_at 0.0.1
}

# ms_of STEP: when the last deployment announced it for robot 1, since 1970.
ms_of() {
	date -d "$(jq -r "select(.step == \"$1\" and .service == \"robot-service-1\").time" \
		"$STATE/journal.jsonl" | tail -n 1)" +%s%3N
}

@test "a container that does not end is given its own time, not ours" {
	reset_fleet 0.0.1
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 0.0.1 --stop-timeout 1
	hook pre-switch 'kill -STOP "$(docker inspect -f "{{.State.Pid}}" robot-service-1)"'
	run -0 deploy -c "$CONF" --strategy recreate --tag 0.0.2 robot-service-1
	[ "$(version_of 1)" = 0.0.2 ]
	[ $(($(ms_of start) - $(ms_of halt-old))) -lt 9000 ]
	run -0 docker inspect -f '{{.Config.StopTimeout}}' robot-service-1
	[ "$output" = 1 ]
}

@test "a hook after the switch takes everything back, and the release into quarantine" {
	reset_fleet 0.0.1
	# shellcheck disable=SC2016
	hook post-switch '[ "$GANTRY_SERVICE" = robot-service-1 ]'
	hook failed "echo \"\$GANTRY_REASON\" >'$BATS_TEST_TMPDIR/reason'"
	hook rolled-back
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.2
	[[ $(cat "$BATS_TEST_TMPDIR/reason") == *"hook '$BATS_TEST_TMPDIR/hooks/post-switch' says no: exit 1"* ]]
	[ "$(told | tail -1 | cut -d' ' -f1)" = rolled-back ]
	all_at 0.0.1
	grep -q '"quarantine"' "$STATE/journal.jsonl"
	# too late to defer
	hook post-switch 'exit 75'
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 --force
	[[ $stderr == *"says: not now; it is too late for that"* ]]
	all_at 0.0.2
	rm "$BATS_TEST_TMPDIR/hooks/post-switch"
	hook post-deploy 'exit 1'
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.1 --force
	all_at 0.0.2
}

@test "a release has as long as its own health check needs, whatever the settings say" {
	local begin
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman drops the health check of an image in OCI's format"
	reset_fleet 0.0.1
	sed -i 's/^HEALTH_CHECK_TIMEOUT=.*/HEALTH_CHECK_TIMEOUT=1/' "$CONF"
	begin=$(date +%s%3N)
	run -3 deploy -c "$CONF" --tag 0.0.3
	# start_robot's: 1 s, and once 5 s + 1 s
	[ $(($(date +%s%3N) - begin)) -ge 7000 ]
	all_at 0.0.1
}

# Healthy in the first robot only: the second one's folder for logs is not there.
picky() {
	reset_fleet 0.0.1
	docker rm -f robot-service-2 >/dev/null
	start_robot 2 0.0.1 -e LOG_DIR=/tmp --tmpfs /tmp:mode=1777
}

@test "--on-failure and ON_FAILURE say what a failure takes with it" {
	run --separate-stderr -64 deploy --on-failure panic
	[[ ${stderr_lines[0]} == "deploy: --on-failure: must be rollback-all, rollback-failed or stop, not 'panic'" ]]
	run --separate-stderr -64 deploy --canary x
	write_conf ON_FAILURE=panic
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"ON_FAILURE: must be rollback-all, rollback-failed or stop, not 'panic'" ]]
	picky
	# 0.0.3 is bad in robot 1, whose environment follows the image; robot 2 has its own
	write_conf ON_FAILURE=rollback-failed
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3
	[[ ${lines[0]} == "failed robot-service-1 $IMAGE:0.0.3@$(digest_of 0.0.3) "* ]]
	[ "${lines[1]}" = "moved robot-service-2 $IMAGE:0.0.3@$(digest_of 0.0.3)" ]
	[ "$(version_of 1)" = 0.0.1 ]
	[ "$(version_of 2)" = 0.0.3 ]
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3
	[[ $stderr == *"is quarantined since"* ]]
	# the same release, where nothing goes on after the failure
	picky
	write_conf
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3 --on-failure stop
	[ "${#lines[@]}" = 1 ]
	all_at 0.0.1
}

@test "a canary takes all back, whatever is to happen to the others" {
	picky
	sed -i 's/^ROBOT_CONTAINERS=.*/ROBOT_CONTAINERS="robot-service-2 robot-service-1"/' "$CONF"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3 --canary 2 --on-failure stop
	all_at 0.0.1
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3 --canary 1 --on-failure stop --force
	[ "$(version_of 2)" = 0.0.3 ]
	[ "$(version_of 1)" = 0.0.1 ]
}

# webhook STATUS: answers every call with that, and is where the settings say; HOOK is its folder.
webhook() {
	HOOK=$BATS_TEST_TMPDIR/webhook
	mkdir -p "$HOOK"
	printf 'HTTP/1.1 %s X\r\nContent-Length: 0\r\n\r\n' "$1" >"$HOOK/default"
	local port
	port=$(free_port)
	"$B/helpers/canned" "$port" "$HOOK" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 5 curl -s -o /dev/null "http://127.0.0.1:$port/ready"
	write_conf ENABLE_NOTIFICATIONS=true "WEBHOOK_URL=http://127.0.0.1:$port/services/T0/s3cret"
}

@test "people are told by a webhook when something was done, and only then" {
	reset_fleet 0.0.1
	webhook 200
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1
	[ ! -e "$HOOK/bodies" ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ "$(wc -l <"$HOOK/bodies")" = 1 ]
	[ "$(jq -r '.event, .kind, .tag, .digest, .result, .services[1]' "$HOOK/bodies")" = "deployed
deploy
0.0.2
$(digest_of 0.0.2)
done
robot-service-2" ]
	[ "$(jq -r .text "$HOOK/bodies")" = "$(hostname): deploy of $IMAGE:0.0.2 is done" ]
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3
	[ "$(tail -1 "$HOOK/bodies" | jq -r .event)" = rolled-back ]
	[[ $(tail -1 "$HOOK/bodies" | jq -r .text) == *": deploy of $IMAGE:0.0.3 failed and was rolled back: "*"503"* ]]
	# in quarantine: nothing was done
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.3
	[ "$(wc -l <"$HOOK/bodies")" = 2 ]
	echo "SLACK_CHANNEL='#robots'" >>"$CONF"
	run -0 rollback -c "$CONF"
	[ "$(tail -1 "$HOOK/bodies" | jq -c .)" = \
		"{\"channel\":\"#robots\",\"text\":\"$(hostname): rollback of $IMAGE:0.0.1 is done\"}" ]
}

@test "a webhook that is away or says no changes nothing, and its address is told nobody" {
	reset_fleet 0.0.1
	webhook 404
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == *"deploy: warning: the webhook answers 404"* ]]
	[[ $stderr != *s3cret* ]]
	write_conf ENABLE_NOTIFICATIONS=true WEBHOOK_URL=http://127.0.0.1:1/s3cret
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1
	[[ $stderr == *"deploy: warning: the webhook cannot be told: "* ]]
	[[ $stderr != *s3cret* ]]
	write_conf ENABLE_NOTIFICATIONS=true
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"ENABLE_NOTIFICATIONS: WEBHOOK_URL is not set" ]]
}

# start_watcher SERVER-ANSWER...: a webhook at $PORT that notes in $BATS_TEST_TMPDIR/lock whether the lock
# is free when it is asked, and says these statuses, one after another.
start_watcher() {
	PORT=$(free_port)
	# shellcheck disable=SC2016
	node -e '
		const [, port, lock, note, ...says] = process.argv;
		const fs = require("fs"), { spawnSync } = require("child_process");
		require("http").createServer((ask, answer) => {
			if (ask.method === "POST")
				fs.appendFileSync(note, `${spawnSync("flock", ["-n", lock, "true"]).status}\n`);
			answer.writeHead(ask.method === "POST" ? Number(says.shift()) : 200);
			answer.end();
		}).listen(Number(port), "127.0.0.1");' "$PORT" "$STATE/lock" "$BATS_TEST_TMPDIR/lock" "$@" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -s -o /dev/null "http://127.0.0.1:$PORT/"
}

@test "a webhook is asked again, and no robot and no other run waits for it" {
	reset_fleet 0.0.1
	start_watcher 503 429 200
	write_conf ENABLE_NOTIFICATIONS=true "WEBHOOK_URL=http://127.0.0.1:$PORT/"
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr != *webhook* ]]
	[ "$(xargs <"$BATS_TEST_TMPDIR/lock")" = "0 0 0" ]
}

@test "a deployment is a trace: verify, pull, each service and each step, with reasons" {
	need_node
	reset_fleet 0.0.1
	local c=$BATS_TEST_TMPDIR/c id=0af7651916cd43dd8448eb211c80319c
	start_collector "$c"
	export OTEL_EXPORTER_OTLP_ENDPOINT=$COLLECTOR
	# nothing was done: nothing is sent
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1
	[ ! -e "$c/posts" ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	jq -se --arg digest "$(digest_of 0.0.2)" '(map({key: .spanId, value: .name}) | from_entries) as $names |
		(map(.traceId) | unique | length == 1) and
		(map([.name, $names[.parentSpanId // ""]]) as $tree |
			any($tree[]; . == ["deploy", null]) and any($tree[]; . == ["verify", "deploy"]) and
			any($tree[]; . == ["pull", "deploy"]) and any($tree[]; . == ["robot-service-1", "deploy"]) and
			any($tree[]; . == ["robot-service-2", "deploy"]) and
			any($tree[]; .[1] == "robot-service-2")) and
		all(.status == null and (.startTimeUnixNano | tonumber) <= (.endTimeUnixNano | tonumber)) and
		(map(select(.name == "deploy"))[0] | .attributes["gantry.result"] == "done" and
			.attributes["gantry.digest"] == $digest and .resource["service.name"] == "deploy" and
			.attributes["gantry.txn"] != null)' "$c/spans"
	# every step of the journal is there, no more and no less
	[ "$(jq -s 'map(select(.attributes["gantry.step"] != null)) | length' "$c/spans")" = \
		"$(jq -s '(map(select(.event == "begin"))[-1].txn) as $t |
			map(select(.txn == $t and .event == "step")) | length' "$STATE/journal.jsonl")" ]
	rm "$c/spans"
	TRACEPARENT=00-$id-b7ad6b7169203331-01 run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3
	jq -se --arg id $id 'all(.traceId == $id) and
		(map(select(.name == "deploy"))[0] | .parentSpanId == "b7ad6b7169203331" and
			.attributes["gantry.result"] == "rolled-back" and .status.code == 2) and
		any(.name == "robot-service-1" and .status.code == 2 and (.status.message | test("503"))) and
		any(.attributes["gantry.step"] != null and .status.code == 2 and (.status.message | test("503")))' \
		"$c/spans"
	rm "$c/spans"
	run -0 rollback -c "$CONF"
	jq -se 'any(.name == "rollback" and .parentSpanId == null and .resource["service.name"] == "rollback")' \
		"$c/spans"
	[ ! -e "$c/wrong" ]
}

@test "a refusal is a trace as well; a collector that is away or hangs changes nothing" {
	need_node
	reset_fleet 0.0.1
	local c=$BATS_TEST_TMPDIR/c from
	start_collector "$c"
	sed "s|^VERIFY_KEY=.*|VERIFY_KEY='$(other_key)'|" "$CONF" >"$CONF.other"
	OTEL_EXPORTER_OTLP_ENDPOINT=$COLLECTOR run --separate-stderr -1 deploy -c "$CONF.other" --tag 0.0.2
	jq -se 'any(.name == "deploy" and .status.code == 2) and
		any(.name == "verify" and .status.code == 2) and all(.name != "pull")' "$c/spans"
	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$(free_port) run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == *"warning: trace: "* ]]
	all_at 0.0.2
	echo hang >"$c/answer"
	from=$SECONDS
	OTEL_EXPORTER_OTLP_ENDPOINT=$COLLECTOR run --separate-stderr -0 rollback -c "$CONF"
	((SECONDS - from < 30))
	all_at 0.0.1
	OTEL_EXPORTER_OTLP_ENDPOINT=$COLLECTOR OTEL_EXPORTER_OTLP_PROTOCOL=grpc \
		run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 --force
	[[ $stderr == *"warning: trace: OTEL_EXPORTER_OTLP_PROTOCOL: only http/json is spoken here, not 'grpc'; no traces are sent"* ]]
}

other_key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$BATS_TEST_TMPDIR/other.pem"
	openssl ec -in "$BATS_TEST_TMPDIR/other.pem" -pubout -out "$BATS_TEST_TMPDIR/other.pub" 2>/dev/null
	echo "$BATS_TEST_TMPDIR/other.pub"
}

@test "--metrics-file says what deployments have come to" {
	reset_fleet 0.0.1
	local m=$BATS_TEST_TMPDIR/gantry_deploy.prom success
	deploy -c "$CONF" --tag 0.0.2 --metrics-file "$m"
	promtool check metrics <"$m"
	grep -qx 'gantry_deploy_total{result="done"} 1' "$m"
	grep -qx 'gantry_quarantined 0' "$m"
	grep -qx "gantry_service_info{service=\"robot-service-1\",digest=\"$(digest_of 0.0.2)\",tag=\"0.0.2\",state=\"soaked\"} 1" "$m"
	success=$(grep ^gantry_deploy_last_success "$m")
	run -3 deploy -c "$CONF" --tag 0.0.3 --metrics-file "$m"
	promtool check metrics <"$m"
	grep -qx 'gantry_deploy_total{result="rolled-back"} 1' "$m"
	grep -qx 'gantry_quarantined 1' "$m"
	grep -qxF "$success" "$m"
	grep -qx 'gantry_deploy_status 3' "$m"
	grep -q '^gantry_deploy_duration_seconds [0-9]' "$m"
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 --metrics-file /nosuch/m
	[[ $stderr == *"deploy: warning: metrics file: "* ]]
	[ "$(stat -c %a "$m")" = 644 ]
}

@test "a registry that wants credentials gets ours, and so does the engine that pulls from it" {
	reset_fleet 0.0.1
	local port guarded
	port=$(free_port)
	guarded=127.0.0.1:$port/robot-app
	cd "$BATS_TEST_TMPDIR"
	htpasswd -Bbn -C 4 robot s3cret >passwd
	cat >guarded.yml <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $PWD/guarded}}
		http: {addr: 127.0.0.1:$port}
		auth: {htpasswd: {realm: here, path: $PWD/passwd}}
	YML
	docker-registry serve guarded.yml >guarded.log 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -s "http://127.0.0.1:$port/v2/"
	mkdir mine
	echo "{\"auths\": {\"127.0.0.1:$port\": {\"auth\": \"$(printf robot:s3cret | base64)\"}}}" >mine/config.json
	reg-sync --authfile mine/config.json --insecure-skip-verify "$IMAGE" "$guarded"
	# the engine has the layers, but not this name for them
	run --separate-stderr -1 deploy -c "$CONF" --image "$guarded:0.0.2"
	[[ $stderr == *"$guarded"*"401"* ]]
	all_at 0.0.1
	run --separate-stderr -0 env DOCKER_CONFIG="$PWD/mine" deploy -v -c "$CONF" --image "$guarded:0.0.2"
	[[ $stderr != *s3cret* ]]
	all_at 0.0.2
	[ "$(docker inspect -f '{{.Config.Image}}' robot-service-1)" = "$guarded@$(digest_of 0.0.2)" ]
}
