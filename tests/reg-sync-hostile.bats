#!/usr/bin/env bats
# reg-sync against registries that say strange things.

setup_file() {
	load helpers/common
	export STATE_DIR=$BATS_FILE_TMPDIR/state
	load helpers/image
	start_registry src
	start_registry dst
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/image
	cd "$BATS_TEST_TMPDIR" || return 1
	DEST=$REGISTRY_DST/t$BATS_TEST_NUMBER
	SRC=$REGISTRY_SRC/t$BATS_TEST_NUMBER
	D1=sha256:$(printf '%064d' 1)
	D2=sha256:$(printf '%064d' 2)
}

teardown() {
	[ -z "${SERVER:-}" ] || kill "$SERVER"
}

# answer NAME STATUS TYPE [HEADER]...: what canned says, the body from stdin.
answer() {
	local name=$1 status=$2 type=$3
	shift 3
	mkdir -p answers
	cat >body
	{
		printf 'HTTP/1.1 %s x\r\nContent-Type: %s\r\n' "$status" "$type"
		[ $# -eq 0 ] || printf '%s\r\n' "$@"
		printf 'Content-Length: %s\r\nConnection: close\r\n\r\n' "$(stat -c %s body)"
		cat body
	} >"answers/$name"
}

# canned: a registry whose answers are those; its address is in $FAULTY.
canned() {
	local port
	port=$(free_port)
	FAULTY=127.0.0.1:$port
	answer GET_v2_ 200 application/json <<<'{}'
	answer default 404 text/plain <<<'no'
	"$B/helpers/canned" "$port" "$PWD/answers" 3>&- &
	SERVER=$!
	wait_for 5 bash -c "echo >/dev/tcp/127.0.0.1/$port"
}

# put HOST/REPO WHAT TYPE FILE: store a manifest; prints its digest.
put() {
	curl -fsS -X PUT -H "Content-Type: $3" --data-binary "@$4" \
		"http://${1%%/*}/v2/${1#*/}/manifests/$2"
	echo "sha256:$(sha256sum <"$4" | cut -d' ' -f1)"
}

get() { # HOST/REPO WHAT
	curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.oci.image.index.v1+json' \
		"http://${1%%/*}/v2/${1#*/}/manifests/$2"
}

tags_of() { # HOST/REPO
	curl -sS "http://${1%%/*}/v2/${1#*/}/tags/list" | jq -r '.tags // [] | .[]' | sort
}

# image HOST/REPO TAG: an image of its own; prints its digest.
image() {
	image_archive "$BATS_TEST_TMPDIR/i.tar" "$1 $2" >/dev/null
	"$ROOT/scripts/push-image.sh" "$BATS_TEST_TMPDIR/i.tar" "$1:$2" >/dev/null
	echo "sha256:$(get "$1" "$2" | sha256sum | cut -d' ' -f1)"
}

# referrer HOST/REPO SUBJECT WORD: a manifest that refers to SUBJECT, without a list that names
# it; prints its descriptor.
referrer() {
	local m d
	m=$(get "$1" "$2")
	jq -c --arg d "$2" --argjson n "${#m}" --arg w "$3" '.subject = {mediaType, digest: $d, size: $n} |
		.artifactType = "application/x-test" | .annotations = {word: $w}' <<<"$m" | tr -d '\n' >ref.json
	d=$(put "$1" "sha256:$(sha256sum <ref.json | cut -d' ' -f1)" application/vnd.oci.image.manifest.v1+json ref.json)
	jq -cn --arg d "$d" --argjson n "$(stat -c %s ref.json)" \
		'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n,
		artifactType: "application/x-test"}'
}

# index HOST/REPO TAG DESCRIPTOR...
index() {
	local at=$1 tag=$2
	shift 2
	printf '%s\n' "$@" | jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: .}' | tr -d '\n' >index.json
	put "$at" "$tag" application/vnd.oci.image.index.v1+json index.json >/dev/null
}

