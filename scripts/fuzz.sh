#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET...]: explore each fuzz target with clang's libFuzzer, from its corpus.
# What is found lies in build-fuzz/found; new inputs stay in build-fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
o=build-fuzz
mkdir -p $o/found

targets=("$@")
[ ${#targets[@]} -gt 0 ] || for f in tests/fuzz/*.c; do
	f=${f##*/}
	[ "$f" = replay.c ] || targets+=("${f%.c}")
done

make -j"$(nproc)" B=$o CC=clang \
	CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined' $o/libgantry.a

status=0
for t in "${targets[@]}"; do
	clang -D_GNU_SOURCE -Ilib -O1 -g -fsanitize=fuzzer,address,undefined -o "$o/$t" \
		"tests/fuzz/$t.c" $o/libgantry.a -lcurl -ljansson -larchive -lcrypto -lm
	mkdir -p "$o/corpus/$t"
	echo "fuzzing $t for $seconds s"
	"$o/$t" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$o/found/$t-" "$o/corpus/$t" "tests/fuzz/corpus/$t" 2>&1 |
		grep -E 'number_of_executed_units|SUMMARY|ERROR' || status=1
	! compgen -G "$o/found/$t-*" >/dev/null || status=1
done
exit $status
