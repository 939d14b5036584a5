/*
 * string.h - the C library's functions on memory and text that the compiler and the kernel use.
 *
 * Interface   As in ISO C 7.24, with POSIX's strnlen.
 * Model       string.c is compiled for the kernel only; the host uses its C library. The
 *             declarations agree with <string.h>, so a file may include both.
 * Status      memcpy, memmove and memset move 64 bytes at a time in eight registers: all loads,
 *             then all stores. In an emulator that is faster than the string instructions,
 *             especially if source and destination are a large power of two apart.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *memory, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *memory, int value, size_t bytes);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t bytes);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
char *strchr(const char *text, int c);
char *strrchr(const char *text, int c);

#endif
