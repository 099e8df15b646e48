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

@test "nothing starts without a password and a webhook, and it says how" {
	local missing
	for missing in GRAFANA_PASSWORD SLACK_WEBHOOK_FILE; do
		run --separate-stderr env -u $missing "${COMPOSE[@]}" config
		[ "$status" -ne 0 ]
		[[ $stderr == *"set it in .env"* ]]
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
