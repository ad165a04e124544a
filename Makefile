# NeuroScale Autopilot. `make help` lists the targets. Everything that is built goes to $(B).
#
#   make                     build $(B)/neuroscale-tui
#   make check               every test, ends in "N passed, N failed, N skipped"
#   make B=build-x CC=clang  another build beside it; V=1 shows the commands
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
, := ,
jobs := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
MAKEFLAGS += --no-builtin-rules $(jobs)
SHELL := /bin/sh
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

B       ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
PROG    := neuroscale-tui

# ---- rooms -------------------------------------------------------------------------------------------------------
# Each src/ROOM builds to one static library. USES_ROOM is written once, here: a unit test links its room and these only, so an
# upward call does not link, and `make lint` prints any include that is not allowed.
ROOMS := base sys model config store kube llm runbook cost gitops policy sim agents engine tui cli app
USES_base    :=
USES_sys     := base
USES_model   := base
USES_config  := base sys model
USES_store   := base sys model
USES_kube    := base sys model
USES_llm     := base sys model
USES_runbook := base sys model
USES_cost    := base sys model
USES_gitops  := base sys model
USES_policy  := base sys model
USES_sim     := base sys model
USES_agents  := base sys model config store kube llm runbook cost gitops policy
USES_engine  := agents $(USES_agents)
USES_tui     := base sys model config engine
USES_cli     := base sys model config engine
USES_app     := cli tui engine sim $(USES_engine)
# main.c picks the mode.

LIBS_sys := -lcrypto
LIBS_model := -lcjson -lyaml -lm
LIBS_store := -lsqlite3
LIBS_kube := -lcurl
LIBS_runbook := -lm
LIBS_llm := -lcurl -lm
LIBS_cost := -lm
LIBS_agents := -lmicrohttpd
LIBS_sim := -lmicrohttpd
LIBS_tui := -lncursesw -ltinfo

# ---- flags -------------------------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith \
        -Wwrite-strings -Wcast-qual -Wno-unused-parameter -Werror
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
OPT  ?= -O2
SAN  ?=
ifneq ($(SAN),)
HARDEN := -fPIE
OPT := -O1 -fno-omit-frame-pointer
endif
CPPFLAGS += -Iinclude -I$(B)/gen -D_GNU_SOURCE -DNS_VERSION='"$(VERSION)"' $(DEFS)
CFLAGS_ALL := -std=c17 -g $(OPT) $(WARN) $(HARDEN) $(SAN) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,--as-needed $(SAN) $(LDFLAGS)
LDLIBS_ALL := $(foreach r,$(ROOMS),$(LIBS_$(r))) -lpthread

room_src  = $(wildcard src/$(1)/*.c)
room_obj  = $(patsubst src/%.c,$(B)/obj/%.o,$(call room_src,$(1)))
room_lib  = $(B)/lib/lib$(1).a
room_libs = $(foreach r,$(1) $(sort $(USES_$(1))),$(call room_lib,$(r)))
closure_libs = $(foreach r,$(sort $(1) $(foreach u,$(1),$(USES_$(u)) $(foreach v,$(USES_$(u)),$(USES_$(v))))),$(LIBS_$(r)))

.PHONY: all help
all: $(B)/$(PROG) compile_commands.json $(B)/.man
help:
	@sed -n 's/^#   \(make.*\)/  \1/p' Makefile
	@echo "  targets: all check check-long check-asan check-tsan check-valgrind check-cluster lint format bench fuzz install uninstall demo dist clean"

# ---- build -------------------------------------------------------------------------------------------------------
$(B)/obj/%.o: src/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# A change of compiler or flags rebuilds.
$(B)/.flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS_ALL)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS_ALL)' >$@
.PHONY: FORCE
FORCE:

# What ships inside the binary: runbooks, themes, prompts and prices, so that one file is a whole installation.
$(B)/gen/runbooks_data.h: $(wildcard runbooks/*.md) contrib/embed.sh
	@mkdir -p $(@D)
	@sh contrib/embed.sh ns_builtin_runbooks $(filter %.md,$^) >$@
$(B)/gen/themes_data.h: $(wildcard themes/*.yaml) contrib/embed.sh
	@mkdir -p $(@D)
	@sh contrib/embed.sh ns_builtin_themes $(filter %.yaml,$^) >$@
$(call room_obj,runbook): $(B)/gen/runbooks_data.h
$(call room_obj,config): $(B)/gen/themes_data.h
$(B)/gen/prompts_data.h: $(wildcard src/llm/prompts/*.md) contrib/embed.sh
	@mkdir -p $(@D)
	@sh contrib/embed.sh ns_builtin_prompts $(filter %.md,$^) >$@
$(B)/gen/prices_data.h: src/llm/prices.csv contrib/embed.sh
	@mkdir -p $(@D)
	@sh contrib/embed.sh ns_builtin_prices $(filter %.csv,$^) >$@
$(call room_obj,llm): $(B)/gen/prompts_data.h $(B)/gen/prices_data.h

define room_rules
$(call room_lib,$(1)): $(call room_obj,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$$(AR) crs $$@ $$^
endef
AR := ar
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(B)/$(PROG): $(B)/obj/main.o $(foreach r,$(ROOMS),$(call room_lib,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS_ALL)

compile_commands.json: Makefile $(wildcard src/*.c src/*/*.c)
	@sh contrib/compdb.sh '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS_ALL))' src >$@

