#!/usr/bin/env bats
# reg-sync, push-image.sh and sign-image.sh towards registries that want to know who they are: real
# ones, with passwords, with TLS and with a token server.

setup_file() {
	load helpers/common
	export STATE_DIR=$BATS_FILE_TMPDIR/state
	load helpers/image
	cd "$BATS_FILE_TMPDIR" || return 1
	start_registry src
	BATS_TEST_TMPDIR=$PWD image_archive i.tar word >/dev/null
	"$ROOT/scripts/push-image.sh" i.tar "$REGISTRY_SRC/app:1" >list

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
		-days 2 -subj /CN=ca 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr \
		-subj /CN=localhost 2>/dev/null
	openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out tls.pem \
		-extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
	htpasswd -Bbn -C 4 robot s3cret >passwd

	guarded plain "htpasswd: {realm: here, path: $PWD/passwd}"
	guarded tls "htpasswd: {realm: here, path: $PWD/passwd}" tls
	token_server tokens
	guarded tokened "token: {realm: $REALM, service: the service, issuer: tokens, rootcertbundle: $PWD/tokens/sign.pem}"
	token_server tlstokens "$PWD/tls.pem" "$PWD/tls.key"
	guarded tlstokened "token: {realm: $REALM, service: s, issuer: tokens, rootcertbundle: $PWD/tlstokens/sign.pem}" tls
}

teardown_file() {
	load helpers/common
	stop_all
}

# guarded NAME AUTH [tls]: a registry that wants credentials; its address is in $NAME.
guarded() {
	local port dir=$BATS_FILE_TMPDIR/$1 scheme=http
	port=$(free_port)
	mkdir -p "$dir"
	{
		cat <<-YML
			version: 0.1
			log: {level: error, accesslog: {disabled: true}}
			storage: {filesystem: {rootdirectory: $dir}}
			auth: {$2}
			http:
			  addr: 127.0.0.1:$port
			  secret: x
		YML
		[ -z "${3:-}" ] || echo "  tls: {certificate: $PWD/tls.pem, key: $PWD/tls.key}"
	} >"$dir.yml"
	docker-registry serve "$dir.yml" >"$dir.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	[ -z "${3:-}" ] || scheme=https
	wait_for 20 curl -sS --cacert ca.pem "$scheme://127.0.0.1:$port/v2/"
	printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$port" "$(printf robot:s3cret | base64)" >all.json
	reg-sync --authfile all.json --dest-ca ca.pem --stdin "127.0.0.1:$port" <list
	printf -v "${1^^}" '127.0.0.1:%s' "$port"
	export "${1^^}"
}

# token_server NAME [CERTIFICATE KEY]: its address is in $REALM, its signing key in NAME.
token_server() {
	local port scheme=http
	[ $# -eq 1 ] || scheme=https
	port=$(free_port)
	mkdir -p "$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/sign.key" \
		-out "$1/sign.pem" -days 2 -subj /CN=signer 2>/dev/null
	"$B/helpers/tokens" "$port" "$PWD/$1" "${@:2}" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	REALM=$scheme://127.0.0.1:$port/token
	export REALM_"${1^^}"="$REALM"
	wait_for 5 bash -c "echo >/dev/tcp/127.0.0.1/$port"
}

setup() {
	load helpers/common
	load helpers/image
	cd "$BATS_TEST_TMPDIR" || return 1
	N=t$BATS_TEST_NUMBER
	T=$BATS_FILE_TMPDIR/tokens
	CA=$BATS_FILE_TMPDIR/ca.pem
	LIST=$BATS_FILE_TMPDIR/list
	DIGEST=$(sed 's/.*@//' "$LIST")
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME
	export HOME=$PWD XDG_RUNTIME_DIR=$PWD/run
	rm -f "$T/log" "$T/mode"
}

# auths FILE KEY ENTRY [KEY ENTRY]...: a file of credentials.
auths() {
	local file=$1
	shift
	printf '%s\n' "$@" | jq -Rn '{auths: ([inputs] | [range(0; length; 2) as $i |
		{(.[$i]): (.[$i + 1] | fromjson)}] | add)}' >"$file"
}

