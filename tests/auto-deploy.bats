#!/usr/bin/env bats
# auto-deploy.sh: one run of deploy as cron calls it, with the names of the original.

load helpers/common
load helpers/engine
load helpers/image
load helpers/site

setup_file() {
	start_fleet 0.0.1
}

teardown_file() {
	stop_fleet
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	auto=$ROOT/scripts/auto-deploy.sh
}

@test "--help says what it does" {
	run -0 --separate-stderr "$auto" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: auto-deploy.sh [-c FILE] [--check-only | --force]"* ]]
}

@test "wrong usage is 64, and nothing is asked of the engine" {
	run -64 --separate-stderr "$auto" --frob
	[ "$output" = "" ]
	[ "${stderr_lines[0]}" = "auto-deploy.sh: '--frob' is not an option" ]
	run -64 --separate-stderr "$auto" --check-only --force
	[ "${stderr_lines[0]}" = "auto-deploy.sh: --check-only and --force do not go together" ]
}

@test "nothing new: --check-only and a run are 0 and change nothing" {
	docker ps -q --no-trunc | sort >before
	run -0 --separate-stderr "$auto" -c "$CONF" --check-only
	[ "$output" = "" ]
	run -0 "$auto" -c "$CONF"
	docker ps -q --no-trunc | sort | diff before -
}

@test "an update is there: --check-only is 10, names it and changes nothing" {
	release 0.0.2
	bring "$CONF"
	run -10 --separate-stderr "$auto" -c "$CONF" --check-only
	[[ $output == *"$REGISTRY_LOCAL/robot-app"*"@sha256:"* ]]
	[ "$(versions)" = "0.0.1 0.0.1 0.0.1" ]
}

@test "a run moves every robot to it" {
	run -0 "$auto" -c "$CONF"
	[ "$(versions)" = "0.0.2 0.0.2 0.0.2" ]
}

@test "a bad release is taken back with status 3, and not tried again without --force" {
	release 0.0.3 good --env LOG_DIR=/nonexistent
	bring "$CONF"
	run -3 "$auto" -c "$CONF"
	[ "$(versions)" = "0.0.2 0.0.2 0.0.2" ]
	run "$auto" -c "$CONF"
	[ "$status" -eq 0 ]
	[[ $output == *quarantine* ]]
	run -3 "$auto" -c "$CONF" --force
	[ "$(versions)" = "0.0.2 0.0.2 0.0.2" ]
}

@test "a bad configuration is 78" {
	echo "FROB=1" >bad.conf
	run -78 --separate-stderr "$auto" -c bad.conf
	[[ $stderr == *"bad.conf:1: unknown key 'FROB'" ]]
}

@test "METRICS_DIR gets when a run began and what it came to, --check-only leaves nothing" {
	local m=$BATS_TEST_TMPDIR/metrics
	mkdir "$m"
	METRICS_DIR=$m run -0 "$auto" -c "$CONF" --check-only
	[ -z "$(ls -A "$m")" ]
	METRICS_DIR=$m run -0 "$auto" -c "$CONF"
	cat "$m"/gantry_deploy{,_started}.prom | promtool check metrics
	grep -qx 'gantry_deploy_status 0' "$m/gantry_deploy.prom"
	# what alerts and dashboards ask for is there, and what their tests say in its place is like it
	shapes() {
		sed -nE 's/^\t*(gantry_(deploy|service|quarantined)[a-z_]*(\{.*\})?) .*/\1/p' | sed 's/="[^"]*"/=/g' | sort -u
	}
	cat "$m"/*.prom | shapes >left
	shapes <"$ROOT/tests/dashboards.bats" >said
	[ "$(wc -l <said)" -ge 8 ]
	comm -23 said left | diff /dev/null -
	cd "$ROOT/compose/monitoring"
	grep -rhoE 'gantry_(deploy_[a-z_]+|service_[a-z_]+|quarantined)' alerts grafana | sort -u |
		while read -r name; do
			grep -q "^$name\b" "$OLDPWD/left" || echo "$name"
		done | diff /dev/null -
	cd "$OLDPWD"
	METRICS_DIR=$m/nosuch run -0 --separate-stderr "$auto" -c "$CONF"
	[[ $stderr == *"auto-deploy.sh: warning: '$m/nosuch' cannot be written"* ]]
}
