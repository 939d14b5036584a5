# Spindle. `make help` lists the targets.

# The kernel needs a toolchain for x86-64 ELF: the host's own on x86-64 Linux, elsewhere the first
# cross toolchain that is installed. .ci/packages names the package when there is none.
HOST_MACHINE ?= $(shell uname -s)-$(shell uname -m)
# spindle-mount is made where FUSE is.
FUSE := $(filter Linux-%,$(HOST_MACHINE))
ifeq ($(origin CROSS_COMPILE),undefined)
ifneq ($(HOST_MACHINE),Linux-x86_64)
CROSS_COMPILE := $(firstword $(foreach prefix,x86_64-linux-gnu- x86_64-elf-, \
    $(if $(shell command -v $(prefix)gcc),$(prefix))) x86_64-linux-gnu-)
endif
endif
DEBUG ?= 0
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
LD := $(CROSS_COMPILE)ld
NM := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy

ifneq ($(V),1)
.SILENT:
endif

BUILD := build
KERNEL_OUT := $(BUILD)/kernel

.PHONY: all kernel iso run run-gui debug host test differential tsan stress lint soak fuzz bench \
    help clean FORCE
all: kernel

# Names of folders that are easily taken for targets: make would report them as up to date.
.PHONY: boot fs lib tests shell
boot fs lib tests shell:
	@echo "$@ is a folder; \`make help\` lists the targets" >&2; exit 2

help:
	@echo "make run      build, and boot the CD in QEMU; this terminal is the serial console"
	@echo "              DISC=other.iso puts another disc into a second drive, DISK=disk.img"
	@echo "              attaches a disk (its file is changed by what is written to the disk)"
	@echo "make run-gui  the same with a window: the machine's own screen and keyboard"
	@echo "make iso      build/spindle.iso, the boot CD"
	@echo "make debug    as run, but waits for gdb; prints the command to type there"
	@echo "make test     every test; the last line counts passed and failed"
	@echo "make kernel   build/spindle.elf only (the default target)"
	@echo "make host     build/host/spindle-sh and spindle-mount, the shell and the file systems"
	@echo "              as programs for this machine"
	@echo "make install  those programs, with man pages (PREFIX=/usr/local, DESTDIR=)"
	@echo "make deb      a Debian package of them"
	@echo "make drivers  build/drivers/NAME.drv, drivers that can be loaded at run time"
	@echo "make sdk      build/spindle-sdk.tar.xz, to compile such drivers outside this tree"
	@echo "make lint     check which folder uses which, circles, sizes, assertions, wording"
	@echo "make differential  compare random command lines with GNU's tools:"
	@echo "              DIFFERENTIAL_LINES=100000 DIFFERENTIAL_SEED=1"
	@echo "make soak     boot SOAK_BOOTS=1000 times, cut the power of writing machines SOAK_CUTS=200"
	@echo "              times, check each volume in SOAK_STATES=200000 states after a crash, and"
	@echo "              load writable mounts for SOAK_SECONDS=120 in each of several ways"
	@echo "make tsan     run the concurrency tests under ThreadSanitizer"
	@echo "make stress   race commands for the same drives, STRESS_SECONDS=120 a sanitizer"
	@echo "make fuzz     fuzz discs, shell lines and driver objects, FUZZ_SECONDS=60 each (needs clang)"
	@echo "make bench    measure speed beside Debian's Linux and beside no kernel:"
	@echo "              BENCH_RUNS=5 times; BENCH_ROWS=\"file walk\": only these rows"
	@echo "make clean    remove build/"
	@echo "With: CC=clang  CROSS_COMPILE=x86_64-elf-  HOST_CC=cc  QEMU=qemu-system-x86_64"
	@echo "      DEBUG=1 (checks freed memory)  V=1 (shows the commands)"
	@echo "      LTO= (compiles each file by itself: faster, and prof shows more functions)"
	@echo "      SPINDLE_CORPORA=folder (more discs for make test, with what is known of them)"

clean:
	rm -rf $(BUILD)

# Missing packages are installed first; a second make then builds the target, because the rules below
# need the tools as soon as they are read.
iso run debug: MAKE_NEEDS := run
soak: MAKE_NEEDS := soak
run-gui: MAKE_NEEDS := gui
test differential tsan stress: MAKE_NEEDS := test
kernel host drivers sdk: MAKE_NEEDS := build
lint: MAKE_NEEDS := lint
fuzz: MAKE_NEEDS := fuzz
bench: MAKE_NEEDS := bench

# As many compilers at a time as there are processors, except where the terminal is QEMU's.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
kernel iso drivers sdk host test differential tsan stress lint soak fuzz bench: MAKE_JOBS := -j$(JOBS)

kernel iso run run-gui debug drivers sdk host test differential tsan stress lint soak fuzz bench:
	CC="$(CC)" .ci/packages $(MAKE_NEEDS)
	$(MAKE) --no-print-directory $(MAKE_JOBS) do-$@

.PHONY: do-kernel do-iso do-run do-run-gui do-debug do-host do-test do-differential do-tsan \
    do-stress do-lint do-soak do-fuzz do-bench
do-kernel: $(BUILD)/spindle.elf
	@echo "$< is ready"
do-iso: $(BUILD)/spindle.iso
	@echo "$< is ready"
do-host: $(BUILD)/host/spindle-sh $(if $(FUSE),$(BUILD)/host/spindle-mount)
	@echo "$^: ready"

# ---- the kernel -----------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror

KERNEL_CPPFLAGS := -I. -nostdinc -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) \
    -DKERNEL_DEBUG=$(DEBUG)
# gcc optimizes the kernel as a whole, which saves calls between its files: returns are slow in an
# emulator. LTO= builds faster. (A cross compiler may have been built without LTO.)
LTO ?= $(shell $(CC) -flto -fsyntax-only -x c /dev/null 2>/dev/null && echo 1)
LTO := $(LTO)
GCC := $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),,1)
# Functions and jumps are not aligned: 3 % of the file was padding. Loops are.
# -fbuiltin: small copies of a known size are inlined. Larger ones call our memcpy(): gcc would use
# `rep movsq`, which an emulator executes word by word. (clang needs no option for this.)
GCC_CFLAGS := -mmemcpy-strategy=libcall:-1:noalign \
    -mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign \
    -falign-functions=1 -falign-jumps=1 $(if $(LTO),-flto)
