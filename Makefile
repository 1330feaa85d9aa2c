# Dialtone: every command that a person types. `make` alone says what there is: what stands behind ## below.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

CC       := gcc
CFLAGS   ?= -O2 -g
# Make what follows empty to build without, or give it another value: make build SANITIZE=address,undefined
HARDENING ?= -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
LINKING   ?= -pie -Wl,-z,relro,-z,now
SANITIZE  ?=
# DEVELOPER=1 makes every warning an error, and warns of more: for those who change Dialtone, never for those who use it.
DEVELOPER ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
ifneq ($(DEVELOPER),)
WARNINGS += -Werror -Wformat=2 -Wundef -Wduplicated-cond -Wlogical-op
endif
SANITIZING := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)

# These ask pkg-config, so they are worked out when they are used: by then scripts/setup has run.
LIBRARIES     := check libcrypto libdw libelf jansson libpcap libseccomp vterm
HARNESS_CFLAGS = -std=gnu17 -D_GNU_SOURCE= -Iharness $(WARNINGS) $(HARDENING) $(SANITIZING) $(CFLAGS)
HARNESS_LIBS   = -Wl,--as-needed $(shell pkg-config --libs $(LIBRARIES)) -lreadline -lutil
LAB_CFLAGS     = -std=gnu17 -Wall -Wextra -g $(SANITIZING)
LAB_LIBS       = -Wl,--as-needed -lreadline -ljansson -lcrypto -pthread

