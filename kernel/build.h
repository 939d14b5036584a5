/*
 * build.h - which build this is.
 */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

/* 16 hexadecimal digits that name the sources; the boot CD has them in /boot/spindle.id. */
extern const char spindle_build_id[];

#endif
