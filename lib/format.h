/*
 * format.h - printf's conversions, into a buffer.
 *
 * Conversions  %d %i %u %x %X %o %c %s %p %%
 * Flags        - 0 + space #, width and precision as numbers or *, sizes hh h l ll z j t.
 * Result       Never writes past `bytes`, terminates the text if bytes > 0, and returns the length
 *              of the whole text, so it was truncated if that is >= bytes. An unknown conversion is
 *              copied unchanged. %s of NULL is "(null)"; %p is 0x and hexadecimal digits.
 * Status       No floating point, whose registers the kernel does not use, and no %n.
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
