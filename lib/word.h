/*
 * word.h - eight bytes of text at a time, in the bytes of a number.
 *
 * `c * EACH_BYTE` has c in each byte; `0x80 * EACH_BYTE` is the mask of their top bits, in which
 * sums and differences leave their result.
 */
#ifndef LIB_WORD_H
#define LIB_WORD_H

#include <stdint.h>

#define EACH_BYTE ((uint64_t)0x0101010101010101u)

#endif
