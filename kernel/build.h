/*
 * build.h - the identity of this build.
 */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

/* 16 hexadecimal digits, a hash of the sources; the boot CD contains them in /boot/spindle.id. In
 * the programs of the host: "host". */
extern const char spindle_build_id[];

#endif
