/*
 * charset_tables.h - the tables of charset.c, in files of their own.
 */
#ifndef LIB_CHARSET_TABLES_H
#define LIB_CHARSET_TABLES_H

#include <stdint.h>

enum { CHARSET_JIS_PARTS = 5, CHARSET_JIS_COLUMNS = 94, CHARSET_NONE = 0xfffd };

/* Rows first to last of 94 characters each, one after another. */
struct charset_rows {
    unsigned first, last;
    const uint16_t *characters;
};

extern const struct charset_rows charset_jis_rows[CHARSET_JIS_PARTS];

#endif
