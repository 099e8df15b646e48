#!/usr/bin/env bats
# img-verify: against signatures made by cosign (data/README.md), by sign-image.sh, and bad ones.

setup_file() {
	load helpers/common
	mkdir "$BATS_FILE_TMPDIR/cosign"
	tar -xzf "$BATS_TEST_DIRNAME/data/cosign-registry.tar.gz" -C "$BATS_FILE_TMPDIR/cosign"
	start_registry cosign
	start_registry ours
	HTML_PORT=$(free_port)
	"$B/helpers/answer" "$HTML_PORT" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fsS "http://127.0.0.1:$HTML_PORT/"
	export HTML_PORT
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/image
	PATH="$ROOT/scripts:$PATH"
	C=$REGISTRY_COSIGN
	O=$REGISTRY_OURS/test-$BATS_TEST_NUMBER
	A=$BATS_TEST_DIRNAME/data/a.pub
	BOB=$BATS_TEST_DIRNAME/data/b.pub
	unset VERIFY_KEY REGISTRY_AUTH_FILE DOCKER_CONFIG
	cd "$BATS_TEST_TMPDIR"
}

digest_of() { # HOST/REPO:TAG
	local host=${1%%/*} rest=${1#*/}
	curl -fsSI -H 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' \
		"http://$host/v2/${rest%:*}/manifests/${rest##*:}" | tr -d '\r' |
		sed -n 's/^docker-content-digest: //Ip'
}

# An image of this test's own, signed with k.pem (P-256); sets D.
signed_image() {
	D=$(image_archive a.tar "$BATS_TEST_NUMBER")
	push-image.sh a.tar "$O:1" >/dev/null
	[ -f k.pem ] || image_key k P-256
	sign-image.sh --key k.pem "$O:1" >/dev/null
}

