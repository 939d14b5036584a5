/*
 * object.h - reads an ELF64 relocatable object (ET_REL, x86-64) out of untrusted bytes.
 *
 * Model       object_open() checks the whole structure once: the header, every section header,
 *             every name, every symbol and the shape of every relocation table. After that the
 *             other functions cannot fail and never read outside the file.
 * Interface   - To look into an object, call object_open(); the bytes stay the caller's and must
 *               stay unchanged.
 *             - To visit sections or symbols, count from 1 (0 is reserved) to section_count or
 *               symbol_count, exclusive.
 * Limits      The file is at most OBJECT_BYTES_MAX, so that no sum of its sizes overflows; names
 *             are at most OBJECT_NAME_BYTES_MAX long, so that looking at all of them takes time in
 *             proportion to the file.
 * Errors      -ENOEXEC with a reason in the caller's `struct object_error`.
 * Locking     None: an object belongs to one thread.
 * References  System V ABI (gABI) chapter 4 "Object files"; AMD64 psABI chapter 4.
 */
#ifndef KERNEL_MODULE_OBJECT_H
#define KERNEL_MODULE_OBJECT_H

#include "lib/bytes.h"
#include "lib/status.h"

enum {
    OBJECT_BYTES_MAX = 16 << 20,
    OBJECT_NAME_BYTES_MAX = 255, /* of a section or a symbol */
    OBJECT_WHY_BYTES = 160,
};

/* Why an object is refused, as the reason part of an error message. */
struct object_error {
    char why[OBJECT_WHY_BYTES];
};

/* Sets the reason and returns -ENOEXEC. */
status_t object_refuse(struct object_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* gABI, "Sections": sh_type, sh_flags and the reserved section indexes. */
enum object_section_type {
    SECTION_NULL = 0,
    SECTION_PROGBITS = 1,
    SECTION_SYMBOLS = 2,
    SECTION_STRINGS = 3,
    SECTION_RELA = 4,
    SECTION_NOTE = 7,
    SECTION_NOBITS = 8,
    SECTION_REL = 9,
    SECTION_INIT_ARRAY = 14,
    SECTION_FINI_ARRAY = 15,
    SECTION_PREINIT_ARRAY = 16,
    SECTION_GROUP = 17,
    SECTION_SYMBOLS_INDEX = 18,
    SECTION_X86_64_UNWIND = 0x70000001,
};

enum object_section_flag {
    SECTION_WRITE = 1 << 0,
    SECTION_ALLOC = 1 << 1,
    SECTION_EXECUTE = 1 << 2,
    SECTION_TLS = 1 << 10,
    SECTION_COMPRESSED = 1 << 11,
};

enum {
    SYMBOL_UNDEFINED = 0,
    SYMBOL_ABSOLUTE = 0xfff1,
    SYMBOL_COMMON = 0xfff2,
};

struct object_section {
    const char *name;
    uint32_t type, link, info;
    uint64_t flags, offset, bytes, alignment, entry_bytes;
};

enum object_binding { BINDING_LOCAL = 0, BINDING_GLOBAL = 1, BINDING_WEAK = 2 };

struct object_symbol {
    const char *name;
    uint64_t value, bytes; /* value: an offset in the section */
    uint16_t section;      /* an index, or SYMBOL_... */
    uint8_t type, binding;
};

enum { SYMBOL_TYPE_FUNCTION = 2, SYMBOL_TYPE_SECTION = 3, SYMBOL_TYPE_TLS = 6 };

struct object_relocation {
    uint64_t offset; /* in the section that the table applies to */
    uint32_t type, symbol;
    int64_t addend;
};

struct object {
    struct bytes file, section_names, symbol_names;
    uint64_t sections_offset, symbols_offset;
    uint32_t section_count, symbol_count; /* the reserved ones included */
};

/* Checks the bytes and prepares *object. -ENOEXEC and a reason if any part is invalid. */
status_t object_open(struct bytes file, struct object *object, struct object_error *error)
    MUST_CHECK;

/* The section or symbol of this index, which must be below the count. */
struct object_section object_section(const struct object *object, uint32_t index);
struct object_symbol object_symbol(const struct object *object, uint32_t index);

/* Returns the first section of this name, or 0. */
uint32_t object_section_named(const struct object *object, const char *name);

/* The section's bytes in the file; empty for SECTION_NOBITS. */
struct bytes object_contents(const struct object *object, const struct object_section *section);

/* How many relocations the table (SECTION_RELA) contains, and each of them. */
uint64_t object_relocation_count(const struct object_section *table);
struct object_relocation object_relocation(const struct object *object,
                                           const struct object_section *table, uint64_t index);

#endif
