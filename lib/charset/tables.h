/*
 * tables.h - the large tables of charset.c.
 */
#ifndef LIB_CHARSET_TABLES_H
#define LIB_CHARSET_TABLES_H

#include <stdint.h>

enum { CHARSET_JIS_PARTS = 5, CHARSET_JIS_COLUMNS = 94, CHARSET_NONE = 0xfffd };

/* The rows from first to last, of 94 characters each. */
struct charset_rows {
    unsigned first, last;
    const uint16_t *characters;
};

extern const struct charset_rows charset_jis_rows[CHARSET_JIS_PARTS];

#endif