# The flags that drivers outside this tree need too, with either compiler.
CODE_CFLAGS := -std=gnu17 -O2 -ffreestanding -fbuiltin -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-pic -fno-stack-protector -fno-omit-frame-pointer \
    -fno-asynchronous-unwind-tables -fno-common
KERNEL_CFLAGS := $(CODE_CFLAGS) -g -ffunction-sections -fdata-sections \
    $(if $(GCC),$(GCC_CFLAGS)) \
    $(WARNINGS) -Wframe-larger-than=1024
KERNEL_LDFLAGS := -T linker.ld -nostdlib -static --gc-sections -z noexecstack \
    -z max-page-size=4096 --build-id=none

# $(call tree,FOLDER,PATTERNS): all files below the folder that match.
tree = $(sort $(foreach entry,$(wildcard $1/*),$(call tree,$(entry),$2) $(filter $2,$(entry))))
KERNEL_ROOMS := boot kernel drivers fs shell lib tests/kernel
KERNEL_SOURCES := $(foreach room,$(KERNEL_ROOMS),$(call tree,$(room),%.c %.S))
KERNEL_HEADERS := $(foreach room,$(KERNEL_ROOMS),$(call tree,$(room),%.h))
# Drivers that are loaded at run time, and their sources. BUILTIN="name ..." links them into the kernel
# instead.
LOADABLE := counter onefile ramscsi virtio virtio-blk virtio-scsi nvme fat exfat
SOURCES_counter := $(BUILD)/book/4-driver.c
SOURCES_onefile := $(BUILD)/book/5-fsd.c
SOURCES_ramscsi := $(BUILD)/book/10-bus.c
SOURCES_virtio := $(wildcard drivers/virtio/*.c)
SOURCES_virtio-blk := $(wildcard drivers/storage/virtio/blk*.c)
SOURCES_nvme := $(wildcard drivers/storage/nvme/*.c)
SOURCES_fat := $(wildcard fs/fat/*.c fs/fat/*/*.c)
SOURCES_exfat := $(wildcard fs/exfat/*.c fs/exfat/*/*.c)
SOURCES_virtio-scsi := $(wildcard drivers/storage/virtio/scsi*.c)
# Commands that are loaded when they are typed: an object for each of these folders. Their entries in
# the index are beside them. An object contains the sources of lib/ that the kernel has no other use
# for; several may contain the same.
COMMAND_OBJECTS := archives data disks edit find lines names tools
LOADABLE += $(COMMAND_OBJECTS)
$(foreach name,$(COMMAND_OBJECTS),$(eval SOURCES_$(name) := $(call tree,shell/commands/$(name),%.c)))
SOURCES_disks += lib/partition/edit.c
SOURCES_archives += lib/deflate/gunzip.c lib/deflate/deflate.c
$(foreach name,archives find names tools,$(eval SOURCES_$(name) += lib/date_parse.c))
BUILTIN ?=
DRIVER_OUT := $(BUILD)/drivers

# A source that a built-in object shares with a loaded one is in the kernel.
BUILTIN_SOURCES := $(sort $(foreach name,$(BUILTIN),$(SOURCES_$(name))))
LOADED_SOURCES := $(filter-out $(BUILTIN_SOURCES), \
    $(foreach name,$(filter-out $(BUILTIN),$(LOADABLE)),$(SOURCES_$(name))))
KERNEL_OBJECTS := $(patsubst %,$(KERNEL_OUT)/%.o,$(filter-out $(LOADED_SOURCES),$(KERNEL_SOURCES))) \
    $(KERNEL_OUT)/build_id.c.o \
    $(KERNEL_OUT)/font.S.o $(KERNEL_OUT)/$(DRIVER_OUT)/known.c.o \
    $(patsubst %,$(KERNEL_OUT)/%.o,$(filter-out $(KERNEL_SOURCES),$(BUILTIN_SOURCES)))

# The screen's font, from the package console-setup-linux: 8 pixels wide, PSF version 1.
FONT ?= /usr/share/consolefonts/Uni2-Terminus16.psf.gz

$(BUILD)/spindle.elf: $(BUILD)/spindle.debug.elf
	@echo "  STRIP $@"
	$(OBJCOPY) --strip-all $< $@

# Links all objects into one. (Without -flto this is an ordinary relocatable link.)
LINK_WHOLE = $(CC) $(KERNEL_CFLAGS) -nostdlib -r $(if $(GCC),-flinker-output=nolto-rel -flto=auto)

$(KERNEL_OUT)/kernel.o: $(KERNEL_OBJECTS)
	@echo "  LD    $@"
	$(LINK_WHOLE) -o $@ $(KERNEL_OBJECTS)

# The kernel is linked twice: the first link yields the addresses of the functions for the symbol
# table of the second. They stay valid, because the table follows everything that it describes.
$(BUILD)/spindle.debug.elf: $(KERNEL_OUT)/kernel.o $(KERNEL_OUT)/symbols.S.o linker.ld
	@echo "  LD    $@"
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OUT)/kernel.o $(KERNEL_OUT)/symbols.S.o

$(KERNEL_OUT)/first.elf: $(KERNEL_OUT)/kernel.o $(KERNEL_OUT)/no_symbols.S.o linker.ld
	@echo "  LD    $@"
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OUT)/kernel.o $(KERNEL_OUT)/no_symbols.S.o

$(KERNEL_OUT)/symbols.S: $(KERNEL_OUT)/first.elf kernel/symbols.sh
	$(NM) -n $< >$(KERNEL_OUT)/symbols.txt
	sh kernel/symbols.sh <$(KERNEL_OUT)/symbols.txt >$@

$(KERNEL_OUT)/no_symbols.S: kernel/symbols.sh
	mkdir -p $(@D)
	sh kernel/symbols.sh </dev/null >$@

# For a test: the kernel with all loadable drivers built in, as BUILTIN="..." makes it, but from the
# objects of this kernel. In one partition, static functions stay static: the two links may give the
# same name to two of them.
BUILTIN_OBJECTS := $(sort $(foreach name,$(LOADABLE),$(SOURCES_$(name):%=$(KERNEL_OUT)/%.o)))
$(KERNEL_OUT)/builtin.o: $(BUILTIN_OBJECTS)
	@echo "  LD    $@"
	$(LINK_WHOLE) $(if $(GCC),-flto-partition=one) -o $@ $(BUILTIN_OBJECTS)

