# SPDX-License-Identifier: BSD-2-Clause
#
# Thin on purpose: what a target does stands in util/, one script each.
# `make` or `make help` lists the targets.

.DEFAULT_GOAL := help

export NGINX_DEV ?= /usr/share/nginx/src
export BUILD     ?= build

export NGINX ?= $(or $(shell command -v nginx),/usr/sbin/nginx)
T      ?= $(sort $(filter-out t/sdk/%,$(wildcard t/*/*.t)))
JOBS   ?= 4

MODULE := $(abspath $(BUILD))/nginx-dyn/objs/ngx_http_jobruns_module.so

export TEST_REDIS_BINARY ?= $(or $(shell command -v redis-server),\
	$(shell command -v valkey-server),redis-server)


.PHONY: help
help:			## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / \
	    { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  Installing what is missing needs root or sudo;" \
	      "INSTALL=no never installs."


# --------------------------------------------------------------------- build

.PHONY: all module static tools install
all: module tools

module:			## the .so for the packaged NGINX (build/nginx-dyn/objs)
	@util/install-deps build
	+@CC='$(CC)' util/build-nginx module

static:			## NGINX with the module inside: NGINX_SRC=<source tree>
	@util/install-deps build
	+@CC='$(CC)' util/build-nginx static '$(NGINX_SRC)'


# The rules of core/ are compiled once for all programs that are made of them,
# into an archive; other flags mean another folder of build/.

FOLDERS   := $(sort $(shell find ngx_module/core tools -type d))
CORE_SRCS := $(sort $(shell find ngx_module/core -name '*.c'))
WERROR    ?= -Werror
CFLAGS_11 := -std=c11 -g -Wall -Wextra $(WERROR) $(FOLDERS:%=-I%) -I$(BUILD)/gen
CORE_LIBS := -ljansson -lpcre2-8 -lcrypto

define archive # FOLDER, FLAGS
$(BUILD)/$(1)/libcore.a: $(CORE_SRCS:%.c=$(BUILD)/$(1)/%.o) \
		$(BUILD)/$(1)/gen/jr_embedded.o
	@echo "  archive $$@"
	@rm -f $$@
	@$$(AR) rcs $$@ $$^

$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/flags | $(BUILD)/gen/jr_embedded.h
	@mkdir -p $$(@D)
	@echo "  compile $$@"
	@$$(CC) $(2) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/gen/jr_embedded.o: $(BUILD)/gen/jr_embedded.c \
		$(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	@$$(CC) $(2) -c -o $$@ $$<

# changes only when the compiler or its flags do
$(BUILD)/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(CC) $(2)' | cmp -s - $$@ || echo '$$(CC) $(2)' > $$@

-include $(shell find $(BUILD)/$(1) -name '*.d' 2>/dev/null)
endef

.PHONY: FORCE
FORCE:

.SECONDARY:

EMBEDDED := $(shell perl util/embed --list)

$(BUILD)/gen/jr_embedded.c: util/embed $(EMBEDDED)
	@mkdir -p $(@D)
	@perl util/embed $(@D)

$(BUILD)/gen/jr_embedded.h: $(BUILD)/gen/jr_embedded.c


# A tool has a folder; nothing of it is in the module.

PROGRAMS   := $(addprefix $(BUILD)/,jobruns-lint jobruns-audit jobrunsctl)
TOOLS      := $(PROGRAMS) $(BUILD)/jobruns-sign
# CFLAGS, CPPFLAGS and LDFLAGS are a packager's
TOOL_FLAGS := $(CFLAGS_11) -D_GNU_SOURCE $(CPPFLAGS) $(or $(CFLAGS),-O2)

$(eval $(call archive,tool,$(TOOL_FLAGS)))

# the objects of a folder, and core's archive
tool_of = $(patsubst %.c,$(BUILD)/tool/%.o,$(sort $(wildcard $(1)/*.c))) \
	$(BUILD)/tool/libcore.a

tools:			## jobruns-lint, jobruns-audit, jobrunsctl, jobruns-sign
	@util/install-deps build
	@$(MAKE) --no-print-directory $(TOOLS)

$(BUILD)/jobruns-lint: $(call tool_of,tools/lint)
$(BUILD)/jobruns-audit: $(call tool_of,tools/audit)
$(BUILD)/jobrunsctl: $(call tool_of,tools/ctl)
$(BUILD)/jobrunsctl: CORE_LIBS += -lhiredis -lssl -lcurl
$(BUILD)/bench-validation: $(BUILD)/tool/bench/validation.o \
	$(BUILD)/tool/libcore.a

$(PROGRAMS) $(BUILD)/bench-validation:
	@echo "  link    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BUILD)/jobruns-sign: tools/ctl/jobruns-sign ngx_module/core/text/jr_version.h
	@mkdir -p $(@D)
	@version=$$(sed -n 's/^#define JR_VERSION *"\(.*\)"$$/\1/p' $(filter %.h,$^)) \
	    && sed "s/@VERSION@/$$version/" $< > $@.part
	@chmod 755 $@.part && mv $@.part $@

DESTDIR ?=
PREFIX  ?= /usr

# Programs and the module are renamed into their places, never written over: a
# running NGINX has the old file mapped.

install: all		## the module, the tools and jobruns_proxy.conf: DESTDIR= PREFIX=
	@$(MAKE) --no-print-directory install-tools
	util/install-file 644 $(MODULE) \
	    $(DESTDIR)$(PREFIX)/lib/nginx/modules/ngx_http_jobruns_module.so
	install -D -m 644 conf/jobruns_proxy.conf \
	    $(DESTDIR)/etc/nginx/jobruns_proxy.conf
	install -D -m 644 conf/jobruns.logrotate \
	    $(DESTDIR)/etc/logrotate.d/jobruns
	util/install-folder $(DESTDIR)/var/log/jobruns

.PHONY: install-tools
install-tools: tools
	util/install-file 755 $(BUILD)/jobruns-lint \
	    $(DESTDIR)$(PREFIX)/bin/jobruns-lint
	util/install-file 755 $(BUILD)/jobruns-audit \
	    $(DESTDIR)$(PREFIX)/bin/jobruns-audit
	util/install-file 755 $(BUILD)/jobrunsctl \
	    $(DESTDIR)$(PREFIX)/bin/jobrunsctl
	util/install-file 755 $(BUILD)/jobruns-sign \
	    $(DESTDIR)$(PREFIX)/bin/jobruns-sign
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 \
	    tools/ctl/jobrunsctl.8 tools/audit/jobruns-audit.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 \
	    tools/lint/jobruns-lint.1 tools/ctl/jobruns-sign.1
	install -D -m 644 tools/ctl/jobrunsctl.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/jobrunsctl


# ------------------------------------------------------------------ packages

.PHONY: deb deb-again deb-test release
deb:			## Debian packages of what is committed, in build/deb
	@util/deb

deb-again:		## once more, elsewhere, and compares: after make deb
	@util/deb-again

deb-test:		## them in bare chroots of Debian 12 and 13: SUITES= STEPS= T=
	@T='$(if $(filter command line environment,$(origin T)),$(T))' \
	    STEPS='$(STEPS)' util/deb-test $(SUITES)

release:		## the tarball of what is committed, in build/release
	@util/release


# ----------------------------------------------------------------------- run

.PHONY: run compose-test
run:			## the gateway, Redis and a stub: PORT= SERVICE_PORT= SERVICE= WORK= AUTH=on
	@CC='$(CC)' exec util/run

compose-test:		## docker-compose.yml, tried in a private Docker
	@util/compose-test


# --------------------------------------------------------------------- tests

.PHONY: test check e2e asan probe
test: check e2e transcripts	## all tests: check, e2e, transcripts

# The rules are compiled as plain C11, without NGINX, under sanitizers; so is
# the part of redis/ that needs no NGINX.

CHECK_FLAGS := $(CFLAGS_11) -O1 -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined \
	-Ingx_module/redis -Ingx_module/redis/topology -Itests
CHECK_LIBS  := $(CORE_LIBS) -lcmocka -lhiredis

$(eval $(call archive,check,$(CHECK_FLAGS)))

# what tests share, and of tools and redis/ what is tested by itself
CHECK_SRCS  := $(sort $(wildcard tests/lib_*.c tools/*/jr_*.c) \
	ngx_module/redis/topology/ngx_redis_cluster_map.c)
CHECK_OBJS  := $(CHECK_SRCS:%.c=$(BUILD)/check/%.o) $(BUILD)/check/libcore.a
CHECK_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,\
	$(sort $(wildcard tests/test_*.c)))
