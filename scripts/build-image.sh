#!/usr/bin/env bash
# build-image.sh: the robot's image, or the registry-sync's, as an OCI archive, made without any engine.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

usage='usage: build-image.sh [--sync] [--name NAME] [--env KEY=VALUE]... [--output FILE] VERSION'

help() {
	cat <<-EOF
		$usage

		Makes an image FROM scratch with robot-serve, healthcheck, the libraries that both need and CA
		certificates, as an OCI archive, and prints the archive's path.  The same programs and options
		give the same digest.  Versions share the layer with the libraries.

		  --sync            with reg-sync, img-verify, sync-images.sh, bash and busybox instead: what
		                    brings signed images to the registry of a site, see
		                    docker-compose.infrastructure.yml
		  --name NAME       the image's name; default robot-app, or registry-sync
		  --env KEY=VALUE   set in the image's environment; repeatable
		  --output FILE     the archive; default \$B/images/NAME-VERSION.tar
		  -h, --help        this text

		environment: B (where make built; default build), SOURCE_DATE_EPOCH (0: the time of every file),
		  CA_FILE (/etc/ssl/certs/ca-certificates.crt)

		example: build-image.sh 0.0.1 --env LOG_DIR=/run/gantry

		exit: 0 done, 64 wrong usage, 71 this machine is at fault (a program is missing, disk full)
	EOF
}

say() {
	echo "build-image: $1" >&2
}

wrong() {
	say "$1"
	echo "$usage" >&2
	exit 64
}

fail() {
	say "$1"
	exit 71
}

version='' kind=robot name='' output='' given=()
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help)
		help
		exit 0
		;;
	--sync) kind=sync ;;
	--name | --env | --output)
		[ $# -ge 2 ] || wrong "$1 needs a value"
		case "$1" in
		--name) name=$2 ;;
		--output) output=$2 ;;
		--env)
			[[ $2 =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || wrong "--env must be KEY=VALUE, not '$2'"
			[[ $2 != *[[:cntrl:]]* ]] || wrong "--env '${2%%=*}' has a control character"
			given+=("$2")
			;;
		esac
		shift
		;;
	-*) wrong "unknown option '$1'" ;;
	*)
		[ -z "$version" ] || wrong "one VERSION only, not '$1' too"
		version=$1
		;;
	esac
	shift
done
[ -n "$version" ] || wrong "VERSION is missing"
case "$kind" in
robot)
	: "${name:=robot-app}"
	declare -A env=([PATH]=/bin [APP_VERSION]=$version [GANTRY_HANDOVER]=1 [PORT]=5000)
	keys=(PATH APP_VERSION GANTRY_HANDOVER PORT)
	;;
sync)
	: "${name:=registry-sync}"
	declare -A env=([PATH]=/bin [STATE_DIR]=/run/gantry)
	keys=(PATH STATE_DIR)
	;;