$(BUILD)/builtin.elf: $(KERNEL_OUT)/kernel.o $(KERNEL_OUT)/builtin.o $(KERNEL_OUT)/no_symbols.S.o \
    linker.ld
	@echo "  LD    $@"
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(filter %.o,$^)

# The build id is a digest of the sources, by which the kernel recognizes its own CD.
$(BUILD)/spindle.id: $(KERNEL_SOURCES) $(KERNEL_HEADERS) linker.ld Makefile
	mkdir -p $(@D)
	cat $(KERNEL_SOURCES) $(KERNEL_HEADERS) linker.ld | sha256sum | cut -c1-16 >$@

$(KERNEL_OUT)/build_id.c: $(BUILD)/spindle.id
	mkdir -p $(@D)
	{ echo 'extern const char spindle_build_id[];'; \
	  echo "const char spindle_build_id[] = \"$$(cat $<)\";"; } >$@

$(KERNEL_OUT)/font.S: $(FONT) Makefile
	mkdir -p $(@D)
	gzip -dc $(FONT) >$(KERNEL_OUT)/font.psf
	{ echo '    .section .rodata'; echo '    .globl font_start, font_end'; echo 'font_start:'; \
	  echo '    .incbin "$(KERNEL_OUT)/font.psf"'; echo 'font_end:'; \
	  echo '    .section .note.GNU-stack, "", @progbits'; } >$@

# Objects depend on this file, so they are made again when the compiler or its flags change.
$(KERNEL_OUT)/flags: FORCE
	mkdir -p $(@D)
	echo '$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) $(SMALL_SOURCES)' | cmp -s - $@ || \
	    echo '$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) $(SMALL_SOURCES)' >$@

# The last -std= counts: lib/ and fs/ use no GNU extensions, so that other systems can take them.
$(KERNEL_OUT)/lib/%.c.o $(KERNEL_OUT)/fs/%.c.o: STANDARD := -std=c17
# The boot loader reads the kernel slowly, so code that is large and seldom the limit is compiled for
# size: it becomes a third smaller. What `bench` measures is compiled for speed.
SMALL_ROOMS := drivers/input drivers/pci drivers/storage/partition drivers/storage/virtual/disc \
    kernel/module lib/identify lib/partition shell/commands shell/editor shell/language/builtins \
    shell/language/syntax shell/reading tests/kernel
SMALL_SOURCES := $(foreach room,$(SMALL_ROOMS),$(call tree,$(room),%.c)) \
    $(patsubst %,shell/%.c,command_not_found escapes messages options real terminal \
        language/functions language/jobs language/run language/script language/signals \
        language/state language/trace regex/compile regex/regex_list regex/set) \
    $(patsubst %,lib/%.c,date date_parse text_kind zone)
SMALL := $(SMALL_SOURCES:%=$(KERNEL_OUT)/%.o)
$(SMALL): OPTIMIZE := -Os
$(KERNEL_OUT)/shell/commands/system/bench%.c.o: OPTIMIZE :=

$(KERNEL_OUT)/%.c.o: %.c $(KERNEL_OUT)/flags
	mkdir -p $(@D)
	@echo "  CC    $<"
	$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) $(STANDARD) $(OPTIMIZE) -MMD -MP -c -o $@ $<

$(KERNEL_OUT)/%.S.o: %.S $(KERNEL_OUT)/flags
	mkdir -p $(@D)
	@echo "  AS    $<"
	$(CC) $(KERNEL_CPPFLAGS) -MMD -MP -c -o $@ $<

$(KERNEL_OUT)/%.c.o: $(KERNEL_OUT)/%.c $(KERNEL_OUT)/flags
	$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) -c -o $@ $<

$(KERNEL_OUT)/%.S.o: $(KERNEL_OUT)/%.S $(KERNEL_OUT)/flags
	$(CC) -c -o $@ $<

-include $(KERNEL_OBJECTS:.o=.d) $(BUILTIN_OBJECTS:.o=.d)

# ---- driver objects and the kit to make them outside the tree ------------------------------------

# The headers that declare the exported symbols, and those with the registration macros.
EXPORT_LISTS := kernel/module/exports.c shell/exports.c
SDK_ROOTS := kernel/module/info.h kernel/selftest.h
SDK_OUT := $(BUILD)/sdk
DRIVER_CFLAGS = $(CODE_CFLAGS) -Wall -Wextra -Wframe-larger-than=1024 -DKERNEL_DEBUG=$(DEBUG)

# One file that includes all headers of the kit; its preprocessed text is the interface.
$(SDK_OUT)/interface.h: $(EXPORT_LISTS) Makefile
	mkdir -p $(@D)
	{ cat $(EXPORT_LISTS) | grep -h '^#include'; \
	  for header in $(SDK_ROOTS); do echo "#include \"$$header\""; done; } | sort -u >$@

$(SDK_OUT)/.made: $(SDK_OUT)/interface.h $(KERNEL_HEADERS) kernel/module/driver.mk $(KERNEL_OUT)/flags
	@echo "  SDK   $(SDK_OUT)"
	rm -rf $(SDK_OUT)/include
	for header in $$($(CC) $(KERNEL_CPPFLAGS) $(CODE_CFLAGS) -MM -MT x $< | tr -d '\\' | tr ' ' '\n' | \
	        grep '\.h$$' | grep -v '^$(SDK_OUT)'); do \
	    mkdir -p $(SDK_OUT)/include/$$(dirname $$header) && cp $$header $(SDK_OUT)/include/$$header || exit 1; \
	done
	cp kernel/module/driver.mk $(SDK_OUT)/
	echo 'DRIVER_CFLAGS := $(DRIVER_CFLAGS)' >$(SDK_OUT)/flags.mk
	{ $(CC) $(KERNEL_CPPFLAGS) $(CODE_CFLAGS) -E -P $<; echo '$(CODE_CFLAGS) $(DEBUG)'; } | sha256sum | \
	    cut -c1-64 | tr -d '\n' >$(SDK_OUT)/abi
	touch $@

DRIVER_OBJECTS := $(patsubst %,$(DRIVER_OUT)/%.drv,$(filter-out $(BUILTIN),$(LOADABLE)))

