# assay: one non-recursive makefile.  `make help` lists the targets.
#   B=release|debug|asan|cov|fuzz   the variant; each has its own directory build/$(B)
#   CC=clang                        another compiler
#   V=1                             show commands
#   DEV=1                           warnings are errors (CI)
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
LIBS := libarchive libcrypto libgit2 libzstd liblzma zlib libxxhash yaml-0.1 jansson libcurl libseccomp
BUILD_PACKAGES := gcc make perl-base pkg-config git ca-certificates scdoc libarchive-dev libssl-dev libgit2-dev \
	libzstd-dev liblzma-dev libbz2-dev zlib1g-dev libxxhash-dev libyaml-dev libjansson-dev \
	libcurl4-openssl-dev libseccomp-dev
RUN_PACKAGES := mmdebstrap apt gpgv debian-archive-keyring dpkg-dev
TEST_PACKAGES := check minisign signify-openbsd gpg openssl zstd xz-utils bzip2 binutils \
	python3-jsonschema fakeroot perl

LINT_PACKAGES := clang clang-format-14 codespell shellcheck pmccabe

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

PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lbz2 -lm -pthread
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

# ---- sources, sorted: the link order is part of a reproducible build -------------------------
LIB_SRC := $(sort $(wildcard lib/*/*.c normalizers/*.c))
LAUNCHER_SRC := $(sort $(wildcard lib/box/launcher/*.c))
PROG_SRC := $(sort $(wildcard cli/*.c worker/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/t_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/f_*.c))
MAN_SRC := $(sort $(wildcard docs/man/*.scd))

LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
LAUNCHER_OBJ := $(LAUNCHER_SRC:%.c=$(O)/%.o)
PROG_OBJ := $(PROG_SRC:%.c=$(O)/%.o) $(O)/help.o
MAN := $(MAN_SRC:docs/man/%.scd=$(O)/man/%)
COMPLETIONS := $(addprefix $(O)/completions/,assay.bash _assay assay.fish)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/fuzz/%)

.PHONY: all
all: $(O)/assay $(if $(LAUNCHER_SRC),$(O)/assay-box) $(MAN) $(COMPLETIONS) ## build the program (build/$(B)/assay)

$(O)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# ---- the manual is the source of --help and of the completions ---------------------------------
$(O)/help.c: tools/pages $(MAN_SRC)
	$(call say,PAGES,$@)
	@mkdir -p $(@D)
	$(Q)tools/pages help $(MAN_SRC) > $@

$(O)/help.o: $(O)/help.c cli/help.h
	$(Q)$(CC) -I. $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

$(O)/completions/assay.bash: SHELL_KIND := bash
$(O)/completions/_assay: SHELL_KIND := zsh
$(O)/completions/assay.fish: SHELL_KIND := fish
$(COMPLETIONS): tools/pages $(MAN_SRC)
	$(call say,PAGES,$@)
	@mkdir -p $(@D)
	$(Q)tools/pages $(SHELL_KIND) $(MAN_SRC) > $@

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

$(O)/assay-box: $(LAUNCHER_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(CFLAGS_ALL) -o $@ $^

$(O)/tests/t_%: tests/unit/t_%.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS) $(shell pkg-config --libs check 2>/dev/null)

$(O)/fuzz/f_%: tests/fuzz/f_%.c $(O)/libassay.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(PKG_CFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) -MMD -MP -I. \
		$(if $(filter fuzz,$(B)),-fsanitize=fuzzer,tests/fuzz/replay.c) -o $@ $< \
		$(O)/libassay.a $(PKG_LIBS)

# ---- dependencies --------------------------------------------------------------------------------
ALL_PACKAGES := $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)

.PHONY: deps deps-lint
deps: ## install what building, running and testing needs and this machine lacks
	@tools/deps $(ALL_PACKAGES)

deps-lint:
	@tools/deps $(ALL_PACKAGES) $(LINT_PACKAGES)

# ---- tests ---------------------------------------------------------------------------------------
.PHONY: check check-built sanitize lint fmt fmt-check repro-check badday hostile demo bench
# In two steps: pkg-config answers only once the packages are there.
check: deps ## install what is missing, build, run all tests
	@$(MAKE) --no-print-directory check-built

check-built: all $(UNIT_BIN)
	@tools/check $(O)

sanitize: deps ## all tests under ASan and UBSan
	@CK_FORK=no ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 $(MAKE) --no-print-directory B=asan check-built

lint: deps-lint ## layering, headers, lengths, spelling, shell
	tools/lint-layers
	codespell --quiet-level=3 --ignore-words=tools/spelling $$(git ls-files | grep -vE '^(LICENSE|tests/(golden|cli|adversarial)/)')
	shellcheck -S warning .ci/run $$(git ls-files tools tests | xargs grep -lE '^#!.*\b(ba)?sh')

fmt: ## format the code in place (clang-format 14)
	clang-format-14 -i $$(git ls-files '*.[ch]')

fmt-check: ## is the code formatted?
	clang-format-14 --dry-run -Werror $$(git ls-files '*.[ch]')

repro-check: all ## build twice in different places and compare with our own program
	tools/repro-check $(O)/assay

badday: all ## full disks, kills, broken mirrors and stores
	tests/badday/run $(O)/assay

hostile: all ## builds that attack the box
	tests/hostile/run $(O)/assay

demo: deps ## the main job on a real package
	@$(MAKE) --no-print-directory all
	@tools/demo $(O)/assay build/demo

bench: all ## against diffoscope and against decompress-and-hash, ratios in one run
	tests/bench/run $(O)/assay build/bench

# ---- installation --------------------------------------------------------------------------------
INSTALL := install -D -m

.PHONY: install uninstall
install: all ## install below $(DESTDIR)$(prefix)
	$(INSTALL) 755 $(O)/assay $(DESTDIR)$(bindir)/assay
	$(INSTALL) 755 $(O)/assay-box $(DESTDIR)$(libexecdir)/assay/assay-box
	$(INSTALL) 644 $(O)/libassay.a $(DESTDIR)$(libdir)/libassay.a
	for h in include/assay/*.h; do $(INSTALL) 644 $$h $(DESTDIR)$(includedir)/assay/$${h##*/} || exit; done
	for m in $(MAN); do $(INSTALL) 644 $$m $(DESTDIR)$(mandir)/man$${m##*.}/$${m##*/} || exit; done
	$(INSTALL) 644 $(O)/completions/assay.bash $(DESTDIR)$(datadir)/bash-completion/completions/assay
	$(INSTALL) 644 $(O)/completions/_assay $(DESTDIR)$(datadir)/zsh/site-functions/_assay
	$(INSTALL) 644 $(O)/completions/assay.fish $(DESTDIR)$(datadir)/fish/vendor_completions.d/assay.fish
	install -d $(DESTDIR)$(libdir)/pkgconfig
	sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' share/assay.pc.in > $(DESTDIR)$(libdir)/pkgconfig/assay.pc
	chmod 644 $(DESTDIR)$(libdir)/pkgconfig/assay.pc

uninstall: ## remove what install put there
	rm -rf $(DESTDIR)$(bindir)/assay $(DESTDIR)$(libexecdir)/assay $(DESTDIR)$(libdir)/libassay.a \
		$(DESTDIR)$(includedir)/assay $(DESTDIR)$(libdir)/pkgconfig/assay.pc \
		$(DESTDIR)$(datadir)/bash-completion/completions/assay \
		$(DESTDIR)$(datadir)/zsh/site-functions/_assay \
		$(DESTDIR)$(datadir)/fish/vendor_completions.d/assay.fish
	for m in $(MAN); do rm -f $(DESTDIR)$(mandir)/man$${m##*.}/$${m##*/}; done

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | expand -t 14

-include $(shell find $(O) -name '*.d' 2>/dev/null)
