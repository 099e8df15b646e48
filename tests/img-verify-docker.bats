#!/usr/bin/env bats
# img-verify in containers: a sandbox inside another one must not break, nor weaken, what it decides.
load helpers/common
load helpers/engine
load helpers/sigstore

setup_file() {
	start_site
	mkdir "$BATS_FILE_TMPDIR/cosign" "$BATS_FILE_TMPDIR/image"
	tar -xzf "$BATS_TEST_DIRNAME/data/cosign-registry.tar.gz" -C "$BATS_FILE_TMPDIR/cosign"
	start_registry cosign
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	bundle b.json
	bundle evil.json signing_key=other
	cp "$BATS_TEST_DIRNAME"/data/[ab].pub .
	# the image is empty: the programs and their libraries are this machine's, mounted
	cd "$BATS_FILE_TMPDIR/image" || return 1
	mkdir etc gantry proc sys dev tmp usr work
	for dir in bin lib lib64 sbin; do [ ! -L /$dir ] || cp -P /$dir .; done
	tar -c . | docker import - robot-verify >/dev/null
	# an engine's filter from before there was landlock
	jq -n '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{action: "SCMP_ACT_ERRNO", errnoRet: 1,
		names: ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"]}]}' \
		>"$BATS_FILE_TMPDIR/old.json"
	# one that lets a program ask for landlock, and then refuses
	jq '.syscalls[0].names = ["landlock_restrict_self"]' "$BATS_FILE_TMPDIR/old.json" \
		>"$BATS_FILE_TMPDIR/refuses.json"
	export SIGSTORE NOW
}

teardown_file() {
	stop_site
	stop_all
}

setup() {
	C=$REGISTRY_COSIGN
	WHOM=(--certificate-identity "$IDENTITY" --certificate-oidc-issuer "$ISSUER"
		--trusted-root trusted_root.json)
	HOW=()
}

# contained PROGRAM...: in a container as an operator runs it, with HOW
contained() {
	local mounts=() dir
	for dir in /lib /lib64; do [ -L $dir ] || [ ! -d $dir ] || mounts+=(-v "$dir:$dir:ro"); done
	"$GANTRY_TEST_ENGINE" run --rm -i --network host --read-only --cap-drop ALL --user 10001:10001 \
		--security-opt no-new-privileges -v /usr:/usr:ro "${mounts[@]}" -v /etc/ssl:/etc/ssl:ro \
		-v "$B:/gantry:ro" -v "$SIGSTORE:/work:ro" -w /work "${HOW[@]}" robot-verify "$@"
}

# decides: what is good passes, what is not does not, for images and for files
decides() {
	run --separate-stderr -0 contained /gantry/img-verify -c /dev/null --key a.pub "$C/robot-app:0.0.1"
	[[ $output == "$C/robot-app:0.0.1@sha256:"* ]]
	[ -z "$stderr" ]
	run --separate-stderr -1 contained /gantry/img-verify -c /dev/null --key b.pub "$C/robot-app:0.0.1"
	[ -z "$output" ]
	[[ $stderr == *"signature 1: not made by 'b.pub': the signature does not verify" ]]
	run --separate-stderr -0 contained /gantry/img-verify -c /dev/null --blob artifact \
		--bundle b.json "${WHOM[@]}"
	_sha256 sum "$SIGSTORE/artifact"
	[ "$output" = "sha256:$sum" ]
	[ -z "$stderr" ]
	run --separate-stderr -1 contained /gantry/img-verify -c /dev/null --blob artifact \
		--bundle evil.json "${WHOM[@]}"
	[ -z "$output" ]
	[ "$stderr" = "img-verify: 'artifact': bundle: signature: the signature does not verify" ]
}

# says_none: in both ways of working it is said, to who asks, that there is no landlock
says_none() {
	local none='img-verify: no sandbox: this kernel, or the container, has no landlock'
	run --separate-stderr -0 contained /gantry/img-verify -v -c /dev/null --key a.pub "$C/robot-app:0.0.1"
	[[ $stderr == *"$none"* ]] || return 1
	run --separate-stderr -0 contained /gantry/img-verify -v -c /dev/null --blob artifact \
		--bundle b.json "${WHOM[@]}"
	[[ $stderr == *"$none"* ]] || return 1
}

@test "with Docker's own filter of system calls: it decides the same, in its sandbox too" {
	run -0 contained /usr/bin/grep Seccomp: /proc/self/status
	[[ $output =~ Seccomp:[[:space:]]*2 ]]
	decides
	# the kernel is the host's: what has landlock outside has it inside
	if img-verify -v -c /dev/null --key "$SIGSTORE/a.pub" "$C/robot-app:0.0.1" 2>&1 | grep -q 'no sandbox'; then
		says_none
	else
		run ! says_none
	fi
}

@test "where a filter hides landlock, it says so to who asks and decides the same" {
	HOW=(--security-opt "seccomp=$BATS_FILE_TMPDIR/old.json")
	decides
	says_none
}

@test "a landlock that is there and refuses is this machine's fault, and nothing passes" {
	img-verify -v -c /dev/null --key "$SIGSTORE/a.pub" "$C/robot-app:0.0.1" 2>&1 | grep -q 'no sandbox' &&
		skip "no landlock here"
	HOW=(--security-opt "seccomp=$BATS_FILE_TMPDIR/refuses.json")
	run --separate-stderr -71 contained /gantry/img-verify -c /dev/null --key a.pub "$C/robot-app:0.0.1"
	[ -z "$output" ]
	[ "$stderr" = "img-verify: sandbox: landlock: Operation not permitted" ]
	run --separate-stderr -71 contained /gantry/img-verify -c /dev/null --blob artifact \
		--bundle b.json "${WHOM[@]}"
	[ -z "$output" ]
	[ "$stderr" = "img-verify: sandbox: landlock: Operation not permitted" ]
}
