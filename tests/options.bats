#!/usr/bin/env bats
# A container that uses every option of the engine: what people set is the same after a move, and
# what came with the image follows the new one.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 1 0.0.1
	release 0.0.2 --env EXTRA=new
	docker network create --subnet 10.214.0.0/24 site >/dev/null
	docker network create --subnet 10.215.0.0/24 "a-second" >/dev/null
	mkdir "$BATS_FILE_TMPDIR/bind" "$BATS_FILE_TMPDIR/other"
	chmod 777 "$BATS_FILE_TMPDIR/bind"
}

teardown_file() {
	stop_fleet
}

# every option that an engine takes beside the others
all_options() {
	local image own=()
	image=$IMAGE@$(digest_of 0.0.1)
	# what Podman has not
	[ "$GANTRY_TEST_ENGINE" = podman ] || own=(--link donor:friend --domainname example.test --runtime runc
		--log-opt max-size=1m --log-opt max-file=2 --pid host
		--mount type=volume,src=third,dst=/third,volume-nocopy)
	docker rm -f robot-service-1 >/dev/null
	docker rm -f robot-holder-1 >/dev/null
	docker run -d --name donor -v /donated "$image" robot-serve --hold >/dev/null
	again --network site --ip 10.214.0.50 --network-alias front --network-alias back \
		"${own[@]}" \
		-p 127.0.0.1:5001:5000 -p 127.0.0.1:5060-5061:5060-5061/udp --expose 7777 \
		-e ROBOT_ID=robot-1 -e 'WORDS=two words = one' -e APP_VERSION=mine \
		--label site=test --label 'with.dots=and spaces' \
		-v "$BATS_FILE_TMPDIR/bind:/bind:rw,rprivate" -v named:/named/ -v /anonymous \
		--mount type=volume,dst=/nameless --mount type=volume,src=second,dst=/second \
		--mount "type=bind,src=$BATS_FILE_TMPDIR/other,dst=/other,readonly" \
		--mount type=tmpfs,dst=/scratch,tmpfs-size=1048576,tmpfs-mode=1777 \
		"${ROBOT_RUN[@]}" --volumes-from donor:ro \
		--device /dev/null:/dev/mine:r --device-cgroup-rule 'c 1:3 r' \
		--cap-add NET_ADMIN --cap-drop CHOWN --security-opt no-new-privileges \
		--security-opt seccomp=unconfined --ulimit nofile=1000:2000 --ulimit nproc=1000:2000 --ulimit core=0 \
		--sysctl net.core.somaxconn=1000 --restart on-failure:3 \
		--log-driver json-file \
		--memory 128m --memory-swap 256m --memory-reservation 32m --cpus 0.9 --cpu-shares 512 \
		--cpuset-cpus 0 --pids-limit 200 --oom-score-adj 100 \
		--health-cmd 'healthcheck http+unix:///run/gantry/robot.sock:/health' --health-interval 7s \
		--health-retries 5 --health-start-period 3s --health-timeout 4s \
		--add-host gateway:10.214.0.1 --dns 10.214.0.1 --dns-search example.test --dns-opt ndots:2 \
		--hostname robot-one --user 10001:10001 --workdir /bind \
		--entrypoint /bin/robot-serve -t -i --stop-signal SIGINT --stop-timeout 7 --init \
		--ipc shareable --shm-size 32m --read-only --group-add 44 \
		--cgroupns private "$image" --listen 0.0.0.0:5000
	docker network connect --ip 10.215.0.50 --alias side a-second robot-service-1
	wait_for 10 healthy 1
}

@test "every option is the same after a move, one after it, and after somebody removed it" {
	all_options
	volume=$(docker inspect robot-service-1 |
		jq -r '.[0].Mounts[] | select(.Destination == "/nameless").Name')
	keeps deploy -c "$CONF" --tag 0.0.2
	[ "$(jq -r '.Config.Env[] | select(test("^WORDS="))' "$BATS_TEST_TMPDIR/after")" = \
		'WORDS=two words = one' ]
	[ "$(jq -r '.NetworkSettings.Networks | keys | join(" ")' "$BATS_TEST_TMPDIR/after")" = \
		"a-second site" ]
	[ "$(docker inspect robot-service-1 |
		jq -r '.[0].Mounts[] | select(.Destination == "/nameless").Name')" = "$volume" ]
	# what the image says and nobody overrode
	docker inspect robot-service-1 | jq -r '.[0].Config.Env[]' >"$BATS_TEST_TMPDIR/env"
	grep -qx EXTRA=new "$BATS_TEST_TMPDIR/env"
	grep -qx APP_VERSION=mine "$BATS_TEST_TMPDIR/env"
	[ "$(docker inspect robot-service-1 |
		jq -r '.[0].Config.Labels["org.opencontainers.image.version"]')" = 0.0.2 ]
	keeps deploy -c "$CONF" --tag 0.0.1
	told robot-service-1 >"$BATS_TEST_TMPDIR/before"
	docker rm -f robot-service-1 >/dev/null
	run -0 deploy -c "$CONF" --tag 0.0.1
	[[ $output == *"robot-service-1: was gone, is made again"* ]]
	told robot-service-1 >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	docker rm -f robot-service-1 donor >/dev/null
}