# The man pages show the detector's rules and the gate's conditions themselves.
$(B)/.man: contrib/detector_man.c contrib/gate_man.c contrib/splice.sh man/neuroscale-detector.7 man/neuroscale-tui.1 $(call room_libs,engine)
	@mkdir -p $(B)/gen
	@$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $(B)/gen/detector_man $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call closure_libs,agents) -lpthread
	@$(B)/gen/detector_man | sh contrib/splice.sh man/neuroscale-detector.7 rules
	@$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $(B)/gen/gate_man contrib/gate_man.c -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call closure_libs,engine) -lpthread
	@$(B)/gen/gate_man | sh contrib/splice.sh man/neuroscale-tui.1 gate
	@touch $@

# ---- tests -------------------------------------------------------------------------------------------------------
# tests/ROOM/test_X.c is one cmocka program that links ROOM and the rooms it may use; tests/e2e/*.sh drive the program itself.
TEST_SRC  := $(wildcard tests/*/test_*.c)
TEST_BIN  := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
TEST_HELP := $(wildcard tests/support/*.c)
test_room  = $(word 2,$(subst /, ,$(1)))

define test_rules
$(B)/tests/$(1): tests/$(1).c $(TEST_HELP) $(call room_libs,$(firstword $(subst /, ,$(1)))) $(foreach r,$(EXTRA_$(firstword $(subst /, ,$(1)))),$(call room_lib,$(r))) $(B)/.flags
	@mkdir -p $$(@D)
	$$(call say,TEST,$$@)
	$$(Q)$$(CC) $$(CPPFLAGS) -Itests $$(CFLAGS_ALL) -MMD -MP -MF $$@.d $$(LDFLAGS_ALL) -o $$@ $$< $(TEST_HELP) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(call closure_libs,$(firstword $(subst /, ,$(1))) $(EXTRA_$(firstword $(subst /, ,$(1))))) -lcmocka -lpthread
endef
# Tests of the upper floors run against the simulated cluster.
EXTRA_agents := sim
EXTRA_engine := sim
EXTRA_tui := sim
EXTRA_kube := sim
EXTRA_llm := sim
$(foreach t,$(patsubst tests/%.c,%,$(TEST_SRC)),$(eval $(call test_rules,$(t))))

# Where the engine can be stopped by a test, as its source says: what is new there is tried.
$(B)/gen/engine_points.h: $(wildcard src/engine/*.c)
	@mkdir -p $(@D)
	@{ echo 'static const char *const engine_points[] = {'; sed -n 's/.*NS_POINT("\([a-z-]*\)".*/\1/p' $^ | sort -u | sed 's/.*/    "&",/'; echo '};'; } >$@
$(filter %/test_crash %/test_fault_matrix,$(filter $(B)/tests/engine/%,$(TEST_BIN))): $(B)/gen/engine_points.h

# Has an analyst that wants what none of the scenarios needs.
$(B)/tests/engine/test_crash: LDFLAGS_ALL += -Wl,--wrap=ns_llm_analyze

# Watches every read of the decoders.
$(B)/tests/agents/test_detector_keep: LDFLAGS_ALL += $(foreach f,get path str int int_or num_or bool_or,-Wl$(,)--wrap=ns_json_$(f))

