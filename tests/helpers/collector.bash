# A trace collector for a test file: tests/helpers/collector.js, with OpenTelemetry's decoder from npm.

# NAME FILE SRI: fetched once, and again never if $B keeps it.
npm_package() {
	local file=$B/npm/${2##*/}
	mkdir -p "$B/npm"
	sri() { echo "sha512-$(openssl dgst -sha512 -binary "$file" 2>/dev/null | base64 -w0)"; }
	if [ "$(sri)" != "$3" ]; then
		curl -fsSL --retry 3 -m 60 -o "$file.$$" \
			"${npm_config_registry:-https://registry.npmjs.org}/$2" || return 1
		mv "$file.$$" "$file"
	fi
	if [ "$(sri)" != "$3" ]; then
		echo "'$2' is not what it was" >&2
		return 1
	fi
	mkdir -p "$NODE_MODULES/$1"
	tar -xzf "$file" -C "$NODE_MODULES/$1" --strip-components=1
}

need_node() {
	command -v node >/dev/null || skip "node is not installed (Debian's nodejs)"
}

fetch_decoder() {
	npm_package @opentelemetry/otlp-transformer \
		@opentelemetry/otlp-transformer/-/otlp-transformer-0.205.0.tgz \
		sha512-KmObgqPtk9k/XTlWPJHdMbGCylRAmMJNXIRh6VYJmvlRDMfe+DonH41G7eenG8t4FXn3fxOGh14o/WiMRR6vPg== || return 1
	npm_package long long/-/long-5.3.2.tgz \
		sha512-mNAgZ1GmyNhD7AuqnTG3/VQ26o760+ZYBPKjPvugO8+nLbYfX6TVpJPseBvopbdY+qpZ/lKUnmEc1LeZYS3QAA== || return 1
	npm_package protobufjs protobufjs/-/protobufjs-7.5.4.tgz \
		sha512-CvexbZtbov6jW2eXAvLukXjXUW1TzFaivC46BpWc/3BpcCysb5Vffu+B3XHMm8lVEuy2Mm4XGex8hBSg1yapPg==
}

# Three packages are enough for the decoder; what else theirs depend on, it never loads.
need_decoder() {
	need_node
	export NODE_MODULES=$BATS_FILE_TMPDIR/node_modules
	fetch_decoder || skip "the npm registry cannot be reached"
	# its own bundle, in the place of the many small packages
	cp "$NODE_MODULES/protobufjs/dist/minimal/protobuf.js" "$NODE_MODULES/protobufjs/minimal.js"
}

# start_collector DIR [PORT]: sets COLLECTOR to its URL.  It decodes after need_decoder.
start_collector() {
	mkdir -p "$1"
	rm -f "$1"/*
	COLLECTOR_PORT=${2:-0} node "$ROOT/tests/helpers/collector.js" "$1" ${NODE_MODULES:+"$NODE_MODULES"} \
		>"$1.log" 2>&1 3>&- &
	COLLECTOR_PID=$!
	echo $COLLECTOR_PID >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 test -s "$1/port"
	COLLECTOR=http://127.0.0.1:$(cat "$1/port")
	export COLLECTOR
}