.PHONY: drivers sdk do-drivers do-sdk
do-drivers: $(DRIVER_OBJECTS) $(DRIVER_OUT)/index
	@echo "$(DRIVER_OUT) is ready"
do-sdk: $(SDK_OUT)/.made
	tar -C $(BUILD) -cJf $(BUILD)/spindle-sdk.tar.xz --exclude=.made --exclude=interface.h sdk
	@echo "$(BUILD)/spindle-sdk.tar.xz is ready"

.SECONDEXPANSION:
# Headers of the driver's own folder are found in the tree, all others in the kit.
$(DRIVER_OUT)/%.drv: $$(SOURCES_$$*) $$(wildcard $$(addsuffix *.h,$$(dir $$(SOURCES_$$*)))) $(SDK_OUT)/.made
	mkdir -p $(@D)
	@echo "  DRV   $@"
	for source in $(SOURCES_$*); do \
	    $(CC) $(DRIVER_CFLAGS) $(WARNINGS) -I$(SDK_OUT)/include -nostdinc -idirafter . \
	        -isystem $(shell $(CC) -print-file-name=include) \
	        -c -o $(DRIVER_OUT)/$*.$$(basename $$source).o $$source || exit 1; \
	done
	$(LD) -r -o $@.part $(patsubst %,$(DRIVER_OUT)/$*.%.o,$(notdir $(SOURCES_$*)))
	$(OBJCOPY) --strip-debug --add-section driver_abi=$(SDK_OUT)/abi $@.part $@
	rm $@.part

# A symbol that is not exported would otherwise be missed only when the driver is loaded.
$(DRIVER_OUT)/index: $(DRIVER_OBJECTS) kernel/module/index.sh $(EXPORT_LISTS)
	mkdir -p $(@D)
	sed -n 's/^EXPORT(\(.*\));/\1/p' $(EXPORT_LISTS) | sort >$(DRIVER_OUT)/exports
	$(NM) -uA $(DRIVER_OBJECTS) | awk '{ print $$NF, $$1 }' | sort | join -v 2 $(DRIVER_OUT)/exports - | \
	    awk '{ print $$2, $$1, "is not in $(EXPORT_LISTS)"; missing = 1 } END { exit missing }'
	sh kernel/module/index.sh $(DRIVER_OBJECTS) >$@

# The kernel trusts the drivers that were built with it.
$(DRIVER_OUT)/known.c: $(DRIVER_OUT)/index $(SDK_OUT)/.made
	{ echo '#include "kernel/module/known.h"'; \
	  echo "const char driver_abi[] = \"$$(cat $(SDK_OUT)/abi)\";"; \
	  echo 'const char *const driver_digests[] = {'; \
	  cut -f 3 $< | sed 's/.*/    "&",/'; echo '    0'; echo '};'; \
	  echo "const char driver_commands[] = \" $$(cut -f 4 $< | tr ';' '\n' | \
	      sed -n 's/^command \([^ ]*\).*/\1/p' | tr '\n' ' ')\";"; } >$@

# ---- the host: the same sources as a tool and under the sanitizers --------------------------------

# The sources that compile unchanged over kernel/port.h.
PORTABLE := $(filter-out lib/string.c $(patsubst %,shell/commands/system/%.c,irqs prof), \
    $(foreach room,lib kernel/bus kernel/dev kernel/vfs kernel/module shell fs drivers/storage \
    drivers/virtio,$(call tree,$(room),%.c))) \
    kernel/code.c kernel/lock_ranks.c kernel/sched/sync.c kernel/log.c kernel/console.c kernel/command_line.c \
    kernel/isa.c kernel/monitor.c kernel/media.c kernel/controllers.c \
    $(DRIVER_OUT)/known.c

