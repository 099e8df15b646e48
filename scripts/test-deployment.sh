#!/bin/sh
# test-deployment.sh: looks over a site: is everything there, signed, healthy, at one version?
set -eu
here=$(cd "$(dirname "$0")" && pwd)
self=test-deployment.sh
synopsis='[-c FILE]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		Checks the configuration, the engine, the registry, that what runs is signed, each robot's
		health and that all robots have one version.  Changes nothing.

		  -c, --config FILE  configuration (default /etc/gantry/gantry.conf, then ./gantry.conf)
		  -h, --help         this text

		Prints 'ok' or 'bad' lines; a bad one is followed by what to do.

		    $self

		exit: 0 all is well; 1 something is not; 78 the configuration cannot be read
	TEXT
}

config=
while [ $# -gt 0 ]; do
	case "$1" in
	-c | --config)
		[ $# -ge 2 ] || misused "$1 needs a file"
		config=$2
		shift
		;;
	-h | --help)
		help
		exit 0
		;;
	*) misused "'$1' is not an option" ;;
	esac
	shift
done
settings_load "$config"

status=0
ok() {
	echo "ok   $*"
}

# bad WHAT REMEDY
bad() {
	printf 'bad  %s\n     %s\n' "$1" "$2"
	status=1
}

# The last line that a program said, without its name.
said() {
	printf %s "$1" | tail -n 1 | sed 's/^[a-z-]*: //'
}

check_config() {
	if words=$(configured deploy --history 2>&1 >/dev/null); then
		ok "configuration ${CONFIG:-of defaults alone}"
	else
		bad "configuration: $(said "$words")" "correct ${CONFIG:-gantry.conf}, see gantry.conf(5)"
	fi
}

check_trust() {
	if [ -z "$VERIFY_KEY$CERTIFICATE_IDENTITY$POLICY" ]; then
		bad "neither VERIFY_KEY, CERTIFICATE_IDENTITY nor POLICY is set" \
			"name the public key of whoever signs your images: nothing runs without"
	elif words=$(verified - </dev/null 2>&1); then
		ok "${POLICY:+policy $POLICY}${VERIFY_KEY:+key $VERIFY_KEY}${CERTIFICATE_IDENTITY:+identity $CERTIFICATE_IDENTITY}"
	else
		bad "$(said "$words")" "correct it, see gantry-policy(5)"
	fi
}

check_engine() {
	if version=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
		ok "engine $version"
	else
		bad "no engine answers at ${DOCKER_HOST:-the usual socket}" "start docker: systemctl start docker"
		return 1
	fi
}

check_registry() {
	if list=$(reg-sync --list --tags "$TAGS" "$LOCAL_IMAGE" 2>&1); then
		n=$(printf '%s' "$list" | grep -c .) || true
		if [ "$n" -gt 0 ]; then
			ok "registry $LOCAL_IMAGE: $n releases"
		else
			bad "registry $LOCAL_IMAGE has no release that '$TAGS' allows" "bring some: sync-images.sh"
		fi
	else
		bad "registry $LOCAL_IMAGE: $(said "$list")" "start it: manage-services.sh start-infra"
	fi
}

# The digest that a container was made from, by the repository that we pull from.
digest_of() {
	docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
		sed -n "s|^$LOCAL_IMAGE@||p" | head -n 1
}

check_robot() {
	if ! found=$(docker inspect --format '{{.State.Running}} {{.Image}}' "$1" 2>/dev/null); then
		bad "$1: there is no such container" "start it: manage-services.sh start-robots"
		return
	fi
	if [ "${found%% *}" != true ]; then
		bad "$1 is stopped" "start it: manage-services.sh start-robots"
		return
	fi
	digest=$(digest_of "${found#* }")
	if [ -z "$digest" ]; then
		bad "$1 runs an image that did not come from $LOCAL_IMAGE" "move it to a signed release: deploy $1"
		return
	fi
	digests="$digests $digest"
	if words=$(verified "$LOCAL_IMAGE@$digest" 2>&1); then
		ok "$1 runs ${digest%"${digest#sha256:????????????}"}, which is signed"
	else
		bad "$1: $(said "$words")" "move it to a signed release: deploy $1"
	fi
	url=$(robot_url "$1")
	if [ -z "$url" ]; then
		bad "$1 publishes no port to ask for its health" "set SERVICE_$(printf %s "$1" | tr - _)_HEALTH"
	elif words=$(healthcheck "$url" 2>&1); then
		ok "$1 is healthy at $url"
	else
		bad "$1: $(said "$words")" "see why: manage-services.sh logs-robots, then rollback $1"
	fi
}

check_versions() {
	# shellcheck disable=SC2086
	n=$(printf '%s\n' $digests | sort -u | grep -c .) || true
	case "$n" in
	0) ;;
	1) ok "all robots have one version" ;;
	*) bad "the robots have $n versions" "bring them together: deploy" ;;
	esac
}

digests=
check_config
check_trust
check_registry
if check_engine; then
	for robot in $ROBOT_CONTAINERS; do
		check_robot "$robot"
	done
	check_versions
fi
exit $status