# The file in which a registry keeps a blob.
blob_file() { # NAME DIGEST
	local hex=${2#*:}
	echo "$BATS_FILE_TMPDIR/$1/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data"
}

sig_manifest() { # the .sig manifest of $D
	curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://${O%%/*}/v2/${O#*/}/manifests/sha256-${D#*:}.sig"
}

put_sig() { # FILE: as the .sig manifest of $D
	curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
		--data-binary "@$1" "http://${O%%/*}/v2/${O#*/}/manifests/sha256-${D#*:}.sig"
}

@test "cosign's own signatures pass with the key that made them, and with no other" {
	for row in a:robot-app:0.0.1 a:robot-app:0.0.2 a:robot-app:0.0.5 a:robot-app:0.0.7 \
		a:robot-multi:1.0.0 a:robot-multi:1.1.0 b:robot-app:0.0.3 b:robot-app:0.0.5; do
		image=$C/${row#*:}
		run --separate-stderr -0 img-verify --key "$BATS_TEST_DIRNAME/data/${row%%:*}.pub" "$image"
		[ "$output" = "$image@$(digest_of "$image")" ]
		[ -z "$stderr" ]
	done
	for row in b:robot-app:0.0.1 b:robot-app:0.0.7 b:robot-multi:1.1.0 a:robot-app:0.0.3; do
		image=$C/${row#*:}
		key=$BATS_TEST_DIRNAME/data/${row%%:*}.pub
		run --separate-stderr -1 img-verify --key "$key" "$image"
		[ -z "$output" ]
		[ "$stderr" = "img-verify: $image: '${image%:*}@$(digest_of "$image")' has no signature that counts: signature 1: not made by '$key': the signature does not verify" ]
	done
}

@test "no signature at all: not signed, in these words" {
	for image in robot-app:0.0.4 robot-app:0.0.6; do
		image=$C/$image
		run --separate-stderr -1 img-verify --key "$A" --key "$BOB" "$image"
		[ -z "$output" ]
		[ "$stderr" = "img-verify: $image: '${image%:*}@$(digest_of "$image")' is not signed: it has no .sig tag, and no bundle that is a signature" ]
	done
}

@test "a signature that was moved to another image does not count" {
	run --separate-stderr -1 img-verify --key "$A" "$C/robot-app:0.0.10"
	[ -z "$output" ]
	[[ $stderr == *"has no signature that counts: signature 1: made for '$(digest_of "$C/robot-app:0.0.1")'" ]]
}

@test "what passes comes out in order, what fails is said, the whole is 1" {
	run --separate-stderr -1 img-verify --key "$A" "$C/robot-app:0.0.7" "$C/robot-app:0.0.4" "$C/robot-app:0.0.1"
	[ "${lines[0]}" = "$C/robot-app:0.0.7@$(digest_of "$C/robot-app:0.0.7")" ]
	[ "${lines[1]}" = "$C/robot-app:0.0.1@$(digest_of "$C/robot-app:0.0.1")" ]
	[ "${#lines[@]}" -eq 2 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "--key is repeatable: one of them is enough, none is said as such" {
	image_key k P-256
	run -0 img-verify --key k.pub --key "$BOB" "$C/robot-app:0.0.3"
	run --separate-stderr -1 img-verify --key k.pub --key "$BOB" "$C/robot-app:0.0.1"
	[[ $stderr == *"signature 1: made by none of the 2 keys" ]]
	keys=()
	for _ in $(seq 17); do keys+=(--key k.pub); done
	run --separate-stderr -64 img-verify "${keys[@]}" "$C/robot-app:0.0.1"
	[ "${stderr_lines[0]}" = "img-verify: more than 16 keys" ]
}

@test "--key - is standard input" {
	run -0 img-verify --key - "$C/robot-app:0.0.1" <"$A"
	run --separate-stderr -64 img-verify --key - - <"$A"
	[ "${stderr_lines[0]}" = "img-verify: standard input cannot be both key and list" ]
}

@test "VERIFY_KEY is used when no --key is given, from the file or the environment" {
	echo "VERIFY_KEY=$A" >g.conf
	run -0 img-verify -c g.conf "$C/robot-app:0.0.1"
	run -1 img-verify -c g.conf "$C/robot-app:0.0.3"
	run -0 img-verify --config g.conf --key "$BOB" "$C/robot-app:0.0.3"
	run -1 img-verify --config g.conf --key "$BOB" "$C/robot-app:0.0.1"
	VERIFY_KEY=$BOB run -0 img-verify -c g.conf "$C/robot-app:0.0.3"
	echo "VERIFY_KEY=nosuch.pub" >g.conf
	run --separate-stderr -78 img-verify -c g.conf "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: key: open 'nosuch.pub': No such file or directory" ]
}

@test "no key at all fails closed" {
	: >g.conf
	run --separate-stderr -78 img-verify -c g.conf "$C/robot-app:0.0.1"
	[ -z "$output" ]
	[ "$stderr" = "img-verify: nobody to trust: give --key, --certificate-identity or --policy, or set VERIFY_KEY, CERTIFICATE_IDENTITY or POLICY" ]
	run --separate-stderr -64 img-verify --insecure-skip-verify "$C/robot-app:0.0.1"
	[ -z "$output" ]
}

@test "a key that cannot be used is 78, and says what it is" {
	echo garbage >garbage.pub
	image_key k P-256
	image_key small rsa:1024
	run --separate-stderr -78 img-verify --key garbage.pub "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: key 'garbage.pub': not a PEM file" ]
	run --separate-stderr -78 img-verify --key nosuch.pub "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: key: open 'nosuch.pub': No such file or directory" ]
	run --separate-stderr -78 img-verify --key k.pem "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: key 'k.pem': a private key; want the public one" ]
	run --separate-stderr -78 img-verify --key "$A" --key small.pub "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: key 'small.pub': RSA with less than 2048 bits" ]
	[ -z "$output" ]
}

@test "a list on standard input: blanks and # left out, a bad line named, the rest judged" {
	printf '%s\n' '# the fleet' '' "  $C/robot-app:0.0.1  " 'not a ref' "$C/robot-app:0.0.4" \
		"docker://$C/robot-app:0.0.5" >list
	run --separate-stderr -1 img-verify --key "$A" - <list
	[ "${lines[0]}" = "$C/robot-app:0.0.1@$(digest_of "$C/robot-app:0.0.1")" ]
	[ "${lines[1]}" = "$C/robot-app:0.0.5@$(digest_of "$C/robot-app:0.0.5")" ]
	[ "${#lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "img-verify: standard input, line 4: 'not a ref' is not an image reference: "* ]]
	[[ ${stderr_lines[1]} == *"0.0.4"*"is not signed"* ]]
	[ "${#stderr_lines[@]}" -eq 2 ]
	{
		printf '%0.s-' $(seq 3000)
		printf '\n%s' "$C/robot-app:0.0.1"
	} >list
	run --separate-stderr -1 img-verify --key "$A" - <list
	[ "$stderr" = "img-verify: standard input, line 1: longer than a reference can be" ]
	[ "${#lines[@]}" -eq 1 ]
	run --separate-stderr -0 img-verify --key "$A" - </dev/null
	[ -z "$output$stderr" ]
}

@test "a digest is taken as it is, the tag beside it is kept and not asked for" {
	d=$(digest_of "$C/robot-app:0.0.1")
	run -0 img-verify --key "$A" "$C/robot-app@$d"
	[ "$output" = "$C/robot-app@$d" ]
	run -0 img-verify --key "$A" "$C/robot-app:no-such-tag@$d"
	[ "$output" = "$C/robot-app:no-such-tag@$d" ]
}

@test "--json" {
	run --separate-stderr -0 img-verify --json --key "$A" "$C/robot-app:0.0.1"
	export A
	jq -e --arg h "$C" --arg d "$(digest_of "$C/robot-app:0.0.1")" '. == {ref: ($h + "/robot-app:0.0.1@" + $d),
		host: $h, repo: "robot-app", tag: "0.0.1", digest: $d,
		signatures: [{key: env.A, subject: null, issuer: null, signed_at: null}],
		attestations: []}' <<<"$output"
}