esac
for pair in ${given[@]+"${given[@]}"}; do
	[[ -v "env[${pair%%=*}]" ]] || keys+=("${pair%%=*}")
	env[${pair%%=*}]=${pair#*=}
done
[[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || wrong "'$version' cannot be a tag"
[[ $name =~ ^[a-z0-9]+([._-]+[a-z0-9]+)*$ ]] || wrong "'$name' cannot be an image's name"
epoch=${SOURCE_DATE_EPOCH:-0}
[[ $epoch =~ ^[0-9]+$ ]] || wrong "SOURCE_DATE_EPOCH must be a number, not '$epoch'"

: "${B:=$(readlink -f "$here/..")/build}"
: "${CA_FILE:=/etc/ssl/certs/ca-certificates.crt}"
: "${output:=$B/images/$name-$version.tar}"
for program in tar gzip sha256sum ldd readelf strip; do
	command -v "$program" >/dev/null || fail "'$program' is not installed"
done
case "$kind" in
robot) programs=("$B/robot-serve" "$B/healthcheck") ;;
sync) programs=("$B/reg-sync" "$B/img-verify") ;;
esac
for program in "${programs[@]}"; do
	[ -x "$program" ] || fail "'$program' is not there: run make first"
done
# what sync-images.sh is written in, and what it calls
applets='awk cat date dirname env find grep mkdir rm sed sh sleep tail touch tr wc'
[ "$kind" != sync ] || for program in bash flock busybox; do
	programs+=("$(command -v "$program")") || fail "'$program' is not installed"
done
[ -r "$CA_FILE" ] || fail "'$CA_FILE' is not there: install ca-certificates"

umask 022 # the bytes depend on it
cache=$B/images/cache
mkdir -p "$cache" "$(dirname "$output")" || exit 71
work=$(mktemp -d "$B/images/work.XXXXXX") || exit 71
trap 'rm -rf "$work"' EXIT
trap 'exit 71' ERR
blobs=$work/oci/blobs/sha256
mkdir -p "$blobs"

hash() {
	sha256sum "$1" | cut -d' ' -f1
}

# pack DIR FILE: a layer's tar, the same bytes for the same content.
pack() {
	tar -C "$1" -cf "$2" --format=ustar --sort=name --mtime="@$epoch" --owner=0 --group=0 \
		--numeric-owner --mode=u+rw,go+r,go-w,a-st .
}

# --- the layer that versions share: libraries, the loader, certificates, names -------------
libraries() {
	# busybox may need none
	{ ldd "${programs[@]}" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && NF == 2 { print $1 }' |
		grep -v ':$' | sort -u
}

fill_base() { # DIR
	local lib
	while read -r lib; do
		install -D -m 755 "$(readlink -f "$lib")" "$1$lib"
	done < <(libraries)
	install -D -m 644 "$CA_FILE" "$1/etc/ssl/certs/ca-certificates.crt"
	echo 'robot:x:10001:10001::/:/sbin/nologin' >"$1/etc/passwd"
	echo 'robot:x:10001:' >"$1/etc/group"
	echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
	install -d -m 755 "$1/dev" "$1/proc" "$1/sys" "$1/run"
}

make_base() { # DIR FILE
	fill_base "$1"
	pack "$1" "$2"
	# anyone may serve there: a tmpfs mounted over it takes on the mode, not the owner
	mkdir -p "$work/run/run/gantry"
	tar -C "$work/run" -rf "$2" --format=ustar --mtime="@$epoch" --owner=10001 --group=10001 \
		--numeric-owner --mode=1777 ./run/gantry
}

# The key names all that the layer is made of, and how: this file too.
base_key=$({
	libraries | xargs sha256sum
	sha256sum "$CA_FILE" "$0" | cut -d' ' -f1
	echo "$epoch"
} | sha256sum | cut -c1-32)
base=$cache/base-$base_key
if [ ! -f "$base.gz" ] || [ ! -f "$base.id" ]; then
	make_base "$work/base" "$work/base.tar"
	gzip -n9 <"$work/base.tar" >"$work/base.gz"
	hash "$work/base.tar" >"$work/base.id"
	mv "$work/base.id" "$base.id"
	mv "$work/base.gz" "$base.gz"
fi
base_id=$(<"$base.id")

# --- the programs -----------------------------------------------------------------------------
mkdir -p "$work/programs/bin"
for program in "${programs[@]}"; do
	strip -o "$work/programs/bin/${program##*/}" "$program"
	chmod 755 "$work/programs/bin/${program##*/}"
done
[ "$kind" != sync ] || {
	for applet in $applets; do
		ln -s busybox "$work/programs/bin/$applet"
	done
	install -D -m 755 -t "$work/programs/libexec" "$here/sync-images.sh"
	install -m 644 -t "$work/programs/libexec" "$here/settings.sh"
}
pack "$work/programs" "$work/programs.tar"
gzip -n9 <"$work/programs.tar" >"$work/programs.gz"
programs_id=$(hash "$work/programs.tar")

# --- what describes them -----------------------------------------------------------------------
platform() {
	case "$(readelf -h "${programs[0]}" | sed -n 's/^ *Machine: *//p')" in
	*X86-64) echo '"architecture":"amd64","os":"linux"' ;;
	AArch64) echo '"architecture":"arm64","os":"linux"' ;;
	ARM) echo '"architecture":"arm","variant":"v7","os":"linux"' ;;
	*80386) echo '"architecture":"386","os":"linux"' ;;
	RISC-V) echo '"architecture":"riscv64","os":"linux"' ;;
	*) fail "'${programs[0]}' is for a machine that has no name in an image" ;;
	esac
}