CHECK_SEEDS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(filter-out \
	%/fuzz_resp.c,$(sort $(wildcard tests/fuzz/fuzz_*.c))))
TSAN_TEST   := $(BUILD)/tests/test_body_threads_tsan

check:			## unit tests under ASan and UBSan: T= is for e2e, C= picks here
	@util/install-deps check
	@$(MAKE) --no-print-directory -j$(JOBS) check-programs
	@CMOCKA_MESSAGE_OUTPUT=TAP UBSAN_OPTIONS=print_stacktrace=1 \
	    CC='$(CC)' prove -j$(JOBS) -e '' \
	    $(or $(C),tests/model/check.pl $(CHECK_TESTS) $(CHECK_SEEDS) \
	    $(TSAN_TEST))

.PHONY: check-programs
check-programs: $(CHECK_TESTS) $(CHECK_SEEDS) $(TSAN_TEST)

$(BUILD)/tests/%: $(BUILD)/check/tests/%.o $(CHECK_OBJS)
	@mkdir -p $(@D)
	@echo "  link    $@"
	@$(CC) $(CHECK_FLAGS) -o $@ $^ $(CHECK_LIBS)

# One test has the allocations of core/ fail.

$(BUILD)/tests/test_no_memory: CHECK_LIBS += -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=realloc

