# Podman's Docker-compatible socket as the engine of helpers/engine: everything of it under $SITE.

# name_podman_conf: what podman does from here on, it does at $SITE.
name_podman_conf() {
	export CONTAINERS_CONF=$SITE/containers.conf CONTAINERS_STORAGE_CONF=$SITE/storage.conf
	export CONTAINERS_REGISTRIES_CONF=$SITE/registries.conf DISABLE_HC_SYSTEMD=true
}

# Without systemd: cgroupfs, and nobody's timers for health checks.  The site's registries are plain HTTP.
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
	# at every port
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' 127.0.0.1 localhost >"$SITE/registries.conf"
	name_podman_conf
}

# podman_bridge NAME NET: a bridge of that name for the containers, at NET.0/24
podman_bridge() {
	mkdir -p "$SITE/networks"
	sed -i "s/^\[network\]/&\ndefault_network = \"$1\"/" "$SITE/containers.conf"
	jq -n --arg name "$1" --arg id "$(sha256sum <<<"$1" | cut -c1-64)" --arg net "$2" '{$name, $id,
		driver: "bridge", network_interface: $name, created: "2026-01-01T00:00:00Z",
		subnets: [{subnet: ($net + ".0/24"), gateway: ($net + ".1")}], ipam_options: {driver: "host-local"}}' \
		>"$SITE/networks/$1.json"
}

# start_podman [--bridge NAME NET]: with that network, where there are others on this machine.
# After a power loss containers come back as podman-restart.service brings them back.
start_podman() {
	write_podman_conf
	[ "${1:-}" != --bridge ] || podman_bridge "$2" "$3"
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
	wait_for 20 podman rm --all --force --time 0
}