HOST_OUT := $(BUILD)/host
HOST_CC ?= $(if $(CROSS_COMPILE),cc,$(CC))
HOST_CFLAGS := -std=gnu17 -g -I. $(WARNINGS) -MMD -MP
# Drivers are compiled for addresses below 2 GiB. Programs that can run them are linked there too.
ifeq ($(HOST_MACHINE),Linux-x86_64)
HOST_CFLAGS += -fno-pie
HOST_LDFLAGS := -no-pie
endif
TOOL_CFLAGS := $(HOST_CFLAGS) -O2
TEST_CFLAGS := $(HOST_CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer

TOOL_SOURCES := $(PORTABLE) host/port/port_common.c host/port/pages.c \
    host/port/port_threads.c host/image.c
TOOL_OBJECTS := $(TOOL_SOURCES:%=$(HOST_OUT)/tool/%.o)

SHELL_OBJECTS := $(HOST_OUT)/tool/host/spindle_sh.c.o $(HOST_OUT)/tool/host/hostfs.c.o

$(HOST_OUT)/spindle-sh: $(TOOL_OBJECTS) $(SHELL_OBJECTS)
	@echo "  LINK  $@"
	$(HOST_CC) $(HOST_LDFLAGS) -o $@ $^ -lpthread

# The mount needs libfuse 3, which Linux has.
MOUNT_OBJECTS := $(patsubst %,$(HOST_OUT)/tool/%.o,$(call tree,host/mount,%.c))
$(MOUNT_OBJECTS): TOOL_CFLAGS += $(shell pkg-config --cflags fuse3)

$(HOST_OUT)/spindle-mount: $(TOOL_OBJECTS) $(MOUNT_OBJECTS)
	@echo "  LINK  $@"
	$(HOST_CC) $(HOST_LDFLAGS) -o $@ $^ $(shell pkg-config --libs fuse3) -lpthread

$(HOST_OUT)/flags: FORCE
	mkdir -p $(@D)
	echo '$(HOST_CC) $(TOOL_CFLAGS) $(TEST_CFLAGS)' | cmp -s - $@ || \
	    echo '$(HOST_CC) $(TOOL_CFLAGS) $(TEST_CFLAGS)' >$@

$(HOST_OUT)/tool/%.c.o: %.c $(HOST_OUT)/flags
	mkdir -p $(@D)
	@echo "  HOST  $<"
	$(HOST_CC) $(TOOL_CFLAGS) -c -o $@ $<

# The same programs under sanitizers, for the tests of the mount.
MOUNT_SOURCES := $(call tree,host/mount,%.c) host/image.c
MOUNT_ASAN := $(patsubst %,$(HOST_OUT)/test/%.o,$(PORTABLE) $(MOUNT_SOURCES) \
    host/port/port_common.c host/port/pages.c host/port/port_threads.c)
$(HOST_OUT)/test/host/mount/%.o: TEST_CFLAGS += $(shell pkg-config --cflags fuse3)

$(HOST_OUT)/spindle-mount.asan: $(MOUNT_ASAN)
	@echo "  LINK  $@"
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ $(shell pkg-config --libs fuse3) -lpthread

# ---- installing the programs ----------------------------------------------------------------------

VERSION := 0.2
PREFIX ?= /usr/local
MANUAL := $(wildcard host/man/*.1 host/man/*.7)

install deb: MAKE_NEEDS := build
install deb:
	CC="$(CC)" .ci/packages $(MAKE_NEEDS)
	$(MAKE) --no-print-directory do-$@

# mount(8) searches for its helpers in /sbin only. A host without FUSE has no spindle-mount.
.PHONY: install deb do-install do-deb
do-install: do-host
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(BUILD)/host/spindle-sh $(DESTDIR)$(PREFIX)/bin/
ifneq ($(FUSE),)
	install $(BUILD)/host/spindle-mount $(DESTDIR)$(PREFIX)/bin/
	install -d $(DESTDIR)/sbin
	ln -sf $(PREFIX)/bin/spindle-mount $(DESTDIR)/sbin/mount.spindle
endif
	for page in $(MANUAL); do \
	    install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	for program in spindle-sh $(if $(FUSE),spindle-mount mount.spindle); do \
	    install -D -m 644 host/completion.bash \
	        $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program || exit 1; \
	done

do-deb: do-host
	MAKE="$(MAKE)" host/debian/build $(BUILD)/deb $(VERSION)
	@echo "$(BUILD)/deb/spindle_$(VERSION)_$$(dpkg --print-architecture).deb is ready"

# Each test is linked with both back ends of the port, except those that need no scheduling (once,
# with threads), and those that need no port at all (alone).
TESTS_ONCE := test_pci test_pci_ecam test_lib test_text test_inflate test_gunzip test_deflate test_quote test_cd_sector \
    test_link test_partition
TESTS_ALONE := test_string test_terminal test_keymap test_acpi
# These execute the code of driver objects, which is compiled for x86-64.
ifneq ($(HOST_MACHINE),Linux-x86_64)
TESTS_ONCE := $(filter-out test_link,$(TESTS_ONCE))
TESTS_LEFT_OUT := test_link test_module test_index
else
BOOK_LOADED := $(HOST_OUT)/test_book_loaded.sim $(HOST_OUT)/test_book_loaded.threads
endif
TESTS_BOTH := $(filter-out $(TESTS_ONCE) $(TESTS_ALONE) $(TESTS_LEFT_OUT), \
    $(basename $(notdir $(wildcard tests/host/*/test_*.c))))
# These wait for virtual time.
TESTS_SIMULATED := test_crash_fat test_crash_exfat
TESTS_SIM := $(TESTS_BOTH)
TESTS_THREADS := $(TESTS_ONCE) $(filter-out $(TESTS_SIMULATED),$(TESTS_BOTH))
HOST_TESTS := $(TESTS_SIM:%=$(HOST_OUT)/%.sim) $(TESTS_THREADS:%=$(HOST_OUT)/%.threads) \
    $(TESTS_ALONE:%=$(HOST_OUT)/%.alone) $(HOST_OUT)/test_book.sim $(HOST_OUT)/test_book.threads \
    $(BOOK_LOADED)

