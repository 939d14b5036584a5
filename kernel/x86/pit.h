/*
 * pit.h - registers of the programmable interval timer, which clock.c and alarm.c share.
 *
 * References  Intel 8254 data sheet.
 */
#ifndef KERNEL_X86_PIT_H
#define KERNEL_X86_PIT_H

enum {
    PIT_HZ = 1193182,
    PIT_CHANNEL_0 = 0x40, /* its output is interrupt line 0: alarm.c */
    PIT_CHANNEL_2 = 0x42, /* its output is the speaker, its gate a bit of port 0x61: clock.c */
    PIT_COMMAND = 0x43,

    /* Commands: channel << 6 | access << 4 | mode << 1. */
    PIT_ONE_SHOT_0 = 0x30, /* low and high byte, mode 0: interrupt on terminal count */
    PIT_PERIODIC_2 = 0xb4, /* low and high byte, mode 2: counts down repeatedly */
    PIT_LATCH_2 = 0x80,    /* holds the count for the next two reads */
};

#endif
