#!/usr/bin/env bats
# The house: what make builds, installs and refuses.

setup() {
	load helpers/common
	cd "$ROOT" || return 1
}

@test "the top level is exactly what it should be" {

	run bash -c 'git ls-files | cut -d/ -f1 | grep -v "^\." | sort -u | xargs'
	[ "$output" = "LICENSE Makefile README.md compose lib man scripts tests tools" ]
}

@test "make twice does nothing" {
	make B="$B" all >/dev/null
	run make B="$B" all
	[ "$status" -eq 0 ]
	[ "$output" = "make: Nothing to be done for 'all'." ] || [ -z "$output" ]
}

@test "other flags rebuild, the same flags do not" {
	local o=$BATS_TEST_TMPDIR/o
	make B="$o" "$o/lib/base/err.o"
	run make B="$o" "$o/lib/base/err.o"
	[[ $output != *"CC  lib/base/err.c"* ]]
	run make B="$o" CFLAGS=-O1 "$o/lib/base/err.o"
	[[ $output == *"CC  lib/base/err.c"* ]]
}

@test "a changed header rebuilds what includes it, and only that" {
	local t=$BATS_TEST_TMPDIR/tree
	mkdir "$t"
	cp -R Makefile lib scripts "$t"
	cd "$t" || return 1
	make B=o o/lib/base/err.o o/lib/base/view.o
	# a second later, as the clock of files ticks slowly
	touch -d '1 second' lib/base/view.h
	run make B=o o/lib/base/err.o o/lib/base/view.o
	[[ $output == *"CC  lib/base/view.c"* ]]
	[[ $output != *"CC  lib/base/err.c"* ]]
}

@test "install puts everything under DESTDIR and prefix, uninstall takes all of it away" {
	local d=$BATS_TEST_TMPDIR/root
	make B="$B" DESTDIR="$d" prefix=/opt/g install >/dev/null
	for tool in robot-serve reg-sync img-verify deploy healthcheck rollback; do
		[ -x "$d/opt/g/bin/$tool" ]
		[ -f "$d/opt/g/share/man/man1/$tool.1" ]
		[ -s "$d/opt/g/share/bash-completion/completions/$tool" ]
		[ -s "$d/opt/g/share/zsh/site-functions/_$tool" ]
		[ -s "$d/opt/g/share/fish/vendor_completions.d/$tool.fish" ]
	done
	[ -f "$d/opt/g/share/man/man5/gantry.conf.5" ]
	[ -x "$d/opt/g/libexec/gantry/manage-services.sh" ]
	[ -f "$d/opt/g/share/gantry/compose/docker-compose.robots.yml" ]
	[ -f "$d/opt/g/share/doc/gantry/examples/gantry.conf" ]
	[ -f "$d/opt/g/lib/sysctl.d/60-gantry.conf" ]
	grep -q '^ExecStart=/opt/g/libexec/gantry/auto-deploy.sh ' "$d/opt/g/lib/systemd/system/gantry-deploy.service"
	"$d/opt/g/libexec/gantry/manage-services.sh" help >/dev/null
	make B="$B" DESTDIR="$d" prefix=/opt/g uninstall >/dev/null
	run find "$d" -type f
	[ -z "$output" ]
}

@test "what gantry-troubleshooting(7) quotes is what programs say" {
	local words n=0
	cat lib/*/*.c tools/*/*.c scripts/*.sh | tr -d '\n' | sed 's/"[ \t]*"//g' >"$BATS_TEST_TMPDIR/said"
	while read -r words; do
		grep -qF -- "${words% X already}" "$BATS_TEST_TMPDIR/said" || {
			echo "nobody says: $words" >&2
			return 1
		}
		n=$((n + 1))
	done < <(sed -n 's/ Dc .*//; s/^\.It D[qo] //p' man/gantry-troubleshooting.7)
	[ "$n" -gt 15 ]
}

@test "programs are hardened" {
	for tool in robot-serve reg-sync img-verify deploy healthcheck rollback; do
		run readelf -hldW "$B/$tool"
		[[ $output == *"DYN (Position-Independent"* ]]
		[[ $output == *"GNU_RELRO"* ]]
		[[ $output == *"BIND_NOW"* || $output == *"NOW"* ]]
		[[ $output =~ GNU_STACK.*RW\  ]]
		nm -D "$B/$tool" | grep -q __stack_chk_fail
	done
}