BENCHES       := $(patsubst harness/tests/bench/%.c,build/bench-%,$(wildcard harness/tests/bench/*.c))

# The labs that exist, as 01, 02, …
number = $(firstword $(subst -, ,$(notdir $1)))
NUMBERS := $(sort $(foreach folder,$(wildcard labs/[0-9][0-9]-*),$(call number,$(folder))))
LABS    := $(addprefix lab,$(NUMBERS))
HINTS   := $(addprefix hint,$(NUMBERS))

# A failed check is no failure of make's: exit status 1 of `build/grade` becomes make's own, without a word
# of make's about it. That is what --question does to a recipe that starts with +. Status 3 is still shown.
ifneq ($(filter $(LABS),$(MAKECMDGOALS)),)
ifeq ($(filter-out $(LABS) $(HINTS),$(MAKECMDGOALS)),)
MAKEFLAGS += --question
endif
endif
# Building is no question: so this leaves the flags behind. It uses every core, for whoever asks for a lab waits for it.
build_first = +@MAKEFLAGS= $(MAKE) --no-print-directory -j$(shell nproc) $(MAKEOVERRIDES)

##@ For students
.PHONY: help $(LABS) $(HINTS) doctor
help: ## what can be made
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } \
		/^[][A-Za-z_%$$().-]+:.*## / { gsub("\\$$\\(LABS\\)", "lab01 ..."); gsub("\\$$\\(HINTS\\)", "hint01 ..."); \
			gsub("\\$$\\(DEMOS\\)", "demo01 ..."); gsub("\\$$\\(STEPS\\)", "step01 ..."); gsub("\\$$\\(REPLAYS\\)", "replay01 ..."); \
			printf "  make %-22s %s\n", $$1, $$2 }' Makefile
	@printf '\nThe labs\n'
	@for folder in labs/[0-9][0-9]-*/; do folder=$${folder%/}; number=$${folder#labs/}; \
		printf '  make lab%-19s %s\n' "$${number%%-*}" "$$folder"; done

$(LABS): lab%: ## builds and judges your programs of that lab, and says where to look
	$(build_first) harness
	+@build/grade $*

$(HINTS): hint%: ## a hint for what fails there; the next time, a plainer one
	$(build_first) harness
	+@build/grade --hint $*

DEMOS   := $(addprefix demo,$(foreach demo,$(wildcard labs/[0-9][0-9]-*/demo),$(call number,$(patsubst %/demo,%,$(demo)))))
STEPS   := $(DEMOS:demo%=step%)
REPLAYS := $(LABS:lab%=replay%)
# Who wants a page, or to see whether it plays, does not want to be asked for each step.
played_as = $(if $(HTML),--auto --quiet --html '$(HTML)',$(if $(AUTO),--auto))
.PHONY: $(DEMOS) $(STEPS) $(REPLAYS)

$(DEMOS): demo%: ## steps through that lab's demo, one call at a time; AUTO=1 plays it by itself, HTML=FILE makes a page of it
	$(build_first) harness
	@build/step $(played_as) $*
	@$(if $(HTML),echo 'The page for a browser: $(HTML)')

$(STEPS): step%: ## the same with your own programs
	$(build_first) harness
	@build/step $(played_as) --from labs $*
	@$(if $(HTML),echo 'The page for a browser: $(HTML)')

$(REPLAYS): replay%: ## what the grader saw when your program failed
	$(build_first) harness
	@test -e build/state/lab$*.record || { echo 'Nothing failed in lab$* that could be shown again: make lab$* first.'; exit 1; }
	@build/step --replay build/state/lab$*.record --html build/state/lab$*.html
	@build/step --replay build/state/lab$*.record
	@echo 'The same as a page, for a browser: build/state/lab$*.html'

doctor: harness ## what this machine can do for the judging, and what it cannot
	@build/grade --doctor

##@ For everybody
.PHONY: build harness programs clean
build: harness programs ## the harness, the labs and the solutions

##@ For those who change Dialtone
.PHONY: setup setup-test test test-unit test-solutions test-starters test-mutants test-variants test-demos test-agreement test-page test-diagrams test-lint soak fuzz bench interop diagrams lint format

setup: # what is missing on this machine; free when nothing is
	@scripts/setup

setup-test:
	@scripts/setup --test

test: | setup-test ## everything below that starts with test-, and the sum
	$(build_first) harness build/unit-tests
	@scripts/test

test-unit: build/unit-tests harness ## the harness's own modules
	@build/unit-tests

test-solutions test-starters test-mutants test-variants: test-%: harness | setup-test
	@scripts/prove $*

test-solutions: ## solutions pass every check
test-starters:  ## starters fail the checks listed for them, and no other
test-mutants:   ## wrong programs fail exactly the checks that their first comment names
test-variants:  ## programs that are right in another way pass
test-demos: harness | setup-test ## every demo plays, and what it expects comes true; TIMES=20 also compares their records
	@scripts/demos $(if $(TIMES),--times $(TIMES)) $(DEMO)

test-agreement: harness | setup-test ## records say what strace and tshark say
	@scripts/agree

test-page: harness | setup-test ## the page of a conversation, in a headless Chromium: PICTURES=FOLDER leaves screenshots
	@scripts/page-test $(if $(PICTURES),--pictures '$(PICTURES)')
test-diagrams: harness ## the ladders in the lessons are what the demos show
	@scripts/diagrams --check
test-lint: | setup-test ## what machines can see of the house rules
	@scripts/lint

soak: harness build/unit-tests ## every verdict, 100 times, with every core kept busy: TIMES=100
	@STILL_TIMES=$(or $(STILL_TIMES),1000) build/unit-tests steady
	@scripts/soak $(if $(TIMES),--times $(TIMES)) $(SOAK)

fuzz: | setup-test ## the solutions under bytes that nobody thought of: FUZZ_SECONDS=20 each, FUZZ=relay for one
	@scripts/fuzz $(FUZZ)

bench: harness programs build/bench build/bench-trace $(BENCHES) ## what judging costs, and how fast the solutions are, as ratios
	@build/bench
	@build/bench-trace
	@for one in $(BENCHES); do echo; $$one || exit; done

interop: harness ## every client of a lab against every server: INTEROP='--labs 08 --quick FOLDER'
	@scripts/interop $(INTEROP)

diagrams: harness ## draws the ladders in the lessons anew, from what the demos show
	@scripts/diagrams

lint: | setup-test ## test-lint, and what else is worth a look
	@scripts/lint --all

format: | setup-test ## lays out the sources as .clang-format has it
	@scripts/lint --format

compile_commands.json: Makefile | setup ## for editors and their language servers
	@scripts/compile-commands '$(CC) $(HARNESS_CFLAGS)' '$(CC) $(LAB_CFLAGS)' >$@

.PHONY: print-harness-flags
print-harness-flags: # for scripts/lint
	@echo '$(HARNESS_CFLAGS)'

clean: ## removes all that was built
	rm -rf build compile_commands.json

# ---- The harness ----

# Each stands alone: these are no modules of `grade`.
ALONE          := harness/grade.c harness/step.c harness/program/warden.c harness/program/leakcheck.c \
	harness/program/frame_driver.c
MODULE_SOURCES := $(filter-out $(ALONE),$(wildcard harness/*.c $(foreach m,observe program peer checks step report,harness/$m/*.c)))
# The tests of the modules are one program, bench.c is another. (What is in tests/programs/ the tests compile themselves.)
TEST_SOURCES   := $(filter-out harness/tests/bench%.c,$(wildcard harness/tests/*.c))

object  = $(patsubst harness/%.c,build/obj/%.o,$1)
MODULES := $(call object,$(MODULE_SOURCES))

harness: build/grade build/step build/warden

build/grade: $(call object,harness/grade.c) $(MODULES)
build/step: $(call object,harness/step.c) $(MODULES)
build/unit-tests: $(call object,$(TEST_SOURCES)) $(MODULES) | build/warden
build/bench: $(call object,harness/tests/bench.c) $(MODULES) | build/warden
build/bench-trace: $(call object,harness/tests/bench_trace.c) $(MODULES)

# What measures the solutions of a lab against other programs stands alone.
build/bench-%: harness/tests/bench/%.c build/flags | setup
	@echo "CC   $<"
	@mkdir -p build/obj/tests
	@$(CC) $(HARNESS_CFLAGS) $(LINKING) -MMD -MP -MF build/obj/tests/bench-$*.d -o $@ $<

build/grade build/step build/unit-tests build/bench build/bench-trace: build/link-flags
	@echo "LINK $@"
	@$(CC) $(HARNESS_CFLAGS) $(LINKING) $(LDFLAGS) -o $@ $(filter %.o,$^) $(HARNESS_LIBS)

# The first process in the room: static, for nothing of the machine need be in sight there.
build/warden: harness/program/warden.c build/flags | setup
	@echo "CC   $<"
	@$(CC) -std=gnu17 -D_GNU_SOURCE= -Iharness $(WARNINGS) -O2 -static -MMD -MP -MF build/obj/warden.d -o $@ $<

build/obj/report/page.o: harness/report/page.html
build/obj/%.o: harness/%.c build/flags | setup
	@echo "CC   $<"
	@mkdir -p $(@D)
	@$(CC) $(HARNESS_CFLAGS) -MMD -MP -c -o $@ $<

# Other flags make other programs: these files change only when the flags do.
build/flags:      flags = $(CC) $(HARNESS_CFLAGS)
build/link-flags: flags = $(LINKING) $(LDFLAGS)
build/lab-flags:  flags = $(CC) $(LAB_CFLAGS)
build/flags build/link-flags build/lab-flags: always | setup
	@mkdir -p build/obj
	@echo '$(flags)' | cmp -s - $@ || echo '$(flags)' >$@
.PHONY: always

# ---- The labs and the solutions ----

# A lab's program is one source of that name; frame.c, where a lab has one, belongs to each of its programs.
LAB_SOURCES  := $(wildcard labs/[0-9][0-9]-*/*.c solutions/[0-9][0-9]-*/*.c)
SHARED_PARTS := %/frame.c
PROGRAMS     := $(patsubst %.c,build/%,$(filter-out $(SHARED_PARTS),$(LAB_SOURCES)))

programs: $(PROGRAMS)

.SECONDEXPANSION:
$(PROGRAMS): build/%: %.c $$(wildcard $$(dir $$*)frame.c) build/lab-flags | setup
	@echo "CC   $<"
	@mkdir -p $(@D)
	@$(CC) $(LAB_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) $(LAB_LIBS)

-include $(shell find build -path build/prove -prune -o -type f -name '*.d' -print 2>/dev/null)
