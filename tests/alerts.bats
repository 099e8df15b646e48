#!/usr/bin/env bats
# The alerts: what makes each fire, and that people are told, once and at the right time.

load helpers/common
load helpers/monitoring

RULES=$ROOT/compose/monitoring

setup_file() {
	export MAIL=$BATS_FILE_TMPDIR/slack TEXTFILES=$BATS_FILE_TMPDIR/textfiles
	mkdir "$MAIL" "$TEXTFILES"
}

teardown_file() {
	stop_all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

alerts_of_rules() {
	sed -n 's/^ *- alert: //p' "$RULES"/alerts/*.yml "$RULES"/central/*.yml | sort
}

@test "the rules are rules, and each alert says what it means and what to do" {
	local word
	promtool check rules "$RULES"/alerts/*.yml "$RULES"/central/*.yml
	for word in summary description action; do
		[ "$(cat "$RULES"/{alerts,central}/*.yml | grep -cE "^ {10}$word: \".{8,}\"$")" = \
			"$(alerts_of_rules | wc -l)" ]
	done
	[ "$(cat "$RULES"/{alerts,central}/*.yml | grep -cE 'severity: (critical|warning|none)[ ,]')" = \
		"$(alerts_of_rules | wc -l)" ]
}

@test "each alert fires when it should, and not otherwise" {
	run -0 promtool test rules "$ROOT"/tests/alerts/*.yml
	diff <(alerts_of_rules) <(sed -n 's/.*{alertname="\([A-Za-z]*\)"}.*/\1/p' "$ROOT"/tests/alerts/*.yml | sort -u)
}

@test "every alert has a name of its own" {
	[ -z "$(alerts_of_rules | uniq -d)" ]
}

# The site's own files, with addresses of this machine and without patience.
site() {
	AM=$(free_port) NODE=$(free_port) ROBOT=$(free_port) PROM=$(free_port) SLACK=$(free_port)
	mkdir "$BATS_FILE_TMPDIR/rules"
	sed -E 's/^( *for:) .*/\1 0s/' "$RULES/alerts/robots.yml" >"$BATS_FILE_TMPDIR/rules/robots.yml"
	cp "$RULES/alerts/deployments.yml" "$BATS_FILE_TMPDIR/rules"
	sed -E -e "s|/etc/prometheus/alerts|$BATS_FILE_TMPDIR/rules|; s/(scrape|evaluation)_interval: .*/\1_interval: 1s/" \
		-e "s/scrape_timeout: .*/scrape_timeout: 1s/; s/alertmanager:9093/127.0.0.1:$AM/" \
		-e "s/node-exporter:9100/127.0.0.1:$NODE/; s/\"robot-holder-1:5000\".*\"\]/\"127.0.0.1:$ROBOT\"]/" \
		-e '/^remote_write:/,/^$/d; /job_name: (cadvisor|vmagent|loki)/,/^$|job_name: p/{/job_name: p/!d}' \
		"$RULES/prometheus/gateway.yml" >"$BATS_FILE_TMPDIR/gateway.yml"
	sed -E -e "s|/run/secrets/slack_webhook|$BATS_FILE_TMPDIR/webhook|; s|/etc/alertmanager|$RULES/alertmanager|" \
		-e 's/group_(wait|interval): .*/group_\1: 1s/' "$RULES/alertmanager/alertmanager.yml" \
		>"$BATS_FILE_TMPDIR/alertmanager.yml"
	printf 'http://127.0.0.1:%s/services/T0/s3cret' "$SLACK" >"$BATS_FILE_TMPDIR/webhook"
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' >"$MAIL/default"
	"$B/helpers/canned" "$SLACK" "$MAIL" 3>&- &
	started $!
}

# deploy_numbers BEGUN ENDED STATUS: as auto-deploy.sh and deploy leave them.
deploy_numbers() {
	printf 'gantry_deploy_started_timestamp_seconds %s\n' "$1" >"$TEXTFILES/started.new"
	printf 'gantry_deploy_last_run_timestamp_seconds %s\ngantry_deploy_status %s\n' "$2" "$3" \
		>"$TEXTFILES/deploy.new"
	mv "$TEXTFILES/started.new" "$TEXTFILES/started.prom"
	mv "$TEXTFILES/deploy.new" "$TEXTFILES/deploy.prom"
}

told() { # WORDS
	grep -qF -- "$1" "$MAIL/bodies"
}

state_of() { # ALERT: active, suppressed or nothing
	curl -fsS "http://127.0.0.1:$AM/api/v2/alerts" | jq -r ".[] | select(.labels.alertname == \"$1\") | .status.state"
}

is_state() {
	[ "$(state_of "$1")" = "$2" ]
}

@test "a real Alertmanager takes the configuration and its template" {
	need amtool
	sed "s|/etc/alertmanager|$RULES/alertmanager|" "$RULES/alertmanager/alertmanager.yml" >am.yml
	run -0 amtool check-config am.yml
	[[ $output == *"1 templates"* ]]
	run -0 --separate-stderr amtool config routes test --config.file=am.yml severity=none alertname=DeploymentRuns
	[ "$output" = nobody ]
	run -0 --separate-stderr amtool config routes test --config.file=am.yml severity=critical alertname=RobotDown
	[ "$output" = slack ]
}

@test "what fires is told in words; what a deployment may cause is kept back while it runs" {
	need prometheus prometheus-alertmanager prometheus-node-exporter
	site
	start_robot "$ROBOT" robot-1 0.0.1
	start_alertmanager "$AM" "$BATS_FILE_TMPDIR/alertmanager.yml"
	deploy_numbers 100 200 5
	start_node_exporter "$NODE" "$TEXTFILES"
	SITE=plant start_prometheus gateway "$PROM" "$BATS_FILE_TMPDIR/gateway.yml" \
		--enable-feature=expand-external-labels
	wait_for 60 told RollbackFailed
	jq -se '.[] | .attachments[] | select(.title == "RollbackFailed at plant") | .color == "danger"
		and (.text | test("A robot could not be taken back") and test("To do: deploy --status names the robot"))' \
		"$MAIL/bodies"
	wait_for 30 has "$PROM" 'up{job="robot"} == 1'

	deploy_numbers "$(date +%s)" 200 5
	wait_for 30 is_state DeploymentRuns active
	kill "$ROBOT_PID"
	wait_for 60 is_state RobotDown suppressed
	run ! told RobotDown
	run ! told DeploymentRuns

	# the deployment has ended, but the robot is still away
	deploy_numbers 100 200 0
	wait_for 60 told "RobotDown at plant"
	start_robot "$ROBOT" robot-1 0.0.2
	wait_for 60 told "Over: RobotDown"
	run ! told DeploymentRuns

	# what is the same at one site is one message
	jq -n '["a", "b"] | map({labels: {alertname: "Twice", site: "plant", severity: "warning", instance: .}})' |
		curl -fsS -H 'Content-Type: application/json' -d @- "http://127.0.0.1:$AM/api/v2/alerts"
	wait_for 30 told "2 x Twice at plant"
	run ! told '"Twice at plant"'
}
