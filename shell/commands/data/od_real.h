/*
 * od_real.h - floating-point numbers of 4, 8 and 16 bytes, for od.
 */
#ifndef SHELL_COMMANDS_DATA_OD_REAL_H
#define SHELL_COMMANDS_DATA_OD_REAL_H

#include "kernel/port.h"

/* Returns the columns of the longest number. */
unsigned od_real_width(unsigned bytes);
/* Prints a number, its lowest byte first, with the fewest digits that identify it. */
void od_real(char *text, size_t room, const uint8_t *bytes, unsigned size);

#endif