@test "tags come page by page, wherever the link points" {
	local digest="Docker-Content-Digest: $D1" m=application/vnd.oci.image.manifest.v1+json tag
	canned
	answer GET_v2_a_tags_list 200 application/json 'Link: </v2/a/tags/two>; rel="next"' <<<'{"tags":["1"]}'
	answer GET_v2_a_tags_two 200 application/json 'Link: <http://inside.lan:9/v2/a/tags/three>; rel=next' <<<'{"tags":null}'
	answer GET_v2_a_tags_three 200 application/json 'Link: <four>; rel="next"' <<<'{"tags":["2"]}'
	answer GET_v2_a_tags_four 200 application/json <<<'{"tags":["3"]}'
	for tag in 1 2 3; do
		answer "HEAD_v2_a_manifests_$tag" 200 "$m" "$digest" </dev/null
	done
	run --separate-stderr -0 reg-sync --list "$FAULTY/a"
	[ "$output" = "$(printf "$FAULTY/a:%s@$D1\n" 1 2 3)" ]
	[ -z "$stderr" ]
}

@test "a page that cannot be asked for is a failure, never a shorter list" {
	canned
	answer GET_v2_a_tags_list 200 application/json 'Link: <http://other.lan>; rel="next"' <<<'{"tags":["1"]}'
	run --separate-stderr -1 reg-sync --list "$FAULTY/a"
	[ -z "$output" ]
	[ "$stderr" = "reg-sync: tags of '$FAULTY/a': next page: 'http://other.lan' has no path" ]
	answer GET_v2_a_tags_list 200 application/json 'Link: <?n=1000>; rel="next"' <<<'{"tags":["1"]}'
	run --separate-stderr -1 reg-sync --list "$FAULTY/a"
	[ -z "$output" ]
	[ "$stderr" = "reg-sync: tags of '$FAULTY/a': the page after '/v2/a/tags/list?n=1000' is the same again" ]
}

@test "a tag that is none cannot make a line or an address" {
	local bad
	canned
	for bad in 'x\nghcr.io/evil/app:1@sha256:00' '../../other/manifests/1' '' 'a b' '-v'; do
		answer GET_v2_a_tags_list 200 application/json <<<"{\"tags\":[\"1\",\"$bad\"]}"
		run --separate-stderr -1 reg-sync --list "$FAULTY/a"
		[ -z "$output" ]
		[ "$stderr" = "reg-sync: tags of '$FAULTY/a': number 2 is none" ]
	done
}

@test "words of a server stay within their record" {
	canned
	answer default 400 application/json <<<'{"errors":[{"code":"X","message":"no\ncopied everything"}]}'
	run --separate-stderr -1 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$D1"
	[ "$output" = "failed $DEST:1@$D1 '$FAULTY/a@$D1': 400 X: no\\x0acopied everything" ]
}

@test "a web page after the first answer is 75 as well" {
	canned
	answer default 200 text/html <<<'<html>please pay</html>'
	run --separate-stderr -75 reg-sync --list "$FAULTY/a"
	[ -z "$output" ]
	[[ $stderr == "reg-sync: '$FAULTY' answers like a web page"* ]]
	run --separate-stderr -75 reg-sync --list "$FAULTY/a:1"
	[[ $stderr == "reg-sync: '$FAULTY' answers like a web page"* ]]
	run --separate-stderr -75 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$D1"
	[[ $output == "failed $DEST:1@$D1 '$FAULTY' answers like a web page"* ]]
}

@test "a source that does not answer is asked once, and every line says so" {
	canned
	answer GET_v2_ 503 text/plain <<<'later'
	run --separate-stderr -75 reg-sync --retry 0 --stdin "$DEST" <<-LINES
		$FAULTY/a:1@$D1
		$FAULTY/a:2@$D2
	LINES
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} == "failed $FAULTY/a:1@$D1 registry '$FAULTY': 503"* ]]
	[ "${lines[1]#*"$D2" }" = "${lines[0]#*"$D1" }" ]
	[ "$(grep -c '^GET /v2/ ' answers/log)" -eq 1 ]
}

