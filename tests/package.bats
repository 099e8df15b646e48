#!/usr/bin/env bats
# What a distribution would hand out: the package, units, completions.

load helpers/common

setup_file() {
	cd "$ROOT" || return 1
	make -s deb B="$B" >"$BATS_FILE_TMPDIR/deb.log" 2>&1 || {
		cat "$BATS_FILE_TMPDIR/deb.log" >&2
		return 1
	}
	DEB=$(tail -n 1 "$BATS_FILE_TMPDIR/deb.log")
	# this machine's own system, in which whatever is written is forgotten
	SYSTEM=$BATS_FILE_TMPDIR/system
	mkdir "$SYSTEM" "$BATS_FILE_TMPDIR/layer"
	mount -t tmpfs tmpfs "$BATS_FILE_TMPDIR/layer"
	mkdir "$BATS_FILE_TMPDIR/layer/upper" "$BATS_FILE_TMPDIR/layer/work"
	mount -t overlay -o "lowerdir=/,upperdir=$BATS_FILE_TMPDIR/layer/upper,workdir=$BATS_FILE_TMPDIR/layer/work" \
		overlay "$SYSTEM"
	# not this machine's: whoever clears away this folder in a hurry would clear that away, too
	mount -t tmpfs tmpfs "$SYSTEM/dev"
	cp -a /dev/{null,zero,full,random,urandom,tty} "$SYSTEM/dev"
	mount --bind /proc "$SYSTEM/proc"
	cp "$DEB" "$SYSTEM/root/gantry.deb"
	export DEB SYSTEM
}

teardown_file() {
	umount "$SYSTEM/proc" "$SYSTEM/dev" "$SYSTEM" "$BATS_FILE_TMPDIR/layer"
}

in_system() {
	chroot "$SYSTEM" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}

all_files() {
	in_system find /etc /usr /var/lib ! -path '/var/lib/dpkg/*' ! -path '/var/lib/apt/*' 2>/dev/null | LC_ALL=C sort
}

@test "lintian has nothing to say of the package" {
	run -0 --separate-stderr lintian --allow-root "$DEB"
	[ "$output" = "" ]
}

@test "the package installs, and its programs run" {
	all_files >"$BATS_FILE_TMPDIR/before"
	in_system dpkg --force-unsafe-io -i /root/gantry.deb
	run -0 in_system deploy --version
	[ "$output" = "deploy (gantry) $(sed -n 's/^version := //p' "$ROOT/Makefile")" ]
	run -78 in_system img-verify localhost:1/x:1
	run -0 in_system /usr/libexec/gantry/init-setup.sh
	[[ $output == *"here      /etc/gantry/gantry.conf"* ]]
	[[ $output == *"missing   /etc/gantry/cosign.pub"* ]]
	run -0 in_system man -w deploy
	[ "$output" = /usr/share/man/man1/deploy.1.gz ]
}

@test "setup systemd enables the two timers, once, and names another configuration" {
	cp "$SYSTEM/etc/gantry/gantry.conf" "$SYSTEM/root/other.conf"
	run -0 in_system /usr/libexec/gantry/deploy-helper.sh -c /root/other.conf setup systemd
	[[ ${lines[-1]} == "systemd brings images every five minutes and deploys two minutes later;"* ]]
	in_system systemctl is-enabled -q gantry-sync.timer gantry-deploy.timer
	grep -qx 'Environment="GANTRY_CONFIG=/root/other.conf"' \
		"$SYSTEM/etc/systemd/system/gantry-deploy.service.d/config.conf"
	run -0 in_system /usr/libexec/gantry/deploy-helper.sh setup systemd
	[ "$output" = "the timers are enabled already" ]
	run -64 in_system /usr/libexec/gantry/deploy-helper.sh setup upstart
	run -0 in_system /usr/libexec/gantry/deploy-helper.sh unsetup
	[ "${lines[-1]}" = "the timers are off" ]
	run -1 in_system systemctl is-enabled -q gantry-sync.timer
	[ ! -e "$SYSTEM/etc/systemd/system/gantry-sync.service.d/config.conf" ]
	run -0 in_system /usr/libexec/gantry/deploy-helper.sh unsetup
	[ "$output" = "neither crontab lines nor timers of gantry are there" ]
}

@test "systemd finds nothing wrong with the units" {
	run -0 in_system systemd-analyze verify --man=no /usr/lib/systemd/system/gantry-sync.timer \
		/usr/lib/systemd/system/gantry-deploy.timer
	[[ $output != *gantry* ]]
	run -0 in_system systemd-analyze calendar '*:2/5'
}

@test "what an operator wrote survives removal; purging leaves nothing" {
	echo '# mine' >>"$SYSTEM/etc/gantry/gantry.conf"
	touch "$SYSTEM/var/lib/gantry/journal.jsonl"
	in_system dpkg --force-unsafe-io -r gantry
	grep -qx '# mine' "$SYSTEM/etc/gantry/gantry.conf"
	[ -e "$SYSTEM/var/lib/gantry/journal.jsonl" ]
	in_system dpkg --force-unsafe-io --purge gantry
	run env LC_ALL=C comm -13 "$BATS_FILE_TMPDIR/before" <(all_files)
	[[ $output != *gantry* ]]
}

# completed WORD...: what bash offers for the last word.
completed() {
	bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		$(complete -p "$1" | sed "s/.*-F \([^ ]*\).*/\1/"); printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$B/completions/bash/$1" "$@"
}

@test "bash completes options, their words and files" {
	run completed deploy --on
	[ "$output" = "--on-failure" ]
	run completed deploy --strategy h
	[ "$output" = "handover" ]
	run completed reg-sync --k
	[ "${lines[*]}" = "--keep --key --keep-tags" ] || [ "${lines[*]}" = "--keep --keep-tags --key" ]
	touch "$BATS_TEST_TMPDIR/cosign.pub"
	run --separate-stderr completed img-verify --key "$BATS_TEST_TMPDIR/cos"
	[ "$output" = "$BATS_TEST_TMPDIR/cosign.pub" ]
}

@test "every option of every program is completed, in bash, zsh and fish" {
	local program option
	for program in robot-serve reg-sync img-verify deploy healthcheck rollback; do
		zsh -n "$B/completions/zsh/_$program"
		fish -n "$B/completions/fish/$program.fish"
		for option in $("$program" --help | grep -oE '^ +(-.*)' | grep -oE -- '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,'); do
			grep -qF -- " $option" "$B/completions/bash/$program"
			grep -qE -- "$option[]=[}'*]" "$B/completions/zsh/_$program"
			grep -qE -- "-l ${option#--}( |\$)" "$B/completions/fish/$program.fish"
		done
	done
	run -0 fish -c "source $B/completions/fish/deploy.fish; complete -C 'deploy --strategy r'"
	[[ $output == recreate* ]]
}
