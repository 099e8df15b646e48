# trusted-root.sh, with an npm that packs what a test has laid out.
load helpers/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir bin package
	cat >bin/npm <<-'SH'
		#!/bin/sh
		[ -d "$OFFLINE" ] || { echo "npm error network" >&2; exit 1; }
		[ "$1 $2 $3 $5" = "pack --silent --pack-destination $WANT" ] || exit 2
		tar -czf "$4/x.tgz" -C "$OFFLINE" package
	SH
	chmod +x bin/npm
	export PATH="$PWD/bin:$PATH" OFFLINE=$PWD WANT=a@1
	printf '{"mediaType": "x"}' >root.json
	sum=$(sha256sum <root.json | cut -c1-64)
	jq -n --arg root "$(base64 -w0 <root.json)" \
		'{"https://tuf-repo-cdn.sigstore.dev": {targets: {"trusted_root.json": $root}}}' \
		>package/seeds.json
	root=$ROOT/scripts/trusted-root.sh
}

@test "it is written whole, and only if it is the one expected" {
	run -0 "$root" --package a@1 --sha256 "$sum" out.json
	[ -z "$output" ]
	cmp out.json root.json
	[ "$(stat -c %a out.json)" = 644 ]
	run -0 "$root" --package a@1 --sha256 "$sum" -
	[ "$output" = '{"mediaType": "x"}' ]
	echo old >out.json
	run -1 "$root" --package a@1 --sha256 "${sum/?/x}" out.json
	[ "$output" = "trusted-root.sh: the trusted root in 'a@1' is not the one that is expected" ]
	[ "$(cat out.json)" = old ]
	WANT=@sigstore/tuf@5.0.1 run -1 "$root" out.json
	[ "$output" = "trusted-root.sh: the trusted root in '@sigstore/tuf@5.0.1' is not the one that is expected" ]
	echo {} >package/seeds.json
	run -1 "$root" --package a@1 --sha256 "$sum" out.json
	[ "$(ls)" = "$(printf '%s\n' bin out.json package root.json)" ]
}

@test "what is missing is named" {
	OFFLINE=nowhere run -75 "$root" out.json
	[ "$output" = "trusted-root.sh: '@sigstore/tuf@5.0.1' cannot be fetched: npm error network" ]
	run -71 "$root" --package a@1 --sha256 "$sum" nowhere/out.json
	[ "$output" = "trusted-root.sh: cannot write beside 'nowhere/out.json'" ]
	PATH=$PWD/none:/bin run -64 "$root"
	[ "${lines[0]}" = "trusted-root.sh: want a file to write, or - for standard output" ]
	run -64 "$root" --package a@1 out.json
	[ "${lines[0]}" = "trusted-root.sh: --package needs --sha256" ]
	run -64 "$root" --nosuch
	[ "${lines[0]}" = "trusted-root.sh: unknown option '--nosuch'" ]
	run -64 "$root" a b
	run -0 "$root" --help
	[ "${lines[0]}" = "usage: trusted-root.sh [--package NAME@VERSION --sha256 HEX] FILE|-" ]
}
