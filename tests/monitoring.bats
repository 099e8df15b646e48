#!/usr/bin/env bats
# The compose file of monitoring: whole, pinned, and with no default passwords.

load helpers/common

setup() {
	cd "$ROOT/compose" || return 1
	COMPOSE=(docker-compose -f docker-compose.monitoring.yml)
	! docker compose version >/dev/null 2>&1 || COMPOSE=(docker compose -f docker-compose.monitoring.yml)
	touch "$BATS_TEST_TMPDIR/hook"
	export SLACK_WEBHOOK_FILE=$BATS_TEST_TMPDIR/hook GRAFANA_PASSWORD=s3cret
}

@test "compose takes the file, and each image has a version" {
	run -0 --separate-stderr "${COMPOSE[@]}" config
	[ "$(grep -cE '^ +image: .*:v?[0-9]' <<<"$output")" = "$(grep -cE '^ +image: ' <<<"$output")" ]
	[ "$(grep -cE '^ +read_only: true$' <<<"$output")" -ge "$(grep -cE '^ +image: ' <<<"$output")" ]
}

@test "whoever asks or is asked is a service of the site, at the port that it listens on" {
	local at
	"${COMPOSE[@]}" config --services >"$BATS_TEST_TMPDIR/services"
	seq -f 'robot-holder-%g' 3 >>"$BATS_TEST_TMPDIR/services"
	{
		sed -n 's|.*url: http://\([^/ ]*\).*|\1|p' monitoring/grafana/provisioning/datasources/*.yml \
			monitoring/prometheus/*.yml
		sed -n 's|.*targets: \[\(.*\)\].*|\1|p' monitoring/prometheus/*.yml | tr -d '" []{}' | tr , '\n'
		awk '$1 == "host:" { host = $2 } $1 == "port:" { print host ":" $2 }' monitoring/fluent-bit.yml
	} | grep -v '^localhost:' | sort -u >"$BATS_TEST_TMPDIR/asked"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/asked")" -ge 12 ]
	while read -r at; do
		grep -qx "${at%:*}" "$BATS_TEST_TMPDIR/services"
	done <"$BATS_TEST_TMPDIR/asked"
	grep -q 'http_listen_port: 3100' monitoring/loki.yml && grep -qx loki:3100 "$BATS_TEST_TMPDIR/asked"
	grep -q 'http_listen_port: 3200' monitoring/tempo.yml && grep -qx tempo:3200 "$BATS_TEST_TMPDIR/asked"
	grep -q 'http_port: 2020' monitoring/fluent-bit.yml && grep -qx fluent-bit:2020 "$BATS_TEST_TMPDIR/asked"
	grep -q 'endpoint: "0.0.0.0:4318"' monitoring/tempo.yml
	# what the shipper calls a service by goes with each line of each container
	at=$(sed -n "s/.*service=\$attrs\['\([^']*\)'\].*/\1/p" monitoring/fluent-bit.yml)
	[ -n "$at" ]
	for file in docker-compose.*.yml; do
		[ "$(grep -c 'max-size:' "$file")" = "$(grep -c "max-size: .*labels: $at }" "$file")" ]
	done
}

@test "data sources, Loki, Tempo and Fluent Bit: YAML with the keys that they know" {
	/usr/bin/python3 - <<-'PY'
		import glob, yaml
		def load(name):
		    return yaml.safe_load(open("monitoring/" + name))
		known = {"loki.yml": {"auth_enabled", "server", "common", "schema_config", "limits_config", "compactor", "analytics"},
		         "tempo.yml": {"server", "distributor", "storage", "compactor", "usage_report"},
		         "fluent-bit.yml": {"service", "pipeline"}}
		for name, keys in known.items():
		    assert set(load(name)) <= keys, name
		day = load("loki.yml")["schema_config"]["configs"][0]
		# retention asks for these
		assert day["index"]["period"] == "24h" and day["store"] == "tsdb" and day["schema"] == "v13"
		assert load("loki.yml")["compactor"]["delete_request_store"] == day["object_store"]
		uids = []
		for name in glob.glob("monitoring/grafana/provisioning/datasources/*.yml"):
		    file = yaml.safe_load(open(name))
		    assert file["apiVersion"] == 1
		    for source in file["datasources"]:
		        assert set(source) <= {"name", "uid", "type", "access", "url", "isDefault", "jsonData"}
		        assert source["type"] in {"prometheus", "loki", "tempo"}
		        uids.append(source["uid"])
		assert len(uids) == len(set(uids)) == 4
		assert load("grafana/provisioning/datasources/logs.yml")["datasources"][1]["jsonData"]["tracesToLogsV2"]["datasourceUid"] in uids
	PY
}

@test "nothing starts without a password and a webhook, and it says how" {
	local missing
	for missing in GRAFANA_PASSWORD SLACK_WEBHOOK_FILE; do
		run --separate-stderr env -u $missing "${COMPOSE[@]}" config
		[ "$status" -ne 0 ]
		[[ $stderr == *"set it in monitoring.env"* ]]
	done
}

@test "the queue lies on a volume and has a limit; what is a week old is there, is looked at and is taken" {
	local days kept back
	days=$(sed -n 's/.*out_of_order_time_window: \([0-9]*\)d.*/\1/p' monitoring/prometheus/central.yml)
	kept=$(sed -n '/prometheus-2:/,/ports:/s/.*retention.time=\([0-9]*\)d.*/\1/p' docker-compose.monitoring.yml)
	back=$(sed -n 's/.*LOOKBACK:=\([0-9]*\)}.*/\1/p' monitoring/forward/send-missing.sh)
	[ "$back" -gt $((7 * 86400)) ] && [ "$back" -lt $((days * 86400)) ] && [ "$kept" -ge "$days" ]
	grep -qF -- '-remoteWrite.tmpDataPath=/queue' docker-compose.monitoring.yml
	grep -qF 'vmagent-queue:/queue' docker-compose.monitoring.yml
	grep -qF -- '-remoteWrite.maxDiskUsagePerURL=' docker-compose.monitoring.yml
}