# One runs under ThreadSanitizer as well: what the thread pool runs of core/.

TSAN_FLAGS := $(CFLAGS_11) -O1 -fsanitize=thread

$(eval $(call archive,tsan,$(TSAN_FLAGS)))

$(TSAN_TEST): $(BUILD)/tsan/tests/test_body_threads.o $(BUILD)/tsan/libcore.a
	@mkdir -p $(@D)
	@echo "  link    $@"
	@$(CC) $(TSAN_FLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka

.PHONY: mutate
mutate:			## which changes of sources no unit test sees: M=FILES MOST=300
	@util/install-deps check
	@CC='$(CC)' nice -n 15 util/mutate --most '$(or $(MOST),300)' $(M)

# The fuzz targets over their seeds, but for the one that needs NGINX.

$(CHECK_SEEDS): $(BUILD)/tests/%: $(BUILD)/check/tests/fuzz/%.o \
		$(BUILD)/check/tests/fuzz/replay.o $(CHECK_OBJS)
	@mkdir -p $(@D)
	@echo "  link    $@"
	@$(CC) $(CHECK_FLAGS) -o $@ $^ $(CHECK_LIBS)

# The second module exists for the tests of the Redis transport alone.

probe:
	+@if [ -f tests/ngx_redis_probe/config ]; then \
	    CC='$(CC)' util/build-nginx probe; fi

# Preloaded into NGINX: a disk that can be held up or fail, memory that runs out,
# and a clock that jumps.

PRELOADS := $(addprefix $(abspath $(BUILD))/,disk_preload.so memory_preload.so \
    clock_preload.so)

$(PRELOADS): $(abspath $(BUILD))/%.so: tests/%.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -Wall -Wextra -Werror -O1 -g -shared -fPIC -o $@ $<

# What signs for tests that send many requests.

SIGNER := $(abspath $(BUILD))/signer

$(SIGNER): tests/signer.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -Wall -Wextra -Werror -O1 -g -o $@ $< -lcrypto

e2e:			## end-to-end tests on the packaged NGINX: T='t/token' picks
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx module
	+@$(MAKE) --no-print-directory probe tools $(PRELOADS)
	util/e2e module prove -j$(JOBS) -It/lib $(T)

.PHONY: e2e-static
e2e-static:		## the same tests on an NGINX built from source: NGINX_SRC=
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx static-probe '$(NGINX_SRC)'
	@$(MAKE) --no-print-directory tools $(PRELOADS)
	util/e2e static prove -j$(JOBS) -It/lib $(T)

asan:			## the same tests on an NGINX under ASan and UBSan
	@util/install-deps build e2e asan
	+@CC='$(CC)' util/build-nginx asan
	@$(MAKE) --no-print-directory tools $(PRELOADS)
	util/e2e asan prove -j$(JOBS) -It/lib $(T)


# Clients that others have written, of which Oracle's SDK comes from npm.

.PHONY: sdk-test
sdk-test: T := t/sdk/clients.t t/sdk/typescript.t
sdk-test:		## Oracle's SDK, curl, Python and Java as clients: needs npm
	@util/install-deps build e2e
	@util/sdk-packages
	+@CC='$(CC)' util/build-nginx module
	+@$(MAKE) --no-print-directory tools
	util/e2e module prove -j$(JOBS) -It/lib $(T)


# Not among what `.ci/run` runs: ASan sees most of it, and sooner.

MEMCHECK := $(abspath $(BUILD))/memcheck

.PHONY: memcheck
memcheck: T := t/request/create.t t/request/bodies.t t/token/replay.t \
    t/token/replay_headers.t t/limits/headers.t t/audit/records.t
memcheck:		## a few of them under valgrind: T='t/token' picks
	@util/install-deps build e2e memcheck
	+@CC='$(CC)' util/build-nginx memcheck
	+@$(MAKE) --no-print-directory tools
	@rm -rf '$(MEMCHECK)'; mkdir -p '$(MEMCHECK)'
	util/e2e memcheck prove -j$(JOBS) -It/lib $(T)
	@cat '$(MEMCHECK)'/*.log >'$(MEMCHECK)/all'; \
	if [ -s '$(MEMCHECK)/all' ]; then cat '$(MEMCHECK)/all'; exit 1; fi; \
	echo "memcheck: $$(ls '$(MEMCHECK)' | grep -c log) processes, nothing found"


.PHONY: alerts-test
alerts-test:		## the alert rules of ops/, by promtool
	@util/alerts-test


# What every side of the gateway sees of each scenario, against t/transcripts/:
# a change that is to change nothing finds it the same.

.PHONY: transcripts
transcripts:		## compares scenarios with their transcripts: RECORD=record
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx module
	+@$(MAKE) --no-print-directory tools
	TRANSCRIPTS='$(RECORD)' util/e2e module prove -It/lib t/transcripts/transcripts


# NGINX's own tests with the module loaded, and with dry_run, differ in nothing
# from those without it.

.PHONY: nginx-tests
nginx-tests:		## NGINX's own tests, from a tree of them: TREE= T= NGINX_SRC= JOBS=
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx stock $(NGINX_SRC)
	@JOBS='$(JOBS)' util/nginx-tests '$(TREE)' $(T)


# --------------------------------------------------------------------- chaos

.PHONY: chaos
chaos:			## breaks everything at random, then judges: SECONDS=60 SEED= FAULTS=
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx module
	@$(MAKE) --no-print-directory $(PRELOADS) $(SIGNER)
	@SECONDS='$(or $(SECONDS),60)' SEED='$(SEED)' FAULTS='$(FAULTS)' \
	    RUNS='$(RUNS)' EVENTS='$(EVENTS)' SHRINK='$(SHRINK)' \
	    PAUSE='$(PAUSE)' CLIENTS='$(CLIENTS)' \
	    RESULTS='$(RESULTS)' util/e2e module t/chaos/chaos

.PHONY: soak
soak:			## the same, in pieces, until CALLS were made: build/soak; again
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx module
	@$(MAKE) --no-print-directory $(PRELOADS) $(SIGNER)
	@CALLS='$(or $(CALLS),1000000)' SECONDS='$(SECONDS)' \
	    FAULTS='$(FAULTS)' CLIENTS='$(CLIENTS)' \
	    util/e2e module t/chaos/soak


.PHONY: leaks
leaks:			## mixed requests must leave the workers level: REQUESTS=200000
	@util/install-deps build e2e
	+@CC='$(CC)' util/build-nginx module
	@REQUESTS='$(or $(REQUESTS),200000)' util/e2e module t/leaks/leaks


# ---------------------------------------------------------------------- fuzz

.PHONY: fuzz fuzz-long fuzz-merge fuzz-coverage
fuzz fuzz-long fuzz-merge: fuzz-needs

fuzz-needs:
	@util/install-deps build fuzz
	+@CC='$(CC)' util/build-nginx module

fuzz:			## fuzz targets under ASan and UBSan: TIME=60 F='body cron'
	@TIME='$(or $(TIME),60)' util/fuzz $(F)

fuzz-long:		## until each target ran EXECS inputs: TIME= a target, again
	@nice -n 15 env TIME='$(or $(TIME),600)' \
	    EXECS='$(or $(EXECS),10000000)' util/fuzz long $(F)

fuzz-merge:		## what was found, down to 1 MB a target: build/fuzz/corpus
	@util/fuzz merge $(F)

fuzz-coverage: fuzz-needs	## lines of each file that the targets reach
	@util/fuzz coverage $(F)


# --------------------------------------------------------------------- speed

.PHONY: bench bench-smoke bench-auth
bench:			## against its peers: BENCH='--rounds 3' adds options
	+@CC='$(CC)' util/bench full $(BENCH)

bench-smoke:		## counts per request against bench/smoke.json: RECORD=record
	+@CC='$(CC)' util/bench smoke $(RECORD)


bench-auth:		## what jobruns_auth costs, against its bounds: N=100 rounds
	+@CC='$(CC)' util/bench auth $(N)


.PHONY: bench-validation
bench-validation:	## what checking a body costs, against its bounds
	@util/install-deps build
	@$(MAKE) --no-print-directory $(BUILD)/bench-validation
	@$(BUILD)/bench-validation


# ---------------------------------------------------------------------- else

.PHONY: lint analyse clean
analyse:		## gcc -fanalyzer, cppcheck, clang-tidy: ngx_module/ and tools/
	@util/install-deps build analyse
	+@CC='$(CC)' util/build-nginx module > /dev/null
	@util/analyse

lint:			## style, dependencies, structure, and analyse
	@util/install-deps lint
	@util/lint
	@util/structure --check
	+@$(MAKE) --no-print-directory analyse

clean:			## removes build/
	rm -rf $(BUILD)
