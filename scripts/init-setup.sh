#!/bin/sh
# init-setup.sh: prepares a gateway: folders, and a configuration to fill in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
self=init-setup.sh
synopsis='[--root DIR]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		Makes /etc/gantry with gantry.conf and /var/lib/gantry, and says what is still missing on this
		machine.  What is there already stays as it is, so it may be called again at any time.

		  --root DIR  the same in a system image that is mounted at DIR
		  -h, --help  this text

		    $self

		exit: 0 the gateway is prepared; 71 it could not be
	TEXT
}

root=
while [ $# -gt 0 ]; do
	case "$1" in
	--root)
		[ $# -ge 2 ] || misused "$1 needs a folder"
		[ -d "$2" ] || die 71 "'$2' is not a folder"
		root=${2%/}
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

folder() {
	if [ -d "$root$1" ]; then
		echo "here      $root$1"
		return
	fi
	mkdir -p "$root$1" 2>/dev/null || die 71 "cannot make '$root$1': run this as root"
	chmod "$2" "$root$1"
	echo "made      $root$1"
}

missing() {
	echo "missing   $1"
}

example=$(compose_dir)/gantry.conf.example || exit
conf=$root/etc/gantry/gantry.conf
folder /etc/gantry 755
folder /var/lib/gantry 750
if [ -e "$conf" ]; then
	echo "here      $conf"
else
	cp "$example" "$conf.new" 2>/dev/null || die 71 "cannot write '$conf': run this as root"
	chmod 644 "$conf.new"
	mv "$conf.new" "$conf"
	echo "made      $conf"
fi

# setting KEY: what the configuration says, which may be nothing.
setting() {
	conf_read "$conf" | sed -n "s/^$1='\(.*\)'\$/\1/p"
}

key=$(setting VERIFY_KEY)
policy=$(setting POLICY)
trusted_root=$(setting TRUSTED_ROOT)
if [ -n "$policy" ]; then
	[ -e "$root$policy" ] || missing "$policy: who must have signed which images, see gantry-policy(5)"
elif [ -n "$(setting CERTIFICATE_IDENTITY)" ]; then
	if [ -z "$trusted_root" ] || [ ! -e "$root$trusted_root" ]; then
		missing "${trusted_root:-TRUSTED_ROOT}: Sigstore's trusted_root.json, see trusted-root.sh"
	fi
elif [ -z "$key" ] || [ ! -e "$root$key" ]; then
	missing "${key:-VERIFY_KEY}: the public key of whoever signs your images"
fi
if [ -z "$root" ]; then
	docker version >/dev/null 2>&1 || missing "a Docker engine that answers: apt install docker.io"
	docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null ||
		missing "compose: apt install docker-compose"
	command -v crontab >/dev/null || missing "crontab: apt install cron"
fi
cat <<-TEXT
	next      edit $conf, then: sync-images.sh, manage-services.sh start, deploy-helper.sh setup
TEXT
