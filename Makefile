# assay: one non-recursive makefile.  `make help` lists the targets.
#   B=release|debug|asan|cov|fuzz   the variant; each has its own directory build/$(B)
#   CC=clang                        another compiler
#   V=1                             show commands
#   DEV=1                           warnings are errors (CI)
#   T="NAME..."                     `make check` runs only these tests
MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:

VERSION := 0.1.0
B ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)
-include config.mak

prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
libexecdir ?= $(prefix)/libexec
includedir ?= $(prefix)/include
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man

# ---- what it is built from -------------------------------------------------------------------
LIBS := libcrypto libzstd liblzma zlib libxxhash yaml-0.1 jansson libseccomp liblz4
# loaded when they are first called, see include/assay/late.h: their headers are needed here, and they there
LATE_LIBS := libarchive libcurl libgit2 capstone
# of the scheduler alone, which is a program of its own
FARM_LIBS := sqlite3 libpq libmicrohttpd gnutls
FARM_PACKAGES := libsqlite3-dev libpq-dev libmicrohttpd-dev libgnutls28-dev
BUILD_PACKAGES := gcc make perl-base pkg-config git ca-certificates scdoc libarchive-dev libssl-dev libgit2-dev \
	libzstd-dev liblzma-dev libbz2-dev zlib1g-dev libxxhash-dev libyaml-dev libjansson-dev \
	libcurl4-openssl-dev libseccomp-dev libcapstone-dev liblz4-dev $(FARM_PACKAGES)
RUN_PACKAGES := libcurl4 libarchive13 libgit2-1.5 libcapstone4 mmdebstrap apt gpgv debian-archive-keyring dpkg-dev
TEST_PACKAGES := check minisign signify-openbsd gpg gpg-agent openssl zstd xz-utils bzip2 binutils \
	python3-jsonschema python3-yaml fakeroot perl cpio libarchive-tools unzip pngcheck gettext dpkg
CAUSE_PACKAGES := build-essential debhelper dwz faketime zip cpio texinfo help2man doxygen bison groff asciidoc-base \
	gettext python3 libncurses-dev
VM_PACKAGES := qemu-system-x86 linux-image-cloud-amd64 busybox-static e2fsprogs attr
S3_PACKAGES := check python3-swift memcached curl
BENCH_PACKAGES := bubblewrap runc
HOSTILE_PACKAGES := runc crun uidmap perl procps python3
TOKEN_PACKAGES := softhsm2 libengine-pkcs11-openssl opensc xxd
CHAOS_PACKAGES := postgresql postgresql-client faketime iproute2 procps python3
LINT_PACKAGES := codespell shellcheck pmccabe clang clang-format-14 bear gcovr libclang-rt-14-dev

O := build/$(B)
# The date on the man pages; the commit's when there is one, so that two builds agree.
SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
ROOT := $(CURDIR)

# ---- flags -----------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wformat=2 -Wundef -Wdate-time -Wimplicit-fallthrough -Wnull-dereference
ifneq (,$(findstring gcc,$(CC)))
WARN += -Wlogical-op -Wduplicated-cond -Wjump-misses-init
endif
ifneq (,$(findstring clang,$(CC)))
WARN += -Wno-gnu-variable-sized-type-not-at-end
endif
ifdef DEV
WARN += -Werror
endif
HARDEN := -D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero -fstack-clash-protection \
	-fstack-protector-strong -fcf-protection
