/*
 * info.h - what a driver object says about itself, readable without running it.
 *
 *     DRIVER_INFO("counter", "1.0", "MIT", "a drive whose bytes are their own offsets");
 *     DRIVER_DRIVES("pci class=0106");
 *     DRIVER_NEEDS("usb");
 *
 * Form        Section "driver_info": texts "key=value", each ended by NUL. Keys are name, version,
 *             licence, description (once each), drives (any number) and needs (at most
 *             DRIVER_NEEDS_MAX), in any order. In a driver that is built in, the section is dropped
 *             by the linker.
 * ABI         Section "driver_abi": the digest of the headers and flags that the object was
 *             compiled with, in hex. The build adds it (sdk/driver.mk).
 * Drives      "pci class=CCSS[PP] vendor=VVVV device=DDDD" (hex; a key that is absent matches all),
 *             "virtio type=N" (hex), "bus NAME" (a device of that bus), "signature OFFSET HEX" (a
 *             medium that has these bytes at this offset), "root" (nothing in particular: publishes
 *             devices by itself), "command NAME [GROUP: SUMMARY]" (a
 *             shell command; GROUP and SUMMARY are those of its descriptor, for `help`).
 * Errors      -ENOEXEC with a reason if the section is missing or invalid.
 */
#ifndef KERNEL_MODULE_INFO_H
#define KERNEL_MODULE_INFO_H

#include "kernel/module/object.h"

#define DRIVER_INFO_TEXT_AT(line, text) \
    __attribute__((used, retain, aligned(1), section("driver_info"))) \
    static const char driver_info_##line[] = text
#define DRIVER_INFO_TEXT_OF(line, text) DRIVER_INFO_TEXT_AT(line, text)

#define DRIVER_INFO(name, version, licence, description) \
    DRIVER_INFO_TEXT_OF(__LINE__, "name=" name "\0version=" version "\0licence=" licence \
                                  "\0description=" description)
#define DRIVER_DRIVES(what) DRIVER_INFO_TEXT_OF(__LINE__, "drives=" what)
#define DRIVER_NEEDS(name) DRIVER_INFO_TEXT_OF(__LINE__, "needs=" name)

enum {
    DRIVER_NAME_BYTES_MAX = 31, /* letters, digits, '-' and '_' */
    DRIVER_ABI_BYTES = 64,
    DRIVER_NEEDS_MAX = 16,
};

/* Texts are borrowed from the object's bytes. */
struct driver_info {
    const char *name, *version, *licence, *description;
    struct bytes texts, abi;
};

/* Returns whether a text may be the name of a driver object. */
bool driver_name_is_valid(const char *text);

/* Reads and checks both sections. */
status_t driver_info_read(const struct object *object, struct driver_info *info,
                          struct object_error *error) MUST_CHECK;

/* Returns the next value of `key` after `previous` (NULL: the first), or NULL. */
const char *driver_info_next(const struct driver_info *info, const char *key,
                             const char *previous);

#endif