.PHONY: tests check check-long check-asan check-tsan check-valgrind check-cluster
tests: $(TEST_BIN)
check: $(B)/$(PROG) $(TEST_BIN)
	@SAFETY=1 B=$(B) sh tests/run.sh $(TEST_BIN) $(wildcard tests/e2e/*.sh)
check-long: $(B)/$(PROG) $(TEST_BIN)
	@SAFETY=1 B=$(B) sh tests/run.sh $(TEST_BIN) $(wildcard tests/e2e/*.sh tests/long/*.sh)
check-cluster: $(B)/$(PROG) $(B)/tests/kube/test_replay
	@B=$(B) sh tests/run.sh $(B)/tests/kube/test_replay $(wildcard tests/e2e/cluster*.sh)
check-asan:
	@$(MAKE) B=$(B)-asan SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' tests $(B)-asan/$(PROG)
	@B=$(B)-asan ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 sh tests/run.sh $(patsubst $(B)/%,$(B)-asan/%,$(TEST_BIN))
check-tsan:
	@$(MAKE) B=$(B)-tsan SAN='-fsanitize=thread' tests $(B)-tsan/$(PROG)
	@B=$(B)-tsan TSAN_OPTIONS=halt_on_error=1 sh tests/run.sh $(patsubst $(B)/%,$(B)-tsan/%,$(TEST_BIN))
check-valgrind: $(TEST_BIN)
	@B=$(B) WRAP='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --child-silent-after-fork=yes' sh tests/run.sh $(TEST_BIN)

# ---- care --------------------------------------------------------------------------------------------------------
.PHONY: lint format bench fuzz demo install uninstall dist clean
C_FILES := $(wildcard src/*.c src/*/*.c src/*/*.h include/neuroscale/*/*.h tests/*/*.c tests/*/*.h)
GENERATED := $(addprefix $(B)/gen/,runbooks_data.h themes_data.h prompts_data.h prices_data.h)
lint: compile_commands.json $(GENERATED)
	@sh contrib/lint.sh $(foreach r,$(ROOMS),'$(r): $(sort $(USES_$(r)))')
format:
	clang-format -i $(C_FILES)
demo: $(B)/$(PROG)
	@$(B)/$(PROG) demo
BENCH_HELP := tests/bench/podgen.c tests/bench/proc.c tests/bench/scale_server.c
bench: $(B)/$(PROG) $(B)/bench/bench $(B)/bench/scale $(B)/bench/probe $(B)/bench/vectors
	@B=$(B) sh tests/bench/bench.sh
$(B)/bench/%: tests/bench/%.c $(BENCH_HELP) $(wildcard tests/bench/*.h) $(call room_libs,engine) $(call room_lib,sim) $(B)/.flags
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(CPPFLAGS) -Itests/bench $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(BENCH_HELP) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS_ALL)
fuzz:
	@B=$(B) sh tests/fuzz/run.sh $(or $(SECONDS_EACH),60)

install: $(B)/$(PROG)
	install -D -m 755 $(B)/$(PROG) $(DESTDIR)$(PREFIX)/bin/$(PROG)
	for m in man/*.[1-8]; do install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done
	for r in runbooks/*.md; do install -D -m 644 $$r $(DESTDIR)$(PREFIX)/share/$(PROG)/$$r; done
	for t in themes/*.yaml; do install -D -m 644 $$t $(DESTDIR)$(PREFIX)/share/$(PROG)/$$t; done
	install -D -m 644 contrib/completions/neuroscale-tui.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(PROG)
	install -D -m 644 contrib/completions/_neuroscale-tui $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$(PROG)
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(PROG) $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$(PROG)
	rm -f $(DESTDIR)$(PREFIX)/bin/$(PROG) $(foreach m,$(wildcard man/*.[1-8]),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	rm -rf $(DESTDIR)$(PREFIX)/share/$(PROG)
dist:
	@mkdir -p $(B)
	git archive --format=tar.gz --prefix=$(PROG)-$(VERSION)/ -o $(B)/$(PROG)-$(VERSION).tar.gz HEAD
	@echo $(B)/$(PROG)-$(VERSION).tar.gz
clean:
	rm -rf $(B) $(B)-asan $(B)-tsan compile_commands.json

-include $(shell find $(B) -name '*.d' 2>/dev/null)