# basic USER PASSWORD: an entry for these.
basic() {
	printf '{"auth":"%s"}' "$(printf '%s:%s' "$1" "$2" | base64)"
}

# helper NAME SCRIPT: docker-credential-NAME on PATH.
helper() {
	mkdir -p bin
	printf '#!/bin/sh\n%s\n' "$2" >"bin/docker-credential-$1"
	chmod +x "bin/docker-credential-$1"
	[[ $PATH == "$PWD/bin:"* ]] || PATH=$PWD/bin:$PATH
}

asked() {
	cat "$T/log"
}

# to DEST [OPTION]...: copy the one image there.
to() {
	local dest=$1
	shift
	run --separate-stderr reg-sync "$@" --stdin "$dest" <"$LIST"
	[[ $output$stderr != *s3cret* ]]
	[[ $output$stderr != *r3fresh* ]]
}

copied() {
	[ "$status" -eq 0 ]
	[ "$output" = "copied $1:1@$DIGEST" ]
	[ -z "$stderr" ]
}

# --- where credentials are ---------------------------------------------------

@test "without credentials a registry that wants some is status 1" {
	to "$PLAIN/$N"
	[ "$status" -eq 1 ]
	[[ $output == "failed $PLAIN/$N:1@$DIGEST "*": 401"*" (no credentials found)" ]]
	auths wrong.json "$PLAIN" "$(basic robot wrong)"
	to "$PLAIN/$N" --authfile wrong.json
	[ "$status" -eq 1 ]
	[[ $output == *": 401"*" (with the credentials of '$PLAIN' in wrong.json)" ]]
}

@test "files are looked for where other tools keep them, until one knows the registry" {
	local file
	mkdir -p run/containers .config/containers .docker conf/containers docker
	for file in run/containers/auth.json .config/containers/auth.json .docker/config.json; do
		run -1 reg-sync --list "$PLAIN/app"
		auths "$file" "$PLAIN" "$(basic robot s3cret)"
		run -0 reg-sync --list "$PLAIN/app"
		auths "$file" other:1 "$(basic robot s3cret)"
	done
	auths conf/containers/auth.json "$PLAIN" "$(basic robot s3cret)"
	XDG_CONFIG_HOME=conf run -0 reg-sync --list "$PLAIN/app"
	auths docker/config.json "$PLAIN" "$(basic robot s3cret)"
	DOCKER_CONFIG=docker run -0 reg-sync --list "$PLAIN/app"
	# a file that is named counts alone
	auths other.json other:1 "$(basic robot s3cret)"
	DOCKER_CONFIG=docker REGISTRY_AUTH_FILE=other.json run -1 reg-sync --list "$PLAIN/app"
	REGISTRY_AUTH_FILE=other.json run -0 reg-sync --authfile docker/config.json --list "$PLAIN/app"
}

@test "a file that cannot be used is status 78, and is not quoted" {
	run --separate-stderr -78 reg-sync --authfile nosuch.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: open 'nosuch.json': No such file or directory" ]
	echo '{"auths": s3cret' >broken.json
	REGISTRY_AUTH_FILE=broken.json run --separate-stderr -78 reg-sync --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: broken.json: not JSON" ]
	auths a.json "$PLAIN" '{"auth":"s3cret"}'
	run --separate-stderr -78 reg-sync --authfile a.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: registry '$PLAIN': a.json: the 'auth' of '$PLAIN' is not base64" ]
	# where nobody asks it does not matter
	auths a.json "$REGISTRY_SRC" '{"auth":"s3cret"}'
	run -0 reg-sync --authfile a.json --list "$REGISTRY_SRC/app"
	run -0 reg-sync --authfile /dev/null --list "$REGISTRY_SRC/app"
}

@test "the entry for the longest part of a repository's name counts" {
	auths a.json "$PLAIN" "$(basic robot wrong)" "$PLAIN/$N/deep" '{"username":"robot","password":"s3cret"}'
	to "$PLAIN/$N/deep/app" --authfile a.json
	copied "$PLAIN/$N/deep/app"
	to "$PLAIN/$N/deeper/app" --authfile a.json
	[ "$status" -eq 1 ]
	run -1 reg-sync --authfile a.json --list "$PLAIN/app"
}

