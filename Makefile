# Spindle. `make help` lists the targets.

CROSS_COMPILE ?=
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

.PHONY: all kernel iso run debug host test lint fuzz soak help clean FORCE
all: kernel

help:
	@echo "make run      build, and boot the CD in QEMU with the serial console here"
	@echo "make iso      build/spindle.iso, the boot CD"
	@echo "make debug    the same as run, waiting for gdb (the command is printed)"
	@echo "make test     every test; the last line counts them"
	@echo "make kernel   build/spindle.elf alone"
	@echo "make host     build/host/spindle-sh, the same shell for images on this machine"
	@echo "make lint     who may include whom; no assertion on bytes from a medium"
	@echo "make soak     SOAK_BOOTS=1000 boots in a row"
	@echo "make clean    remove build/"
	@echo "With: CC=clang  CROSS_COMPILE=x86_64-elf-  DEBUG=1 (freed memory is checked)  V=1"

clean:
	rm -rf $(BUILD)

# What is missing is installed first, by a make of its own: the rules below need the tools already
# while they are read.
run: MAKE_NEEDS := run
iso debug: MAKE_NEEDS := run
test: MAKE_NEEDS := test
kernel: MAKE_NEEDS := build
host: MAKE_NEEDS := build

kernel iso run debug host test:
	.ci/packages $(MAKE_NEEDS)
	$(MAKE) --no-print-directory do-$@

.PHONY: do-kernel do-iso do-run do-debug do-host do-test
do-kernel: $(BUILD)/spindle.elf
do-iso: $(BUILD)/spindle.iso
do-host: $(BUILD)/host/spindle-sh

# ---- the kernel -----------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror

KERNEL_CPPFLAGS := -I. -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
    -DKERNEL_DEBUG=$(DEBUG)
KERNEL_CFLAGS := -std=gnu17 -O2 -g -ffreestanding -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-pic -fno-stack-protector -fno-omit-frame-pointer \
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
    $(WARNINGS) -Wframe-larger-than=1024
KERNEL_LDFLAGS := -T linker.ld -nostdlib -static --gc-sections -z noexecstack \
    -z max-page-size=4096 --build-id=none

