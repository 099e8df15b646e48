# Podman's Docker-compatible socket as the engine of helpers/engine: everything of it under $SITE.

# Without systemd: cgroupfs, and nobody's timers for health checks.  The site's registry is plain HTTP.
write_podman_conf() {
	cat >"$SITE/containers.conf" <<-CONF
		[containers]
		log_driver = "k8s-file"
		[engine]
		runtime = "runc"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		lock_type = "file"
		tmp_dir = "$SITE/tmp"
		[network]
		network_backend = "netavark"
		firewall_driver = "iptables"
		network_config_dir = "$SITE/networks"
	CONF
	cat >"$SITE/storage.conf" <<-CONF
		[storage]
		driver = "overlay"
		graphroot = "$SITE/data"
		runroot = "$SITE/run"
	CONF
	printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' 5000 5009 >"$SITE/registries.conf"
	export CONTAINERS_CONF=$SITE/containers.conf CONTAINERS_STORAGE_CONF=$SITE/storage.conf
	export CONTAINERS_REGISTRIES_CONF=$SITE/registries.conf DISABLE_HC_SYSTEMD=true
}

# After a power loss containers come back as podman-restart.service brings them back.
start_podman() {
	write_podman_conf
	podman system service -t 0 "$DOCKER_HOST" >>"$SITE/log" 2>&1 3>&- &
	echo $! >"$SITE/engine"
	podman start --all --filter restart-policy=always >>"$SITE/log" 2>&1 3>&- || true
}

# Every container and what watches over it, and what a boot clears.
lose_podman() {
	local pid
	kill_engine
	for pid in $(pgrep -f "^/usr/bin/conmon .*$SITE" || true); do
		kill -STOP "$pid" 2>/dev/null || continue
		pkill -9 -P "$pid" 2>/dev/null || true
		kill -9 "$pid" 2>/dev/null || true
	done
	awk -v d="$SITE/" 'index($5, d) == 1 || index($5, "/run/netns") == 1 { print $5 }' \
		/proc/self/mountinfo | sort -ru | xargs -r umount -l 2>/dev/null || true
	rm -rf "${SITE:?}/run" "$SITE/tmp" /run/runc /run/netns
	iptables -t nat -F
	ip link delete podman0 2>/dev/null || true
}

empty_podman() {
	# holders go after those that join them
	podman rm --all --force --time 0 >/dev/null 2>&1 || podman rm --all --force --time 0 >/dev/null
}