# --- helpers -----------------------------------------------------------------

@test "a helper of one registry is asked once, one of all knows the others" {
	local answer="echo '{\"ServerURL\":\"x\",\"Username\":\"robot\",\"Secret\":\"s3cret\"}'"
	helper one "echo \"\$* \$(cat)\" >>asked; $answer"
	helper all "echo all >>asked; $answer"
	printf '{"credsStore":"all","credHelpers":{"%s":"one"},"auths":{"%s":{"auth":"d3Jvbmc6d3Jvbmc="}}}' \
		"$PLAIN" "$PLAIN" >a.json
	to "$PLAIN/$N" --authfile a.json
	copied "$PLAIN/$N"
	[ "$(cat asked)" = "get $PLAIN" ]
	rm asked
	run -0 reg-sync --authfile a.json --src-ca "$CA" --list "$TLS/app"
	[ "$(cat asked)" = all ]
	# who does not ask gets no answer
	rm asked
	run -0 reg-sync --authfile a.json --list "$REGISTRY_SRC/app"
	[ ! -e asked ]
}

@test "where a helper knows nothing, the file's own entries count" {
	helper x 'echo credentials not found in native keychain; exit 1'
	printf '{"credsStore":"x","auths":{"%s":%s}}' "$PLAIN" "$(basic robot s3cret)" >a.json
	to "$PLAIN/$N" --authfile a.json
	copied "$PLAIN/$N"
}

@test "a helper that fails says so, and nothing of what it knows" {
	local name="credential helper 'docker-credential-x'"
	echo '{"credsStore":"x"}' >a.json
	run --separate-stderr -71 reg-sync --authfile a.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: registry '$PLAIN': $name: there is no such program on PATH" ]
	helper x 'echo s3cret; echo s3cret >&2; exit 1'
	run --separate-stderr -71 reg-sync --authfile a.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: registry '$PLAIN': $name: it fails; 'docker-credential-x get' tells why" ]
	helper x 'echo s3cret'
	run --separate-stderr -1 reg-sync --authfile a.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: registry '$PLAIN': $name: it does not answer in JSON" ]
	echo '{"credsStore":"../x"}' >a.json
	run --separate-stderr -78 reg-sync --authfile a.json --list "$PLAIN/app"
	[ "$stderr" = "reg-sync: registry '$PLAIN': a.json: '../x' is not the name of a credential helper" ]
}

@test "a helper that waits ends with the run" {
	helper x "sleep 1000 & echo \$! >pid; wait"
	echo '{"credsStore":"x"}' >a.json
	reg-sync --authfile a.json --list "$PLAIN/app" 3>&- 2>said &
	local run=$! status=0
	wait_for 5 test -s pid
	kill -TERM $run
	wait $run || status=$?
	[ "$status" -eq 75 ]
	wait_for 5 not_alive "$(cat pid)"
	[ "$(cat said)" = "reg-sync: stopped by a signal" ]
}

# --- TLS ---------------------------------------------------------------------

@test "passwords go over TLS with a private authority, and nowhere before it is checked" {
	auths a.json "$TLS" "$(basic robot s3cret)"
	to "$TLS/$N" --authfile a.json --dest-ca "$CA"
	copied "$TLS/$N"
	run -0 reg-sync --authfile a.json --src-ca "$CA" --list "$TLS/$N"
	[ "$output" = "$TLS/$N:1@$DIGEST" ]
	to "$TLS/$N" --authfile a.json
	[ "$status" -eq 75 ]
	[[ $stderr == "reg-sync: registry '$TLS': "*certificate* ]]
	auths a.json "$TLSTOKENED" "$(basic robot s3cret)"
	to "$TLSTOKENED/$N" --authfile a.json --dest-ca "$CA"
	copied "$TLSTOKENED/$N"
}

