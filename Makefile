# Gantry: make, make check, make demo, make lint, make bench, make install, make deb.
# B=dir builds elsewhere, SAN=1 with address and undefined-behaviour checks, V=1 shows commands,
# JOBS=n is how many test files run at once.
MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
comma := ,

version := 0.1.0
B ?= build
V ?= 0
SAN ?=
CC = gcc
AR = ar
CFLAGS ?= -O2 -g
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
libexecdir ?= $(prefix)/libexec/gantry
datadir ?= $(prefix)/share/gantry
docdir ?= $(prefix)/share/doc/gantry
unitdir ?= $(prefix)/lib/systemd/system
sysctldir ?= $(prefix)/lib/sysctl.d
bashdir ?= $(prefix)/share/bash-completion/completions
zshdir ?= $(prefix)/share/zsh/site-functions
fishdir ?= $(prefix)/share/fish/vendor_completions.d
Q := $(if $(filter 1,$(V)),,@)

tools := robot-serve reg-sync img-verify deploy healthcheck rollback

warnings := -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef
hardening := -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
sanitizers := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer)
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)
gpiod_v := $(if $(filter 2.%,$(call pkg,--modversion,libgpiod)),2,1)

all_cppflags = -D_GNU_SOURCE -DGANTRY_VERSION='"$(version)"' -DGPIOD_V=$(gpiod_v) \
	-Ilib $(defs) $(CPPFLAGS)
all_cflags = -std=c11 $(warnings) $(hardening) $(sanitizers) $(CFLAGS)
all_ldflags = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(sanitizers) $(LDFLAGS)
libs = -lcurl -ljansson -larchive -lcrypto -lm -lpthread
# what these tools load when they need it, see lib/lazy/curl.h
lazy_img-verify := curl archive library
lazy_robot-serve := curl library
libs_img-verify = -ljansson -lcrypto -lm -lpthread
libs_robot-serve = -lmicrohttpd -lgpiod -ljansson -lpthread -lm

lib_src := $(filter-out lib/lazy/%,$(wildcard lib/*/*.c))
lib_obj := $(lib_src:%.c=$B/%.o)
lib := $B/libgantry.a
bins := $(tools:%=$B/%)
unit_src := $(wildcard tests/unit/*.c)
units := $(unit_src:tests/unit/%.c=$B/unit/%)
fuzz_src := $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
fuzzers := $(fuzz_src:tests/fuzz/%.c=$B/fuzz/%)
helper_src := $(wildcard tests/helpers/*.c)
helpers := $(helper_src:tests/helpers/%.c=$B/helpers/%)
c_files := $(wildcard lib/*/*.[ch] tools/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] \
	tests/helpers/*.[ch] tests/helpers/*/*.[ch])
bats := $(wildcard tests/*.bats)

all: $(bins)

# One build folder, one set of flags: other flags rebuild everything.
flags_now := $(CC) $(all_cppflags) $(all_cflags) $(all_ldflags)
$B/flags: FORCE
	$(Q)mkdir -p $B
	$(Q)printf '%s\n' '$(subst ','\'',$(flags_now))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(flags_now))' > $@

$B/%.o: %.c $B/flags
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo '  CC  $<')
	$(Q)$(CC) $(all_cppflags) $(all_cflags) -MMD -MP -c -o $@ $<

$(lib): $(lib_obj)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

define tool_rules
tool_obj_$(1) := $$(patsubst %.c,$$B/%.o,$$(wildcard tools/$(1)/*.c tools/$(1)/*/*.c)) \
	$$(lazy_$(1):%=$$B/lib/lazy/%.o)
objects += $$(tool_obj_$(1))
$$B/$(1): $$(tool_obj_$(1)) $$(lib)
	$$(if $$(Q),@echo '  LD  $$@')
	$$(Q)$$(CC) $$(all_ldflags) -o $$@ $$^ $$(or $$(libs_$(1)),$$(libs))
endef
$(foreach t,$(tools),$(eval $(call tool_rules,$(t))))

$B/unit/%: $B/tests/unit/%.o $(lib)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs) -lpthread

