#!/usr/bin/env bats
# install-deps.sh, without installing anything.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	ln -s "$(command -v grep)" "$(command -v id)" bin
}

@test "wrong usage is 64" {
	for what in '' everything; do
		run --separate-stderr -64 "$ROOT/scripts/install-deps.sh" $what
		[ -z "$output" ]
		[ "$stderr" = "usage: install-deps.sh build|demo|check|lint|bench|deb" ]
	done
}

@test "where all is there it says nothing and does nothing" {
	printf '#!/bin/sh\necho installed\n' >bin/dpkg-query
	printf '#!/bin/sh\nexit 1\n' >bin/apt-get
	chmod +x bin/*
	run --separate-stderr -0 env PATH="$PWD/bin" /bin/sh "$ROOT/scripts/install-deps.sh" build
	[ -z "$output$stderr" ]
}

@test "what it cannot install it names: 71" {
	run --separate-stderr -71 env PATH="$PWD/bin" /bin/sh "$ROOT/scripts/install-deps.sh" build
	[ -z "$output" ]
	[[ $stderr == "install-deps: this is not Debian; install the likes of: gcc make "* ]]
	printf '#!/bin/sh\nexit 0\n' >bin/apt-get
	rm bin/id
	printf '#!/bin/sh\necho 1000\n' >bin/id
	chmod +x bin/*
	run --separate-stderr -71 env PATH="$PWD/bin" /bin/sh "$ROOT/scripts/install-deps.sh" build
	[[ $stderr == "install-deps: run this as root, or install: gcc make "* ]]
}