@test "every kind of key that sign-image.sh signs with" {
	D=$(image_archive a.tar one)
	push-image.sh a.tar "$O:1"
	for kind in P-384 P-521 ed25519 rsa:2048; do
		image_key "k-$kind" "$kind"
		run -1 img-verify --key "k-$kind.pub" "$O:1"
		sign-image.sh --key "k-$kind.pem" "$O:1"
		run --separate-stderr -0 img-verify --key "k-$kind.pub" "$O:1"
		[ "$output" = "$O:1@$D" ]
	done
}

@test "another byte in the payload, in the registry itself, is found" {
	signed_image
	run -0 img-verify --key k.pub "$O:1"
	file=$(blob_file ours "$(sig_manifest | jq -r '.layers[0].digest')")
	sed -i 's/"optional":null/"optional":{}  /' "$file"
	run --separate-stderr -1 img-verify --key k.pub "$O:1"
	[ -z "$output" ]
	[[ $stderr == *"has no signature that counts: signature 1: "*sha256:* ]]
	rm "$file"
	run --separate-stderr -1 img-verify --key k.pub "$O:1"
	[ -z "$output" ]
	[[ $stderr == *"has no signature that counts: signature 1: "*404* ]]
}

@test "one bad signature does not spoil a good one" {
	signed_image
	old=$(sig_manifest | jq -r '.layers[0].digest')
	image_key l P-256
	# the other name gives the second payload other bytes
	sign-image.sh --key l.pem "localhost:${O#*:}:1"
	echo >>"$(blob_file ours "$old")"
	run -1 img-verify --key k.pub "$O:1"
	run -0 img-verify --key l.pub "$O:1"
	[ "$output" = "$O:1@$D" ]
}

@test "signature manifests of any other shape do not count" {
	signed_image
	sig_manifest >good
	try() { # JQ-PROGRAM WORDS
		jq -c "$1" good >bad
		put_sig bad
		run --separate-stderr -1 img-verify --key k.pub "$O:1"
		[ -z "$output" ]
		[[ $stderr == *"$2"* ]] || {
			echo "$stderr" >&2
			return 1
		}
	}
	try '.layers[0].annotations = {}' "signature 1: no annotation 'dev.cosignproject.cosign/signature'"
	try 'del(.layers[0].annotations)' 'signature 1: no annotation'
	try '.layers[0].annotations[] = "?"' "'dev.cosignproject.cosign/signature': not base64"
	try '.layers[0].annotations[] |= . + "\n"' 'not base64'
	try '.layers[0].annotations[] = ""' "signature 1: annotation 'dev.cosignproject.cosign/signature': empty"
	try '.layers[0].mediaType = "text/plain"' "signature 1: of type 'text/plain', which is not looked at"
	try '.layers = []' 'has no signature that counts: .sig tag: names an empty list'
	jq -c '.layers = [range(70) as $n | .layers[0] | .annotations[] = ""]' good >bad
	put_sig bad
	run --separate-stderr -1 img-verify --key k.pub "$O:1"
	[[ $stderr == *"signature 1: annotation 'dev.cosignproject.cosign/signature': empty"* ]]
	put_sig good
	run -0 img-verify --key k.pub "$O:1"
}

