/*
 * link.h - places an object's sections in memory and applies its relocations.
 *
 * Model       A linked object occupies three runs of pages, one for each kind of rights: text
 *             (read, execute), constants (read) and data (read, write). No page is writable and
 *             executable. link_plan() decides which section goes where and how large each run is;
 *             the caller then allocates the runs; link_apply() copies the sections and relocates
 *             them. Until then the runs are written through `memory`, while their code will run at
 *             `address`: on the host, which never executes them, the two differ.
 * Symbols     A symbol that the object does not define is asked of `resolve`; nothing else of the
 *             kernel can be reached. All that are missing are named in one message.
 * Checks      Each relocation is of a known type, names an existing symbol, is within its
 *             section, and its result fits its field; else nothing is executed. Sections that are
 *             writable and executable, thread-local or compressed are refused, as are constructors:
 *             a driver's tables are its only entrances.
 * Errors      -ENOEXEC with a reason; -ENOMEM.
 * Locking     None: a link belongs to one thread.
 * References  AMD64 psABI 4.4 "Relocation", table 4.9 and "B.2 Optimize GOTPCRELX Relocations".
 */
#ifndef KERNEL_MODULE_LINK_H
#define KERNEL_MODULE_LINK_H

#include "kernel/module/object.h"
#include "kernel/port.h"

enum link_kind { LINK_TEXT, LINK_CONSTANTS, LINK_DATA, LINK_KINDS };

/* Pages for the sections of one kind. A kind of 0 bytes has none. */
struct link_run {
    uint8_t *memory;  /* where the linker writes */
    uint64_t address; /* where the code will find it; page aligned */
};

struct link_place; /* where a section goes */

struct link {
    const struct object *object; /* borrowed */
    struct link_place *places;   /* one for each section */
    uint32_t *got_slots;         /* one for each symbol: its slot + 1; 0: none */
    uint32_t got_count;
    uint64_t got_offset; /* of the global offset table, in LINK_CONSTANTS */
    uint64_t bytes[LINK_KINDS];
    struct link_run runs[LINK_KINDS];
};

/* Returns the address of a symbol that drivers may use, or 0. */
typedef uint64_t link_resolve(void *context, const char *name);

/* Decides where each section goes and sets link->bytes. link_free() frees what it allocated, also
 * after an error. */
status_t link_plan(struct link *link, const struct object *object, struct object_error *error)
    MUST_CHECK;

/* Copies and relocates all sections into `runs`, whose memory has link->bytes of each kind. */
status_t link_apply(struct link *link, const struct link_run runs[LINK_KINDS],
                    link_resolve *resolve, void *context, struct object_error *error) MUST_CHECK;

/* The pointers in the section of this name (a table of lib/table.h), which have been relocated:
 * each points to `object_bytes` of constants or data of this object. NULL and 0 if there is no such
 * section; -ENOEXEC if it is not such a table. The pointers are addresses of the runs. */
status_t link_table(const struct link *link, const char *name, size_t object_bytes,
                    const uint64_t **table, size_t *count, struct object_error *error) MUST_CHECK;

/* The address of a function or object that the object defines; 0 for others. */
uint64_t link_symbol_address(const struct link *link, const struct object_symbol *symbol);

void link_free(struct link *link);

#endif