@test "a signature's tag that goes in circles ends" {
	local d
	d=$(image "$SRC" 1)
	index "$SRC" "${d/:/-}.sig" "$(jq -cn --arg d "$d" --argjson n "$(get "$SRC" "$d" | wc -c)" \
		'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}')"
	run --separate-stderr -0 reg-sync --stdin "$DEST" <<<"$SRC:1@$d"
	[ "$output" = "copied $DEST:1@$d" ]
	[ "$(tags_of "$DEST")" = "$(tags_of "$SRC")" ]
}

@test "a referrer that is at the destination but in no list there is listed by the next run" {
	local d r
	d=$(image "$SRC" 1)
	r=$(referrer "$SRC" "$d" one)
	index "$SRC" "${d/:/-}" "$r"
	run --separate-stderr -0 reg-sync --stdin "$DEST" <<<"$SRC:1@$d"
	[ "$output" = "copied $DEST:1@$d" ]
	[ "$(get "$DEST" "${d/:/-}" | jq -r '.manifests[].digest')" = "$(jq -r .digest <<<"$r")" ]
	# what is left when a run ends between the referrer and its list
	curl -fsS -X DELETE "http://${DEST%%/*}/v2/${DEST#*/}/manifests/sha256:$(get "$DEST" "${d/:/-}" | sha256sum | cut -d' ' -f1)"
	run get "$DEST" "${d/:/-}"
	[ "$status" -ne 0 ]
	run --separate-stderr -0 reg-sync --stdin "$DEST" <<<"$SRC:1@$d"
	[ "$output" = "current $DEST:1@$d" ]
	[ "$(get "$DEST" "${d/:/-}" | jq -r '.manifests[].digest')" = "$(jq -r .digest <<<"$r")" ]
}

@test "entries of a list at the destination stay, and a dangling one at the source is left out" {
	local d mine theirs gone
	d=$(image "$SRC" 1)
	mine=$(referrer "$SRC" "$d" mine)
	gone=$(jq -c --arg d "$D1" '.digest = $d' <<<"$mine")
	# the registry checks an index's children, so the list is made while the child is there
	theirs=$(referrer "$SRC" "$d" gone)
	index "$SRC" "${d/:/-}" "$mine" "$theirs"
	gone=$(jq -r .digest <<<"$theirs")
	curl -fsS -X DELETE "http://${SRC%%/*}/v2/${SRC#*/}/manifests/$gone"
	reg-sync --no-referrers --stdin "$DEST" <<<"$SRC:1@$d"
	theirs=$(referrer "$DEST" "$d" theirs)
	index "$DEST" "${d/:/-}" "$theirs"
	run --separate-stderr -0 reg-sync --stdin "$DEST" <<<"$SRC:1@$d"
	[ "$output" = "current $DEST:1@$d" ]
	[ "$(get "$DEST" "${d/:/-}" | jq -r '.manifests[].digest')" = "$(jq -r .digest <<<"$theirs
$mine")" ]
}

@test "referrers come page by page" {
	local d one two m
	d=$(image "$SRC" 1)
	one=$(referrer "$SRC" "$d" one)
	two=$(referrer "$SRC" "$d" two)
	canned
	# everything but the list is answered from the real registry's bytes
	for m in "$d" "$(jq -r .digest <<<"$one")" "$(jq -r .digest <<<"$two")"; do
		get "$SRC" "$m" >m.json
		answer "GET_v2_a_manifests_$m" 200 application/vnd.oci.image.manifest.v1+json <m.json
	done
	for m in $(get "$SRC" "$d" | jq -r '.config.digest, .layers[].digest'); do
		curl -fsS "http://${SRC%%/*}/v2/${SRC#*/}/blobs/$m" >blob
		answer "GET_v2_a_blobs_$m" 200 application/octet-stream <blob
	done
	jq -c '{schemaVersion: 2, manifests: [.]}' <<<"$one" | answer "GET_v2_a_referrers_$d" 200 \
		application/vnd.oci.image.index.v1+json 'Link: </v2/a/referrers/two>; rel="next"'
	jq -c '{schemaVersion: 2, manifests: [.]}' <<<"$two" | answer GET_v2_a_referrers_two 200 \
		application/vnd.oci.image.index.v1+json
	run --separate-stderr -0 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$d"
	[ "$output" = "copied $DEST:1@$d" ]
	[ "$(get "$DEST" "${d/:/-}" | jq -r '.manifests[].digest' | sort)" = "$(jq -r .digest <<<"$one
$two" | sort)" ]
}

