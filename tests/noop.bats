#!/usr/bin/env bats
# A run of deploy that finds nothing to do is what cron starts most: each thing is asked once.  The
# engine and the registry are one server of canned answers, whose log has every request.

load helpers/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir answers
	PORT=$(free_port)
	DIGEST=sha256:$(printf 1 | sha256sum | cut -d ' ' -f 1)
	IMAGE_ID=sha256:$(printf 2 | sha256sum | cut -d ' ' -f 1)
	answer GET__ping 'Api-Version: 1.41' 'Server: Docker/20.10.24 (linux)' <<<OK
	local n
	for n in 1 2 3; do
		answer "GET_v1.41_containers_robot-service-${n}_json" <<-JSON
			{"Id":"$n$n$n$n","Name":"/robot-service-$n","Image":"$IMAGE_ID",
			"State":{"Status":"running","Running":true},
			"Config":{"Image":"127.0.0.1:$PORT/robot-app@$DIGEST","Labels":{"io.gantry.tag":"0.0.1"}}}
		JSON
	done
	answer "GET_v1.41_images_${IMAGE_ID}_json" <<-JSON
		{"Id":"$IMAGE_ID","RepoDigests":["127.0.0.1:$PORT/robot-app@$DIGEST"]}
	JSON
	answer GET_v2_ <<<'{}'
	answer GET_v2_robot-app_tags_list <<<'{"name":"robot-app","tags":["0.0.1"]}'
	answer HEAD_v2_robot-app_manifests_0.0.1 "Docker-Content-Digest: $DIGEST" </dev/null
	cat >gantry.conf <<-CONF
		REGISTRY_URL=127.0.0.1:$PORT
		ROBOT_CONTAINERS='robot-service-1 robot-service-2 robot-service-3'
		SERVICE_robot_service_1_TLS=none
		SERVICE_robot_service_2_TLS=none
		SERVICE_robot_service_3_TLS=none
		STATE_DIR=state
	CONF
	export DOCKER_HOST=tcp://127.0.0.1:$PORT
	"$B/helpers/canned" "$PORT" answers 3>&- &
	PID=$!
	wait_for 10 curl -s "http://127.0.0.1:$PORT/v2/"
	rm answers/log
}

teardown() {
	kill "$PID"
}

# answer NAME [HEADER]...: its body from stdin.
answer() {
	local name=$1 body
	shift
	body=$(cat)
	{
		printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n' "${#body}"
		[ $# = 0 ] || printf '%s\r\n' "$@"
		printf '\r\n%s' "$body"
	} >"answers/$name"
}

asked() {
	cut -d ' ' -f 1,2 answers/log | sort | uniq -c | awk '{ print $1, $2, $3 }'
}

@test "with nothing to do each thing is asked once, and a container twice" {
	run --separate-stderr -0 deploy -c gantry.conf
	[ -z "$output" ]
	[ "$stderr" = "deploy: every service runs 0.0.1 already" ]
	diff <(asked) - <<-ASKED
		1 GET /_ping
		2 GET /v1.41/containers/robot-service-1/json
		2 GET /v1.41/containers/robot-service-2/json
		2 GET /v1.41/containers/robot-service-3/json
		1 GET /v1.41/images/$IMAGE_ID/json
		1 GET /v2/
		1 GET /v2/robot-app/tags/list?n=1000
		1 HEAD /v2/robot-app/manifests/0.0.1
	ASKED
}

@test "--check asks no container twice" {
	run --separate-stderr -0 deploy -c gantry.conf --check
	[ -z "$output$stderr" ]
	asked | grep '^1 GET /v1.41/containers/robot-service-3/json'
	[ "$(wc -l <answers/log)" = 8 ]
}

@test "an engine that speaks more than we know is asked for the oldest that it speaks" {
	answer GET__ping 'Api-Version: 1.60' <<<OK
	answer GET_version <<<'{"ApiVersion":"1.60","MinAPIVersion":"1.52"}'
	run --separate-stderr -71 deploy -c gantry.conf
	[ "$stderr" = "deploy: engine at '$DOCKER_HOST': the engine is too new: it speaks API 1.52 and up, not 1.51" ]
	answer GET_version <<<'<html>'
	run --separate-stderr -71 deploy -c gantry.conf
	[[ $stderr == "deploy: engine at '$DOCKER_HOST': the engine's answer"* ]]
	printf 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n' >answers/GET_version
	run --separate-stderr -71 deploy -c gantry.conf
	[ "$stderr" = "deploy: engine at '$DOCKER_HOST': 404: not found" ]
	answer GET_version <<<'{"ApiVersion":"1.60","MinAPIVersion":"1.44"}'
	run --separate-stderr deploy -c gantry.conf
	grep 'GET /v1.51/containers/robot-service-1/json' answers/log
}

@test "what is no engine is said: 71" {
	answer GET__ping <<<OK
	run --separate-stderr -71 deploy -c gantry.conf
	[ "$stderr" = "deploy: engine at '$DOCKER_HOST': not a Docker Engine: no API version 1.x in its answer" ]
}
