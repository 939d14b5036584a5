/*
 * export.h - the functions and objects that loaded drivers may use.
 *
 *     EXPORT(device_publish);
 *
 * makes a name callable from driver objects; no other name of the kernel resolves. Each room's list
 * is one file (kernel/module/exports.c, shell/exports.c): together with the headers that declare
 * the names it is the kernel's binary interface for drivers. The digest of that interface, which
 * `make` computes from those headers and the compiler's flags, is driver_abi; an object that was
 * compiled for another one is refused.
 */
#ifndef KERNEL_MODULE_EXPORT_H
#define KERNEL_MODULE_EXPORT_H

#include "lib/table.h"

struct export {
    const char *name;
    const void *address;
};

TABLE_DECLARE(exports, struct export);

#define EXPORT(symbol) \
    static const struct export export_of_##symbol = { #symbol, (const void *)&symbol }; \
    TABLE_ENTRY(exports, struct export, export_of_##symbol)

/* Returns the address of an exported name, or NULL. */
const void *export_find(const char *name);

#endif
