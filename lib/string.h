/*
 * string.h - the C library's calls on memory and text that the compiler and the kernel use.
 *
 * Interface   As in ISO C 7.24, with POSIX's strnlen.
 * Model       string.c is compiled for the kernel only; the host links its C library's. The
 *             declarations agree with <string.h>, so both headers may meet in one file.
 * Status      memcpy, memmove and memset move 64 bytes a turn in eight registers: all loads, then
 *             all stores. Under an emulator that is faster than the string instructions, most of
 *             all when source and destination are a large power of two apart.
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
