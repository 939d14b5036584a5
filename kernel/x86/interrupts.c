/*
 * interrupts.c - the two 8259s: masks, handlers, acknowledgement. See interrupts.h.
 *
 * Lines are edge or level triggered as the firmware has set them.
 */
#include "kernel/x86/interrupts.h"
#include "kernel/log.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "kernel/x86/ports.h"
#include "kernel/x86/traps.h"
#include "lib/macros.h"

enum {
    FIRST_COMMAND = 0x20,
    FIRST_DATA = 0x21,
    SECOND_COMMAND = 0xa0,
    SECOND_DATA = 0xa1,
    INITIALIZE = 0x11, /* ICW1: edge by default, cascaded, ICW4 follows */
    MODE_8086 = 0x01,  /* ICW4 */
    READ_IN_SERVICE = 0x0b,
    END_OF_INTERRUPT = 0x20,

    CASCADE_LINE = 2, /* of the first: the second is connected to it */
    FIRST_LINES = 8,
    SPURIOUS_LINE = 7, /* of each */
    SPURIOUS_BIT = 1 << SPURIOUS_LINE,

    UNCLAIMED_MAX = 10000, /* in a row */
};

static struct list handlers[INTERRUPT_LINES]; /* of struct interrupt_handler, by link */
static unsigned unclaimed_run[INTERRUPT_LINES];
static uint16_t masked = 0xffff;
static struct interrupt_counts counts;

const struct interrupt_counts *interrupt_counts(void)
{
    return &counts;
}

bool interrupt_is_handling(void)
{
    return this_cpu()->in_handler;
}

static void write_masks(void)
{
    port_out8(FIRST_DATA, (uint8_t)masked);
    port_out8(SECOND_DATA, (uint8_t)(masked >> 8));
}

static void set_masked(unsigned line, bool value)
{
    masked = (uint16_t)(value ? masked | 1u << line : masked & ~(1u << line));
    write_masks();
}

/* ---- from a line to its handlers ------------------------------------------------------------- */

/* An 8259 whose request has gone before it was acknowledged reports its line 7 instead, without
 * marking it as in service. */
static bool is_spurious(unsigned line)
{
    if (line % FIRST_LINES != SPURIOUS_LINE)
        return false;

    /* A real interrupt is in service now. Only lines 7 and 15 pay for this slow read. */
    uint16_t port = line < FIRST_LINES ? FIRST_COMMAND : SECOND_COMMAND;
    port_out8(port, READ_IN_SERVICE);
    if (port_in8(port) & SPURIOUS_BIT)
        return false;

    /* No acknowledgement, except for the cascade: that interrupt of the first 8259 was real. */
    counts.spurious++;
    if (line >= FIRST_LINES)
        port_out8(FIRST_COMMAND, END_OF_INTERRUPT);
    return true;
}

static void acknowledge(unsigned line)
{
    /* The second 8259 raises a line of the first, so both have an interrupt in service. */
    if (line >= FIRST_LINES)
        port_out8(SECOND_COMMAND, END_OF_INTERRUPT);
    port_out8(FIRST_COMMAND, END_OF_INTERRUPT);
}

static void note_unclaimed(unsigned line)
{
    counts.unclaimed[line]++;
    if (++unclaimed_run[line] < UNCLAIMED_MAX)
        return;

    /* The line is raised permanently: without this the machine would do nothing else. */
    set_masked(line, true);
    log_error("interrupts", "line %u: %u unclaimed interrupts in a row; line masked", line,
              UNCLAIMED_MAX);
}

static void call_handlers(unsigned line)
{
    bool claimed = false;
    counts.raised[line]++;

    /* All are called, even after one claimed it: several devices may raise a shared line at once,
     * and an edge-triggered line would not interrupt again for the others. */
    list_each(link, &handlers[line]) {
        struct interrupt_handler *handler = container_of(link, struct interrupt_handler, link);
        claimed |= handler->handle(handler->context);
    }

    if (claimed)
        unclaimed_run[line] = 0;
    else
        note_unclaimed(line);
}

