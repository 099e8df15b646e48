#!/usr/bin/env bats
# gantry.conf: the programs, the scripts, the page and the example know the same keys.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
}

keys_of_programs() {
	sed -n 's/^\t{ "\([A-Z_*]*\)", .*/\1/p' "$ROOT/lib/base/settings.c" | sort
}

keys_of_page() {
	sed -n 's/^\.It Ev \([A-Z_*, ]*\)$/\1/p' "$ROOT/man/gantry.conf.5" | sed 's/ , /\n/g' | sort
}

# shell_value FILE KEY: what the scripts make of a file.
shell_value() {
	sh -c 'here=$1 self=t synopsis=; . "$here/settings.sh"; settings_load "$2"; eval "printf %s \"\$$3\""' \
		sh "$ROOT/scripts" "$1" "$2"
}

@test "gantry.conf(5) lists the keys of the programs, no more and no fewer" {
	[ "$(keys_of_programs | wc -l)" -gt 10 ]
	run diff <(keys_of_programs) <(keys_of_page)
	[ "$output" = "" ]
}

@test "gantry.conf(5) names every default" {
	local key default words n=0
	while read -r key default; do
		words=$(awk -v key="$key" '/^\.(It|El)/ { on = $3 == key } on' "$ROOT/man/gantry.conf.5" |
			sed '1d; s/^\.[A-Z][a-z] //' | tr '\n' ' ')
		[[ $words == *"Default $default ."* || $words == *"Default $default."* ]] || {
			echo "$key: its default '$default' is not on the page: $words" >&2
			return 1
		}
		n=$((n + 1))
	done < <(sed -n 's/^\t{ "\([A-Z_*]*\)", "\([^"][^"]*\)" },/\1 \2/p' "$ROOT/lib/base/settings.c")
	[ "$n" -gt 8 ]
}

@test "the example has only keys that the programs know" {
	while read -r key; do
		keys_of_programs | sed 's/\*/[A-Za-z0-9_]*/' | grep -qx "$key" ||
			[[ $key == SERVICE_robot_service_[123]_HEALTH ]] || {
			echo "unknown: $key" >&2
			return 1
		}
	done < <(sed -n 's/^\([A-Za-z0-9_]*\)=.*/\1/p' "$ROOT/compose/gantry.conf.example")
}

@test "the example is a configuration that deploy reads" {
	run --separate-stderr env STATE_DIR="$BATS_TEST_TMPDIR" \
		deploy -c "$ROOT/compose/gantry.conf.example" --history
	[ "$status" -eq 0 ]
	[ "$stderr" = "" ]
}

@test "an address of health that is none is said before anything is asked: 78" {
	local bad tool
	for bad in nonsense http://localhost:50x/health "http://localhost/$(printf %0512d 0)"; do
		printf '%s\n' REGISTRY_URL=localhost:5000 IMAGE_NAME=robot-app ROBOT_CONTAINERS=robot-1 \
			STATE_DIR=state "SERVICE_robot_1_HEALTH=$bad" >health.conf
		for tool in deploy rollback; do
			DOCKER_HOST=unix:///nosuch run --separate-stderr -78 "$tool" -c health.conf
			[[ $stderr == "$tool: health of service 'robot-1': "* ]]
		done
	done
}

@test "scripts read a value as the shell does: bare, quoted, escaped, with a comment" {
	cat >f <<-'CONF'
		# comment
		export REGISTRY_URL=gateway:5000   # here
		  IMAGE_NAME='a b'"c"d
		TAGS='semver:>=1 $x "y"'
		VERIFY_KEY="/it's/a\"key"
		STATE_DIR=/with\ space
	CONF
	[ "$(shell_value f REGISTRY_URL)" = gateway:5000 ]
	[ "$(shell_value f IMAGE_NAME)" = "a bcd" ]
	[ "$(shell_value f TAGS)" = 'semver:>=1 $x "y"' ]
	[ "$(shell_value f VERIFY_KEY)" = "/it's/a\"key" ]
	[ "$(shell_value f STATE_DIR)" = "/with space" ]
	for key in REGISTRY_URL IMAGE_NAME TAGS VERIFY_KEY STATE_DIR; do
		[ "$(shell_value f $key)" = "$(sh -c '. ./f; eval "printf %s \"\$$1\""' sh $key)" ]
	done
}

@test "scripts run nothing that stands in the file" {
	printf '%s\n' "TAGS='\$(touch ran)'" 'IMAGE_NAME=x' >f
	[ "$(shell_value f TAGS)" = '$(touch ran)' ]
	[ ! -e ran ]
	echo 'TAGS=$(touch ran)' >f
	run ! shell_value f TAGS
	[ ! -e ran ]
}

@test "environment wins over the file, and the file over the default" {
	echo 'IMAGE_NAME=filed' >f
	[ "$(shell_value f IMAGE_NAME)" = filed ]
	[ "$(IMAGE_NAME=given shell_value f IMAGE_NAME)" = given ]
	[ "$(IMAGE_NAME='' shell_value f IMAGE_NAME)" = filed ]
	[ "$(shell_value f REGISTRY_URL)" = localhost:5000 ]
}

@test "a bad line is named with its file and number, exit 78" {
	printf 'IMAGE_NAME=x\nnonsense\n' >f
	run -78 shell_value f IMAGE_NAME
	[ "${lines[0]}" = "f:2: not a KEY=value line" ]
	printf "IMAGE_NAME='x\n" >f
	run -78 shell_value f IMAGE_NAME
	[ "${lines[0]}" = "f:1: a quote is not closed" ]
	run -78 shell_value nosuch IMAGE_NAME
	[ "$output" = "t: 'nosuch' cannot be read" ]
}
