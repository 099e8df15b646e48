#!/usr/bin/env bats
# deploy-helper.sh: what an operator asks of a deployment, in one word each.

load helpers/common
load helpers/engine
load helpers/image
load helpers/site

setup_file() {
	start_fleet 0.0.1
	# this file's machine has crontabs of its own
	mount -t tmpfs -o mode=1730,gid="$(stat -c %g /var/spool/cron/crontabs)" tmpfs \
		/var/spool/cron/crontabs
}

teardown_file() {
	umount /var/spool/cron/crontabs
	stop_fleet
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	helper=$ROOT/scripts/deploy-helper.sh
	crontab -r 2>/dev/null || true
}

@test "--help says what it does" {
	run -0 --separate-stderr "$helper" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: deploy-helper.sh [-c FILE] deploy|check|force|status|rollback|logs|monitor|setup|unsetup"* ]]
}

@test "wrong usage is 64" {
	run -64 --separate-stderr "$helper"
	[ "${stderr_lines[0]}" = "deploy-helper.sh: what is to be done?" ]
	run -64 --separate-stderr "$helper" frob
	[ "${stderr_lines[0]}" = "deploy-helper.sh: 'frob' is not something that can be done" ]
	run -64 "$helper" --frob
	run -64 "$helper" -c "$CONF" logs many
	run -64 "$helper" -c "$CONF" monitor soon
}

@test "check: 0 when there is nothing, 10 when there is" {
	run -0 "$helper" -c "$CONF" check
	release 0.0.2
	bring "$CONF"
	run -10 --separate-stderr "$helper" -c "$CONF" check
	[[ $output == *"@sha256:"* ]]
}

@test "deploy moves the robots, rollback brings them back" {
	run -0 "$helper" -c "$CONF" deploy
	[ "$(versions)" = "0.0.2 0.0.2 0.0.2" ]
	run -0 "$helper" -c "$CONF" rollback --list
	[[ $output == *0.0.1* ]]
	run -0 "$helper" -c "$CONF" rollback
	[ "$(versions)" = "0.0.1 0.0.1 0.0.1" ]
}

@test "force tries a release again that failed before" {
	release 0.0.3 good --env LOG_DIR=/nonexistent
	bring "$CONF"
	run -3 "$helper" -c "$CONF" deploy
	run -0 "$helper" -c "$CONF" deploy
	run -3 "$helper" -c "$CONF" force
	[ "$(versions)" = "0.0.1 0.0.1 0.0.1" ]
}

@test "status says what runs and whether it is healthy" {
	run -0 --separate-stderr "$helper" -c "$CONF" status
	[[ $output == *robot-service-1*0.0.1* ]]
	[[ $output == *"healthy http://"*5003/health\ 200* ]]
	docker stop -t 1 robot-service-2 >/dev/null
	run -1 "$helper" -c "$CONF" status
	[[ $output == *"unhealthy http://"*5002/health* ]]
	docker start robot-service-2 >/dev/null
	wait_for 20 healthcheck http://localhost:5002/health
}

@test "logs: the journal, and the last lines of cron's runs" {
	seq -f 'line %g' 100 >"$BATS_FILE_TMPDIR/state/cron.log"
	run -0 "$helper" -c "$CONF" logs 3
	[[ $output == *0.0.2* ]]
	[[ $output == *"line 98"$'\n'"line 99"$'\n'"line 100" ]]
	[[ $output != *"line 97"* ]]
}

@test "monitor shows the status again and again" {
	run -0 "$helper" -c "$CONF" monitor 0 2
	[ "$(grep -c '^--- ' <<<"$output")" = 2 ]
	[ "$(grep -c '^healthy ' <<<"$output")" = 6 ]
}

@test "setup adds three crontab lines beside others, once" {
	echo '0 4 * * * /usr/bin/true # mine' | crontab -
	run -0 "$helper" -c "$CONF" setup
	[[ $output == "cron brings images every five minutes"* ]]
	crontab -l >first
	run -0 "$helper" -c "$CONF" setup
	[ "$output" = "the crontab lines are there already" ]
	crontab -l | diff first -
	[ "$(wc -l <first)" = 4 ]
	[ "$(sed -n 1p first)" = '0 4 * * * /usr/bin/true # mine' ]
	[[ $(sed -n 2p first) == "*/5 * * * * '$ROOT/scripts/sync-images.sh' -c '$CONF' >>"*" # gantry" ]]
	[[ $(sed -n 3p first) == "2-59/5 * * * * '$ROOT/scripts/auto-deploy.sh' -c '$CONF' >>"*" # gantry" ]]
	[[ $(sed -n 4p first) == "@reboot sleep 30; '$ROOT/scripts/auto-deploy.sh' -c '$CONF' >>"*" # gantry" ]]
}

@test "unsetup takes them away and leaves the others" {
	echo '0 4 * * * /usr/bin/true # mine' | crontab -
	"$helper" -c "$CONF" setup
	run -0 "$helper" -c "$CONF" unsetup
	[ "$output" = "the crontab lines are gone" ]
	[ "$(crontab -l)" = '0 4 * * * /usr/bin/true # mine' ]
	run -0 "$helper" -c "$CONF" unsetup
	[ "$output" = "neither crontab lines nor timers of gantry are there" ]
	crontab -r
	"$helper" -c "$CONF" setup
	"$helper" -c "$CONF" unsetup
	run ! crontab -l
}

@test "setup with another configuration replaces the lines" {
	"$helper" -c "$CONF" setup
	mkdir "100% it's"
	cp "$CONF" "100% it's/g.conf"
	run -0 "$helper" -c "100% it's/g.conf" setup
	[ "$(crontab -l | wc -l)" = 3 ]
	[ "$(crontab -l | grep -cF "100\\% it'\\''s/g.conf")" = 3 ]
}

@test "the crontab lines work as cron runs them: little environment, sh, no terminal" {
	mkdir "100% it's"
	cp "$CONF" "100% it's/g.conf"
	"$helper" -c "100% it's/g.conf" setup
	: >"$BATS_FILE_TMPDIR/state/cron.log"
	release 0.0.4
	crontab -l | sed 's/^@reboot sleep 30; //; t strip; s/^\([^ ]* \)\{5\}//; : strip; s/\\%/%/g' >lines
	while read -r line; do
		env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin DOCKER_HOST="$DOCKER_HOST" \
			B="$B" sh -c "$line" </dev/null
	done <lines
	[ "$(versions)" = "0.0.4 0.0.4 0.0.4" ]
	grep -q "^copied .*:0.0.4@" "$BATS_FILE_TMPDIR/state/cron.log"
}

@test "no crontab program is 71, and says what to install" {
	mkdir bin
	for p in sh dirname awk printf tr cat sed grep mkdir env; do
		ln -s "$(command -v $p)" bin
	done
	sed 's|^PATH=\$PATH:/usr/local/bin.*|:|' "$ROOT/scripts/settings.sh" >settings.sh
	cp "$helper" .
	run -71 --separate-stderr env B= PATH="$PWD/bin" ./deploy-helper.sh -c "$CONF" setup
	[ "$stderr" = "deploy-helper.sh: there is no crontab: install the package cron" ]
}
