# A virtual machine with real GPIO lines, simulated by its kernel: helpers/vm/init says what is in it.

# vm_files [PROGRAM...]: the machine's first and only file system, with robot-serve, what its tests
# call, and those.
vm_files() {
	local dir=$BATS_FILE_TMPDIR tree=$BATS_FILE_TMPDIR/tree file
	mkdir -p "$tree"/{bin,proc,sys,dev,run,config,modules}
	cp "$ROOT"/tests/helpers/vm/{init,guest} "$tree"
	cp "$B"/vm/*.ko "$tree/modules"
	cp "$B/robot-serve" "$(command -v busybox)" "$(command -v curl)" "$(command -v jq)" "$@" "$tree/bin"
	find "$tree/bin" -type f ! -name busybox -exec ldd {} + | grep -oE '/[^ ]+\.so[^ ]*' | sort -u >"$dir/libs"
	while read -r file; do
		cp -L --parents "$file" "$tree"
	done <"$dir/libs"
	(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$dir/initrd"
}

# start_vm [PROGRAM...]: returns when its shell is ready.  stop_all ends it.  Its time is counted in instructions:
# what lasts a second for it does so on a busy machine, too.
start_vm() {
	local dir=$BATS_FILE_TMPDIR answer=
	[ -e "$B/vm/vmlinuz" ] || "$ROOT/tests/helpers/vm/kernel" "$B/vm" || return 1
	vm_files "$@"
	mkfifo "$dir/shell.in" "$dir/shell.out"
	qemu-system-x86_64 -accel tcg -icount shift=1 -cpu max -m 256 -smp 1 -nodefaults \
		-no-user-config -display none -no-reboot -kernel "$B/vm/vmlinuz" -initrd "$dir/initrd" \
		-append 'console=ttyS0 panic=-1 quiet loglevel=4 no_timer_check rdinit=/init' \
		-serial "file:$dir/console" -serial "pipe:$dir/shell" >"$dir/qemu.log" 2>&1 3>&- &
	echo $! >>"$dir/pids"
	# opened for both, so that this does not wait for a machine that is not there
	read -r -t 300 answer <>"$dir/shell.out" && [ "$answer" = ready ] && return 0
	cat "$dir/qemu.log" "$dir/console"
	return 1
}

# vm SCRIPT: run by the machine's shell, with helpers/vm/guest; its output and its status.
vm() {
	local dir=$BATS_FILE_TMPDIR status answer
	answer=$(printf '. /guest\n%s\n' "$1" | base64 -w 0)
	echo "$answer" 1<>"$dir/shell.in"
	read -r -t 300 status answer <>"$dir/shell.out" || return 125
	base64 -d <<<"$answer"
	return "$status"
}
