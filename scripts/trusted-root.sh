#!/usr/bin/env bash
# trusted-root.sh: the trusted root of Sigstore's public instance, from a pinned npm package.
set -euo pipefail

usage='usage: trusted-root.sh [--package NAME@VERSION --sha256 HEX] FILE|-'
package=@sigstore/tuf@5.0.1
# of the trusted root in that package
sha256=6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66

help() {
	cat <<-EOF
		$usage

		Fetches the npm package that sigstore-js ships its trust in, takes Sigstore's trusted root
		(trusted_root.json) out of it, compares its SHA-256, and writes FILE whole or not at all.
		It is what img-verify --trusted-root wants.  Nothing of the package is run.

		  --package NAME@VERSION   another package (default $package)
		  --sha256 HEX             of the trusted root in it; needed with --package
		  -h, --help               this text

		example: trusted-root.sh /etc/gantry/trusted_root.json

		exit: 0 done, 1 the package has another trusted root, 64 wrong usage, 71 this machine is at
		      fault, 75 the npm registry cannot be reached
	EOF
}

say() {
	echo "trusted-root.sh: $1" >&2
}

wrong() {
	say "$1"
	echo "$usage" >&2
	exit 64
}

file='' given=''
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help)
		help
		exit 0
		;;
	--package | --sha256)
		[ $# -ge 2 ] || wrong "$1 wants a value"
		[ "$1" = --package ] && package=$2 || sha256=$2
		given+=$1
		shift
		;;
	-?*) wrong "unknown option '$1'" ;;
	*)
		[ -z "$file" ] || wrong "more than one file"
		file=$1
		;;
	esac
	shift
done
[ -n "$file" ] || wrong "want a file to write, or - for standard output"
[[ $given != *--package* || $given == *--sha256* ]] || wrong "--package needs --sha256"

for tool in npm jq; do
	command -v $tool >/dev/null || {
		say "$tool is not installed"
		exit 71
	}
done
dir=$(mktemp -d)
new=
trap 'rm -rf "$dir" ${new:+"$new"}' EXIT
npm pack --silent --pack-destination "$dir" "$package" >/dev/null 2>"$dir/why" || {
	say "'$package' cannot be fetched: $(tail -n 1 "$dir/why")"
	exit 75
}
tar -xzO -f "$dir"/*.tgz package/seeds.json 2>/dev/null |
	jq -r '."https://tuf-repo-cdn.sigstore.dev".targets."trusted_root.json"' 2>/dev/null |
	base64 -d >"$dir/root.json" 2>/dev/null || true
if [ "$(sha256sum <"$dir/root.json" | cut -c1-64)" != "$sha256" ]; then
	say "the trusted root in '$package' is not the one that is expected"
	exit 1
fi
if [ "$file" = - ]; then
	cat "$dir/root.json"
	exit 0
fi
new=$(mktemp "$file.XXXXXX" 2>/dev/null) || {
	say "cannot write beside '$file'"
	exit 71
}
cat "$dir/root.json" >"$new"
chmod 644 "$new"
sync "$new"
mv "$new" "$file"
new=