quoted() {
	local s=${1//\\/\\\\}
	printf '"%s"' "${s//\"/\\\"}"
}

environment() {
	local key comma=
	for key in "${keys[@]}"; do
		printf '%s' "$comma"
		quoted "$key=${env[$key]}"
		comma=,
	done
}

# add FILE: as a blob; its digest and size as a descriptor's members.
add() {
	local digest size
	digest=$(hash "$1")
	size=$(stat -c %s "$1")
	cp "$1" "$blobs/$digest"
	echo "\"digest\":\"sha256:$digest\",\"size\":$size"
}

# What an engine starts, what it asks about health, and what people read.
case "$kind" in
robot)
	runs='"ExposedPorts":{"'${env[PORT]}'/tcp":{}},"Cmd":["robot-serve"]'
	health='"Test":["CMD","healthcheck","-t","2","http+unix:///run/gantry/robot.sock:/health"],"Interval":5000000000,"Timeout":3000000000,"StartPeriod":1000000000,"Retries":2'
	labels="\"io.gantry.handover\":$(quoted "${env[GANTRY_HANDOVER]}"),"
	describes="A robot's HTTP service: page, health and metrics"
	;;
sync)
	runs='"Cmd":["bash","/libexec/sync-images.sh","--every","60"]'
	# it has looked within ten minutes; being offline is no illness
	# shellcheck disable=SC2016
	health='"Test":["CMD","sh","-c","find $STATE_DIR/sync.looked -mmin -10 | grep -q ."],"Interval":30000000000,"Timeout":3000000000,"StartPeriod":5000000000,"Retries":2'
	labels=
	describes='Brings signed images to the registry of a site'
	;;
esac
platform=$(platform)
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
oci=application/vnd.oci.image
cat >"$work/config" <<-JSON
	{"created":"$created",$platform,"config":{"User":"10001:10001","Env":[$(environment)],$runs,"WorkingDir":"/","StopSignal":"SIGTERM","Healthcheck":{$health},"Labels":{$labels"org.opencontainers.image.title":"$name","org.opencontainers.image.version":"$version","org.opencontainers.image.description":"$describes","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:$base_id","sha256:$programs_id"]},"history":[{"created":"$created","created_by":"build-image.sh: libraries and certificates"},{"created":"$created","created_by":"build-image.sh: programs"}]}
JSON
cat >"$work/manifest" <<-JSON
	{"schemaVersion":2,"mediaType":"$oci.manifest.v1+json","config":{"mediaType":"$oci.config.v1+json",$(add "$work/config")},"layers":[{"mediaType":"$oci.layer.v1.tar+gzip",$(add "$base.gz")},{"mediaType":"$oci.layer.v1.tar+gzip",$(add "$work/programs.gz")}],"annotations":{"org.opencontainers.image.version":"$version"}}
JSON
cat >"$work/oci/index.json" <<-JSON
	{"schemaVersion":2,"mediaType":"$oci.index.v1+json","manifests":[{"mediaType":"$oci.manifest.v1+json",$(add "$work/manifest"),"platform":{$platform},"annotations":{"org.opencontainers.image.ref.name":"$version"}}]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
tar -C "$work/oci" -cf "$work/archive" --format=ustar --sort=name --mtime="@$epoch" --owner=0 \
	--group=0 --numeric-owner --mode=u+rw,go+r,go-w oci-layout index.json blobs
mv "$work/archive" "$output"
echo "$output"
