# deploy with places to die, for tests/crash.bats (see lib/fleet/step.h).
crash_src := lib/fleet/step.c lib/fleet/move.c lib/fleet/settle.c $(wildcard lib/fleet/rollout*.c)
crash_obj := $(crash_src:%.c=$B/crash/%.o)
helpers += $B/crash/deploy

$B/crash/%.o: %.c $B/flags
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo '  CC  $< (crash)')
	$(Q)$(CC) $(all_cppflags) -DGANTRY_CRASH_TEST $(all_cflags) -MMD -MP -c -o $@ $<

$B/crash/deploy: $(tool_obj_deploy) $(crash_obj) $(lib)
	$(if $(Q),@echo '  LD  $@')
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs)

-include $(wildcard $B/crash/lib/*/*.d)