@test "each program links to what it needs and to nothing else" {
	needs() {
		readelf -d "$B/$1" | sed -n 's/.*NEEDED.*\[lib\([^.]*\)\..*/\1/p' | xargs
	}
	[[ " $(needs robot-serve) " != *" curl "* ]]
	[[ " $(needs robot-serve) " == *" microhttpd "* ]]
	for tool in reg-sync img-verify deploy healthcheck rollback; do
		# img-verify loads it when there are images
		[ $tool = img-verify ] || [[ " $(needs $tool) " == *" curl "* ]]
		[[ " $(needs $tool) " != *" microhttpd "* ]]
		[[ " $(needs $tool) " != *" gpiod "* ]]
	done
	[[ " $(needs healthcheck) " != *" archive "* ]]
	[ "$(needs img-verify)" = "jansson crypto c" ]
}

# A small tree that a check must refuse.
bad_tree() {
	T=$BATS_TEST_TMPDIR/bad
	mkdir -p "$T"/lib/{base,net} "$T"/tools/x "$T"/scripts
	cp scripts/check-* "$T/scripts"
	echo '#include "base/a.h"' >"$T/lib/base/a.c"
	echo 'int a_x(void);' >"$T/lib/base/a.h"
	echo 'int a_x(void);' >"$T/lib/net/b.h"
	echo '#include "base/a.h"' >"$T/tools/x/main.c"
}

@test "check-layers refuses an include upwards, a foreign library and another tool's file" {
	bad_tree
	run "$T/scripts/check-layers"
	[ "$status" -eq 0 ]
	echo '#include "net/b.h"' >>"$T/lib/base/a.c"
	run "$T/scripts/check-layers"
	[ "$status" -eq 1 ]
	[ "$output" = "check-layers: lib/base/a.c:2: base/ may not include 'net/b.h'" ]
	bad_tree
	echo '#include <curl/curl.h>' >>"$T/lib/base/a.c"
	run "$T/scripts/check-layers"
	[ "$status" -eq 1 ]
	bad_tree
	echo '#include "../y/y.h"' >>"$T/tools/x/main.c"
	run "$T/scripts/check-layers"
	[ "$status" -eq 1 ]
}

@test "check-symbols names a symbol without its file's prefix" {
	echo 'int frob(void); int frob(void) { return 0; }' >"$BATS_TEST_TMPDIR/err.c"
	gcc -c -o "$BATS_TEST_TMPDIR/err.o" "$BATS_TEST_TMPDIR/err.c"
	run scripts/check-symbols "$BATS_TEST_TMPDIR/err.o"
	[ "$status" -eq 1 ]
	[ "$output" = "check-symbols: err.c exports frob" ]
}

@test "check-banned names the call" {
	printf '#include <stdlib.h>\nint main(int c, char **v) { return c + atoi(v[0]); }\n' \
		>"$BATS_TEST_TMPDIR/p.c"
	gcc -O0 -o "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/p.c"
	run scripts/check-banned "$BATS_TEST_TMPDIR/p"
	[ "$status" -eq 1 ]
	[ "$output" = "check-banned: $BATS_TEST_TMPDIR/p calls atoi" ]
}

@test "README: what is to be typed is there: scripts, their verbs, programs and options" {
	local line word program known
	for word in $(grep -oE '[a-z][a-z-]*\.sh' README.md | sort -u); do
		[ -x "scripts/$word" ] || { echo "$word"; false; }
	done
	grep -oE '(manage-services|deploy-helper)\.sh [a-z-]+' README.md | sort -u | while read -r program word; do
		"scripts/$program" --help | grep -qw -- "$word" || { echo "$program $word"; false; }
	done
	sed -nE '/^## The pipeline/,/^## Exit codes/{s/^ {4,}((sudo|make|git|gh|reg-sync|img-verify|scripts|manage-services|sync-images|deploy-helper|test-deployment|PATH|COMPOSE|openssl)[. =\/_].*)/\1/p}' \
		README.md | sed 's/  *#.*//' >"$BATS_TEST_TMPDIR/typed"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/typed")" -ge 20 ]
	bash -n "$BATS_TEST_TMPDIR/typed"
	while IFS= read -r line; do
		known=
		for program in reg-sync img-verify deploy rollback healthcheck; do
			[[ " $line" != *[\ /]$program\ * ]] || known+=$("$program" --help)
		done
		for program in $(grep -oE '[a-z-]+\.sh' <<<"$line"); do
			known+=$("scripts/$program" --help)
		done
		[ -n "$known" ] || continue
		for word in $(grep -oE ' --[a-z-]+' <<<"$line"); do
			[[ $known == *"$word"* ]] || { echo "$line: $word"; false; }
		done
	done <"$BATS_TEST_TMPDIR/typed"
}