@test "a registry with TLS gets no token from a server without" {
	local port
	port=$(free_port)
	cat >bad.yml <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {inmemory: {}}
		auth: {token: {realm: $REALM_TOKENS, service: s, issuer: tokens, rootcertbundle: $T/sign.pem}}
		http: {addr: 127.0.0.1:$port, secret: x, tls: {certificate: $BATS_FILE_TMPDIR/tls.pem, key: $BATS_FILE_TMPDIR/tls.key}}
	YML
	docker-registry serve bad.yml >bad.log 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 curl -sS --cacert "$CA" "https://127.0.0.1:$port/v2/"
	auths a.json "127.0.0.1:$port" "$(basic robot s3cret)"
	run --separate-stderr -1 reg-sync --authfile a.json --src-ca "$CA" --list "127.0.0.1:$port/a"
	[ "$stderr" = "reg-sync: registry '127.0.0.1:$port': asks for credentials without TLS at '$REALM_TOKENS'" ]
	[ ! -e "$T/log" ]
}

# --- tokens ------------------------------------------------------------------

@test "a token is asked for before the request, once for each scope" {
	auths a.json "$TOKENED" "$(basic robot s3cret)"
	to "$TOKENED/$N" --authfile a.json
	copied "$TOKENED/$N"
	run -0 grep -x "GET robot repository:$N:pull,push" "$T/log"
	[ "$(asked | sort)" = "$(asked | sort -u)" ]
}

@test "anybody gets a token for what everybody may read" {
	auths a.json "$TOKENED" "$(basic robot s3cret)"
	to "$TOKENED/public/$N" --authfile a.json
	copied "$TOKENED/public/$N"
	rm "$T/log"
	run -0 reg-sync --list "$TOKENED/public/$N"
	[ "$output" = "$TOKENED/public/$N:1@$DIGEST" ]
	[ "$(asked)" = "GET - repository:public/$N:pull" ]
	run --separate-stderr -1 reg-sync --list "$TOKENED/app"
	[[ $stderr == "reg-sync: '$TOKENED/app': 401 UNAUTHORIZED: "*" (no credentials found)" ]]
	echo closed >"$T/mode"
	run --separate-stderr -1 reg-sync --list "$TOKENED/public/$N"
	[ "$stderr" = "reg-sync: registry '$TOKENED': '$REALM_TOKENS' gives no token without credentials: 401 who are you" ]
}

@test "wrong credentials are named, not quoted, even if the server repeats them" {
	auths a.json "$TOKENED" "$(basic robot s3cret-but-wrong)"
	run --separate-stderr -1 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$stderr" = "reg-sync: registry '$TOKENED': '$REALM_TOKENS' gives no token for the credentials of '$TOKENED' in a.json: 401 who are you" ]
	echo echo >"$T/mode"
	run --separate-stderr -1 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$stderr" = "reg-sync: registry '$TOKENED': '$REALM_TOKENS' gives no token for the credentials of '$TOKENED' in a.json: 401" ]
	auths a.json "$TOKENED" '{"identitytoken":"r3fresh-but-wrong"}'
	run --separate-stderr -1 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$stderr" = "reg-sync: registry '$TOKENED': '$REALM_TOKENS' gives no token for the credentials of '$TOKENED' in a.json: 401" ]
	echo broken >"$T/mode"
	run --separate-stderr -1 reg-sync --list "$TOKENED/app"
	[ "$stderr" = "reg-sync: registry '$TOKENED': ask '$REALM_TOKENS' for a token: no token that can be used in the answer" ]
}

@test "an identity token goes by POST; the one in the answer is used from then on" {
	auths a.json "$TOKENED" '{"auth":"MDAwMDo=","identitytoken":"r3fresh"}'
	to "$TOKENED/$N" --authfile a.json
	copied "$TOKENED/$N"
	run -0 grep '^POST robot ' "$T/log"
	run -1 grep -v '^POST robot ' "$T/log"
	# good for once: the second scope needs the next one
	own_tokens rotate
	auths a.json "$OWN" '{"identitytoken":"r3fresh"}'
	to "$OWN/$N" --authfile a.json
	copied "$OWN/$N"
	run ! grep '!' own/log
	[ "$(wc -l <own/log)" -gt 1 ]
}

@test "a helper's identity token is one too" {
	helper x "echo '{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\"r3fresh\"}'"
	printf '{"credHelpers":{"%s":"x"}}' "$TOKENED" >a.json
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$(asked)" = "POST robot repository:app:pull" ]
}

