#!/usr/bin/env bats
# Traces: what robot-serve tells a collector, read back by OpenTelemetry's own decoder.

setup_file() {
	load helpers/common
	load helpers/collector
	need_decoder
}

setup() {
	load helpers/common
	load helpers/collector
	cd "$BATS_TEST_TMPDIR" || return 1
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	export GANTRY_SOCKET=$PWD/r.sock ROBOT_ID=robot-1 APP_VERSION=1.2.3 GANTRY_INSTANCE=abc
	export OTEL_BSP_SCHEDULE_DELAY=50
	unset PORT LOG_DIR GANTRY_HANDOVER
}

teardown() {
	stop_all
	[ ! -e c/wrong ] || {
		echo "not OTLP:" && cat c/wrong
		return 1
	} >&2
}

# serve [VARIABLE=VALUE...]: in the background; URL and PID are set when it answers.
serve() {
	rm -f out err
	env "$@" robot-serve --listen 127.0.0.1:0 >out 2>err 3>&- &
	PID=$!
	echo $PID >>pids
	wait_for 10 test -s out
	URL=http://$(cut -d' ' -f2 out)
}

traced() { # [VARIABLE=VALUE...]
	start_collector c
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" "$@"
}

ends() {
	kill "$PID"
	wait "$PID"
}

post() { # PATH BODY [CURL-ARGUMENTS...]
	curl -s -o answer.json -H 'Content-Type: application/json' -d "$2" "${@:3}" "$URL$1"
}

# spans FILTER: jq over all spans as one array, once there is something to see.
spans() {
	jq -se "$1" c/spans
}

ID=0af7651916cd43dd8448eb211c80319c

@test "a request is a span, in OpenTelemetry's words" {
	traced
	post /api/robots/linus/drive '{"direction":"forward","ttl_ms":100}' -A 'me/1'
	wait_for 5 spans 'length == 2'
	spans 'map(select(.kind == 2)) | length == 1 and (.[0] |
		.name == "POST /api/robots/{name}/drive" and .parentSpanId == null and .status == null and
		(.endTimeUnixNano | tonumber) >= (.startTimeUnixNano | tonumber) and
		.scope == {"name": "gantry", "version": "0.1.0"})'
	spans 'map(select(.kind == 2))[0].attributes | .["http.request.method"] == "POST" and
		.["http.route"] == "/api/robots/{name}/drive" and .["url.path"] == "/api/robots/linus/drive" and
		.["url.scheme"] == "http" and .["http.response.status_code"] == "200" and
		.["client.address"] == "127.0.0.1" and .["server.address"] == "127.0.0.1" and
		.["user_agent.original"] == "me/1" and .["network.protocol.version"] == "1.1"'
	[ "$(spans '.[0].attributes["server.port"] // .[1].attributes["server.port"]')" = "\"${URL##*:}\"" ]
	jq -se '.[0] | .method == "POST" and .url == "/v1/traces" and
		.headers["content-type"] == "application/json"' c/posts
}

@test "spans say who they are from" {
	traced OTEL_RESOURCE_ATTRIBUTES='site=hall%202'
	curl -s "$URL/health" >answer.json
	wait_for 5 spans 'length == 1'
	spans '.[0].resource == {"service.name": "robot-serve", "service.version": "1.2.3",
		"service.instance.id": "abc", "robot.id": "robot-1", "telemetry.sdk.name": "gantry",
		"telemetry.sdk.language": "c", "site": "hall 2"}'
}

@test "every motion command is a span below its request" {
	local names
	traced
	post /api/robots/linus/eye '{"state":"on"}'
	post /api/robots/torvalds/eye '{"state":"blink"}'
	post /api/robots/linus/drive '{"direction":"left","ttl_ms":50}'
	post /api/robots/linus/servo '{"servo":1,"angle":-45}'
	post /api/robots/linus/speed '{"left":0.5,"right":1}'
	post /api/robots/linus/stop '{}'
	post /api/stop '{}'
	post /torvaldsoff ''
	names='["linus-drive","linus-eye","linus-servo","linus-speed","linus-stop","robots-stop",
		"torvalds-eye","torvalds-eye"]'
	wait_for 5 spans 'length == 16'
	spans "map(select(.kind == 1) | .name) | sort == $names"
	spans '. as $all | map(select(.kind == 1)) | all(. as $s | $all |
		any(.kind == 2 and .spanId == $s.parentSpanId and .traceId == $s.traceId))'
	spans 'map(select(.name == "linus-drive"))[0].attributes == {"robot.name": "linus",
		"robot.command": "drive", "robot.direction": "left", "robot.ttl_ms": "50", "robot.result": "done"}'
	spans 'map(select(.name == "linus-servo"))[0].attributes["robot.angle"] == "-45"'
	spans 'any(.name == "POST /torvaldsoff" and .attributes["http.route"] == "/torvaldsoff")'
}

@test "a command that is refused is an error of its span, with the reason" {
	traced
	post /api/robots/linus/drive '{"direction":"forward","ttl_ms":2000}' -H 'Robot-Client: one'
	post /api/robots/linus/drive '{"direction":"left"}' -H 'Robot-Client: two'
	wait_for 5 spans 'length == 4'
	spans 'map(select(.status.code == 2)) | length == 1 and .[0].name == "linus-drive" and
		.[0].attributes["robot.result"] == "failed" and (.[0].status.message | test("drive"))'
	# 409 is the client's fault, not the server's
	spans 'any(.attributes["http.response.status_code"] == "409" and .status == null)'
}

@test "5xx is an error; what strangers send makes no new names" {
	traced LOG_DIR=/nonexistent
	curl -s "$URL/health" >answer.json
	curl -s "$URL/no/such/$RANDOM" >answer.json
	curl -s -X BREW "$URL/health" >answer.json
	wait_for 5 spans 'length == 3'
	spans 'map(select(.name == "GET /health"))[0] | .status.code == 2 and
		.attributes["error.type"] == "503"'
	spans 'any(.name == "GET" and .attributes["http.route"] == null and .status == null)'
	spans 'any(.name == "HTTP /health" and .attributes["http.request.method"] == "_OTHER" and
		.attributes["http.request.method_original"] == "BREW")'
}

@test "a client's trace goes on here, with its state" {
	traced
	curl -s -H "traceparent: 00-$ID-b7ad6b7169203331-01" -H 'tracestate: a=1,b=2' "$URL/health" >answer.json
	wait_for 5 spans 'length == 1'
	spans ".[0] | .traceId == \"$ID\" and .parentSpanId == \"b7ad6b7169203331\" and
		.traceState == \"a=1,b=2\" and .spanId != .parentSpanId and .flags == 769"
}
