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

@test "a traceparent that is none begins a trace of its own; so does one that nobody asked for" {
	local header
	traced
	for header in "00-$ID-b7ad6b7169203331-0" "00-${ID^^}-b7ad6b7169203331-01" "ff-$ID-b7ad6b7169203331-01" \
		"00-$ID-0000000000000000-01" nonsense; do
		curl -s -H "traceparent: $header" "$URL/health" >answer.json
	done
	wait_for 5 spans 'length == 5'
	spans "all(.traceId != \"$ID\" and .parentSpanId == null)"
	ends
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" OTEL_PROPAGATORS=b3
	curl -s -H "traceparent: 00-$ID-b7ad6b7169203331-01" "$URL/health" >answer.json
	wait_for 5 spans 'length == 6'
	spans "all(.traceId != \"$ID\")"
}

@test "the sampler decides, for probes as for everything else" {
	local yes="traceparent: 00-$ID-b7ad6b7169203331-01" no="traceparent: 00-$ID-b7ad6b7169203331-00"
	ask() {
		curl -s "$URL/health" >answer.json
		curl -s -H "$yes" "$URL/metrics" >answer.json
		curl -s -H "$no" "$URL/ready-for-update" >answer.json
		ends # what was recorded has arrived
	}
	traced OTEL_TRACES_SAMPLER=always_on
	ask
	spans 'map(.name) | sort == ["GET /health", "GET /metrics", "GET /ready-for-update"]'
	rm c/spans
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" # parentbased_always_on
	ask
	spans 'map(.name) == ["GET /health", "GET /metrics"]'
	rm c/spans
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" OTEL_TRACES_SAMPLER=parentbased_traceidratio \
		OTEL_TRACES_SAMPLER_ARG=0
	ask
	spans 'map(.name) == ["GET /metrics"]'
	rm c/spans
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" OTEL_TRACES_SAMPLER=always_off
	ask
	[ ! -e c/spans ]
}

@test "the access log names the span" {
	mkdir logs
	traced LOG_DIR="$PWD/logs"
	curl -s -H "traceparent: 00-$ID-b7ad6b7169203331-01" "$URL/health" >answer.json
	wait_for 5 spans 'length == 1'
	[ "$(jq -c '[.trace_id, .span_id]' logs/access.log)" = "$(jq -c '[.traceId, .spanId]' c/spans)" ]
}

@test "without a collector the log still has a client's trace" {
	mkdir logs
	serve LOG_DIR="$PWD/logs"
	curl -s -H "traceparent: 00-$ID-b7ad6b7169203331-01" "$URL/health" "$URL/health" >answer.json
	wait_for 5 test -s logs/access.log
	jq -se "all(.trace_id == \"$ID\" and .span_id != \"b7ad6b7169203331\")" logs/access.log
}

@test "libcurl is there only when a span is sent" {
	has_curl() { grep -q libcurl "/proc/$PID/maps"; }
	serve
	post /api/robots/linus/eye '{"state":"on"}'
	sleep 0.3
	run ! has_curl
	ends
	traced
	run ! has_curl
	curl -s "$URL/health" >answer.json
	wait_for 5 has_curl
}

@test "a collector that is away stops nobody, and is said once" {
	local i
	serve OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$(free_port)" OTEL_BSP_MAX_QUEUE_SIZE=20 \
		OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10
	for i in {1..60}; do
		echo "url = $URL/health"
	done >urls
	curl -sf --parallel --config urls >answer.json
	dropped() { curl -s "$URL/metrics" | grep -E '^robot_spans_total.result="dropped". [1-9]'; }
	wait_for 5 dropped
	wait_for 5 test -s err
	ends
	[ "$(grep -c . err)" = 1 ]
	[[ $(cat err) == "robot-serve: warning: traces: "*"onnect"* ]]
}

@test "spans that wait for a collector are kept in few bytes" {
	local i before after
	private() { awk '/^RssAnon/ { print $2 }' "/proc/$PID/status"; }
	serve OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$(free_port)" OTEL_BSP_SCHEDULE_DELAY=3600000
	before=$(private)
	for i in {1..500}; do
		echo "url = $URL/health"
	done >urls
	curl -sf --config urls >answer.json
	after=$(private)
	echo "$before kB, then $after kB"
	# sanitizers take memory of their own
	grep -q __asan_init "$B/robot-serve" || ((after - before < 600))
}

@test "a collector that hangs stops nobody, and not the end either" {
	local from
	traced
	echo hang >c/answer
	curl -sf "$URL/health" "$URL/health" >answer.json
	wait_for 5 test -s c/posts
	curl -sf "$URL/health" >answer.json
	from=$SECONDS
	ends
	((SECONDS - from < 8))
}

@test "a busy collector is asked again when it says so; another refusal is final" {
	traced OTEL_BSP_SCHEDULE_DELAY=1
	echo '503 1' >c/answer
	curl -sf "$URL/health" >answer.json
	wait_for 5 test -s c/posts
	posts() { [ "$(wc -l <c/posts)" = "$1" ]; }
	wait_for 8 posts 2
	# the same span: it was kept by neither or both
	spans 'length == 2 and .[0].spanId == .[1].spanId'
	echo 400 >c/answer
	curl -sf "$URL/health" >answer.json
	refused() { curl -s "$URL/metrics" | grep -qx 'robot_spans_total{result="refused"} 1'; }
	wait_for 5 refused
	grep -qx 'robot-serve: warning: traces: the collector answers 503' err
	grep -qx 'robot-serve: warning: traces: arrive again' err
	grep -qx 'robot-serve: warning: traces: the collector answers 400' err
}

@test "a collector that comes back gets what waited" {
	local port
	port=$(free_port)
	serve OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$port"
	curl -sf "$URL/health" >answer.json
	wait_for 5 test -s err
	start_collector c "$port"
	wait_for 10 spans 'length == 1'
}

@test "what waits is sent at the end" {
	traced OTEL_BSP_SCHEDULE_DELAY=3600000
	post /api/robots/linus/eye '{"state":"on"}'
	[ ! -e c/spans ]
	ends
	spans 'map(.name) | sort == ["POST /api/robots/{name}/eye", "linus-eye"]'
}

@test "headers go along, and the endpoint for traces is used as it is" {
	start_collector c
	serve OTEL_EXPORTER_OTLP_ENDPOINT=http://nowhere.invalid OTEL_EXPORTER_OTLP_HEADERS='api-key=a%20b,x=y' \
		OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="$COLLECTOR/in" OTEL_SERVICE_NAME=arm
	curl -sf "$URL/health" >answer.json
	wait_for 5 spans 'length == 1'
	spans '.[0].resource["service.name"] == "arm"'
	jq -se '.[0] | .url == "/in" and .headers["api-key"] == "a b" and .headers.x == "y"' c/posts
}

@test "what cannot be followed is said; the robot serves on" {
	serve OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_PROTOCOL=grpc
	curl -sf "$URL/health" >answer.json
	[ "$(cat err)" = "robot-serve: warning: traces: OTEL_EXPORTER_OTLP_PROTOCOL: only http/json is spoken here, not 'grpc'; no traces are sent" ]
	ends
	start_collector c
	serve OTEL_EXPORTER_OTLP_ENDPOINT="$COLLECTOR" OTEL_SDK_DISABLED=true
	curl -sf "$URL/health" >answer.json
	ends
	[ ! -e c/posts ]
	[ ! -s err ]
}