@test "where POST is not served an identity token goes by GET, and a password by POST where GET is not" {
	echo no-post >"$T/mode"
	auths a.json "$TOKENED" "{\"auth\":\"$(printf robot:s3cret | base64)\",\"identitytoken\":\"r3fresh\"}"
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$(asked)" = "POST robot repository:app:pull
GET robot repository:app:pull" ]
	rm "$T/log"
	echo no-get >"$T/mode"
	auths a.json "$TOKENED" "$(basic robot s3cret)"
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$(asked)" = "GET robot repository:app:pull
POST robot repository:app:pull" ]
	run --separate-stderr -1 reg-sync --list "$TOKENED/app"
	[ "$stderr" = "reg-sync: registry '$TOKENED': '$REALM_TOKENS' gives no token without credentials: 405, answered application/json" ]
}

@test "a registry token is used as it is" {
	local token
	token=$(curl -fsS -u robot:s3cret -G --data-urlencode 'service=the service' \
		-d scope=repository:app:pull "$REALM_TOKENS" | jq -r .token)
	rm "$T/log"
	auths a.json "$TOKENED" "{\"registrytoken\":\"$token\"}"
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	auths a.json "$TOKENED" '{"registrytoken":"s3cret"}'
	run -1 reg-sync --authfile a.json --list "$TOKENED/app"
	[[ $output != *s3cret* ]]
	[ ! -e "$T/log" ]
}

@test "a token without a word about its life is kept; one that has ended on its way is not" {
	auths a.json "$TOKENED" "$(basic robot s3cret)"
	echo no-life >"$T/mode"
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$(asked)" = "GET robot repository:app:pull" ]
	echo "life=1 slow=810" >"$T/mode"
	rm "$T/log"
	run -0 reg-sync --authfile a.json --list "$TOKENED/app"
	[ "$(asked | sort -u)" = "GET robot repository:app:pull" ]
	[ "$(asked | wc -l)" -gt 1 ]
}

@test "a token that the registry refuses is replaced once, and then it is an error" {
	own_tokens stale=1
	auths a.json "$OWN" "$(basic robot s3cret)"
	to "$OWN/$N" --authfile a.json
	copied "$OWN/$N"
	echo read-only >"$T/mode"
	auths a.json "$TOKENED" "$(basic robot s3cret)"
	to "$TOKENED/$N" --authfile a.json
	[ "$status" -eq 1 ]
	[[ $output == "failed $TOKENED/$N:1@$DIGEST "*": 401 UNAUTHORIZED: "*" (with the credentials of '$TOKENED' in a.json)" ]]
	[ "$(asked | wc -l)" -lt 10 ]
}

@test "a blob of another repository is mounted with one token for both, or else it is sent" {
	local mode both
	own_tokens ''
	auths a.json "$OWN" "$(basic robot s3cret)"
	to "$OWN/app" --authfile a.json
	echo "$OWN/app:1@$DIGEST" >list
	for mode in '' joined first last; do
		echo "# ${mode:-all}"
		echo "$mode" >own/mode
		: >own/log
		: >own.log
		run --separate-stderr -0 reg-sync --authfile a.json --stdin "$OWN/b$mode" <list
		[ "$output" = "copied $OWN/b$mode:1@$DIGEST" ]
		both="repository:b$mode:pull,push&repository:app:pull"
		grep -qx "GET robot $both" own/log
		# what did not help is asked for in another way
		run -"$([ -n "$mode" ]; echo $?)" grep -qx "GET robot ${both/&/ }" own/log
		run grep -c 'POST .*?mount=.* 201 ' own.log
		[ "$output" = "$([ "$mode" = first ] && echo 0 || echo 2)" ]
	done
}

# --- scripts -----------------------------------------------------------------

