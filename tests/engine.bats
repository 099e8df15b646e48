#!/usr/bin/env bats
# The engine helper itself.
load helpers/common
load helpers/engine
setup_file() { start_site; }
teardown_file() { stop_site; }

@test "the engine is this file's own, and comes back after kill -9" {
	[ "$(docker ps -aq | wc -l)" = 0 ]
	kill_engine
	run docker version
	[ "$status" != 0 ]
	start_engine
}
@test "power loss" {
	power_loss
	start_engine
}