TEST_HELPERS := $(wildcard tests/host/*.c)
TEST_OBJECTS := $(patsubst %,$(HOST_OUT)/test/%.o, $(PORTABLE) $(TEST_HELPERS) \
    host/port/port_common.c host/port/pages.c)

$(HOST_OUT)/test/%.c.o: %.c $(HOST_OUT)/flags
	mkdir -p $(@D)
	@echo "  TEST  $<"
	$(HOST_CC) $(TEST_CFLAGS) -c -o $@ $<

# A test's object, whichever folder of tests/host its source is in. Of two with one name, only one
# would run.
TEST_SOURCES := $(notdir $(wildcard tests/host/*/test_*.c))
ifneq ($(words $(TEST_SOURCES)),$(words $(sort $(TEST_SOURCES))))
$(error Two tests in tests/host have the same name)
endif
test_object = $1/$(firstword $(wildcard tests/host/*/$2.c) no-such-test).o

$(HOST_OUT)/%.sim: $$(call test_object,$(HOST_OUT)/test,$$*) $(TEST_OBJECTS) \
    $(HOST_OUT)/test/host/port/port_sim.c.o
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

$(HOST_OUT)/%.threads: $$(call test_object,$(HOST_OUT)/test,$$*) $(TEST_OBJECTS) \
    $(HOST_OUT)/test/host/port/port_threads.c.o
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

# The same without sanitizers, for very many runs.
FAST_OBJECTS := $(patsubst %,$(HOST_OUT)/tool/%.o,$(PORTABLE) $(TEST_HELPERS) \
    host/port/port_common.c host/port/pages.c host/port/port_sim.c)

$(HOST_OUT)/%.fast: $$(call test_object,$(HOST_OUT)/tool,$$*) $(FAST_OBJECTS)
	$(HOST_CC) $(TOOL_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

$(HOST_OUT)/%.alone: $$(call test_object,$(HOST_OUT)/test,$$*)
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka

# The objects that test_link links: one source, compiled in different ways. Code for the kernel's
# addresses also runs below 2 GiB.
FIXTURE_OUT := $(HOST_OUT)/module
FIXTURE_CFLAGS := -std=gnu17 -I. -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables
FIXTURES := $(foreach compiler,gcc clang,$(foreach level,O0 O2 Os,\
    $(compiler)-$(level).o $(compiler)-$(level)-sections.o)) gcc-pie.o clang-pie.o gcc-noplt.o
FIXTURE_OBJECTS := $(FIXTURES:%=$(FIXTURE_OUT)/%)
fixture_words = $(subst -, ,$(basename $(notdir $1)))
fixture_flags = $(FIXTURE_CFLAGS) $(patsubst O%,-O%,$(filter O%,$1)) \
    $(if $(filter sections,$1),-ffunction-sections -fdata-sections) \
    $(if $(filter pie,$1),-fpie -mcmodel=small -O2) $(if $(filter noplt,$1),-fpic -fno-plt -mcmodel=small -O2)

$(FIXTURE_OUT)/%.o: tests/host/module/fixture.c tests/host/module/fixture_rest.S \
    tests/host/module/fixture.h Makefile
	mkdir -p $(@D)/parts
	$(firstword $(call fixture_words,$@)) $(call fixture_flags,$(call fixture_words,$@)) -c \
	    -o $(@D)/parts/$*.o tests/host/module/fixture.c
	gcc -c -o $(@D)/parts/$*-rest.o tests/host/module/fixture_rest.S
	ld -r -o $(@D)/parts/$*-whole.o $(@D)/parts/$*.o $(@D)/parts/$*-rest.o
	printf '%064d' 7 >$(@D)/parts/$*.abi
	objcopy --add-section driver_abi=$(@D)/parts/$*.abi $(@D)/parts/$*-whole.o $@

# Drivers that only these tests load: the kernel does not know them.
TEST_DRIVERS := hello needs_hello needs_16 needs_17 slow clash fails
$(foreach name,$(TEST_DRIVERS),$(eval SOURCES_$(name) := tests/host/module/$(name).c))
$(foreach test,test_module test_index,$(HOST_OUT)/$(test).sim $(HOST_OUT)/$(test).threads): | \
    $(DRIVER_OBJECTS) $(TEST_DRIVERS:%=$(DRIVER_OUT)/%.drv)

$(HOST_OUT)/test_link.threads: $(HOST_OUT)/test/tests/host/module/fixture.c.o | $(FIXTURE_OBJECTS)

# The same with real threads under ThreadSanitizer, which finds data races; the simulated scheduler
# cannot show them.
TSAN_TESTS := test_virtual_threads test_vdrive_hangs test_drives test_ramfs test_stress \
    test_queue test_scsi_disk test_nvme test_nvme_lies test_name_index \
    test_cache_flush test_cache_write test_writeback test_writeback_threads test_access \
    test_disk_threads
TSAN_OUT := $(BUILD)/tsan
TSAN_CFLAGS := $(HOST_CFLAGS) -O1 -fsanitize=thread -fno-omit-frame-pointer
TSAN_OBJECTS := $(patsubst %,$(TSAN_OUT)/%.o, $(PORTABLE) $(TEST_HELPERS) \
    host/port/port_common.c host/port/pages.c host/port/port_threads.c)

$(TSAN_OUT)/%.c.o: %.c Makefile
	mkdir -p $(@D)
	@echo "  TSAN  $<"
	$(HOST_CC) $(TSAN_CFLAGS) -c -o $@ $<

$(TSAN_OUT)/host/mount/%.o: TSAN_CFLAGS += $(shell pkg-config --cflags fuse3)

$(TSAN_OUT)/spindle-mount: $(patsubst %,$(TSAN_OUT)/%.o,$(PORTABLE) $(MOUNT_SOURCES) \
    host/port/port_common.c host/port/pages.c host/port/port_threads.c)
	@echo "  LINK  $@"
	$(HOST_CC) $(TSAN_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ $(shell pkg-config --libs fuse3) -lpthread

$(TSAN_OUT)/test_%: $$(call test_object,$(TSAN_OUT),test_$$*) $(TSAN_OBJECTS)
	$(HOST_CC) $(TSAN_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

# The Book's examples: the C of its chapters, compiled as in the kernel and linked with a test.
BOOK_OUT := $(BUILD)/book
BOOK_OBJECTS := $(BOOK_OUT)/4-driver.host.o $(BOOK_OUT)/5-fsd.host.o $(BOOK_OUT)/10-bus.host.o

$(BOOK_OUT)/%.c: iso/Book/%.md tests/book/extract
	mkdir -p $(@D)
	sh tests/book/extract $< >$@

$(BOOK_OUT)/%.kernel.o: $(BOOK_OUT)/%.c $(KERNEL_HEADERS)
	@echo "  BOOK  $<"
	$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) -c -o $@ $<

$(BOOK_OUT)/%.host.o: $(BOOK_OUT)/%.c $(BOOK_OUT)/%.kernel.o
	$(HOST_CC) $(TEST_CFLAGS) -c -o $@ $<

$(HOST_OUT)/test_book.%: $(HOST_OUT)/test/tests/book/test_book.c.o $(BOOK_OBJECTS) \
    $(TEST_OBJECTS) $(HOST_OUT)/test/host/port/port_%.c.o
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

# The same test without the examples: it loads them as driver objects.
$(HOST_OUT)/test_book_loaded.%: $(HOST_OUT)/test/tests/book/test_book.c.o $(TEST_OBJECTS) \
    $(HOST_OUT)/test/host/port/port_%.c.o | $(DRIVER_OUT)/counter.drv $(DRIVER_OUT)/onefile.drv \
    $(DRIVER_OUT)/ramscsi.drv
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

# ---- fuzzing: libFuzzer under clang; the corpus replayed by the tests' compiler ------------------

FUZZERS := fuzz_mount fuzz_shell fuzz_partition fuzz_module fuzz_nvme fuzz_scsi fuzz_identify \
    fuzz_virtio fuzz_fat fuzz_exfat fuzz_gunzip
FUZZ_OUT := $(BUILD)/fuzz
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS := $(HOST_CFLAGS) -O1 -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_OBJECTS := $(patsubst %,$(FUZZ_OUT)/%.o, $(PORTABLE) tests/host/rig.c tests/host/faulty.c \
    tests/host/partition_image.c tests/host/packet_drive.c tests/host/packet_disk.c \
    tests/fuzz/disc.c tests/fuzz/visit.c tests/fuzz/volume.c host/port/port_common.c \
    host/port/pages.c host/port/port_sim.c)
REPLAYS := $(FUZZERS:%=$(HOST_OUT)/%.replay)

$(FUZZ_OUT)/%.c.o: %.c Makefile
	mkdir -p $(@D)
	@echo "  FUZZ  $<"
	$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ_OUT)/fuzz_nvme: $(patsubst %,$(FUZZ_OUT)/tests/host/%.c.o,pci_model nvme_model nvme_commands)
$(FUZZ_OUT)/fuzz_virtio: $(patsubst %,$(FUZZ_OUT)/tests/host/%.c.o,pci_model virtio_model virtio_target)
$(FUZZ_OUT)/fuzz_mount: $(FUZZ_OUT)/tests/fuzz/mutate.c.o
$(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/%.c.o $(FUZZ_OBJECTS)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $(HOST_LDFLAGS) -o $@ $^ -lpthread -lz

# New inputs are kept in build/fuzz/corpus; those that fail are in build/fuzz/found.
do-fuzz: $(FUZZERS:%=$(FUZZ_OUT)/%)
	for name in $(FUZZERS); do \
	    short=$${name#fuzz_}; \
	    mkdir -p $(FUZZ_OUT)/corpus/$$short $(FUZZ_OUT)/found; \
	    $(FUZZ_OUT)/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	        -max_len=32768 -dict=tests/fuzz/$$short.dict -artifact_prefix=$(FUZZ_OUT)/found/ \
	        -print_final_stats=1 $(FUZZ_OUT)/corpus/$$short tests/fuzz/corpus/$$short || exit 1; \
	done

$(HOST_OUT)/%.replay: $(HOST_OUT)/test/tests/fuzz/%.c.o $(HOST_OUT)/test/tests/fuzz/replay.c.o \
    $(HOST_OUT)/test/tests/fuzz/disc.c.o $(HOST_OUT)/test/tests/fuzz/visit.c.o \
    $(HOST_OUT)/test/tests/fuzz/volume.c.o $(TEST_OBJECTS) \
    $(HOST_OUT)/test/host/port/port_sim.c.o
	$(HOST_CC) $(TEST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lpthread -lz

.SECONDARY:
-include $(FUZZ_OBJECTS:.o=.d) $(wildcard $(FUZZ_OUT)/tests/fuzz/*.d \
    $(HOST_OUT)/test/tests/fuzz/*.d)
-include $(TSAN_OBJECTS:.o=.d) $(wildcard $(TSAN_OUT)/tests/host/*/*.d)
-include $(FAST_OBJECTS:.o=.d) $(wildcard $(HOST_OUT)/tool/tests/host/*/*.d)
-include $(TOOL_OBJECTS:.o=.d) $(MOUNT_OBJECTS:.o=.d) $(SHELL_OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(wildcard $(HOST_OUT)/test/tests/host/*/*.d $(HOST_OUT)/test/tests/book/*.d)

# ---- tests -----------------------------------------------------------------------------------

PYTHON = $(shell .ci/python)
IMAGES := $(BUILD)/images

$(IMAGES)/.made: tests/images/builder.py
	rm -rf $(IMAGES)
	mkdir -p $(IMAGES)
	$(PYTHON) tests/images/builder.py $(IMAGES)
	touch $@

# Two system tests at a time: a machine in QEMU keeps one processor busy.
do-test: do-iso do-host $(BUILD)/builtin.elf $(if $(FUSE),$(HOST_OUT)/spindle-mount.asan) \
    $(HOST_TESTS) $(REPLAYS) $(IMAGES)/.made
	MAKEFLAGS= PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/summary "lint=$(PYTHON) tests/lint" \
	    "descent=$(PYTHON) tests/book/descent.py" \
	    $(foreach test,$(HOST_TESTS),"$(notdir $(test))=timeout 300 $(test)") \
	    $(foreach name,$(FUZZERS),"$(name)=timeout 300 $(HOST_OUT)/$(name).replay \
	        tests/fuzz/corpus/$(name:fuzz_%=%)") \
	    "differential=timeout 300 $(PYTHON) -m pytest -q tests/differential" \
	    --alone "system=timeout 900 $(PYTHON) -m pytest -q -rs --numprocesses=2 tests/system"

# Compares random command lines with GNU's tools, and scripts with dash; another DIFFERENTIAL_SEED draws other lines.
DIFFERENTIAL_LINES ?= 100000
DIFFERENTIAL_SEED ?= 1
DIFFERENTIAL_SCRIPTS ?= 10000
do-differential: do-host
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/differential/run.py $(DIFFERENTIAL_LINES) \
	    $(DIFFERENTIAL_SEED)
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/differential/language.py $(DIFFERENTIAL_SCRIPTS) \
	    $(DIFFERENTIAL_SEED)

do-tsan: $(TSAN_TESTS:%=$(TSAN_OUT)/%) $(if $(FUSE),do-tsan-mount) $(IMAGES)/.made
	for test in $(TSAN_TESTS); do \
	    TSAN_OPTIONS=halt_on_error=0:exitcode=66 timeout 300 $(TSAN_OUT)/$$test || exit 1; \
	done

# Eight threads read one mount, while the kernel forgets what it knows of it.
TSAN_MOUNT_SECONDS ?= 20
.PHONY: do-tsan-mount
do-tsan-mount: $(TSAN_OUT)/spindle-mount do-iso
	mkdir -p $(TSAN_OUT)/mnt
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 $< -f $(BUILD)/spindle.iso $(TSAN_OUT)/mnt & \
	until mountpoint -q $(TSAN_OUT)/mnt; do kill -0 $$! || exit 1; sleep 0.1; done; \
	$(PYTHON) tests/system/mount_load.py $(TSAN_OUT)/mnt $(TSAN_MOUNT_SECONDS); result=$$?; \
	fusermount3 -u $(TSAN_OUT)/mnt; wait $$! && exit $$result

# Commands that race for the same drives, for longer than in `make test`, under both sanitizers.
STRESS_SECONDS ?= 120
do-stress: $(HOST_OUT)/test_stress.threads $(TSAN_OUT)/test_stress $(IMAGES)/.made
	STRESS_SECONDS=$(STRESS_SECONDS) $(HOST_OUT)/test_stress.threads
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 STRESS_SECONDS=$(STRESS_SECONDS) \
	    $(TSAN_OUT)/test_stress

# See tests/lint/__main__.py.
do-lint:
	python3 tests/lint

# For tests/lint: each source of the kernel as an object of its own, whose symbols show which file
# uses which, and the lists that only this file contains.
LINT_OUT := $(BUILD)/lint
LINT_CFLAGS := -std=gnu17 -O0 -w -ffreestanding -mgeneral-regs-only
LINT_OBJECTS := $(KERNEL_SOURCES:%=$(LINT_OUT)/%.o)

.PHONY: lint-objects
lint-objects: $(LINT_OBJECTS)
	@echo "portable: $(PORTABLE)"
	@echo "objects: $(LINT_OBJECTS)"

$(LINT_OUT)/%.o: % Makefile
	mkdir -p $(@D)
	$(CC) $(KERNEL_CPPFLAGS) $(LINT_CFLAGS) -MMD -MP -c -o $@ $<

-include $(LINT_OBJECTS:.o=.d)

SOAK_BOOTS ?= 1000
SOAK_CUTS ?= 200
SOAK_STATES ?= 200000
SOAK_SECONDS ?= 120
do-soak: do-iso do-host $(TESTS_SIMULATED:%=$(HOST_OUT)/%.fast)
	$(PYTHON) tests/system/soak.py --boots $(SOAK_BOOTS)
	$(PYTHON) tests/system/power.py --cuts $(SOAK_CUTS)
	for test in $(TESTS_SIMULATED); do \
	    CRASH_STATES=$(SOAK_STATES) $(HOST_OUT)/$$test.fast || exit 1; \
	done
	$(if $(FUSE),$(PYTHON) tests/system/write_soak.py --seconds $(SOAK_SECONDS))

# ---- the benchmark ----------------------------------------------------------------------------

# The program without a kernel that measures the limits of the machine.
BARE_OBJECTS := $(patsubst %,$(KERNEL_OUT)/%.o,$(wildcard boot/*.S boot/*.c \
    tests/bench/bare/*.c tests/bench/bare/*.S) lib/string.c lib/format.c)

$(BUILD)/bench/bare.elf: $(BARE_OBJECTS) linker.ld
	mkdir -p $(@D)
	@echo "  LD    $@"
	$(LINK_WHOLE) -o $(@:.elf=.o) $(BARE_OBJECTS)
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(@:.elf=.o)

-include $(BARE_OBJECTS:.o=.d)

# The disc is reproducible: its bytes are the same each time.
$(BUILD)/bench/bench.iso: tests/bench/images.py tests/images/builder.py
	mkdir -p $(@D)
	@echo "  DISC  $@"
	$(PYTHON) tests/bench/images.py $@.part
	mv $@.part $@

do-bench: do-iso do-host $(BUILD)/bench/bare.elf $(BUILD)/bench/bench.iso
	BENCH_RUNS="$(BENCH_RUNS)" BENCH_ROWS="$(BENCH_ROWS)" $(PYTHON) tests/bench/run.py

# ---- the boot CD and the machine --------------------------------------------------------------

ISO_FILES := $(wildcard iso/* iso/*/* iso/*/*/*)

# The modules that GRUB may load, on either firmware. grub-mkrescue's own script probes all kinds of
# partition tables. The video drivers for UEFI do not exist for BIOS, so they are copied separately.
# The last options of xorriso remove files that only Apple's firmware looks for.
GRUB_MODULES := normal multiboot2 test regexp echo minicmd ls cat video_fb part_acorn part_amiga \
    part_apple part_bsd part_dfly part_dvh part_gpt part_msdos part_plan part_sun part_sunpc
GRUB_EFI_MODULES := efi_gop efi_uga
GRUB_EFI := /usr/lib/grub/x86_64-efi
MAKE_DISC = grub-mkrescue --fonts= --locales= --themes= --install-modules="$(GRUB_MODULES)" \
    -o $@ $(BUILD)/iso -- -volid SPINDLE -rm_r /System /mach_kernel -- \
    >$(BUILD)/iso.log 2>&1 || \
    { cat $(BUILD)/iso.log; rm -f $@; exit 1; }

# Made twice: what grub-mkrescue adds is known from the first disc and listed on the second.
$(BUILD)/spindle.iso: $(DRIVER_OUT)/index $(BUILD)/spindle.elf $(BUILD)/spindle.id $(ISO_FILES) Makefile
	@echo "  ISO   $@"
	rm -rf $(BUILD)/iso
	mkdir -p $(BUILD)/iso/boot/grub/x86_64-efi
	cp $(BUILD)/spindle.elf $(BUILD)/spindle.id $(BUILD)/iso/boot/
	cp iso/grub.cfg $(BUILD)/iso/boot/grub/
	cp -r iso/Book $(BUILD)/iso/
	mkdir -p $(BUILD)/iso/drivers
	cp $(DRIVER_OBJECTS) $(DRIVER_OUT)/index $(BUILD)/iso/drivers/
	cp $(GRUB_EFI_MODULES:%=$(GRUB_EFI)/%.mod) $(BUILD)/iso/boot/grub/x86_64-efi/
	$(MAKE_DISC)
	sh iso/manifest.sh reserve $(BUILD)/iso $@
	$(MAKE_DISC)
	sh iso/disc_size.sh $@ || { rm -f $@; exit 1; }
	sh iso/manifest.sh fill $@ || { rm -f $@; exit 1; }

QEMU ?= qemu-system-x86_64
QEMU_FLAGS := -accel tcg -m 64M -display none -serial stdio -boot d
DISC ?=
DISK ?=
# Our CD is in the first drive, the image DISC in the second; DISK is a disk on the other channel.
QEMU_DRIVES = -drive if=ide,index=2,media=cdrom,readonly=on,file=$(BUILD)/spindle.iso \
    $(if $(DISC),-drive if=ide$(comma)index=3$(comma)media=cdrom$(comma)readonly=on$(comma)file=$(DISC)) \
    $(if $(DISK),-drive if=ide$(comma)index=0$(comma)format=raw$(comma)file=$(DISK))
comma := ,

do-run: $(BUILD)/spindle.iso
	$(QEMU) $(QEMU_FLAGS) $(QEMU_DRIVES)

# QEMU selects the kind of window; the same shell is there and in this terminal.
do-run-gui: $(BUILD)/spindle.iso
	$(QEMU) $(filter-out -display none,$(QEMU_FLAGS)) $(QEMU_DRIVES)

do-debug: $(BUILD)/spindle.iso
	@echo "in another terminal:"
	@echo "gdb $(BUILD)/spindle.debug.elf -ex 'target remote 127.0.0.1:1234'"
	$(QEMU) $(QEMU_FLAGS) $(QEMU_DRIVES) -gdb tcp:127.0.0.1:1234 -S
