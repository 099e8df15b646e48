#!/usr/bin/env bats
# sync-images.sh: what is new and signed comes over, once, and nothing else.

load helpers/common
load helpers/image
load helpers/site

setup_file() {
	make_key good
	make_key stranger
	start_registry remote
	start_registry local
}

teardown_file() {
	stop_all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	app=robot-app-$BATS_TEST_NUMBER
	conf=$BATS_TEST_TMPDIR/gantry.conf
	site_conf "$conf" "IMAGE_NAME=$app"
	sed -i "s|^REMOTE_IMAGE=.*|REMOTE_IMAGE=$REGISTRY_REMOTE/$app|" "$conf"
	sync=$ROOT/scripts/sync-images.sh
}

# publish as helpers/site, in this test's own repository.
put() {
	local ref
	ref=$("$ROOT/scripts/push-image.sh" "$1" "$REGISTRY_REMOTE/$app:$2")
	[ -z "$3" ] || "$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/$3.pem" "$ref" >/dev/null
}

tags_here() {
	curl -fsS "http://$REGISTRY_LOCAL/v2/$app/tags/list" | jq -r '.tags[]' | grep -v ^sha256 | sort |
		xargs
}

@test "--help says what it does, on stdout" {
	run --separate-stderr "$sync" --help
	[ "$status" -eq 0 ]
	[ "$stderr" = "" ]
	[[ $output == "usage: sync-images.sh [-c FILE] [--every SECONDS] [-v | -q]"* ]]
}

@test "an unknown option is wrong usage, 64" {
	run -64 --separate-stderr "$sync" --frob
	[ "$output" = "" ]
	[ "${stderr_lines[0]}" = "sync-images.sh: '--frob' is not an option" ]
	[ "${stderr_lines[1]}" = "usage: sync-images.sh [-c FILE] [--every SECONDS] [-v | -q]" ]
	run -64 --separate-stderr "$sync" --every often
	[ "${stderr_lines[0]}" = "sync-images.sh: --every must be a number of seconds, not 'often'" ]
	run -64 --separate-stderr "$sync" -c
	[ "${stderr_lines[0]}" = "sync-images.sh: -c needs a file" ]
}

@test "what is signed comes over with its signature, and one line says so" {
	publish 0.0.1 good
	run -0 --separate-stderr "$sync" -c "$conf"
	[[ $output == "copied $REGISTRY_LOCAL/$app:0.0.1@sha256:"* ]]
	[ "${#lines[@]}" -eq 1 ]
	[ "$(tags_here)" = 0.0.1 ]
	# the site verifies again by itself
	run -0 img-verify -q --key "$BATS_FILE_TMPDIR/good.pub" "$REGISTRY_LOCAL/$app:0.0.1"
}

@test "a second run copies nothing and prints nothing; -v names what is here" {
	publish 0.0.1 good
	"$sync" -c "$conf" -q
	run -0 --separate-stderr "$sync" -c "$conf"
	[ "$output" = "" ]
	run -0 --separate-stderr "$sync" -c "$conf" -v
	[[ $output == "current $REGISTRY_LOCAL/$app:0.0.1@sha256:"* ]]
}

