#!/usr/bin/env bats
# What all six programs promise alike.

setup() {
	load helpers/common
	TOOLS="robot-serve reg-sync img-verify deploy healthcheck rollback"
}

@test "--help is one screen on stdout, with an example and the exit codes" {
	for tool in $TOOLS; do
		run --separate-stderr -0 "$tool" --help
		[ -z "$stderr" ]
		[[ ${lines[0]} == "usage: $tool"* ]]
		[ "${#lines[@]}" -le 60 ]
		[[ ${output,,} == *"example"* ]]
		[[ ${output,,} == *"exit"* ]]
		[ "$("$tool" -h)" = "$output" ]
	done
}

@test "--version names program, suite and version" {
	for tool in $TOOLS; do
		run --separate-stderr -0 "$tool" --version
		[ "$output" = "$tool (gantry) 0.1.0" ]
		[ -z "$stderr" ]
		[ "$("$tool" -V)" = "$output" ]
	done
}

@test "an unknown option is 64, with the usage on stderr only" {
	for tool in $TOOLS; do
		run --separate-stderr -64 "$tool" --no-such-option
		[ -z "$output" ]
		[[ $stderr == *"no-such-option"* ]]
		[[ $stderr == *"usage: $tool"* ]]
	done
}

@test "--log-format is text or json" {
	for tool in $TOOLS; do
		run --separate-stderr -64 "$tool" --log-format yaml
		[ -z "$output" ]
		[[ $stderr == *"--log-format must be text or json, not 'yaml'"* ]]
	done
}

@test "--log-format json makes every line of stderr an object" {
	run --separate-stderr img-verify --log-format json --key nosuch.pem localhost:1/a:1
	[ "$status" -eq 78 ]
	jq -e '.level == "error" and .program == "img-verify" and (.msg | contains("nosuch.pem"))' \
		<<<"$stderr"
}

@test "what could not be written to stdout is 71" {
	for tool in $TOOLS; do
		run -71 bash -c "$tool --help >/dev/full"
		[[ $output == *"write to standard output failed"* ]]
	done
}

@test "a configuration file that is named must be there; an unknown key is named with its line" {
	cd "$BATS_TEST_TMPDIR"
	printf 'IMAGE_NAME=x\nIMAGE_NAM=y\n' >bad.conf
	for tool in deploy rollback; do
		run --separate-stderr -78 "$tool" -c nosuch.conf
		[ "$stderr" = "$tool: open 'nosuch.conf': No such file or directory" ]
		run --separate-stderr -78 "$tool" -c bad.conf
		[ "$stderr" = "$tool: bad.conf:2: unknown key 'IMAGE_NAM'" ]
	done
}

@test "LOG_LEVEL is one of four, and a flag wins over it" {
	cd "$BATS_TEST_TMPDIR"
	echo LOG_LEVEL=loud >loud.conf
	for tool in deploy rollback; do
		run --separate-stderr -78 "$tool" -c loud.conf
		[ "$stderr" = "$tool: loud.conf:1: LOG_LEVEL: must be error, warn, info or debug, not 'loud'" ]
	done
	echo LOG_LEVEL=error >quiet.conf
	run --separate-stderr -75 reg-sync --retry 0 --insecure-skip-verify -c quiet.conf localhost:1/a localhost:1/b
	[[ $stderr != *warning* ]]
	run --separate-stderr -75 reg-sync -v --retry 0 --insecure-skip-verify -c quiet.conf localhost:1/a localhost:1/b
	[[ $stderr == *"warning: signatures are not checked"* ]]
}

@test "LOG_FILE keeps what is said, with its time; who may not write it goes without" {
	cd "$BATS_TEST_TMPDIR"
	local at='20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z'
	printf 'LOG_FILE=said.log\nHEALTH_CHECK_TIMEOUT=x\n' >said.conf
	for tool in deploy rollback; do
		run --separate-stderr -78 "$tool" -c said.conf
		[[ $(tail -n 1 said.log) =~ ^$at\ (.*)$ ]]
		[ "${BASH_REMATCH[1]}" = "$stderr" ]
	done
	[ "$(stat -c %a said.log)" = 640 ]
	run --separate-stderr -78 deploy --log-format json -c said.conf
	[ "$(tail -n 1 said.log)" = "$stderr" ]
	[ "$(wc -l <said.log)" = 3 ]

	echo LOG_FILE=no/folder.log >bad.conf
	run --separate-stderr -78 deploy -c bad.conf
	[ "$stderr" = "deploy: bad.conf:1: LOG_FILE: open 'no/folder.log': No such file or directory" ]
	chmod 0 said.log
	run --separate-stderr -78 setpriv --bounding-set=-dac_override deploy -c said.conf
	[[ $stderr == *"HEALTH_CHECK_TIMEOUT"* ]]
	[ "$(wc -l <said.log)" = 3 ]
}
