#!/usr/bin/env bats
# reg-sync over links that break, and killed in the middle.

setup_file() {
	load helpers/common
	load helpers/faults
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	cd "$BATS_FILE_TMPDIR" || return 1
	start_registry src
	start_registry dst
	for n in 1 2 3 4; do random "ten$n" $((10 << 20)) "$n"; done
	put_image "$REGISTRY_SRC/forty" 1 ten? >/dev/null
	for n in 1 2 3; do random "one$n" $((2 << 20)) "1$n"; done
	put_image "$REGISTRY_SRC/app" 1 one1 one2 >/dev/null
	put_image "$REGISTRY_SRC/app" 2 one2 one3 >/dev/null
	put_image "$REGISTRY_SRC/app" 3 one3 one1 >/dev/null
	rm ten? one?
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/faults
	cd "$BATS_TEST_TMPDIR" || return 1
	export STATE_DIR=$PWD/state
}

teardown() {
	stop_proxies
}

@test "40 MB over a link that breaks every 2 MB come with at most 5 % more" {
	local n
	start_proxy link "$REGISTRY_SRC" cut=$((2 << 20))
	for ((n = 0; n < 40; n++)); do
		! reg-sync -q --insecure-skip-verify "$PROXY_LINK/forty" "$REGISTRY_DST/forty" || break
	done
	[ "$(digest_at "$REGISTRY_DST/forty" 1)" = "$(digest_at "$REGISTRY_SRC/forty" 1)" ]
	n=$(($(crossed link up) + $(crossed link down)))
	echo "$n bytes, $(crossed link cuts) cuts"
	((n <= (40 << 20) * 105 / 100))
}

# spoiled_run REPO SEED: a run that something happens to: the links break, or it is killed.
spoiled_run() {
	local pid
	RANDOM=$2
	start_proxy up "$REGISTRY_SRC" "cut=$((RANDOM * 8))-$((RANDOM * 100 + 300000))" "seed=$2"
	start_proxy down "$REGISTRY_DST" "cut=$((RANDOM * 8))-$((RANDOM * 100 + 300000))" "seed=$2"
	reg-sync -q --insecure-skip-verify --retry $((RANDOM % 2)) "$PROXY_UP/app" "$PROXY_DOWN/$1" \
		>>log 2>&1 3>&- &
	pid=$!
	if ((RANDOM % 2)); then
		sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
		kill -9 "$pid" 2>/dev/null || true
	fi
	wait "$pid" || true
	stop_proxy up
	stop_proxy down
}

@test "whatever interrupts it, what can be seen is whole, and in the end all is there" {
	local seed start=$SECONDS tag first=${SEED:-$((RANDOM + 1))} repo
	for ((seed = first; SECONDS < start + 15; seed++)); do
		echo "# seed $seed (SEED=$seed begins with it)"
		repo=t$((seed / 4))
		spoiled_run "$repo" "$seed"
		for tag in $(tags_at "$REGISTRY_DST/$repo"); do
			whole "$REGISTRY_DST/$repo" "$tag"
		done
		((seed % 4 == 3)) || continue
		reg-sync -q --insecure-skip-verify "$REGISTRY_SRC/app" "$REGISTRY_DST/$repo" >>log
		for tag in 1 2 3; do
			[ "$(digest_at "$REGISTRY_DST/$repo" "$tag")" = "$(digest_at "$REGISTRY_SRC/app" "$tag")" ]
			whole "$REGISTRY_DST/$repo" "$tag"
		done
	done
}