@test "what a stranger signed, or nobody, is refused by name: exit 1, the rest comes over" {
	publish 0.0.1 good
	publish 0.0.2 stranger
	publish 0.0.3 ''
	publish 0.0.4 good
	run -1 --separate-stderr "$sync" -c "$conf"
	[ "$(tags_here)" = "0.0.1 0.0.4" ]
	[[ $stderr == *"$app:0.0.2"* ]]
	[[ $stderr == *"$app:0.0.3"* ]]
	[[ $stderr != *"$app:0.0.1"* ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "only tags that TAGS allows are brought" {
	publish 0.0.1 good
	publish 1.0.0 good
	publish latest good
	echo "TAGS='semver:^1'" >>"$conf"
	run -0 "$sync" -c "$conf" -q
	[ "$(tags_here)" = 1.0.0 ]
}

@test "no uplink is exit 75 and one line" {
	sed -i "s|^REMOTE_IMAGE=.*|REMOTE_IMAGE=127.0.0.1:$(free_port)/$app|" "$conf"
	run -75 --separate-stderr "$sync" -c "$conf"
	[ "$output" = "" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "reg-sync: "* ]]
}

@test "a local registry that is away is not a success" {
	publish 0.0.1 good
	sed -i "s|^REGISTRY_URL=.*|REGISTRY_URL=127.0.0.1:$(free_port)|" "$conf"
	run "$sync" -c "$conf"
	[ "$status" -ne 0 ]
	[ "$status" -ne 1 ] || [[ $output == *"failed "* ]]
}

@test "two runs do not overlap: the second is 75 and says whose lock it is" {
	mkdir -p state
	exec 8>>state/sync.lock
	flock 8
	echo 4711 >state/sync.lock
	run -75 --separate-stderr "$sync" -c "$conf"
	[ "$output" = "" ]
	[ "$stderr" = "sync-images.sh: another sync is at work (process 4711)" ]
	exec 8>&-
	publish 0.0.1 good
	run -0 "$sync" -c "$conf"
}

@test "without a key nothing is trusted: 78, nothing copied" {
	publish 0.0.1 good
	sed -i '/^VERIFY_KEY/d' "$conf"
	run -78 --separate-stderr "$sync" -c "$conf"
	[ "$stderr" = "sync-images.sh: neither VERIFY_KEY, CERTIFICATE_IDENTITY nor POLICY is set: no image can be trusted" ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://$REGISTRY_LOCAL/v2/$app/tags/list")" = 404 ]
}

@test "POLICY says whose images come, by repository" {
	publish 0.0.1 good
	sed -i "s|^VERIFY_KEY=.*|POLICY=$PWD/policy.json|" "$conf"
	jq -n --arg k "$BATS_FILE_TMPDIR/good.pub" '{rules: [{repositories: ["registry.example/*"], keys: [$k]}]}' >policy.json
	run -1 --separate-stderr "$sync" -c "$conf"
	[[ $stderr == *"no rule of policy '$PWD/policy.json' speaks of '$REGISTRY_REMOTE/$app'" ]]
	jq '.rules[0].repositories = ["*/'"$app"'"]' policy.json >p && mv p policy.json
	run -0 "$sync" -c "$conf"
	[[ $output == "copied $REGISTRY_LOCAL/$app:0.0.1@"* ]]
}

@test "without a remote repository: 78" {
	sed -i '/^REMOTE_IMAGE/d' "$conf"
	run -78 --separate-stderr "$sync" -c "$conf"
	[ "$stderr" = "sync-images.sh: REMOTE_IMAGE is not set (see gantry.conf(5))" ]
}

@test "a key file that is missing is 78, and nothing is copied" {
	publish 0.0.1 good
	sed -i "s|^VERIFY_KEY=.*|VERIFY_KEY=/nonexistent/key.pub|" "$conf"
	run -78 "$sync" -c "$conf"
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://$REGISTRY_LOCAL/v2/$app/tags/list")" = 404 ]
}

@test "cron's log is kept under a megabyte" {
	publish 0.0.1 good
	mkdir state
	yes "an old line" | head -c 1200000 >state/cron.log
	run -0 "$sync" -c "$conf"
	[ "$(stat -c %s state/cron.log)" -eq 500000 ]
	[ ! -e state/cron.log.tmp ]
}

@test "METRICS_DIR gets what was verified and what was copied" {
	publish 0.0.1 good
	publish 0.0.2 stranger
	mkdir metrics
	echo "METRICS_DIR='$PWD/metrics'" >>"$conf"
	run -1 --separate-stderr "$sync" -c "$conf"
	cat metrics/gantry_{sync,verify}.prom | promtool check metrics
	grep -qx 'gantry_sync_tags{state="copied"} 1' metrics/gantry_sync.prom
	grep -qx 'gantry_verify_total{result="refused"} 1' metrics/gantry_verify.prom
}

@test "METRICS_DIR gets a run that could not list, and one that found nothing" {
	number() {
		awk -v name="gantry_sync_last_$1_timestamp_seconds" '$1 == name { print $2 }' metrics/gantry_sync.prom
	}
	mkdir metrics
	echo "METRICS_DIR='$PWD/metrics'" >>"$conf"
	sed 's|^REMOTE_IMAGE=.*|REMOTE_IMAGE=127.0.0.1:1/none|' "$conf" >away.conf
	run -75 "$sync" -c away.conf
	[ -n "$(number run)" ]
	[ -z "$(number success)" ]
	publish 0.0.1 good
	TAGS=9.9.9 run -0 --separate-stderr "$sync" -c "$conf"
	[[ $stderr == *"has no tag that '9.9.9' allows" ]]
	success=$(number success)
	[ -n "$success" ] && [ "$success" = "$(number run)" ]
	# the uplink goes away after a success
	run -75 "$sync" -c away.conf
	[ "$(number success)" = "$success" ]
	[ "$(number run)" != "$success" ]
}
