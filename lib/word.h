/*
 * word.h - eight bytes of text at a time, in the bytes of a number.
 *
 * `c * EACH_BYTE` has c in each of them; `0x80 * EACH_BYTE` are their top bits, where sums and
 * differences leave what they found out.
 */
#ifndef LIB_WORD_H
#define LIB_WORD_H

#include <stdint.h>

#define EACH_BYTE ((uint64_t)0x0101010101010101u)

#endif