$B/helpers/faultreg: $(patsubst %.c,$B/%.o,$(wildcard tests/helpers/faultreg/*.c))
libs_faultreg = -lmicrohttpd

# A helper of several files has the others in a folder of its name.
$B/helpers/%: $B/tests/helpers/%.o $(lib)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_ldflags) -o $@ $(filter %.o,$^) $(lib) $(libs) $(libs_$*) -lpthread

$B/helpers/tokens: libs += -lssl

# A fuzz target is an ordinary program that replays its corpus; make fuzz explores.
$B/fuzz/%: $B/tests/fuzz/%.o $B/tests/fuzz/replay.o $(lib)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(libs) -lpthread

-include $(wildcard $B/lib/*/*.d $B/tools/*/*.d $B/tests/*/*.d $B/tests/*/*/*.d)

include $(wildcard tools/*/rules.mk)

# --- tests ---------------------------------------------------------------
deps-build deps-check deps-demo deps-lint deps-bench deps-deb:
	$(Q)scripts/install-deps.sh $(@:deps-%=%)

check: deps-check
	$(Q)$(MAKE) --no-print-directory check-built

tests-built: $(units) $(fuzzers) $(helpers)

# Every C file, but no program: what another compiler has to say.
c_src := $(filter %.c,$(c_files))
compiled: $(c_src:%.c=$B/%.o) $(crash_obj)

check-built: all tests-built
	$(Q)B=$(abspath $B) tests/run $(TESTS)

# --- rules that a reviewer would otherwise have to know ------------------
lint: deps-lint
	$(Q)$(MAKE) --no-print-directory lint-built

lint-built: all
	$(Q)scripts/check-layers
	$(Q)scripts/check-symbols $(lib_obj)
	$(Q)scripts/check-banned $(bins)
	$(Q)B=$B scripts/check-man $(tools)
	$(Q)clang-format --dry-run -Werror $(c_files)
	$(Q)shellcheck -x $$(scripts/list-shell)
	$(Q)yamllint -s .github .gitlab-ci.yml compose tests/alerts
	$(Q)! mandoc -T lint -W warning man/*.[1-8] | grep .
	$(Q)echo 'lint: nothing to say'

format:
	clang-format -i $(c_files)

FUZZ_SECONDS ?= 60
fuzz:
	$(Q)scripts/fuzz.sh $(FUZZ_SECONDS)

# --- the story ------------------------------------------------------------
demo: deps-demo
	$(Q)$(MAKE) --no-print-directory all $B/helpers/load
	$(Q)B=$(abspath $B) scripts/demo.sh start $(if $(filter 1,$(V)),-v)

demo-stop:
	$(Q)B=$(abspath $B) scripts/demo.sh stop

bench: deps-bench
	$(Q)$(MAKE) --no-print-directory all $(helpers)
	$(Q)B=$(abspath $B) tests/bench/run

bench-%: deps-bench
	$(Q)$(MAKE) --no-print-directory all $(helpers)
	$(Q)B=$(abspath $B) tests/bench/run $*

image: all
	$(Q)B=$(abspath $B) scripts/build-image.sh $(version)

# --- install --------------------------------------------------------------
man_pages := $(wildcard man/*.[1-8])
site_scripts := $(filter-out settings.sh build-deb.sh demo.sh fuzz.sh install-deps.sh, \
	$(notdir $(wildcard scripts/*.sh)))
units := $(wildcard scripts/systemd/gantry-*)
completions := $(foreach t,$(tools),$B/completions/bash/$(t) $B/completions/zsh/_$(t) \
	$B/completions/fish/$(t).fish)

$B/completions/bash/%: $B/% scripts/completions
	$(Q)mkdir -p $(@D) && B=$B scripts/completions bash $* > $@
$B/completions/zsh/_%: $B/% scripts/completions
	$(Q)mkdir -p $(@D) && B=$B scripts/completions zsh $* > $@
$B/completions/fish/%.fish: $B/% scripts/completions
	$(Q)mkdir -p $(@D) && B=$B scripts/completions fish $* > $@

install: all $(completions)
	install -d $(addprefix $(DESTDIR),$(bindir) $(libexecdir) $(datadir)/compose $(docdir)/examples \
		$(unitdir) $(sysctldir) $(bashdir) $(zshdir) $(fishdir))
	install -m 755 $(bins) $(DESTDIR)$(bindir)
	install -m 755 $(addprefix scripts/,$(site_scripts)) $(DESTDIR)$(libexecdir)
	install -m 644 scripts/settings.sh $(DESTDIR)$(libexecdir)
	cp -R compose/. $(DESTDIR)$(datadir)/compose
	install -m 644 README.md $(DESTDIR)$(docdir)
	install -m 644 compose/gantry.conf.example $(DESTDIR)$(docdir)/examples/gantry.conf
	for u in $(units); do \
		sed 's|@libexecdir@|$(libexecdir)|' $$u > $(DESTDIR)$(unitdir)/$${u##*/} || exit 1; \
	done
	install -m 644 scripts/systemd/60-gantry.conf $(DESTDIR)$(sysctldir)
	install -m 644 $B/completions/bash/* $(DESTDIR)$(bashdir)
	install -m 644 $B/completions/zsh/* $(DESTDIR)$(zshdir)
	install -m 644 $B/completions/fish/* $(DESTDIR)$(fishdir)
	for p in $(man_pages); do \
		d=$(DESTDIR)$(mandir)/man$${p##*.}; install -d $$d && install -m 644 $$p $$d || exit 1; \
	done

uninstall:
	cd $(DESTDIR)$(bindir) && rm -f $(tools)
	rm -rf $(addprefix $(DESTDIR),$(libexecdir) $(datadir) $(docdir))
	rm -f $(addprefix $(DESTDIR)$(unitdir)/,$(notdir $(units))) $(DESTDIR)$(sysctldir)/60-gantry.conf
	rm -f $(addprefix $(DESTDIR)$(bashdir)/,$(tools)) $(addprefix $(DESTDIR)$(zshdir)/_,$(tools)) \
		$(patsubst %,$(DESTDIR)$(fishdir)/%.fish,$(tools))
	for p in $(man_pages); do rm -f $(DESTDIR)$(mandir)/man$${p##*.}/$${p##*/}; done

# A package for this release of Debian, in $B.
deb: deps-deb
	$(Q)$(MAKE) --no-print-directory all $(completions)
	$(Q)B=$(abspath $B) scripts/build-deb.sh $(version)

clean:
	rm -rf $B

.PHONY: all check check-built tests-built compiled lint lint-built format fuzz demo demo-stop bench image install deb \
	uninstall clean deps-build deps-check deps-demo deps-lint deps-bench deps-deb FORCE
.SECONDARY:
