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
		COMPOSE_PROFILES=sync "${COMPOSE[@]:0:${#COMPOSE[@]}-2}" -p gantry --env-file "$BATS_TEST_TMPDIR/pins" \
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

@test "Grafana's, Loki's, Tempo's and Fluent Bit's files have the keys that these know, and values of their kind" {
	/usr/bin/python3 - <<-'PY'
		import glob, json, re, yaml
		# of what their references name, what this site uses: a key, and what its value looks like
		number, word, path, on = r"\d+", r"[\w.:{}=~\"+-]+", r"/[\w./*-]+", r"True|False"
		span = r"-?\d+(s|m|h|d)"
		loki = {"auth_enabled": on, "server": {"http_listen_port": number, "log_level": "warn"},
		        "common": {"instance_addr": word, "path_prefix": path, "replication_factor": number,
		                   "ring": {"kvstore": {"store": "inmemory"}},
		                   "storage": {"filesystem": {"chunks_directory": path, "rules_directory": path}}},
		        # retention asks for tsdb, v13, a day, and where to note what is to be deleted
		        "schema_config": {"configs": [{"from": r"\d{4}-\d\d-\d\d", "store": "tsdb", "object_store": "filesystem",
		                                       "schema": "v13", "index": {"prefix": word, "period": "24h"}}]},
		        "limits_config": {"retention_period": span, "reject_old_samples_max_age": span},
		        "compactor": {"working_directory": path, "retention_enabled": on, "delete_request_store": "filesystem"},
		        "analytics": {"reporting_enabled": on}}
		tempo = {"server": {"http_listen_port": number, "log_level": "warn"},
		         "distributor": {"receivers": {"otlp": {"protocols": {"http": {"endpoint": r"0\.0\.0\.0:\d+"}}}}},
		         "storage": {"trace": {"backend": "local", "local": {"path": path}, "wal": {"path": path}}},
		         "compactor": {"compaction": {"block_retention": span}},
		         "usage_report": {"reporting_enabled": on}}
		fluent = {"service": {"flush": number, "log_level": "warn", "parsers_file": path, "http_server": on, "http_port": number,
		                      "storage.path": path},
		          "pipeline": {"inputs": [{"name": "tail", "tag": word, "path": path, "parser": "docker", "db": path,
		                                   "refresh_interval": number, "skip_long_lines": on, "storage.type": "filesystem"}],
		                       "outputs": [{"name": "loki", "match": word, "host": word, "port": number, "labels": ".+",
		                                    "remove_keys": ".+", "drop_single_key": "raw|True|False",
		                                    "retry_limit": "no_limits", "storage.total_limit_size": r"\d+[KMG]"}]}}
		sources = {"apiVersion": "1", "datasources": [{
		    "name": ".+", "uid": word, "type": "prometheus|loki|tempo", "access": "proxy", "url": "http://.+", "isDefault": on,
		    "jsonData": {"timeInterval": span, "httpMethod": "POST|GET", "maxLines": number,
		                 "tracesToLogsV2": {"datasourceUid": word, "spanStartTimeShift": span, "spanEndTimeShift": span,
		                                    "customQuery": on, "query": ".+"}}}]}
		boards = {"apiVersion": "1", "providers": [{"name": word, "folder": word, "type": "file", "allowUiUpdates": on,
		                                            "options": {"path": path}}]}
		source = {"type": "prometheus", "uid": word}
		panel = {"id": number, "type": "timeseries|stat|table|gauge|bargauge|state-timeline|text|barchart|logs", "title": ".+",
		         "description": ".+", "datasource": source, "gridPos": {k: number for k in "xywh"},
		         "fieldConfig": {"defaults": {"unit": ".+", "min": number, "max": number, "mappings": None, "thresholds": None,
		                                      "color": None, "custom": None}, "overrides": None},
		         "options": None, "transformations": None,
		         "targets": [{"refId": "[A-Z]", "expr": "(?s).+", "legendFormat": ".*", "instant": on, "range": on, "format": "table|time_series"}]}
		board = {"uid": word, "title": ".+", "tags": None, "schemaVersion": number, "editable": on, "refresh": span,
		         "time": {"from": r"now-\w+", "to": "now"}, "timezone": "browser|utc", "panels": [panel],
		         "description": ".+", "templating": None}
		def look(is_, known, at):
		    if known is None: return
		    if isinstance(known, dict):
		        assert isinstance(is_, dict), at
		        for key, value in is_.items():
		            assert key in known, f"{at}: {key}"
		            look(value, known[key], f"{at}.{key}")
		    elif isinstance(known, list):
		        assert isinstance(is_, list) and is_, at
		        for value in is_: look(value, known[0], at)
		    else:
		        assert re.fullmatch(known, str(is_)), f"{at}: {is_}"
		def check(pattern, known, load=yaml.safe_load):
		    names = glob.glob("monitoring/" + pattern)
		    assert names, pattern
		    for name in names: look(load(open(name)), known, name)
		    return [load(open(name)) for name in names]
		[day] = check("loki.yml", loki)
		[spans] = check("tempo.yml", tempo)
		check("fluent-bit.yml", fluent)
		found = [s for file in check("grafana/provisioning/datasources/*.yml", sources) for s in file["datasources"]]
		uids = [s["uid"] for s in found]
		assert len(uids) == len(set(uids)) == 4 and [s.get("isDefault") for s in found].count(True) == 1
		for s in found:
		    assert s.get("jsonData", {}).get("tracesToLogsV2", {}).get("datasourceUid", uids[0]) in uids
		[home] = check("grafana/provisioning/dashboards/*.yml", boards)
		compose = yaml.safe_load(open("docker-compose.monitoring.yml"))["services"]
		assert "./monitoring/grafana/dashboards:" + home["providers"][0]["options"]["path"] + ":ro" in compose["grafana"]["volumes"]
		for file in check("grafana/dashboards/*.json", board, json.load):
		    for p in file["panels"]: assert p["datasource"]["uid"] in uids, p["title"]
		# what they write lies on their volume
		for file, service, volume in ((day, "loki", "loki-data"), (spans, "tempo", "tempo-data")):
		    [place] = [v.split(":")[1] for v in compose[service]["volumes"] if v.startswith(volume)]
		    for written in re.findall(r"'(/[^']*)'", str(file)): assert (written + "/").startswith(place + "/"), written
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
