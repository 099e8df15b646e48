#!/usr/bin/env bats
# The compose files: whole, pinned, limited, and with no default passwords.

load helpers/common

setup() {
	cd "$ROOT/compose" || return 1
	COMPOSE=(docker-compose -f docker-compose.monitoring.yml)
	! docker compose version >/dev/null 2>&1 || COMPOSE=(docker compose -f docker-compose.monitoring.yml)
	touch "$BATS_TEST_TMPDIR/hook"
	export SLACK_WEBHOOK_FILE=$BATS_TEST_TMPDIR/hook GRAFANA_PASSWORD=s3cret
}

# Every service of the three files, as compose reads them.
services() {
	local name i
	{
		echo "ROBOT_HOLDER_IMAGE=localhost:5000/robot-app@sha256:$(printf '%064d' 1)"
		for i in 1 2 3; do echo "ROBOT_SERVICE_${i}_IMAGE=localhost:5000/robot-app@sha256:$(printf '%064d' 1)"; done
	} >"$BATS_TEST_TMPDIR/pins"
	for name in infrastructure robots monitoring; do
		COMPOSE_PROFILES=sync "${COMPOSE[@]:0:${#COMPOSE[@]}-2}" --env-file "$BATS_TEST_TMPDIR/pins" \
			-f "docker-compose.$name.yml" config >"$BATS_TEST_TMPDIR/$name.yml" 2>"$BATS_TEST_TMPDIR/said" || return
		diff /dev/null "$BATS_TEST_TMPDIR/said" || return
	done
}

@test "compose takes the files without a word; each service has a version, limits, and a way to be asked" {
	services
	cd "$BATS_TEST_TMPDIR"
	/usr/bin/python3 - <<-'PY'
		import re, yaml
		# in the image, or the image has nothing that could ask
		unasked = {"registry-sync", "fluent-bit", "robot-service-1", "robot-service-2", "robot-service-3"}
		seen = set()
		for name in "infrastructure", "robots", "monitoring":
		    for service, s in yaml.safe_load(open(name + ".yml"))["services"].items():
		        seen.add(service)
		        assert re.search(r":v?\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$", s["image"]), (service, "version")
		        assert s["restart"] in {"always", "unless-stopped"}, (service, "restart")
		        assert s["mem_limit"] and float(s["cpus"]) > 0, (service, "limits")
		        assert s["logging"]["options"]["max-size"] == "1m" and s["logging"]["options"]["max-file"] == "3", service
		        assert s["read_only"] and s["cap_drop"] == ["ALL"], service
		        assert s["security_opt"] == ["no-new-privileges:true"], service
		        assert s["container_name"] == service and s["labels"]["io.gantry.project"] == "gantry", service
		        assert ("healthcheck" in s) != (service in unasked), (service, "health check")
		        # those who are asked at all answer within three tries; a holder says that it is not
		        check = s.get("healthcheck", {})
		        assert check.get("retries") == 3 or service in unasked or service.startswith("robot-holder-"), service
		        for mount in s.get("volumes", []):
		            source = mount if isinstance(mount, str) else mount.get("source", "")
		            assert "docker.sock" not in source, service
		assert len(seen) == 2 + 6 + 11, seen
	PY
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