OPT_release := -O2 -g $(HARDEN)
OPT_debug := -O0 -g3
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_cov := -O0 -g --coverage
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
ifeq ($(B),fuzz)
CC := clang
endif
ifeq (,$(OPT_$(B)))
$(error B=$(B): want release, debug, asan, cov or fuzz)
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) $(LATE_LIBS) $(FARM_LIBS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lbz2 -lm -pthread
FARM_PKG_LIBS := $(shell pkg-config --libs $(FARM_LIBS) 2>/dev/null)
CPPFLAGS_ALL := -Iinclude -include assay/banned.h -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DASSAY_VERSION='"$(VERSION)"' -DASSAY_LIBEXECDIR='"$(libexecdir)/assay"' \
	-DASSAY_SYSCONFDIR='"/etc/assay"' -DASSAY_DATADIR='"$(datadir)/assay"' $(CPPFLAGS)
CFLAGS_ALL := -std=gnu17 -pthread -fPIE $(OPT_$(B)) $(WARN) -ffile-prefix-map=$(ROOT)=. $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--build-id=sha1 $(LDFLAGS)
ifneq (,$(filter asan cov,$(B)))
LDFLAGS_ALL += $(filter -fsanitize% --coverage,$(OPT_$(B)))
endif
ifeq ($(B),fuzz)
LDFLAGS_ALL += -fsanitize=address,undefined
endif

# the launcher needs nothing but libc, and starts faster without the dynamic loader
LAUNCHER_STATIC := $(if $(filter release debug,$(B)),-static-pie)

# ---- sources, sorted: the link order is part of a reproducible build -------------------------
LIB_SRC := $(sort $(filter-out scheduler/main.c,$(wildcard lib/*/*.c normalizers/*.c scheduler/*.c)))
LAUNCHER_SRC := $(sort $(wildcard lib/box/launcher/*.c))
PROG_SRC := $(sort $(wildcard cli/*.c worker/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/t_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/f_*.c))
MAN_SRC := $(sort $(wildcard docs/man/*.scd))
VERB_SRC := $(filter %.1.scd,$(MAN_SRC))

LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o) $(O)/lib/report/assets.o
LAUNCHER_OBJ := $(LAUNCHER_SRC:%.c=$(O)/%.o)
PROG_OBJ := $(PROG_SRC:%.c=$(O)/%.o) $(O)/help.o
MAN := $(MAN_SRC:docs/man/%.scd=$(O)/man/%)
COMPLETIONS := $(addprefix $(O)/completions/,assay.bash _assay assay.fish)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/fuzz/%)

.PHONY: all
all: $(O)/assay $(O)/assay-scheduler $(if $(LAUNCHER_SRC),$(O)/assay-box) $(MAN) $(COMPLETIONS) ## build the program (build/$(B)/assay)

# Another compiler, prefix or flag rebuilds everything: the line below is the record that tells.
FLAGS := $(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(filter-out -Werror,$(CFLAGS_ALL)) $(LDFLAGS_ALL)
ifeq (,$(filter help clean deps fmt fmt-check,$(MAKECMDGOALS)))
IGNORED := $(shell mkdir -p $(O); echo '$(subst ','\'',$(FLAGS))' > $(O)/flags.new; \
	cmp -s $(O)/flags.new $(O)/flags || cp $(O)/flags.new $(O)/flags)
endif

$(O)/%.o: %.c $(O)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# ---- the manual is the source of --help and of the completions ---------------------------------
$(O)/help.c: tools/pages $(VERB_SRC)
	$(call say,PAGES,$@)
	@mkdir -p $(@D)
	$(Q)tools/pages help $(VERB_SRC) > $@

# ---- the HTML report's style and script travel in the program ----------------------------------
$(O)/lib/report/assets.c: tools/embed lib/report/report.css lib/report/report.js
	@mkdir -p $(@D)
	$(Q)tools/embed lib/report/writers.h report_html_style=lib/report/report.css \
		report_html_script=lib/report/report.js > $@

$(O)/lib/report/assets.o: $(O)/lib/report/assets.c lib/report/writers.h
	$(Q)$(CC) -I. $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) -c -o $@ $<

$(O)/help.o: $(O)/help.c cli/help.h
	$(Q)$(CC) -I. $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

$(O)/completions/assay.bash: SHELL_KIND := bash
$(O)/completions/_assay: SHELL_KIND := zsh
$(O)/completions/assay.fish: SHELL_KIND := fish
$(COMPLETIONS): tools/pages $(VERB_SRC)
	$(call say,PAGES,$@)
	@mkdir -p $(@D)
	$(Q)tools/pages $(SHELL_KIND) $(VERB_SRC) > $@

$(O)/man/%: docs/man/%.scd
	$(call say,SCDOC,$@)
	@mkdir -p $(@D)
	$(Q)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) scdoc < $< > $@

$(O)/libassay.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcsD $@ $^

$(O)/assay: $(PROG_OBJ) $(O)/libassay.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(CFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(O)/assay-scheduler: $(O)/scheduler/main.o $(O)/libassay.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(CFLAGS_ALL) -o $@ $^ $(PKG_LIBS) $(FARM_PKG_LIBS)

$(O)/assay-box: $(LAUNCHER_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(if $(LAUNCHER_STATIC),$(LAUNCHER_STATIC) $(filter-out -pie,$(LDFLAGS_ALL)),$(LDFLAGS_ALL)) \
		$(CFLAGS_ALL) -o $@ $^

$(O)/tests/t_%: tests/unit/t_%.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(filter %.o,$^) $(O)/libassay.a $(PKG_LIBS) $(MORE_LIBS) $(shell pkg-config --libs check 2>/dev/null)

$(O)/tests/t_admission $(O)/tests/t_http $(O)/tests/t_queue $(O)/tests/t_schedule $(O)/tests/t_worker: MORE_LIBS := $(FARM_PKG_LIBS)
$(O)/tests/t_worker: $(filter $(O)/worker/%,$(PROG_OBJ))

$(O)/fuzz/f_%: tests/fuzz/f_%.c tests/fuzz/replay.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. \
		$(if $(filter fuzz,$(B)),-fsanitize=fuzzer,tests/fuzz/replay.c) -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

$(O)/hostile/suite: tests/hostile/suite.c tests/hostile/skeleton.h tests/hostile/rows.h tests/hostile/host.h $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -Wl,--wrap=box_weigh_host -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

$(O)/bench/box $(O)/bench/box_build: $(O)/bench/%: tests/bench/%.c tests/hostile/skeleton.h $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

$(O)/system/%: tests/system/%.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

# shares no code with what is measured against it
$(O)/bench/floor: tests/bench/floor.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 -D_GNU_SOURCE $(WARN) -o $@ $< $(shell pkg-config --cflags --libs libarchive libcrypto) -pthread

.PHONY: bench-box
bench-box: all $(O)/bench/box $(O)/bench/box_build ## what a box costs: start against bwrap and runc, a build against bare
	@tools/deps $(BENCH_PACKAGES)
	tests/bench/box.sh $(O) build/bench

$(O)/bench/jail: tests/bench/jail.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

.PHONY: bench-jail
bench-jail: all $(O)/bench/jail ## what a jail costs beside fork and wait
	$(O)/bench/jail

.PHONY: bench-trace
bench-trace: all ## what verify --trace adds to a build that is mostly configure
	tests/bench/trace $(O)/assay

# no sanitizer in it: it is full of calls that fail on purpose
ATTACK_SRC := $(sort $(wildcard tests/hostile/attack*.c))
$(O)/hostile/attack: $(ATTACK_SRC) tests/hostile/attack.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -D_GNU_SOURCE $(WARN) -pthread -o $@ $(ATTACK_SRC) -lrt

# ---- packages ----------------------------------------------------------------------------------
.PHONY: deps
deps: ## install what the build and the tests need, if missing (apt-get)
	@tools/deps $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)

.PHONY: deps-lint
deps-lint: deps ## the same for whoever works on the code: linters, clang, coverage
	@tools/deps $(LINT_PACKAGES)

# ---- tests -------------------------------------------------------------------------------------
# Unit programs, fuzz targets on their corpora, and scripts: tests/FOLDER/run or any tests/FOLDER/NAME.sh.
# The heavy ones have targets of their own.
HEAVY := web bench badday hostile system farm causes torture chaos
SCRIPTS := $(sort $(filter-out $(foreach h,$(HEAVY),tests/$(h)/%),$(wildcard tests/*/run tests/*/*.sh)))
TESTS := $(UNIT_BIN) $(FUZZ_BIN) $(SCRIPTS)
ifdef T
TESTS := $(filter $(foreach name,$(T),%/$(name) %/t_$(name) %/f_$(name) %/$(name).sh \
	tests/$(name)/run),$(TESTS))
endif

.PHONY: check
check: deps ## install what is missing, build, run all tests
	@$(MAKE) --no-print-directory check-built

.PHONY: check-built
check-built: all $(filter $(O)/%,$(TESTS)) ## build and run all tests; installs nothing
	@tests/run $(O) $(TESTS)

.PHONY: sanitize
sanitize: ## all tests under ASan and UBSan
	@CK_FORK=no $(MAKE) --no-print-directory B=asan check

.PHONY: web
web: all ## the HTML report in a real browser: read, searched, filtered, printed
	@command -v npm >/dev/null || tools/deps nodejs npm
	@tools/deps chromium
	tests/web/run $(abspath $(O))/assay

$(O)/farm/simulate: tests/farm/simulate.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS) $(FARM_PKG_LIBS)

$(O)/bench/farm: tests/bench/farm.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS) $(FARM_PKG_LIBS)

.PHONY: bench-farm
bench-farm: all $(O)/bench/farm ## leases against bare transactions, with up to a million queued jobs; an idle scheduler
	@tools/deps postgresql procps
	tests/bench/farm.sh $(O) build/bench

.PHONY: farm-simulation
farm-simulation: $(O)/farm/simulate ## a million jobs and ten thousand workers under a virtual clock
	$(O)/farm/simulate --jobs=1000000 --workers=10000

.PHONY: chaos
chaos: all ## N=5000 SEED=1: a farm while everything around it breaks, on SQLite and on a real PostgreSQL
	@tools/deps $(CHAOS_PACKAGES)
	tests/chaos/run $(O)/assay sqlite $(or $(N),5000) $(or $(SEED),1)
	tests/chaos/run $(O)/assay postgresql $(or $(N),5000) $(or $(SEED),1)

.PHONY: farm
farm: all $(O)/tests/t_queue $(O)/farm/simulate ## scheduler and workers, on SQLite and on a real PostgreSQL
	@tools/deps postgresql curl procps prometheus openssl $(TOKEN_PACKAGES)
	$(O)/farm/simulate --jobs=20000 --workers=300
	tests/farm/run $(O)/assay
	tests/farm/retention $(O)/assay
	tests/farm/backup $(O)/assay
	tests/farm/postgres bash -c 'u=$$ASSAY_TEST_POSTGRES; psql -q "$$u" -c "CREATE DATABASE other" && \
		tests/farm/backup $(O)/assay "$$u" "$$(echo "$$u" | sed s,/postgres?,/other?,)"'
	tests/farm/identity $(O)/assay
	tests/farm/secrets $(O)/assay
	tests/farm/token $(O)/assay
	tests/farm/postgres bash -c 'tests/farm/identity $(O)/assay "$$ASSAY_TEST_POSTGRES"'
	CK_FORK=no tests/farm/postgres $(O)/tests/t_queue
	tests/farm/failover $(O)/assay
	tests/farm/postgres bash -c 'tests/farm/run $(O)/assay "$$ASSAY_TEST_POSTGRES"'

.PHONY: deploy-check
deploy-check: ## units by systemd's own checks, manifests and the API's document by published schemas
	@tools/deps systemd
	@command -v npm >/dev/null || tools/deps nodejs npm
	tests/deploy/manifests

.PHONY: farm-slurm
farm-slurm: all ## twenty jobs through Debian's own Slurm, each as a worker of one job
	@tools/deps slurmctld slurmd slurm-client munge
	tests/farm/slurm $(O)/assay

$(O)/farm/s3_store: tests/farm/s3_store.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS) $(shell pkg-config --libs check 2>/dev/null)

.PHONY: farm-s3
farm-s3: all $(O)/farm/s3_store ## the store in a real S3 service (OpenStack Swift)
	@tools/deps $(S3_PACKAGES)
	tests/farm/s3 bash -c '$(O)/farm/s3_store && tests/farm/s3_farm $(O)/assay assay-test'

.PHONY: system
system: all $(O)/system/environment ## as root, with the machine's mirror: the archive's chain, environments
	$(O)/system/environment
	tests/system/mirror.sh $(abspath $(O))/assay
	tests/system/buildinfo.sh $(O)/assay $(abspath $(O))/system/store
	tests/system/recipes.sh $(O)/assay $(abspath $(O))/system/store

.PHONY: box-vm
box-vm: all $(O)/tests/t_box $(O)/tests/t_box_view ## the box under Debian's kernel in an emulator: control groups of version 2 alone
	@tools/deps $(VM_PACKAGES)
	tests/system/vm.sh $(O)

.PHONY: badday
badday: all ## full disks, kills, broken mirrors and stores
	tests/badday/run $(O)/assay

.PHONY: badday-debian
badday-debian: all ## the same for a Debian package, with the machine's mirror: some thirty builds
	tests/badday/debian $(O)/assay

.PHONY: hostile
hostile: all $(O)/hostile/suite $(O)/hostile/attack ## builds that attack the box and the verdict, by both drivers
	@tools/deps $(HOSTILE_PACKAGES)
	$(O)/hostile/suite
	$(O)/hostile/suite --runtime=runc
	$(O)/hostile/suite --runtime=crun
	tests/hostile/verify $(O)/assay
	tests/hostile/verify $(O)/assay crun
	tests/hostile/verify $(O)/assay runc

.PHONY: hostile-mutants
hostile-mutants: all $(O)/hostile/suite $(O)/hostile/attack ## each layer of the box left out in turn: some row must notice
	@tools/deps $(HOSTILE_PACKAGES)
	$(O)/hostile/suite --mutants
	$(O)/hostile/suite --runtime=crun --mutants

.PHONY: causes
causes: all ## how well causes are named: labelled pairs made with public tools, Debian sources rebuilt
	@tools/deps $(CAUSE_PACKAGES)
	tests/causes/run $(O)/assay build/causes

.PHONY: torture
torture: all ## T="nested ...": bombs, a million members, archives within archives: bounded memory and time, clear words
	tests/torture/run $(O)/assay build/torture $(T)

.PHONY: fuzz
fuzz: ## T=tar SECS=60: libFuzzer on one target, beginning with its corpus
	@tools/deps clang libclang-rt-14-dev
	@$(MAKE) --no-print-directory B=fuzz build/fuzz/fuzz/f_$(T)
	@mkdir -p build/fuzz/found/$(T) tests/fuzz/corpus/$(T)
	build/fuzz/fuzz/f_$(T) -max_total_time=$(or $(SECS),60) -rss_limit_mb=2048 \
		-artifact_prefix=build/fuzz/found/$(T)/ build/fuzz/found/$(T) tests/fuzz/corpus/$(T)

.PHONY: cov
cov: ## line coverage of the tests, in build/cov/coverage
	@tools/deps gcovr
	@$(MAKE) --no-print-directory B=cov check
	@mkdir -p build/cov/coverage
	@gcovr --root . --filter lib/ --filter normalizers/ --filter worker/ --filter cli/ \
		--html-details build/cov/coverage/index.html --print-summary build/cov | tail -n 3

.PHONY: repro-check
repro-check: all ## build two clones in two places and compare them with our own program
	@tools/repro-check $(O)/assay

.PHONY: demo
demo: deps ## the main job on a real package
	@$(MAKE) --no-print-directory all
	@tools/demo $(O)/assay build/demo

.PHONY: farm-demo
farm-demo: deps ## a scheduler, two workers and ten real packages, down to the nightly digest
	@$(MAKE) --no-print-directory all
	@tools/farm-demo $(O)/assay build/farm-demo

.PHONY: bench
bench: all $(O)/bench/floor ## against hashing, unpacking and hashing, and diffoscope: ratios in one run
	@tools/deps diffoscope-minimal
	tests/bench/run $(O)/assay build/bench

.PHONY: bench-normalize
bench-normalize: all ## against strip-nondeterminism, ratios in one run, on a tmpfs
	@tools/deps strip-nondeterminism
	tests/bench/normalize $(O)/assay $(or $(wildcard /dev/shm),build)/assay-bench-normalize

# ---- style -------------------------------------------------------------------------------------
HEADERS := $(sort $(wildcard include/assay/*.h lib/*/*.h normalizers/*.h worker/*.h scheduler/*.h cli/*.h))
C_FILES := $(sort $(wildcard lib/*/*.c lib/*/*/*.c normalizers/*.c worker/*.c scheduler/*.c cli/*.c tests/*/*.c))

.PHONY: lint
lint: deps-lint ## layers, lengths, headers, spelling, scripts, and what every format must have
	@$(MAKE) --no-print-directory lint-headers
	@tools/lint $(HEADERS) $(C_FILES)

.PHONY: lint-headers
lint-headers: $(HEADERS:%=$(O)/alone/%.ok)

$(O)/alone/%.ok: %
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -I. $(PKG_CFLAGS) -std=gnu17 $(WARN) -Wno-unused-function \
		-fsyntax-only -x c -include $< /dev/null
	@touch $@

.PHONY: fmt
fmt: ## clang-format on every C file
	@tools/deps clang-format-14
	@clang-format-14 -i $(HEADERS) $(C_FILES)

.PHONY: fmt-check
fmt-check: ## say what clang-format would change
	@tools/deps clang-format-14
	@clang-format-14 --dry-run --Werror $(HEADERS) $(C_FILES)

compile_commands.json: ## for editors
	@tools/deps bear
	bear -- $(MAKE) B=debug CC=$(CC) -B all

# ---- installation ------------------------------------------------------------------------------
INSTALL := install
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
UNITS := $(notdir $(wildcard share/systemd/*.service))

.PHONY: install
install: all ## DESTDIR and prefix as usual; a prefix must be given to `make` too
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig \
		$(DESTDIR)$(includedir)/assay $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 \
		$(DESTDIR)$(datadir)/bash-completion/completions \
		$(DESTDIR)$(datadir)/zsh/site-functions $(DESTDIR)$(datadir)/fish/vendor_completions.d
	$(INSTALL) -m 755 $(O)/assay $(DESTDIR)$(bindir)/assay
	$(INSTALL) -D -m 755 $(O)/assay-scheduler $(DESTDIR)$(libexecdir)/assay/assay-scheduler
	$(if $(LAUNCHER_SRC),$(INSTALL) -D -m 755 $(O)/assay-box $(DESTDIR)$(libexecdir)/assay/assay-box)
	$(INSTALL) -m 644 $(O)/libassay.a $(DESTDIR)$(libdir)/libassay.a
	$(INSTALL) -m 644 $(wildcard include/assay/*.h) $(DESTDIR)$(includedir)/assay
	$(INSTALL) -m 644 $(filter %.1,$(MAN)) $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 644 $(filter %.5,$(MAN)) $(DESTDIR)$(mandir)/man5
	$(INSTALL) -m 644 $(O)/completions/assay.bash \
		$(DESTDIR)$(datadir)/bash-completion/completions/assay
	$(INSTALL) -m 644 $(O)/completions/_assay $(DESTDIR)$(datadir)/zsh/site-functions/_assay
	$(INSTALL) -m 644 $(O)/completions/assay.fish \
		$(DESTDIR)$(datadir)/fish/vendor_completions.d/assay.fish
	$(INSTALL) -d $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir)
	for unit in $(UNITS); do sed 's|@bindir@|$(bindir)|' share/systemd/$$unit > $(DESTDIR)$(unitdir)/$$unit; done
	$(INSTALL) -m 644 share/systemd/assay.sysusers $(DESTDIR)$(sysusersdir)/assay.conf
	sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|; s|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|; s|@libs@|$(LIBS)|' share/assay.pc.in \
		> $(DESTDIR)$(libdir)/pkgconfig/assay.pc

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(bindir)/assay $(DESTDIR)$(libexecdir)/assay/assay-box \
		$(DESTDIR)$(libexecdir)/assay/assay-scheduler \
		$(DESTDIR)$(libdir)/libassay.a $(DESTDIR)$(libdir)/pkgconfig/assay.pc \
		$(patsubst $(O)/man/%,$(DESTDIR)$(mandir)/man1/%,$(filter %.1,$(MAN))) \
		$(patsubst $(O)/man/%,$(DESTDIR)$(mandir)/man5/%,$(filter %.5,$(MAN))) \
		$(DESTDIR)$(datadir)/bash-completion/completions/assay \
		$(DESTDIR)$(datadir)/zsh/site-functions/_assay \
		$(DESTDIR)$(datadir)/fish/vendor_completions.d/assay.fish \
		$(UNITS:%=$(DESTDIR)$(unitdir)/%) $(DESTDIR)$(sysusersdir)/assay.conf
	rm -rf $(DESTDIR)$(includedir)/assay
	-rmdir $(DESTDIR)$(libexecdir)/assay

.PHONY: dist
dist: ## the release tarball of HEAD, the same bytes for everyone (build/dist)
	@tools/dist $(VERSION) build/dist/assay-$(VERSION).tar.gz
	@echo build/dist/assay-$(VERSION).tar.gz

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z_.-]+:.*## ' Makefile | sed -E 's/^([a-z_.-]+):.*## /\1\t/' | sort | expand -t 24

-include $(shell find $(O) -name '*.d' -type f -not -path '*/system/store/*' 2>/dev/null)