@test "the host's own network, name and processes" {
	again --network host --uts host --ipc host --userns host -e PORT=5001 \
		--tmpfs /run/gantry --user 0 "$IMAGE@$(digest_of 0.0.1)"
	wait_for 10 healthy 1
	cp "$CONF" "$BATS_TEST_TMPDIR/conf"
	echo 'SERVICE_robot_service_1_HEALTH=http://127.0.0.1:5001/health' >>"$BATS_TEST_TMPDIR/conf"
	keeps deploy -c "$BATS_TEST_TMPDIR/conf" --tag 0.0.2
	[ "$(version_of 1)" = 0.0.2 ]
}

@test "the engine's default network, a second one, and a name that it made up" {
	again -p 127.0.0.1:5001:5000 "${ROBOT_RUN[@]}" --restart always \
		"$IMAGE@$(digest_of 0.0.1)"
	docker network connect a-second robot-service-1
	wait_for 10 healthy 1
	keeps deploy -c "$CONF" --tag 0.0.2
	[ "$(jq -r .Config.Hostname "$BATS_TEST_TMPDIR/after")" = 'its own id' ]
	[ "$(jq -r '.NetworkSettings.Networks | keys | join(" ")' "$BATS_TEST_TMPDIR/after")" = \
		"a-second $([ "$GANTRY_TEST_ENGINE" = docker ] && echo bridge || echo podman)" ]
}

@test "a link on the engine's default network" {
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman has no links"
	docker run -d --name donor "$IMAGE@$(digest_of 0.0.1)" robot-serve --hold >/dev/null
	again --link donor:friend -p 127.0.0.1:5001:5000 "${ROBOT_RUN[@]}" "$IMAGE@$(digest_of 0.0.1)"
	wait_for 10 healthy 1
	keeps deploy -c "$CONF" --tag 0.0.2
	[ "$(jq -c .HostConfig.Links "$BATS_TEST_TMPDIR/after")" = '["/donor:/robot-service-1/friend"]' ]
	docker rm -f robot-service-1 donor >/dev/null
}

@test "one network that is not the default one, and its names" {
	again --network site --network-alias front -p 127.0.0.1:5001:5000 "${ROBOT_RUN[@]}" --restart always \
		"$IMAGE@$(digest_of 0.0.1)"
	wait_for 10 healthy 1
	keeps deploy -c "$CONF" --tag 0.0.2
	[ "$(jq -c '.NetworkSettings.Networks | map_values(.Aliases)' "$BATS_TEST_TMPDIR/after")" = \
		'{"site":["front"]}' ]
}

@test "graphics cards and all rights, where the engine has none to give" {
	docker rm -f robot-service-1 >/dev/null
	rm -rf "$STATE"
	docker create --name robot-service-1 --privileged \
		--gpus '"device=0,2","capabilities=compute,utility"' \
		"$IMAGE@$(digest_of 0.0.1)" >/dev/null
	told robot-service-1 >"$BATS_TEST_TMPDIR/before"
	# its successor can be looked at before the engine refuses to start it
	GANTRY_CRASH_AT=guard-old run -137 "$B/crash/deploy" -c "$CONF" --tag 0.0.2
	told robot-service-1-next >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	docker rm -f robot-service-1 robot-service-1-next >/dev/null
	[ "$GANTRY_TEST_ENGINE" = docker ] || skip "Podman has all rights, and no --gpus over its socket"
	[ "$(jq -c '.HostConfig.DeviceRequests[0].DeviceIDs' "$BATS_TEST_TMPDIR/after")" = '["0","2"]' ]
}

@test "handed over: what a container in its holder's network can have" {
	docker rm -f robot-service-1 >/dev/null 2>&1 || true
	rm -rf "$STATE"
	start_robot 1 0.0.1 --cap-add SYS_NICE --ulimit nofile=1000:2000 --ulimit nproc=1000:2000 -v named:/named/ -v /anonymous \
		--mount type=volume,dst=/nameless --device /dev/null:/dev/mine --group-add 44 --init \
		--memory 128m --log-opt max-size=1m --health-interval 7s --stop-timeout 7 -t \
		--shm-size 32m --security-opt no-new-privileges --workdir /named --label a.b=c
	keeps deploy -c "$CONF" --tag 0.0.2
	[[ $output == *"0.0.1 to 0.0.2 by handover"* ]]
	keeps deploy -c "$CONF" --tag 0.0.1
	all_at 0.0.1
}
