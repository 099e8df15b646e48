#!/usr/bin/env bats
# The dashboards: every panel says what it shows, and every query returns data at a real site.

load helpers/common
load helpers/image
load helpers/monitoring

BOARDS=$ROOT/compose/monitoring/grafana/dashboards

setup_file() {
	# a folder each, as node-exporter has them in the compose file
	export FOLDERS=$BATS_FILE_TMPDIR/textfiles TEXTFILES=$BATS_FILE_TMPDIR/textfiles/host
	mkdir -p "$TEXTFILES" "$FOLDERS/send-missing"
}

teardown_file() {
	stop_all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "each panel has a title, a unit, a place, and words on what it shows and, after a colon, what to do" {
	local board
	for board in "$BOARDS"/*.json; do
		jq -e --arg uid "gantry-$(basename "$board" .json)" '.uid == $uid and (.title | length > 3)
			and ([.panels[].id] | length == (unique | length))
			and ([.panels[].gridPos | [.x, .y]] | length == (unique | length))
			and all(.panels[]; (.title | length > 2) and (.description | test("^.{10,}: .{5,}"))
				and .datasource.uid == "gantry-site" and (.fieldConfig.defaults.unit | length > 0)
				and .gridPos.x + .gridPos.w <= 24 and (.targets | length > 0)
				and all(.targets[]; .expr | length > 1))' "$board" >/dev/null || {
			echo "$board" >&2
			return 1
		}
	done
	jq -r .uid "$BOARDS"/*.json | sort | uniq -d | diff /dev/null -
	local metric
	while read -r board metric; do
		jq -r '.panels[].targets[].expr' "$BOARDS/$board.json" | grep -qw "$metric"
	done <<-WANTED
		fleet robot_health_status
		fleet robot_version
		fleet robot_requests_total
		fleet http_request_duration_seconds_bucket
		fleet robot_moving
		deployments gantry_deploy_total
		deployments gantry_deploy_duration_seconds
		deployments gantry_quarantined
		deployments gantry_sync_last_success_timestamp_seconds
		deployments gantry_sync_bytes_total
		host node_cpu_seconds_total
		host node_memory_MemAvailable_bytes
		host node_filesystem_avail_bytes
		containers container_cpu_usage_seconds_total
		containers container_memory_working_set_bytes
		monitoring up
		monitoring vmagent_remotewrite_pending_data_bytes
		monitoring gantry_send_missing_complete_timestamp_seconds
	WANTED
	grep -q 'uid: gantry-site$' "$BOARDS/../provisioning/datasources/prometheus.yml"
}

# What our programs leave.
textfiles() {
	export STATE_DIR=$PWD/state
	mkdir "$STATE_DIR"
	image_archive app.tar 0.0.1 >/dev/null
	reg-sync --insecure-skip-verify --metrics-file "$TEXTFILES/gantry_sync.prom" \
		oci-archive:app.tar "oci:$PWD/layout" >/dev/null
	image_key key P-256
	run -75 img-verify --key key.pub --metrics-file "$TEXTFILES/gantry_verify.prom" 127.0.0.1:1/app:1
	# deploy needs an engine: these lines are written by hand, in its form
	cat >"$TEXTFILES/gantry_deploy.prom" <<-PROM
		gantry_deploy_started_timestamp_seconds 1763625600
		gantry_deploy_last_run_timestamp_seconds 1763625609.2
		gantry_deploy_last_success_timestamp_seconds 1763625609.2
		gantry_deploy_status 0
		gantry_deploy_total{result="done"} 3
		gantry_deploy_total{result="rolled-back"} 1
		gantry_deploy_total{result="stopped"} 0
		gantry_deploy_duration_seconds 4.9
		gantry_service_info{service="robot-service-1",digest="sha256:1bd8",tag="0.0.1",state="soaked"} 1
		gantry_quarantined 1
	PROM
	cat "$TEXTFILES"/gantry_{sync,verify}.prom | promtool check metrics
}

# cAdvisor is not in Debian.  Names and labels are those of the answer that cAdvisor 0.49.1 compares its own
# with (metrics/testdata/prometheus_metrics), with --store_container_labels=false and no CPU by itself.
start_cadvisor() {
	local of='id="/docker/1",image="r"'
	mkdir cadvisor
	cat >cadvisor/default <<-HTTP
		HTTP/1.1 200 OK
		Content-Type: text/plain; version=0.0.4

		# TYPE container_cpu_usage_seconds_total counter
		container_cpu_usage_seconds_total{cpu="total",$of,name="robot-service-1"} 4.2
		# TYPE container_fs_reads_total counter
		container_fs_reads_total{device="/dev/sda",$of,name="robot-service-1"} 7
		# TYPE container_memory_working_set_bytes gauge
		container_memory_working_set_bytes{$of,name="robot-service-1"} 4e+06
		# TYPE container_network_receive_bytes_total counter
		container_network_receive_bytes_total{$of,interface="eth0",name="robot-service-1"} 812
		# TYPE container_start_time_seconds gauge
		container_start_time_seconds{$of,name="robot-service-1"} 1.7636e+09
	HTTP
	"$B/helpers/canned" "$1" cadvisor 3>&- &
	started $!
}

# One look, at the time before this Prometheus was started: nothing is missing.
send_missing() {
	SITE=plant STATE=$FOLDERS/send-missing GATEWAY_URL=http://127.0.0.1:$PROM VMAGENT_URL=http://127.0.0.1:$AGENT \
		CENTRAL_URL=http://127.0.0.1:$PROM/api/v1/write SETTLE=1200 EVERY=0 \
		busybox sh "$ROOT/compose/monitoring/forward/send-missing.sh"
}

@test "every query of every panel returns data" {
	need prometheus prometheus-alertmanager prometheus-node-exporter vmagent busybox
	textfiles
	AM=$(free_port) NODE=$(free_port) ROBOT=$(free_port) AGENT=$(free_port) PROM=$(free_port) CADVISOR=$(free_port)
	sed -E -e "s|/etc/prometheus|$ROOT/compose/monitoring|; s/(scrape|evaluation)_interval: .*/\1_interval: 1s/" \
		-e "s/scrape_timeout: .*/scrape_timeout: 1s/; s/vmagent:8429/127.0.0.1:$AGENT/" \
		-e "s/alertmanager:9093/127.0.0.1:$AM/; s/node-exporter:9100/127.0.0.1:$NODE/" \
		-e "s/cadvisor:8080/127.0.0.1:$CADVISOR/; s/\"robot-holder-1:5000\".*\"\]/\"127.0.0.1:$ROBOT\"]/; s/localhost:9090/127.0.0.1:$PROM/" \
		"$ROOT/compose/monitoring/prometheus/gateway.yml" >gateway.yml
	printf 'route: { receiver: none }\nreceivers: [{ name: none }]\n' >am.yml
	start_robot "$ROBOT" robot-1 0.0.1
	start_cadvisor "$CADVISOR"
	start_alertmanager "$AM" am.yml
	start_node_exporter "$NODE" "$(sed -n "s|.*textfile.directory=/textfiles|$FOLDERS|p" "$ROOT/compose/docker-compose.monitoring.yml")"
	vmagent -remoteWrite.url=http://127.0.0.1:1/api/v1/write -remoteWrite.tmpDataPath="$PWD/queue" \
		-httpListenAddr="127.0.0.1:$AGENT" >vmagent.log 2>&1 3>&- &
	started $!
	SITE=plant start_prometheus gateway "$PROM" gateway.yml --enable-feature=expand-external-labels
	send_missing
	local board expr empty=0
	for board in "$BOARDS"/*.json; do
		while IFS= read -r expr; do
			wait_for 30 has "$PROM" "$expr" || {
				echo "${board##*/}: no data: $expr" >&2
				empty=$((empty + 1))
			}
		done < <(jq -r '.panels[].targets[].expr' "$board")
	done
	[ "$empty" = 0 ]
	# what nobody looks at is not kept
	[ "$(ask "$PROM" container_fs_reads_total)" = '[]' ]
	[ "$(ask "$PROM" 'up{job="cadvisor"}' | jq -r '.[0].value[1]')" = 1 ]
}
