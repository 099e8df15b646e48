#!/usr/bin/env bats
# Progress bars, on a pseudo-terminal.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	unset NO_COLOR
	export TERM=vt100 PATH=$B/helpers:$PATH
}

teardown() {
	touch go go.end
	[ -z "${SCRIPT:-}" ] || wait "$SCRIPT" || true
}

# on_terminal ROWS COLUMNS BARS: what a terminal of that size gets to see is in the file screen.
on_terminal() {
	script -qefc "stty rows $1 cols $2; exec bars $3 go" screen >/dev/null 2>&1 </dev/null 3>&- &
	SCRIPT=$!
	wait_for 20 grep -q total screen
}

# finish: what remains to be seen, and the end.
finish() {
	touch go
	wait_for 20 grep -q words screen
	touch go.end
	wait "$SCRIPT"
	SCRIPT=
}

# lines of the newest whole drawing, without colours
drawn() {
	sed 's/\x1b\[[0-9]*m//g; s/.*\x1b\[J//; s/\r//g' screen | grep -v '^Script'
}

shows() { # RE
	drawn | grep -qE "$1"
}

@test "a line for each transfer and one for all of them" {
	on_terminal 24 80 2
	wait_for 20 shows '^layer\?-1 +\[#+ +\]  25%   4\.0 MB +[0-9.]+ [kMG]?B/s$'
	wait_for 20 shows '^layer\?-2 '
	wait_for 20 shows '^total 2\.0 MB of 8\.0 MB  25%  [0-9.]+ [kMG]?B/s'
	finish
}

@test "more than fit are a number, and no line is wider than the terminal" {
	on_terminal 6 60 10
	wait_for 20 shows '^layer\?-4 '
	run ! grep -q 'layer?-5' screen
	wait_for 20 shows '^total 10\.0 MB of 40\.0 MB  25%  and 6 more  '
	[ "$(drawn | awk '{ if (length > m) m = length } END { print m }')" -le 59 ]
	finish
}

@test "a terminal of one line and few columns is enough" {
	on_terminal 1 12 3
	wait_for 20 shows '^total 3\.0 M$'
	finish
}

@test "records and warnings stand on clean lines, and nothing is left at the end" {
	after_words() {
		sed '1,/words/d' screen | grep "$@"
	}
	on_terminal 24 80 3
	touch go
	wait_for 20 after_words -q total
	after_words -q 'layer?-2'
	run ! after_words -q 'layer?-[13]'
	grep -q $'\e\\[Jrecord\r$' screen
	grep -qE $'(^|\e\\[J)(\e\\[33m)?bars: warning: words' screen
	finish
	sed '/^Script done/d' screen | tr -d '\n' | tail -c 3 | grep -q $'^\e\\[J$'
}

@test "colours unless NO_COLOR, nothing on a dumb terminal" {
	on_terminal 24 80 1
	grep -q $'\e\\[32m#' screen
	finish
	rm go go.end
	NO_COLOR=1 on_terminal 24 80 1
	run ! grep -q $'\e\\[32m' screen
	finish
	touch go go.end
	TERM=dumb run -0 script -qefc "bars 1 go" screen </dev/null
	run ! grep -q total screen
	grep -q '^record' screen
}

@test "no bars where standard error is no terminal" {
	touch go go.end
	run -0 --separate-stderr bars 2 go
	[ "$output" = record ]
	[ "$stderr" = "bars: warning: words" ]
}
