/*
 * known.h - facts of the build that the loader of drivers needs (build/drivers/known.c).
 */
#ifndef KERNEL_MODULE_KNOWN_H
#define KERNEL_MODULE_KNOWN_H

/* The digest of this kernel's interface for drivers, in hex. */
extern const char driver_abi[];

/* The SHA-256 digests, in hex, of the driver objects that were built with this kernel; NULL ends
 * the list. */
extern const char *const driver_digests[];

/* The names of the shell commands of those objects, each with a blank before and after it. */
extern const char driver_commands[];

#endif