@test "a payload that says too much, or something else, does not count even if it is signed" {
	signed_image
	sig_manifest >good
	curl -fsS "http://${O%%/*}/v2/${O#*/}/blobs/$(jq -r '.layers[0].digest' good)" >payload
	. "$ROOT/scripts/registry.sh"
	try() { # JQ-PROGRAM WORDS
		jq -cj "$1" payload >other
		d=$(registry_put_blob "${O%%/*}" "${O#*/}" "$PWD/other")
		openssl dgst -sha256 -sign k.pem other | base64 -w 0 >s
		jq -c --arg d "$d" --argjson n "$(stat -c %s other)" --rawfile s s '.layers[0] |= (.digest = $d
			| .size = $n | .annotations[] = $s)' good >bad
		put_sig bad
		run --separate-stderr img-verify --key k.pub "$O:1"
		[ "$status" -eq "${3:-1}" ]
		[[ $stderr == *"$2"* ]] || {
			echo "$stderr" >&2
			return 1
		}
	}
	try '.critical.type = "atomic container signature"' "signature 1: payload: its type is 'atomic container signature'"
	try '.critical.until = 1' "signature 1: payload: 'critical' has an unknown member 'until'"
	try 'del(.critical.identity)' "signature 1: payload: 'identity' is not an object"
	try '.critical.image["docker-manifest-digest"] |= .[0:70]' 'signature 1: payload: '
	try '.optional = {"any": "thing"}' '' 0
}

@test "a registry that cannot be asked is 75, never 1" {
	port=$(free_port)
	run --separate-stderr -75 img-verify --retry 0 --timeout 5 --key "$A" "127.0.0.1:$port/a:1"
	[ -z "$output" ]
	[[ $stderr == "img-verify: 127.0.0.1:$port/a:1: "* ]]
	run --separate-stderr -75 img-verify --retry 0 --key "$A" "127.0.0.1:$HTML_PORT/a:1"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"127.0.0.1:$HTML_PORT"* ]]
	# what could be asked still counts, and a certain no weighs more
	run -75 img-verify --retry 0 --key "$A" "127.0.0.1:$port/a:1" "$C/robot-app:0.0.1"
	[[ $output == *"$C/robot-app:0.0.1@sha256:"* ]]
	run -1 img-verify --retry 0 --key "$A" "127.0.0.1:$port/a:1" "$C/robot-app:0.0.4"
}

@test "a registry that did not answer is not asked again, and each of its images is said" {
	port=$(free_port)
	run --separate-stderr -75 img-verify --retry 0 --timeout 5 --key "$A" "127.0.0.1:$port/"{a,b,c}:1
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 3 ]
	for n in 0 1 2; do
		name=(a b c)
		[[ ${stderr_lines[n]} == "img-verify: 127.0.0.1:$port/${name[n]}:1: registry '127.0.0.1:$port'"* ]]
	done
}

@test "docker.io is asked at its real host" {
	https_proxy=http://127.0.0.1:1 run --separate-stderr -75 img-verify --retry 0 --timeout 5 --key "$A" robot:1
	[[ $stderr == "img-verify: docker.io/library/robot:1: registry 'registry-1.docker.io'"* ]]
}

@test "an image that is not there is 1" {
	run --separate-stderr -1 img-verify --key "$A" "$C/robot-app:9" "$C/nosuch:1"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "img-verify: $C/robot-app:9: "* ]]
}

@test "--authfile and --plain-http are taken; a bad file is 78" {
	echo '{"auths":{}}' >auth.json
	run -0 img-verify --authfile auth.json --plain-http "$C" --key "$A" "$C/robot-app:0.0.1"
	run --separate-stderr -78 img-verify --authfile nosuch.json --key "$A" "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: open 'nosuch.json': No such file or directory" ]
	[ -z "$output" ]
	echo x >bad.json
	REGISTRY_AUTH_FILE=bad.json run --separate-stderr -78 img-verify --key "$A" "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: bad.json: not JSON" ]
	REGISTRY_AUTH_FILE=$PWD/auth.json run -0 img-verify --key "$A" "$C/robot-app:0.0.1"
}

@test "wrong usage is 64" {
	run --separate-stderr -64 img-verify --key "$A"
	[ "${stderr_lines[0]}" = "img-verify: want a reference, or - for a list on standard input" ]
	run --separate-stderr -64 img-verify --key "$A" 'not a ref'
	[[ ${stderr_lines[0]} == "img-verify: 'not a ref' is not an image reference: "* ]]
	run --separate-stderr -64 img-verify --timeout no --key "$A" a/b
	[ "${stderr_lines[0]}" = "img-verify: --timeout must be from 0.1 to 3600 seconds, not 'no'" ]
	run --separate-stderr -64 img-verify --retry -1 --key "$A" a/b
	[ "${stderr_lines[0]}" = "img-verify: --retry must be a number from 0 to 100, not '-1'" ]
}

