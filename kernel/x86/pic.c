/*
 * pic.c - programs the two 8259s: see pic.h.
 */
#include "kernel/x86/pic.h"
#include <stdint.h>
#include "kernel/x86/ports.h"
#include "kernel/x86/traps.h"

enum {
    FIRST_COMMAND = 0x20,
    FIRST_DATA = 0x21,
    SECOND_COMMAND = 0xa0,
    SECOND_DATA = 0xa1,
    INITIALIZE = 0x11, /* ICW1: edge by default, cascaded, ICW4 follows */
    MODE_8086 = 0x01,  /* ICW4 */
    READ_IN_SERVICE = 0x0b,
    END_OF_INTERRUPT = 0x20,

    FIRST_LINES = 8,
    SPURIOUS_LINE = 7, /* of each */
    SPURIOUS_BIT = 1 << SPURIOUS_LINE,
};

static uint16_t masks = 0xffff;
static bool present;

static void write_masks(void)
{
    port_out8(FIRST_DATA, (uint8_t)masks);
    port_out8(SECOND_DATA, (uint8_t)(masks >> 8));
}

void pic_set_masked(unsigned line, bool masked)
{
    masks = (uint16_t)(masked ? masks | 1u << line : masks & ~(1u << line));
    write_masks();
}

bool pic_is_spurious(unsigned line)
{
    if (line % FIRST_LINES != SPURIOUS_LINE)
        return false;

    /* A real interrupt is in service now. Only lines 7 and 15 pay for this slow read. */
    uint16_t port = line < FIRST_LINES ? FIRST_COMMAND : SECOND_COMMAND;
    port_out8(port, READ_IN_SERVICE);
    if (port_in8(port) & SPURIOUS_BIT)
        return false;

    /* No acknowledgement, except for the cascade: that interrupt of the first 8259 was real. */
    if (line >= FIRST_LINES)
        port_out8(FIRST_COMMAND, END_OF_INTERRUPT);
    return true;
}

void pic_acknowledge(unsigned line)
{
    /* The second 8259 raises a line of the first, so both have an interrupt in service. */
    if (line >= FIRST_LINES)
        port_out8(SECOND_COMMAND, END_OF_INTERRUPT);
    port_out8(FIRST_COMMAND, END_OF_INTERRUPT);
}

unsigned pic_highest(unsigned lines)
{
    /* 0, 1, then the second 8259's (by line 2), then 3 to 7. */
    unsigned before_cascade = lines & 0x0007, second = lines & 0xff00;
    return (unsigned)__builtin_ctz(before_cascade ? before_cascade : second ? second : lines);
}

void pic_start(void)
{
    /* ICW1 to ICW4, for both: start, the vectors' base, the line of the cascade (a bit for the
     * first 8259, a number for the second), the mode. After a BIOS the first one's vectors are
     * 8..15, which are exceptions. */
    port_out8(FIRST_COMMAND, INITIALIZE);
    port_out8(SECOND_COMMAND, INITIALIZE);
    port_out8(FIRST_DATA, TRAP_LINES_BASE);
    port_out8(SECOND_DATA, TRAP_LINES_BASE + FIRST_LINES);
    port_out8(FIRST_DATA, 1 << PIC_CASCADE_LINE);
    port_out8(SECOND_DATA, PIC_CASCADE_LINE);
    port_out8(FIRST_DATA, MODE_8086);
    port_out8(SECOND_DATA, MODE_8086);

    /* All lines stay masked until they have a handler, except the cascade. */
    masks = (uint16_t)~(1u << PIC_CASCADE_LINE);
    write_masks();

    /* Where there is no controller, the ports read as ones. */
    present = port_in8(FIRST_DATA) == (uint8_t)masks;
}

bool pic_is_present(void)
{
    return present;
}
