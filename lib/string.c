/*
 * string.c - memory and text for the kernel, eight bytes at a time. Not linked on the host.
 */
#include "lib/string.h"
#include <stdint.h>
#include "lib/word.h"

/* Otherwise gcc replaces the loops below by calls to the functions they implement. Clang does not
 * with -ffreestanding. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

/* Eight bytes at any address, of any type. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

enum { WORD_BYTES = 8, TURN_WORDS = 8, TURN_BYTES = WORD_BYTES * TURN_WORDS };

/* All loads precede all stores: if source and destination share a slot of an emulator's address
 * table, that causes two misses instead of sixteen. It also allows the areas to overlap. */
static inline void move_turn(uint8_t *to, const uint8_t *from)
{
    /* Eight variables, so that the compiler keeps them in registers. */
    const word_t *f = (const word_t *)from;
    word_t *t = (word_t *)to;
    uint64_t a = f[0], b = f[1], c = f[2], d = f[3];
    uint64_t e = f[4], g = f[5], h = f[6], i = f[7];
    t[0] = a, t[1] = b, t[2] = c, t[3] = d;
    t[4] = e, t[5] = g, t[6] = h, t[7] = i;
}

static inline void move_word(uint8_t *to, const uint8_t *from)
{
    *(word_t *)to = *(const word_t *)from;
}

/* Correct if the areas do not overlap, or `to` is below `from`. */
static inline void move_up(uint8_t *to, const uint8_t *from, size_t bytes)
{
    /* From the first byte on: 64 at a time, then 8, then the rest. */
    for (; bytes >= TURN_BYTES; bytes -= TURN_BYTES, to += TURN_BYTES, from += TURN_BYTES)
        move_turn(to, from);
    for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES, to += WORD_BYTES, from += WORD_BYTES)
        move_word(to, from);
    while (bytes-- > 0)
        *to++ = *from++;
}

/* Correct if `to` is above `from`. */
static inline void move_down(uint8_t *to, const uint8_t *from, size_t bytes)
{
    /* From the last byte back, because the start of `to` may be the end of `from`. */
    for (; bytes >= TURN_BYTES; bytes -= TURN_BYTES)
        move_turn(to + bytes - TURN_BYTES, from + bytes - TURN_BYTES);
    for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES)
        move_word(to + bytes - WORD_BYTES, from + bytes - WORD_BYTES);
    for (; bytes > 0; bytes--)
        to[bytes - 1] = from[bytes - 1];
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    move_up(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    /* The difference wraps to a huge number if `to` is below `from`. */
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        move_up(to, from, bytes);
    else
        move_down(to, from, bytes);
    return to;
}

void *memset(void *memory, int value, size_t bytes)
{
    uint8_t *at = memory;

    /* 64 bytes at a time, then 8, then the rest. */
    uint64_t word = (uint8_t)value * EACH_BYTE;
    for (; bytes >= TURN_BYTES; bytes -= TURN_BYTES, at += TURN_BYTES) {
        word_t *t = (word_t *)at;
        t[0] = word, t[1] = word, t[2] = word, t[3] = word;
        t[4] = word, t[5] = word, t[6] = word, t[7] = word;
    }
    for (; bytes >= WORD_BYTES; bytes -= WORD_BYTES, at += WORD_BYTES)
        *(word_t *)at = word;
    while (bytes-- > 0)
        *at++ = (uint8_t)value;
    return memory;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a, *y = b;

    /* Find the first word that differs. */
    for (; bytes >= WORD_BYTES; x += WORD_BYTES, y += WORD_BYTES, bytes -= WORD_BYTES) {
        uint64_t one = *(const word_t *)x, two = *(const word_t *)y;
        /* Swapped, so that the first byte is the most significant. */
        if (one != two)
            return __builtin_bswap64(one) < __builtin_bswap64(two) ? -1 : 1;
    }
    for (; bytes > 0; x++, y++, bytes--)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *memory, int value, size_t bytes)
{
    const uint8_t *at = memory;

    /* A byte that is equal becomes zero. */
    uint64_t wanted = (uint8_t)value * EACH_BYTE;
    for (; bytes >= WORD_BYTES; at += WORD_BYTES, bytes -= WORD_BYTES) {
        /* The lowest top bit that is set marks the first zero byte; borrows make higher ones
         * unreliable. */
        uint64_t word = *(const word_t *)at ^ wanted;
        uint64_t zeros = (word - EACH_BYTE) & ~word & 0x80 * EACH_BYTE;
        if (zeros)
            return (void *)(uintptr_t)(at + __builtin_ctzll(zeros) / 8);
    }
    for (; bytes > 0; at++, bytes--)
        if (*at == (uint8_t)value)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strlen(const char *text)
{
    /* One byte at a time: a word could cross into a page that is not mapped. */
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t bytes)
{
    size_t length = 0;
    while (length < bytes && text[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes > 0; a++, b++, bytes--) {
        /* ISO C compares as unsigned char. */
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        if (!*a)
            return 0;
    }
    return 0;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        /* The NUL is part of the text: it can be searched for. */
        if (*text == (char)c)
            return (char *)(uintptr_t)text;
        if (!*text)
            return NULL;
    }
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;
    for (;; text++) {
        if (*text == (char)c)
            found = text;
        if (!*text)
            return (char *)(uintptr_t)found;
    }
}