# begin OPTION...: img-verify reads a list that does not end; sets PID, and fd 7 writes to it.
begin() {
	mkfifo list
	img-verify "$@" - <list >out 2>err 3>&- &
	PID=$!
	exec 7>list
}

# Its first answer comes when it has a sandbox, or is not going to have one.
has_begun() {
	echo 'not a ref' >&7
	wait_for 10 grep -q 'standard input, line 1: ' err
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$PID/status"
}

end() { # LINE: the rest of the list; STATUS is img-verify's
	echo "$1" >&7
	exec 7>&-
	STATUS=0
	wait "$PID" || STATUS=$?
}

@test "what comes from outside is read in a sandbox: a file that was not there before cannot be read" {
	echo '{"auths":{}}' >auth.json
	begin -v --key "$A" --authfile auth.json
	has_begun
	# another file under the same name: where there is landlock, it is not the one that was allowed
	cp auth.json other && mv other auth.json
	end "$C/robot-app:0.0.1"
	if grep -q 'no sandbox: this kernel' err; then
		[ "$STATUS" -eq 1 ]
		skip "no landlock here"
	fi
	[ "$STATUS" -eq 78 ]
	[[ $(cat err) == *"open 'auth.json': Permission denied" ]]
	[ ! -s out ]
}

@test "a credential helper goes without the sandbox, but not with more rights" {
	echo '{"auths":{}, "credHelpers": {"registry.example": "nosuch"}}' >auth.json
	begin -v --key "$A" --authfile auth.json
	has_begun
	cp auth.json other && mv other auth.json
	end "$C/robot-app:0.0.1"
	[ "$STATUS" -eq 1 ]
	[[ $(cat err) == *"no sandbox: a program that keeps credentials may have to be started"* ]]
	[[ $(cat out) == "$C/robot-app:0.0.1@sha256:"* ]]
}

@test "many at once: the order given, each line once, all reasons in order too" {
	for _ in {1..15}; do
		printf '%s\n' "$C/robot-app:0.0.1" "$C/robot-app:0.0.4" "$C/robot-app:0.0.7" 'not a ref' "$C/robot-multi:1.1.0"
	done >list
	run --separate-stderr -1 img-verify --key "$A" - <list
	for _ in {1..15}; do
		for i in robot-app:0.0.1 robot-app:0.0.7 robot-multi:1.1.0; do echo "$C/$i@$(digest_of "$C/$i")"; done
	done >want
	diff want <(printf '%s\n' "${lines[@]}")
	[ "${#stderr_lines[@]}" -eq 30 ]
	for i in {0..14}; do
		[[ ${stderr_lines[2 * i]} == "img-verify: $C/robot-app:0.0.4: "* ]]
		[[ ${stderr_lines[2 * i + 1]} == "img-verify: standard input, line $((5 * i + 4)): "* ]]
	done
}

@test "a signal ends it: 75, and what had passed is there" {
	begin --key "$A"
	echo "$C/robot-app:0.0.1" >&7
	wait_for 10 test -s out
	kill -TERM "$PID"
	STATUS=0
	wait "$PID" || STATUS=$?
	exec 7>&-
	[ "$STATUS" -eq 75 ]
	[ "$(cat err)" = "img-verify: stopped by a signal" ]
	[ "$(cat out)" = "$C/robot-app:0.0.1@$(digest_of "$C/robot-app:0.0.1")" ]
}

@test "--metrics-file counts what was found, from run to run" {
	value() { # RESULT
		awk -v s="gantry_verify_total{result=\"$1\"}" '$1 == s { print $2 }' out/m.prom
	}
	mkdir out
	img-verify -q --key "$A" --metrics-file out/m.prom "$C/robot-app:0.0.1" >/dev/null
	[ "$(value passed) $(value refused) $(value unknown)" = "1 0 0" ]
	run -1 img-verify -q --key "$BOB" --metrics-file out/m.prom "$C/robot-app:0.0.1"
	run -75 img-verify -q --key "$A" --retry 0 --metrics-file out/m.prom "$C/robot-app:0.0.1" 127.0.0.1:1/x:1
	[ "$(value passed) $(value refused) $(value unknown)" = "2 1 1" ]
	run -0 promtool check metrics <out/m.prom
	[ -z "$output" ]
	[ "$(ls -A out)" = m.prom ]
	run --separate-stderr -71 img-verify -q --key "$A" --metrics-file out/nowhere/m.prom "$C/robot-app:0.0.1"
	[ "${#lines[@]}" -eq 1 ]
	[[ $stderr == "img-verify: metrics file: "* ]]
}
