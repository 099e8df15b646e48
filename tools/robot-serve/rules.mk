# web.c takes these files in, which no compiler tells.
$B/tools/robot-serve/web.o: $(wildcard tools/robot-serve/web/*)

# What tests preload instead of libgpiod.
$B/helpers/lines.so: tests/helpers/gpiod/lines.c $B/flags
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fPIE $(sanitizers),$(all_cppflags) $(all_cflags)) -fPIC -shared -o $@ $<

tests-built: $B/helpers/lines.so
