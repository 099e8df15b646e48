#!/usr/bin/env bash
# registry-auth.sh: who we are towards a registry, with curl and jq, for registry.sh.
#
#   registry_authorize URL   after a 401 (REGISTRY_HEADERS): 0 if REGISTRY_LOGIN now has an answer
#
# REGISTRY_LOGIN is a configuration for curl, for addresses that begin with REGISTRY_LOGIN_FOR.
# Credentials come from the files and helpers that reg-sync(1) reads.  They are handed on as
# standard input, and are never an argument of a program.
# shellcheck disable=SC2034

REGISTRY_LOGIN='' REGISTRY_LOGIN_FOR=''

# registry_auth_files: where credentials are, one file a line.
registry_auth_files() {
	local run=/run/containers/$UID file
	if [ -n "${REGISTRY_AUTH_FILE:-}" ]; then
		echo "$REGISTRY_AUTH_FILE"
		return
	fi
	[ -z "${XDG_RUNTIME_DIR:-}" ] || run=$XDG_RUNTIME_DIR/containers
	for file in "$run/auth.json" "${XDG_CONFIG_HOME:-${HOME:-}/.config}/containers/auth.json" \
		"${DOCKER_CONFIG:-${HOME:-}/.docker}/config.json"; do
		[ ! -e "$file" ] || echo "$file"
	done
}

# registry_helper NAME HOST: what docker-credential-NAME knows, as registry_credentials prints it.
registry_helper() {
	local program=docker-credential-$1 answer status=0
	registry_need "$program" || return
	answer=$(printf %s "$2" | timeout 10 "$program" get 2>/dev/null) || status=$?
	if [ $status -ne 0 ]; then
		[[ $answer != *'credentials not found'* ]] || return 0
		registry_say "credential helper '$program': it fails; '$program get' tells why"
		return 71
	fi
	jq -r 'if .Username == "<token>" then "identity " + .Secret
		elif (.Username // "") + (.Secret // "") == "" then empty
		else "basic " + (.Username + ":" + .Secret | @base64) end' <<<"$answer" 2>/dev/null || {
		registry_say "credential helper '$program': it does not answer in JSON"
		return 71
	}
}

# registry_credentials HOST REPO: "basic BASE64", "identity TOKEN", "bearer TOKEN" or nothing.
registry_credentials() {
	local host=$1 server=$1 file helper found=''
	case "$host" in
	docker.io | registry-1.docker.io) host=index.docker.io server=https://index.docker.io/v1/ ;;
	esac
	while read -r file; do
		jq -e 'type == "object"' "$file" >/dev/null 2>&1 || [ ! -s "$file" ] || {
			registry_say "$file: cannot be read, or is not a JSON object"
			return 78
		}
		helper=$(jq -r --arg h "$host" '((.credHelpers // {})[$h] // .credsStore // empty)' "$file")
		if [[ $helper == */* ]]; then
			registry_say "$file: '$helper' is not the name of a credential helper"
			return 78
		fi
		[ -z "$helper" ] || found=$(registry_helper "$helper" "$server") || return
		[ -n "$found" ] || found=$(jq -r --arg n "$host/$2" '[.auths // {} | to_entries[] |
			.key |= (sub("^https?://(?<h>[^/]*).*"; "\(.h)") | sub("/+$"; "") |
				sub("^(registry-1[.])?docker[.]io(?<r>/.*)?$"; "index.docker.io\(.r // "")")) |
			select(.key as $k | ($n + "/") | startswith($k + "/")) |
			select(.value | .auth // .username // .identitytoken // .registrytoken)] |
			max_by(.key | length).value // empty |
			if .registrytoken then "bearer " + .registrytoken
			elif .identitytoken then "identity " + .identitytoken
			elif .auth then "basic " + .auth
			else "basic " + (.username + ":" + (.password // "") | @base64) end' "$file")
		[ -z "$found" ] || break
	done < <(registry_auth_files)
	# what goes into curl's configuration has no quotes and is one line
	[[ $found =~ ^([a-z]+\ [A-Za-z0-9+/=._~:-]+)?$ ]] || {
		registry_say "$file: the credentials of '$1' cannot be used"
		return 78
	}
	echo "$found"
}

# registry_token REALM SERVICE SCOPE CREDENTIALS: what the token server gives.
registry_token() {
	local kind=${4%% *} secret=${4#* } answer token config='' options=(-G)
	case "$kind" in
	bearer)
		echo "$secret"
		return
		;;
	identity)
		config="data-urlencode = \"refresh_token=$secret\""
		options=(-d grant_type=refresh_token -d client_id=gantry)
		;;
	basic) config="header = \"Authorization: Basic $secret\"" ;;
	esac
	answer=$(curl -sS -f --connect-timeout 10 --max-time 60 -K - "${options[@]}" \
		--data-urlencode "service=$2" --data-urlencode "scope=$3" "$1" 2>/dev/null <<<"$config") ||
		answer=''
	token=$(jq -r '.token // .access_token' <<<"$answer" 2>/dev/null) || token=''
	if ! [[ $token =~ ^[A-Za-z0-9+/=._~-]+$ ]]; then
		registry_say "'$1' gives no token"
		return 1
	fi
	echo "$token"
}

# registry_parameter NAME: of the challenge on standard input.
registry_parameter() {
	sed -nE "s/.*[ ,]$1=\"([^\"]*)\".*/\1/Ip"
}

registry_authorize() {
	local base host repo challenge credentials token realm
	[[ $1 =~ ^(https?://([^/]+))/v2/(.+)/(blobs|manifests|tags)/ ]] || return 1
	base=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} repo=${BASH_REMATCH[3]}
	challenge=$(registry_header www-authenticate)
	credentials=$(registry_credentials "$host" "$repo") || return
	case "${challenge,,}" in
	bearer*)
		realm=$(registry_parameter realm <<<"$challenge")
		if [[ $base == https:* && $realm != https:* ]]; then
			registry_say "'$host' asks for credentials without TLS at '$realm'"
			return 1
		fi
		token=$(registry_token "$realm" "$(registry_parameter service <<<"$challenge")" \
			"$(registry_parameter scope <<<"$challenge")" "$credentials") || return
		REGISTRY_LOGIN="header = \"Authorization: Bearer $token\""
		;;
	basic*)
		[[ $credentials == 'basic '* ]] || return 1
		REGISTRY_LOGIN="header = \"Authorization: Basic ${credentials#* }\""
		;;
	*) return 1 ;;
	esac
	REGISTRY_LOGIN_FOR=$base/
}