# pushed HOST [OPTION]...: the image is pushed there, and signed, and no argument of any program was a
# secret.
pushed() {
	local program secret
	mkdir -p spied
	for program in curl jq sed timeout; do
		printf '#!/bin/sh\nprintf "%%s\\n" "$@" >>"%s/argv"\nexec %s "$@"\n' "$PWD" \
			"$(PATH=${PATH#"$PWD/spied:"} command -v $program)" >"spied/$program"
		chmod +x "spied/$program"
	done
	[ -f k.pem ] || image_key k P-256
	PATH=$PWD/spied:$PATH run --separate-stderr -0 "$ROOT/scripts/push-image.sh" "${@:2}" \
		"$BATS_FILE_TMPDIR/i.tar" "$1/$N:1"
	[ "$output" = "$1/$N:1@$DIGEST" ]
	[ -z "$stderr" ]
	PATH=$PWD/spied:$PATH run --separate-stderr -0 "$ROOT/scripts/sign-image.sh" "${@:2}" \
		--key k.pem "$1/$N:1"
	for secret in s3cret r3fresh "$(printf robot:s3cret | base64)"; do
		run -1 grep -F "$secret" argv
	done
}

@test "push-image.sh and sign-image.sh have the same credentials, and no program has them as an argument" {
	auths a.json "$PLAIN" "$(basic robot s3cret)" "$TOKENED/$N" '{"username":"robot","password":"s3cret"}'
	pushed "$PLAIN" --authfile a.json
	REGISTRY_AUTH_FILE=a.json run -0 "$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/i.tar" "$TOKENED/$N:1"
	mkdir .docker
	auths .docker/config.json "$TOKENED" '{"identitytoken":"r3fresh"}'
	pushed "$TOKENED"
	run -0 img-verify --key k.pub "$TOKENED/$N:1"
	helper x "echo '{\"Username\":\"robot\",\"Secret\":\"s3cret\"}'"
	printf '{"credHelpers":{"%s":"x"}}' "$PLAIN" >.docker/config.json
	run -0 "$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/i.tar" "$PLAIN/$N-b:1"
}

@test "push-image.sh says what is wrong with credentials" {
	local push=$ROOT/scripts/push-image.sh
	run --separate-stderr -1 "$push" "$BATS_FILE_TMPDIR/i.tar" "$PLAIN/$N:1"
	[[ $stderr == "push-image.sh: look for blob "*" in '$PLAIN/$N': 401 "* ]]
	echo s3cret >broken.json
	run --separate-stderr -78 "$push" --authfile broken.json "$BATS_FILE_TMPDIR/i.tar" "$PLAIN/$N:1"
	[ "$stderr" = "push-image.sh: broken.json: cannot be read, or is not a JSON object" ]
	auths a.json "$TOKENED" "$(basic robot wrong)"
	run --separate-stderr -1 "$push" --authfile=a.json "$BATS_FILE_TMPDIR/i.tar" "$TOKENED/$N:1"
	[[ $stderr == "push-image.sh: '$REALM_TOKENS' gives no token"* ]]
	helper x 'echo s3cret; exit 1'
	echo '{"credsStore":"x"}' >a.json
	run --separate-stderr -71 "$push" --authfile=a.json "$BATS_FILE_TMPDIR/i.tar" "$PLAIN/$N:1"
	[ "$stderr" = "push-image.sh: credential helper 'docker-credential-x': it fails; 'docker-credential-x get' tells why" ]
	run --separate-stderr -64 "$push" --authfile
	[ "${stderr_lines[0]}" = "push-image.sh: option '--authfile' requires a file" ]
	run --separate-stderr -64 "$ROOT/scripts/sign-image.sh" --authfile
	[ "${stderr_lines[0]}" = "sign-image.sh: option '--authfile' requires a file" ]
}

# own_tokens MODE: a registry of this test alone, in $OWN, with a token server in own.
own_tokens() {
	local port
	token_server own
	echo "$1" >own/mode
	port=$(free_port)
	OWN=127.0.0.1:$port
	cat >own.yml <<-YML
		version: 0.1
		log: {level: error}
		storage: {filesystem: {rootdirectory: $PWD/data}}
		auth: {token: {realm: $REALM, service: s, issuer: tokens, rootcertbundle: $PWD/own/sign.pem}}
		http: {addr: 127.0.0.1:$port, secret: x}
	YML
	docker-registry serve own.yml >own.log 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 curl -sS "http://127.0.0.1:$port/v2/"
}