static void handle_line(unsigned line)
{
    struct cpu *cpu = this_cpu();

    if (is_spurious(line))
        return;

    /* The handler's locks have no order relative to those of the interrupted thread. Interrupts
     * count as deferred meanwhile, so that the handler's spinlocks leave them disabled. */
    uint32_t ranks_held = cpu->ranks_held;
    cpu->ranks_held = 0;
    cpu->deferred++;
    cpu->in_handler = true;

    /* Acknowledge only after the devices were served: a level-triggered line that is still raised
     * would interrupt once more. */
    call_handlers(line);
    acknowledge(line);

    cpu->in_handler = false;
    cpu->deferred--;
    cpu->ranks_held = ranks_held;
}

void interrupt_dispatch(unsigned line)
{
    handle_line(line);
    cpu_hooks.preempt();
}

/* Serves deferred lines in the 8259s' order of priority, since an acknowledgement ends the line of
 * the highest priority in service: 0, 1, then the second 8259's (by line 2), then 3 to 7. */
static void serve_waiting(void)
{
    struct cpu *cpu = this_cpu();

    while (cpu->lines_waiting != 0) {
        unsigned before_cascade = cpu->lines_waiting & 0x0007;
        unsigned second = cpu->lines_waiting & 0xff00;
        unsigned next = before_cascade ? before_cascade : second ? second : cpu->lines_waiting;
        unsigned line = (unsigned)__builtin_ctz(next);

        /* Clear the bit first: the line may be raised again as soon as it is acknowledged. */
        cpu->lines_waiting &= ~(1u << line);
        handle_line(line);
    }
}

/* ---- registration --------------------------------------------------------------------------- */

status_t interrupt_register(unsigned line, struct interrupt_handler *handler)
{
    if (line >= INTERRUPT_LINES || line == CASCADE_LINE)
        return -EINVAL;

    code_use_begin(&handler->code_use, (const void *)handler->handle, "interrupt", "handler");
    /* The line gets another chance if it was masked: the new driver may serve the broken device. */
    uint64_t flags = cpu_interrupts_save();
    list_push_back(&handlers[line], &handler->link);
    unclaimed_run[line] = 0;
    set_masked(line, false);
    cpu_interrupts_restore(flags);
    return 0;
}

void interrupt_unregister(unsigned line, struct interrupt_handler *handler)
{
    kassert(line < INTERRUPT_LINES);

    /* With interrupts off no handler runs (there is one processor), so the caller may free the
     * memory when this returns. */
    uint64_t flags = cpu_interrupts_save();
    list_remove(&handler->link);
    if (list_empty(&handlers[line]))
        set_masked(line, true);
    cpu_interrupts_restore(flags);
    code_use_end(&handler->code_use);
}

void interrupts_start(void)
{
    for (unsigned i = 0; i < INTERRUPT_LINES; i++)
        list_init(&handlers[i]);
    cpu_hooks.serve_waiting = serve_waiting;

    /* ICW1 to ICW4, for both: start, the vectors' base, the line of the cascade (a bit for the
     * first 8259, a number for the second), the mode. After a BIOS the first one's vectors are
     * 8..15, which are exceptions. */
    port_out8(FIRST_COMMAND, INITIALIZE);
    port_out8(SECOND_COMMAND, INITIALIZE);
    port_out8(FIRST_DATA, TRAP_LINES_BASE);
    port_out8(SECOND_DATA, TRAP_LINES_BASE + FIRST_LINES);
    port_out8(FIRST_DATA, 1 << CASCADE_LINE);
    port_out8(SECOND_DATA, CASCADE_LINE);
    port_out8(FIRST_DATA, MODE_8086);
    port_out8(SECOND_DATA, MODE_8086);

    /* All lines stay masked until they have a handler, except the cascade. */
    masked = (uint16_t)~(1u << CASCADE_LINE);
    write_masks();
}
