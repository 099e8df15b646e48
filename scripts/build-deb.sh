#!/bin/sh
# build-deb.sh VERSION: a package for this release of Debian from what is built in B, into B.
set -eu
cd "$(dirname "$0")/.."
: "${B:=build}"
maintainer="${DEBFULLNAME:-Gantry maintainers} <${DEBEMAIL:-maintainers@gantry.invalid}>"
version=$1
case "$version" in
-h | --help)
	sed -n '2s/^# //p' "$0"
	exit 0
	;;
esac
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "deb${VERSION_ID:-0}")
arch=$(dpkg --print-architecture)
full=$version+$release
tree=$B/deb/root
rm -rf "$B/deb"
mkdir -p "$tree/DEBIAN" "$B/deb/debian"

MAKEFLAGS='' make -s install B="$B" DESTDIR="$tree" prefix=/usr zshdir=/usr/share/zsh/vendor-completions \
	>/dev/null
strip --strip-unneeded --remove-section=.comment "$tree"/usr/bin/*
find "$tree/usr/share/man" -type f -exec gzip -9n {} +
mkdir -p "$tree/etc/gantry"
cp compose/gantry.conf.example "$tree/etc/gantry/gantry.conf"

doc=$tree/usr/share/doc/gantry
cat >"$doc/copyright" <<-TEXT
	Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
	Upstream-Name: gantry

	Files: *
	Copyright: 2026 The Gantry authors
	License: Apache-2.0
	 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
TEXT
date=$(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}")
gzip -9n >"$doc/changelog.gz" <<-TEXT
	gantry ($full) unstable; urgency=medium

	  * Built from version $version.

	 -- $maintainer  $date
TEXT

# the libraries that the programs are linked with, by the names of this release
printf 'Source: gantry\n\nPackage: gantry\nArchitecture: any\n' >"$B/deb/debian/control"
libraries=$(cd "$B/deb" && dpkg-shlibdeps -O --ignore-missing-info root/usr/bin/* 2>/dev/null |
	sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || {
	echo "build-deb.sh: dpkg-shlibdeps does not know the libraries: install dpkg-dev" >&2
	exit 71
}
cat >"$tree/DEBIAN/control" <<-TEXT
	Package: gantry
	Version: $full
	Architecture: $arch
	Maintainer: $maintainer
	Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
	Depends: $libraries, ca-certificates
	Recommends: docker.io | podman-docker, cron | systemd, curl, jq, openssl
	Suggests: docker-registry, prometheus-node-exporter
	Section: admin
	Priority: optional
	Description: keep a fleet of robots on signed, healthy software
	 A gateway at the site mirrors a remote container registry over a bad uplink,
	 checks who signed each image, moves robots to it one at a time, and takes
	 back what does not come up healthy.
	 .
	 The suite: reg-sync copies images and their signatures, img-verify says whose
	 they are, deploy and rollback move services without losing a request,
	 healthcheck asks them how they are, and robot-serve is the robot's own program.
TEXT
echo /etc/gantry/gantry.conf >"$tree/DEBIAN/conffiles"
cat >"$tree/DEBIAN/prerm" <<-'TEXT'
	#!/bin/sh
	set -e
	# crontab lines and timers name programs that are about to go
	if [ "$1" = remove ]; then
		/usr/libexec/gantry/deploy-helper.sh unsetup || true
	fi
TEXT
cat >"$tree/DEBIAN/postrm" <<-'TEXT'
	#!/bin/sh
	set -e
	if [ "$1" = purge ]; then
		rm -rf /var/lib/gantry
		[ ! -d /etc/gantry ] || rmdir --ignore-fail-on-non-empty /etc/gantry
	fi
TEXT
chmod 755 "$tree/DEBIAN/prerm" "$tree/DEBIAN/postrm"
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
chmod -R u=rwX,go=rX "$tree"
dpkg-deb --root-owner-group --build "$tree" "$B/gantry_${full}_$arch.deb" >/dev/null
echo "$B/gantry_${full}_$arch.deb"
