/*
 * The two 8259s, level or edge as the firmware left them.
 *
 * A line whose level nobody takes back would interrupt for ever. After a run of unclaimed
 * interrupts it is masked, so that a broken device costs its driver a deadline and not everybody
 * the machine.
 *
 * Reference: Intel 8259A data sheet.
 */
#include "kernel/x86/interrupts.h"
#include "kernel/log.h"
#include "kernel/sched/thread.h"
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
    INITIALIZE = 0x11, /* edge by default, cascaded, with the fourth word */
    MODE_8086 = 0x01,
    READ_IN_SERVICE = 0x0b,
    END_OF_INTERRUPT = 0x20,
    CASCADE_LINE = 2,

    UNCLAIMED_MAX = 10000, /* in a row */
};

static struct list handlers[INTERRUPT_LINES]; /* of struct interrupt_handler, by link */
static unsigned unclaimed_run[INTERRUPT_LINES];
static uint16_t masked = 0xffff;
static bool handling;
unsigned interrupts_deferred, interrupts_waiting;
static struct interrupt_counts counts;

const struct interrupt_counts *interrupt_counts(void)
{
    return &counts;
}

bool interrupt_is_handling(void)
{
    return handling;
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

/* Lines 7 and 15 also stand for "whatever it was, it has gone". */
static bool is_spurious(unsigned line)
{
    uint16_t port = line < 8 ? FIRST_COMMAND : SECOND_COMMAND;

    if (line % 8 != 7)
        return false;
    port_out8(port, READ_IN_SERVICE);
    if (port_in8(port) & 0x80)
        return false;
    counts.spurious++;
    if (line >= 8)
        port_out8(FIRST_COMMAND, END_OF_INTERRUPT); /* the first saw a real cascade */
    return true;
}

static void acknowledge(unsigned line)
{
    if (line >= 8)
        port_out8(SECOND_COMMAND, END_OF_INTERRUPT);
    port_out8(FIRST_COMMAND, END_OF_INTERRUPT);
}

static void note_claimed(unsigned line, bool claimed)
{
    if (claimed) {
        unclaimed_run[line] = 0;
        return;
    }
    counts.unclaimed[line]++;
    if (++unclaimed_run[line] < UNCLAIMED_MAX)
        return;
    set_masked(line, true);
    log_error("interrupts", "line %u masked: %u interrupts that nobody claims", line,
              UNCLAIMED_MAX);
}

static void call_handlers(unsigned line)
{
    bool claimed = false;

    counts.raised[line]++;
    list_each(link, &handlers[line]) {
        struct interrupt_handler *handler = container_of(link, struct interrupt_handler, link);
        claimed |= handler->handle(handler->context);
    }
    note_claimed(line, claimed);
}

/* Interrupts count as deferred meanwhile, so that a handler's spins leave them as they are. */
static void handle_line(unsigned line)
{
    if (is_spurious(line))
        return;
    uint32_t ranks = thread_enter_interrupt();
    interrupts_deferred++;
    handling = true;
    call_handlers(line);
    acknowledge(line);
    handling = false;
    interrupts_deferred--;
    thread_leave_interrupt(ranks);
}

void interrupt_dispatch(unsigned line)
{
    handle_line(line);
    thread_preempt_after_interrupt();
}

/* In the order of the 8259s, since an acknowledgement is for the first line in that order: the
 * second one's lines come in by line 2 of the first. */
void interrupt_dispatch_waiting(void)
{
    while (interrupts_waiting != 0) {
        unsigned first = interrupts_waiting & 0x0007, second = interrupts_waiting & 0xff00;
        unsigned line = (unsigned)__builtin_ctz(first ? first : second ? second
                                                                       : interrupts_waiting);
        interrupts_waiting &= ~(1u << line);
        handle_line(line);
    }
}

status_t interrupt_register(unsigned line, struct interrupt_handler *handler)
{
    if (line >= INTERRUPT_LINES || line == CASCADE_LINE)
        return -EINVAL;

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
    uint64_t flags = cpu_interrupts_save();
    list_remove(&handler->link);
    if (list_empty(&handlers[line]))
        set_masked(line, true);
    cpu_interrupts_restore(flags);
}

void interrupts_start(void)
{
    for (unsigned i = 0; i < INTERRUPT_LINES; i++)
        list_init(&handlers[i]);

    port_out8(FIRST_COMMAND, INITIALIZE);
    port_out8(SECOND_COMMAND, INITIALIZE);
    port_out8(FIRST_DATA, TRAP_LINES_BASE);
    port_out8(SECOND_DATA, TRAP_LINES_BASE + 8);
    port_out8(FIRST_DATA, 1 << CASCADE_LINE);
    port_out8(SECOND_DATA, CASCADE_LINE);
    port_out8(FIRST_DATA, MODE_8086);
    port_out8(SECOND_DATA, MODE_8086);

    masked = (uint16_t)~(1u << CASCADE_LINE);
    write_masks();
}