KERNEL_SOURCES := $(sort $(wildcard boot/*.S boot/*.c kernel/*.c kernel/*/*.c kernel/*/*.S \
    drivers/*/*.c fs/*/*.c lib/*.c tests/kernel/*.c))
KERNEL_HEADERS := $(sort $(wildcard boot/*.h kernel/*.h kernel/*/*.h drivers/*/*.h fs/*/*.h \
    lib/*.h tests/kernel/*.h))
KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(KERNEL_OUT)/%.o) $(KERNEL_OUT)/build_id.c.o

$(BUILD)/spindle.elf: $(BUILD)/spindle.debug.elf
	@echo "  STRIP $@"
	$(OBJCOPY) --strip-all $< $@

# Linked twice: the first link tells the addresses of the functions, the second has them in its
# symbol table. They agree, since the table lies behind everything that it describes.
$(BUILD)/spindle.debug.elf: $(KERNEL_OBJECTS) $(KERNEL_OUT)/symbols.S.o linker.ld
	@echo "  LD    $@"
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OBJECTS) $(KERNEL_OUT)/symbols.S.o

$(KERNEL_OUT)/first.elf: $(KERNEL_OBJECTS) $(KERNEL_OUT)/no_symbols.S.o linker.ld
	@echo "  LD    $@"
	$(LD) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OBJECTS) $(KERNEL_OUT)/no_symbols.S.o

$(KERNEL_OUT)/symbols.S: $(KERNEL_OUT)/first.elf kernel/symbols.sh
	$(NM) -n $< >$(KERNEL_OUT)/symbols.txt
	sh kernel/symbols.sh <$(KERNEL_OUT)/symbols.txt >$@

$(KERNEL_OUT)/no_symbols.S: kernel/symbols.sh
	mkdir -p $(@D)
	sh kernel/symbols.sh </dev/null >$@

# The build id names the sources, so that the kernel knows the CD that was made with it.
$(BUILD)/spindle.id: $(KERNEL_SOURCES) $(KERNEL_HEADERS) linker.ld Makefile
	mkdir -p $(@D)
	cat $(KERNEL_SOURCES) $(KERNEL_HEADERS) linker.ld | sha256sum | cut -c1-16 >$@

$(KERNEL_OUT)/build_id.c: $(BUILD)/spindle.id
	mkdir -p $(@D)
	{ echo 'extern const char spindle_build_id[];'; \
	  echo "const char spindle_build_id[] = \"$$(cat $<)\";"; } >$@

# Objects are made again when the compiler or its flags change.
$(KERNEL_OUT)/flags: FORCE
	mkdir -p $(@D)
	echo '$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS)' >$@

$(KERNEL_OUT)/%.c.o: %.c $(KERNEL_OUT)/flags
	mkdir -p $(@D)
	@echo "  CC    $<"
	$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(KERNEL_OUT)/%.S.o: %.S $(KERNEL_OUT)/flags
	mkdir -p $(@D)
	@echo "  AS    $<"
	$(CC) $(KERNEL_CPPFLAGS) -MMD -MP -c -o $@ $<

$(KERNEL_OUT)/%.c.o: $(KERNEL_OUT)/%.c $(KERNEL_OUT)/flags
	$(CC) $(KERNEL_CPPFLAGS) $(KERNEL_CFLAGS) -c -o $@ $<

$(KERNEL_OUT)/%.S.o: $(KERNEL_OUT)/%.S $(KERNEL_OUT)/flags
	$(CC) -c -o $@ $<

-include $(KERNEL_OBJECTS:.o=.d)

# ---- the host: the same sources as a tool and under the sanitizers --------------------------------

# What compiles unchanged over kernel/port.h.
PORTABLE := $(filter-out lib/string.c kernel/dev/pci.c, $(sort $(wildcard lib/*.c kernel/dev/*.c \
    kernel/vfs/*.c kernel/shell/*.c fs/*/*.c drivers/virtual/*.c drivers/cdrom/*.c)) \
    kernel/sched/sync.c kernel/log.c kernel/console.c kernel/command_line.c)

HOST_OUT := $(BUILD)/host
HOST_CC ?= $(CC)
HOST_CFLAGS := -std=gnu17 -g -I. $(WARNINGS) -MMD -MP
TOOL_CFLAGS := $(HOST_CFLAGS) -O2
TEST_CFLAGS := $(HOST_CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer

TOOL_SOURCES := $(PORTABLE) tests/host/port/port_common.c tests/host/port/port_threads.c \
    tests/host/spindle_sh.c
TOOL_OBJECTS := $(TOOL_SOURCES:%=$(HOST_OUT)/tool/%.o)

$(HOST_OUT)/spindle-sh: $(TOOL_OBJECTS)
	@echo "  LINK  $@"
	$(HOST_CC) -o $@ $(TOOL_OBJECTS) -lpthread

$(HOST_OUT)/tool/%.c.o: %.c
	mkdir -p $(@D)
	@echo "  HOST  $<"
	$(HOST_CC) $(TOOL_CFLAGS) -c -o $@ $<

# Each test is linked with each back end of the port that it is meant for.
TESTS_BOTH := test_sync test_port test_io test_cache test_vfs test_drives test_cdfs test_cdrom
TESTS_SIM := $(TESTS_BOTH)
TESTS_THREADS := test_lib test_inflate $(TESTS_BOTH)
TESTS_ALONE := test_string
HOST_TESTS := $(TESTS_SIM:%=$(HOST_OUT)/%.sim) $(TESTS_THREADS:%=$(HOST_OUT)/%.threads) \
    $(TESTS_ALONE:%=$(HOST_OUT)/%.alone)

TEST_HELPERS := $(filter-out tests/host/test_%.c tests/host/spindle_sh.c, $(wildcard tests/host/*.c))
TEST_OBJECTS := $(patsubst %,$(HOST_OUT)/test/%.o, $(PORTABLE) $(TEST_HELPERS) \
    tests/host/port/port_common.c)

$(HOST_OUT)/test/%.c.o: %.c
	mkdir -p $(@D)
	@echo "  TEST  $<"
	$(HOST_CC) $(TEST_CFLAGS) -c -o $@ $<

$(HOST_OUT)/%.sim: $(HOST_OUT)/test/tests/host/%.c.o $(TEST_OBJECTS) \
    $(HOST_OUT)/test/tests/host/port/port_sim.c.o
	$(HOST_CC) $(TEST_CFLAGS) -o $@ $^ -lcmocka -lpthread -lz

$(HOST_OUT)/%.threads: $(HOST_OUT)/test/tests/host/%.c.o $(TEST_OBJECTS) \
    $(HOST_OUT)/test/tests/host/port/port_threads.c.o
	$(HOST_CC) $(TEST_CFLAGS) -o $@ $^ -lcmocka -lpthread -lz

$(HOST_OUT)/%.alone: $(HOST_OUT)/test/tests/host/%.c.o
	$(HOST_CC) $(TEST_CFLAGS) -o $@ $^ -lcmocka

.SECONDARY:
-include $(TOOL_OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(wildcard $(HOST_OUT)/test/tests/host/*.d)

# ---- tests -----------------------------------------------------------------------------------

PYTHON = $(shell .ci/python)
IMAGES := $(BUILD)/images

$(IMAGES)/.made: tests/images/builder.py
	rm -rf $(IMAGES)
	mkdir -p $(IMAGES)
	$(PYTHON) tests/images/builder.py $(IMAGES)
	touch $@

do-test: do-iso do-host $(HOST_TESTS) $(IMAGES)/.made
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/summary "lint=$(MAKE) --no-print-directory lint" \
	    $(foreach test,$(HOST_TESTS),"$(notdir $(test))=timeout 300 $(test)") \
	    "system=timeout 900 $(PYTHON) -m pytest -q tests/system"

# The house's walls (DESIGN.md, "The house"), and no assertion on what a medium or a person says.
lint:
	$(PYTHON) tests/lint

SOAK_BOOTS ?= 1000
soak: do-iso
	$(PYTHON) tests/system/soak.py --boots $(SOAK_BOOTS)

# ---- the boot CD and the machine --------------------------------------------------------------

ISO_FILES := $(shell find iso -type f)

$(BUILD)/spindle.iso: $(BUILD)/spindle.elf $(BUILD)/spindle.id $(ISO_FILES) Makefile
	@echo "  ISO   $@"
	rm -rf $(BUILD)/iso
	mkdir -p $(BUILD)/iso/boot/grub
	cp $(BUILD)/spindle.elf $(BUILD)/spindle.id $(BUILD)/iso/boot/
	cp iso/grub.cfg $(BUILD)/iso/boot/grub/
	cp -r iso/Book $(BUILD)/iso/
	grub-mkrescue -d /usr/lib/grub/i386-pc --fonts= --locales= --themes= \
	    -o $@ $(BUILD)/iso -- -volid SPINDLE >$(BUILD)/iso.log 2>&1 || \
	    { cat $(BUILD)/iso.log; rm -f $@; exit 1; }

QEMU ?= qemu-system-x86_64
QEMU_FLAGS := -accel tcg -m 64M -display none -serial stdio -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=0x04
DISC ?= $(BUILD)/spindle.iso

# poweroff in Spindle ends QEMU with status 1 (code*2+1): that is no error of make's.
do-run: $(BUILD)/spindle.iso
	$(QEMU) $(QEMU_FLAGS) -cdrom $(DISC) -boot d || [ $$? -eq 1 ]

do-debug: $(BUILD)/spindle.iso
	@echo "in another terminal: gdb $(BUILD)/spindle.debug.elf -ex 'target remote :1234'"
	$(QEMU) $(QEMU_FLAGS) -cdrom $(DISC) -boot d -s -S || [ $$? -eq 1 ]
