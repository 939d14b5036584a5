/*
 * macros.h - the length of an array, the smaller and the larger of two values, the struct around a
 * member, and results to ignore.
 */
#ifndef LIB_MACROS_H
#define LIB_MACROS_H

#include <stddef.h>

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Each argument is evaluated twice: no calls, no side effects. */
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

/* Returns the struct of this type whose member the pointer points to. */
#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* Calls a MUST_CHECK function whose result does not matter here; say why in a comment. */
#define IGNORE(call) ((void)!(call))

#endif
