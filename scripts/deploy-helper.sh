#!/bin/sh
# deploy-helper.sh: what an operator asks of a deployment, in one word each.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
self=deploy-helper.sh
synopsis='[-c FILE] deploy|check|force|status|rollback|logs|monitor|setup|unsetup [...]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		  deploy [SERVICE...]    move the robots to the newest signed release
		  check                  say whether there is one (exit 10: yes)
		  force [SERVICE...]     try a release again that failed before
		  status                 what runs where, and whether it is healthy
		  rollback [OPTIONS]     back to the last good release; options as rollback(1)
		  logs [LINES]           the journal, and the last lines that cron's runs wrote (50)
		  monitor [SECONDS [N]]  status every so many seconds (5), N times or until Ctrl-C
		  setup [cron|systemd]   add the three crontab lines, or enable the two timers, once (cron)
		  unsetup                take either away again

		  -c, --config FILE      configuration (default /etc/gantry/gantry.conf, then ./gantry.conf)
		  -h, --help             this text

		    $self rollback --list

		exit: as deploy(1) and rollback(1); status: 0 all healthy, 1 not
	TEXT
}

mark='# gantry'

# The crontab as it is, without our lines.
others() {
	crontab -l 2>/dev/null | grep -v " $mark\$" || true
}

# A word for a crontab line: quoted for the shell, and % escaped, which cron would make a newline.
cron_word() {
	printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g; s/%/\\\\%/g")"
}

need_crontab() {
	command -v crontab >/dev/null || die 71 "there is no crontab: install the package cron"
}

setup_cron() {
	log=$(cron_word "$(cd "$STATE_DIR" && pwd)/cron.log")
	with=${CONFIG:+ -c $(cron_word "$CONFIG")}
	before=$(crontab -l 2>/dev/null || true)
	# the deployment looks two minutes after the images came
	after=$(
		others
		echo "*/5 * * * * $(cron_word "$here/sync-images.sh")$with >>$log 2>&1 $mark"
		echo "2-59/5 * * * * $(cron_word "$here/auto-deploy.sh")$with >>$log 2>&1 $mark"
		# robots whose holder came up late are started
		echo "@reboot sleep 30; $(cron_word "$here/auto-deploy.sh")$with >>$log 2>&1 $mark"
	)
	if [ "$before" = "$after" ]; then
		echo "the crontab lines are there already"
		return
	fi
	printf '%s\n' "$after" | crontab - || die 71 "the crontab could not be written"
	echo "cron brings images every five minutes, deploys two minutes later and after a start of the machine; it writes to $STATE_DIR/cron.log"
}

timers='gantry-sync.timer gantry-deploy.timer'
units=/etc/systemd/system

# systemd is there and runs; in a system image it is only there
booted() {
	[ -d /run/systemd/system ]
}

timers_enabled() {
	# shellcheck disable=SC2086
	command -v systemctl >/dev/null && systemctl is-enabled -q $timers 2>/dev/null
}

# The services read /etc/gantry/gantry.conf unless a drop-in of ours says otherwise.
forget_config() {
	for service in gantry-sync gantry-deploy; do
		rm -f "$units/$service.service.d/config.conf"
		rmdir "$units/$service.service.d" 2>/dev/null || true
	done
}

name_config() {
	forget_config
	[ -n "$CONFIG" ] && [ "$CONFIG" != /etc/gantry/gantry.conf ] || return 0
	for service in gantry-sync gantry-deploy; do
		mkdir -p "$units/$service.service.d" || die 71 "cannot write to '$units'"
		printf '[Service]\nEnvironment="GANTRY_CONFIG=%s"\n' "$CONFIG" \
			>"$units/$service.service.d/config.conf" || die 71 "cannot write to '$units'"
	done
}

setup_systemd() {
	command -v systemctl >/dev/null || die 71 "there is no systemctl here: 'setup cron' needs none"
	if timers_enabled; then
		echo "the timers are enabled already"
		return
	fi
	name_config
	# shellcheck disable=SC2086
	systemctl enable -q $timers ||
		die 71 "the timers could not be enabled: they come with 'make install' or the package"
	# shellcheck disable=SC2086
	! booted || { systemctl daemon-reload && systemctl start $timers; } ||
		die 71 "the timers could not be started"
	echo "systemd brings images every five minutes and deploys two minutes later; see journalctl -u 'gantry-*'"
}

remove_cron() {
	crontab -l 2>/dev/null | grep -q " $mark\$" || return 1
	rest=$(others)
	if [ -n "$rest" ]; then
		printf '%s\n' "$rest" | crontab -
	else
		crontab -r
	fi || die 71 "the crontab could not be written"
	echo "the crontab lines are gone"
}

remove_systemd() {
	timers_enabled || return 1
	# shellcheck disable=SC2015,SC2086
	{ ! booted || systemctl stop $timers; } && systemctl disable -q $timers ||
		die 71 "the timers could not be disabled"
	forget_config
	echo "the timers are off"
}

setup() {
	way=${1:-cron}
	case "$way" in
	cron) other=systemd ;;
	systemd) other=cron ;;
	*) misused "setup takes cron or systemd, not '$way'" ;;
	esac
	[ "$way" = systemd ] || need_crontab
	[ -z "$CONFIG" ] || CONFIG=$(cd "$(dirname "$CONFIG")" && pwd)/$(basename "$CONFIG")
	mkdir -p "$STATE_DIR" || die 71 "cannot make '$STATE_DIR'"
	"setup_$way"
	# one of them is enough
	"remove_$other" || true
}

unsetup() {
	found=
	! remove_cron || found=yes
	! remove_systemd || found=yes
	[ -n "$found" ] || echo "neither crontab lines nor timers of gantry are there"
}

status() {
	configured deploy --status || return
	"$here/manage-services.sh" ${CONFIG:+-c "$CONFIG"} health
}

logs() {
	lines=${1:-50}
	case "$lines" in
	'' | *[!0-9]*) misused "logs takes a number of lines, not '$lines'" ;;
	esac
	configured deploy --history
	[ ! -f "$STATE_DIR/cron.log" ] || tail -n "$lines" "$STATE_DIR/cron.log"
}

monitor() {
	pause=${1:-5}
	times=${2:-0}
	case "$pause$times" in
	*[!0-9]*) misused "monitor takes numbers" ;;
	esac
	n=0
	while :; do
		date '+--- %F %T'
		status || true
		n=$((n + 1))
		[ "$n" -ne "$times" ] || break
		sleep "$pause"
	done
}

config=
while [ $# -gt 0 ]; do
	case "$1" in
	-c | --config)
		[ $# -ge 2 ] || misused "$1 needs a file"
		config=$2
		shift 2
		;;
	-h | --help | help)
		help
		exit 0
		;;
	-*) misused "'$1' is not an option" ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || misused "what is to be done?"
settings_load "$config"
verb=$1
shift
case "$verb" in
deploy) configured deploy "$@" ;;
check) configured deploy --check "$@" ;;
force) configured deploy --force "$@" ;;
rollback) configured rollback "$@" ;;
status | logs | monitor | setup | unsetup) "$verb" "$@" ;;
*) misused "'$verb' is not something that can be done" ;;
esac
