# driver.mk - makes $(DRIVER).drv, a driver that Spindle loads at run time.
#
#     DRIVER := counter
#     SDK := path/to/sdk
#     include $(SDK)/driver.mk
#
# is a whole Makefile. SOURCES are the driver's C files, $(DRIVER).c unless set. CC, LD and OBJCOPY name
# another toolchain for x86-64; with clang, CC=clang. Objects are kept in $(OUT), `build` unless set.
# $(SDK)/flags.mk has the flags that the kernel was compiled with, and $(SDK)/abi the digest of its
# interface, which is put into the object: a kernel with another one refuses it.
include $(SDK)/flags.mk

SOURCES ?= $(DRIVER).c
OUT ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin LD),default)
LD := ld
endif
OBJCOPY ?= objcopy
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)
COMPILER_HEADERS := $(shell $(CC) -print-file-name=include)

all: $(DRIVER).drv
.PHONY: all clean

# Names of functions stay, for back traces.
$(DRIVER).drv: $(OBJECTS) $(SDK)/abi
	$(LD) -r -o $(OUT)/$(DRIVER).o.part $(OBJECTS)
	$(OBJCOPY) --strip-debug --add-section driver_abi=$(SDK)/abi $(OUT)/$(DRIVER).o.part $@

$(OUT)/%.o: %.c
	mkdir -p $(@D)
	$(CC) $(DRIVER_CFLAGS) -I$(SDK)/include -nostdinc -isystem $(COMPILER_HEADERS) -MMD -MP -c -o $@ $<

clean:
	rm -rf $(OUT) $(DRIVER).drv

-include $(OBJECTS:.o=.d)
