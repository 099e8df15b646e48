#!/bin/sh
# install-deps.sh build|demo|check|lint|bench|deb: Debian's packages for that job, and only those missing.
# Needs root or sudo where something is missing; says so in words where it cannot get them.
set -eu

build="gcc make pkg-config libc6-dev libcurl4-openssl-dev libjansson-dev libarchive-dev libssl-dev
	libgpiod-dev libmicrohttpd-dev"
demo="$build docker.io docker-registry iproute2 curl jq openssl ca-certificates procps"
check="$demo bats apache2-utils wrk clang iptables cron zstd prometheus prometheus-alertmanager
	prometheus-node-exporter victoria-metrics dpkg-dev lintian man-db zsh fish pigpio-tools
	python3-gpiozero python3-pigpio nodejs chromium chromium-driver
	python3-yaml python3-jsonschema
	openssh-server qemu-system-x86 busybox-static xz-utils
	faketime"
# another engine; netavark, or Debian 12 takes CNI's plugins for its networks; catatonit is its --init
check="$check podman netavark runc catatonit"
lint="$build clang-format shellcheck yamllint mandoc bsdextrautils binutils"

installed() {
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

available() {
	apt-cache show "$1" >/dev/null 2>&1
}

case "${1:-}" in
build) want=$build ;;
demo) want=$demo ;;
check) want=$check ;;
lint) want=$lint ;;
bench) want="$check time skopeo nginx-light python3-flask gpiod" ;;
deb) want="$build dpkg-dev" ;;
*)
	echo "usage: install-deps.sh build|demo|check|lint|bench|deb" >&2
	exit 64
	;;
esac

# Debian 13 has the docker client and compose's second version as packages of their own.
case "$1" in
demo | check | bench)
	docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null ||
		want="$want docker-compose"
	command -v docker >/dev/null || want="$want docker-cli"
	;;
esac

missing=
for p in $want; do
	installed "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "install-deps: this is not Debian; install the likes of:$missing" >&2
	exit 71
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		echo "install-deps: run this as root, or install:$missing" >&2
		exit 71
	fi
fi
echo "install-deps: installing$missing"
$sudo apt-get update -qq
found=
for p in $missing; do
	# a package that this release does not have under this name is named later, by what needs it
	if available "$p"; then
		found="$found $p"
	else
		echo "install-deps: this release has no package $p" >&2
	fi
done
# policy-rc.d keeps Debian from starting daemons: Gantry starts what it needs
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT
fi
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $found \
	>/dev/null
