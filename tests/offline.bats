#!/usr/bin/env bats
# The uplink is away: samples wait at the gateway and arrive later, every one of them.  Two Prometheus
# servers in two network namespaces, with the site's own files.  Blocks of three seconds stand for
# those of two hours, so that what was missed lies long outside both servers' heads and WALs.

load helpers/common
load helpers/engine
load helpers/monitoring

SITE_FILES=$ROOT/compose/monitoring

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	ip netns add central
	ip link add uplink type veth peer name site netns central
	ip addr add 10.214.0.1/24 dev uplink
	ip -n central addr add 10.214.0.2/24 dev site
	ip -n central link set lo up
	ip -n central link set site up
	ip link set uplink up
	export QUICK="--storage.tsdb.min-block-duration=3s --storage.tsdb.max-block-duration=3s --log.level=warn"
}

teardown_file() {
	stop_all
	ip netns del central
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

start_central() {
	sed -E 's/scrape_interval: .*/scrape_interval: 1s/; s/localhost/10.214.0.2/; /^(rule_files|alerting):/,/^$/d; /grafana/,$d' \
		"$SITE_FILES/prometheus/central.yml" >central.yml
	# shellcheck disable=SC2086
	ip netns exec central prometheus --config.file=central.yml --storage.tsdb.path=central \
		--web.listen-address=10.214.0.2:9090 --web.enable-remote-write-receiver $QUICK \
		>>central.log 2>&1 3>&- &
	started $!
	wait_for 30 curl -fsS http://10.214.0.2:9090/-/ready
}

# The gateway: both can die at once, as when the power goes.
start_gateway() {
	# shellcheck disable=SC2086
	SITE=plant prometheus --config.file=gateway.yml --storage.tsdb.path=gateway \
		--web.listen-address=127.0.0.1:9090 --enable-feature=expand-external-labels $QUICK \
		>>gateway.log 2>&1 3>&- &
	PROMETHEUS=$!
	started $PROMETHEUS
	start_vmagent
	wait_for 30 curl -fsS http://127.0.0.1:9090/-/ready || {
		tail -n 5 gateway.log >&2
		return 1
	}
}

# With the options of the compose file.
start_vmagent() {
	local options
	mapfile -t options < <(sed -n '/^  vmagent:/,/^    volumes:/{s/^      - \(-.*\)/\1/p}' \
		"$ROOT/compose/docker-compose.monitoring.yml" | sed -E 's|\$\{CENTRAL_URL:-.*\}|http://10.214.0.2:9090/api/v1/write|
			s|\$\{QUEUE_BYTES:-(.*)\}|\1|; s|=/queue|=queue|; s|=:8429|=127.0.0.1:8429|')
	vmagent "${options[@]}" >>vmagent.log 2>&1 3>&- &
	VMAGENT=$!
	started $VMAGENT
	wait_for 30 curl -fsS http://127.0.0.1:8429/health
}

# samples gateway|central: every one of the time FROM to TO, a line each.
samples() {
	local server=http://127.0.0.1:9090 of='{__name__!=""}'
	[ "$1" = gateway ] || server=http://10.214.0.2:9090 of='{site="plant"}'
	curl -fsS "$server/api/v1/query" --data-urlencode "query=$of[$((TO - FROM))s]" -d "time=$TO" |
		jq -c '.data.result[] | (.metric | del(.site)) as $series | .values[] | [$series, .[]]' | sort
}

both_have_the_same() {
	sleep 1
	cmp -s <(samples gateway) <(samples central)
}

missing() {
	comm -23 <(samples gateway) <(samples central) | wc -l
}

# What only a careful sender brings over as it is.
start_odd() {
	mkdir odd
	{
		printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n'
		printf 'odd{of="%s"} %s\n' $'a\ttab' NaN 'a \\ and a \"' +Inf 'a \n' -Inf \
			',\"values\":[[ {\"metric\": ]]},<é>' 0.30000000000000004
	} >odd/default
	"$B/helpers/canned" 5001 odd 3>&- &
	started $!
}

send_missing() {
	SITE=plant STATE=$BATS_FILE_TMPDIR GATEWAY_URL=http://127.0.0.1:9090 VMAGENT_URL=http://127.0.0.1:8429 \
		CENTRAL_URL=http://10.214.0.2:9090/api/v1/write SLICE=5 LOOKBACK=1500 SETTLE=0 EVERY=0 \
		busybox sh "$SITE_FILES/forward/send-missing.sh"
}

# older_than_heads TIME: neither server has it in its head, and so in its WAL, any more.
older_than_heads() {
	has 9090 "prometheus_tsdb_head_min_time_seconds{job=\"prometheus\"} > $1 and prometheus_tsdb_wal_truncations_total > 0" &&
		ip netns exec central curl -fsS http://10.214.0.2:9090/metrics |
		awk -v t="$1" '/^prometheus_tsdb_head_min_time_seconds / { found = $2 > t } END { exit !found }'
}

@test "an outage in which the gateway loses power and its queue: every sample arrives, at its time" {
	need prometheus promtool vmagent busybox
	sed -E -e "s/(scrape|evaluation)_interval: .*/\1_interval: 1s/; s/scrape_timeout: .*/scrape_timeout: 1s/" \
		-e "s/vmagent:8429/127.0.0.1:8429/; s/localhost:9090/127.0.0.1:9090/" \
		-e "s/\"robot-holder-1:5000\".*\"\]/\"127.0.0.1:5000\", \"127.0.0.1:5001\"]/; /^(rule_files|alerting):/,/^$/d" \
		-e '/job_name: (node|cadvisor|alertmanager)/,/^$|job_name: [pv]/{/job_name: [pv]/!d}' \
		"$SITE_FILES/prometheus/gateway.yml" >gateway.yml
	start_robot 5000 robot-1 0.0.1
	start_odd
	start_central
	start_gateway
	wait_for 30 has 9090 'up{job="robot"} == 1'
	local from back
	from=$(date +%s)
	sleep 2

	ip link set uplink down
	sleep 4
	kill -9 $PROMETHEUS $VMAGENT
	wait_for 10 not_alive $PROMETHEUS
	wait_for 10 not_alive $VMAGENT
	mv queue lost
	start_gateway
	# not a sample of the second in which it was killed
	wait_for 30 has 9090 "timestamp(up{job=\"robot\"}) > $(($(date +%s) + 1))"
	back=$(date +%s)
	wait_for 30 older_than_heads "$back"
	TO=$(date +%s)
	ip link set uplink up

	# what the queue has kept comes by itself
	FROM=$((back + 1))
	[ "$(samples gateway | wc -l)" -gt 1000 ]
	[ "$(samples gateway | grep -c '"odd"')" -gt 8 ]
	wait_for 30 both_have_the_same
	# what was lost with the queue comes from the gateway's own blocks
	FROM=$from
	[ "$(missing)" -gt 1000 ]
	send_missing
	wait_for 30 both_have_the_same
	# which it knows when it looks again
	send_missing
	[ "$(<complete)" -gt $((TO - 5)) ]
	promtool check metrics <send_missing.prom
	grep -qx "gantry_send_missing_complete_timestamp_seconds $(<complete)" send_missing.prom
}

@test "without an uplink, or without a gateway, it says so and keeps its place" {
	need prometheus promtool vmagent busybox
	local place
	place=$(($(date +%s) / 5 * 5 - 30))
	echo "$place" >complete
	ip link set uplink down
	run -75 send_missing
	[[ $output == *"does not answer"* ]]
	[ "$(<complete)" = "$place" ]
}
