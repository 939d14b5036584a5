/*
 * checks.h - the inside of identify: reading the source, and checks of single formats.
 */
#ifndef LIB_IDENTIFY_CHECKS_H
#define LIB_IDENTIFY_CHECKS_H

#include "lib/identify/identify.h"

/* ---- window.c ----------------------------------------------------------------------------- */

/* Returns up to `bytes` (at most 64) of the source at this offset; fewer at the end of the source
 * or of the window, none where it is unreadable. Valid until the next call. */
struct bytes identify_bytes(struct identify *identify, uint64_t offset, size_t bytes);

/* ---- checks.c ----------------------------------------------------------------------------- */

/* Returns the name of the format that the source is in, NULL if it is not this check's. */
typedef const char *identify_check(struct identify *identify);

identify_check identify_udf, identify_fat, identify_ext, identify_minix, identify_mbr,
    identify_hfs, identify_lvm, identify_gpt, identify_elf, identify_mz, identify_riff,
    identify_squashfs, identify_raw_cd, identify_vhd_fixed, identify_dmg, identify_nrg,
    identify_macho;

#endif
