/*
 * format.h - printf's formats into a buffer.
 *
 * Conversions  %d %i %u %x %X %o %c %s %p %%
 * Flags        - 0 + space #, width and precision as numbers or *, sizes hh h l ll z j t.
 * Result       Never writes past `bytes`, ends the text with NUL when bytes > 0, and returns the
 *              length that the whole text has, so it was cut when that is >= bytes. A conversion
 *              it does not know is copied as it stands. %s of NULL is "(null)", %p is 0x and hex.
 * Status       No floating point (the kernel owns no such register) and no %n.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

int format_text(char *buffer, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int format_text_v(char *buffer, size_t bytes, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