@test "a registry behind TLS that wants the bytes without TLS gets none" {
	local port d
	d=$(image "$SRC" 1)
	port=$(free_port)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.pem \
		-days 2 -subj /CN=x -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
	mkdir data
	cat >tls.yml <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $PWD/data}}
		http:
		  addr: 127.0.0.1:$port
		  host: http://127.0.0.1:$port
		  secret: x
		  tls: {certificate: $PWD/tls.pem, key: $PWD/tls.key}
	YML
	docker-registry serve tls.yml >tls.log 2>&1 3>&- &
	SERVER=$!
	wait_for 20 curl -fsS --cacert tls.pem "https://127.0.0.1:$port/v2/"
	run --separate-stderr -1 reg-sync --dest-ca tls.pem --stdin "127.0.0.1:$port/a" <<<"$SRC:1@$d"
	[[ $output == "failed 127.0.0.1:$port/a:1@$d registry '127.0.0.1:$port' points from TLS to 'http://127.0.0.1:$port/"* ]]
}

@test "a token is asked for once a repository is named, and once more where it does not help" {
	canned
	local bearer="WWW-Authenticate: Bearer realm=\"http://$FAULTY/token?x=1\",service=\"the, service\",scope=\"repository:x:pull\""
	answer GET_v2_ 401 application/json "$bearer" <<<'{}'
	answer GET_v2_a_tags_list 401 application/json "$bearer" <<<'{"errors":[{"code":"DENIED","message":"no"}]}'
	answer GET_token 200 application/json <<<'{"access_token":"abc","expires_in":300}'
	run --separate-stderr -1 reg-sync --list "$FAULTY/a"
	[ -z "$output" ]
	[ "$stderr" = "reg-sync: '$FAULTY/a': 401 DENIED: no (no credentials found)" ]
	[ "$(cut -d' ' -f1,2 answers/log)" = "GET /v2/
GET /token?x=1&service=the%2C%20service&scope=repository%3Aa%3Apull
GET /v2/a/tags/list?n=1000
GET /token?x=1&service=the%2C%20service&scope=repository%3Ax%3Apull&scope=repository%3Aa%3Apull" ]
	answer GET_token 403 application/json <<<'{"message":"who are you"}'
	run --separate-stderr -1 reg-sync --list "$FAULTY/a"
	[ "$stderr" = "reg-sync: registry '$FAULTY': 'http://$FAULTY/token?x=1' gives no token without credentials: 403 who are you" ]
}

@test "what a registry repeats of a token is not said" {
	canned
	answer GET_v2_ 401 application/json "WWW-Authenticate: Bearer realm=\"http://$FAULTY/token\"" <<<'{}'
	answer GET_token 200 application/json <<<'{"token":"abcdefgh.s3cret"}'
	answer GET_v2_a_tags_list 403 application/json <<<'{"message":"what is abcdefgh.s3cret?"}'
	run --separate-stderr -1 reg-sync --list "$FAULTY/a"
	[ "$stderr" = "reg-sync: '$FAULTY/a': 403 (no credentials found)" ]
}

@test "credentials that would be two headers are refused" {
	canned
	answer GET_v2_ 401 application/json 'WWW-Authenticate: Basic realm="x"' <<<'{}'
	printf '{"auths":{"%s":{"auth":"YTpi\\nX-Evil: 1"}}}' "$FAULTY" >auth.json
	run --separate-stderr -78 reg-sync --authfile auth.json --list "$FAULTY/a"
	[ "$stderr" = "reg-sync: registry '$FAULTY': auth.json: the 'auth' of '$FAULTY' is not base64" ]
}
