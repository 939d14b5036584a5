/*
 * interrupts.c - handlers of lines and messages, and the way to them. See interrupts.h.
 */
#include "kernel/x86/interrupts.h"
#include "kernel/log.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "kernel/x86/pic.h"
#include "kernel/x86/traps.h"
#include "lib/macros.h"
#include "lib/text.h"

enum { UNCLAIMED_MAX = 10000 }; /* in a row */

/* The vectors are consecutive, and struct cpu has a bit for each source. */
_Static_assert((unsigned)TRAP_LINES_BASE + INTERRUPT_LINES == TRAP_MESSAGES_BASE, "lines");
_Static_assert((unsigned)TRAP_LINES_BASE + INTERRUPT_SOURCES == TRAP_SPURIOUS, "messages");
_Static_assert((unsigned)INTERRUPT_LINES == PIC_LINES && INTERRUPT_SOURCES <= 64, "sources");

static struct list handlers[INTERRUPT_SOURCES]; /* of struct interrupt_handler, by link */
static unsigned unclaimed_run[INTERRUPT_LINES];
static struct interrupt_counts counts;

const struct interrupt_counts *interrupt_counts(void)
{
    return &counts;
}

bool interrupt_is_handling(void)
{
    return this_cpu()->in_handler;
}

void interrupt_note_spurious(void)
{
    counts.spurious++;
}

bool interrupt_handler_name(unsigned source, unsigned number, char *text, size_t bytes)
{
    bool found = false;

    /* The name belongs to the handler, which another thread may unregister. */
    uint64_t flags = cpu_interrupts_save();
    list_each(link, &handlers[source]) {
        const struct interrupt_handler *handler =
            container_of(link, struct interrupt_handler, link);
        found = number-- == 0;
        if (found) {
            text_copy(text, bytes, handler->name ? handler->name : "unnamed");
            break;
        }
    }
    cpu_interrupts_restore(flags);
    return found;
}

static bool is_line(unsigned source)
{
    return source < INTERRUPT_LINES;
}

/* ---- from a source to its handlers ----------------------------------------------------------- */

static void note_unclaimed(unsigned source)
{
    counts.unclaimed[source]++;
    if (!is_line(source) || ++unclaimed_run[source] < UNCLAIMED_MAX)
        return;

    /* The line is raised permanently: without this the machine would do nothing else. */
    pic_set_masked(source, true);
    log_error("interrupts", "line %u: %u unclaimed interrupts in a row; line masked", source,
              UNCLAIMED_MAX);
}

static void call_handlers(unsigned source)
{
    bool claimed = false;
    counts.raised[source]++;

    /* All are called, even after one claimed it: several devices may raise a shared line at once,
     * and an edge-triggered line would not interrupt again for the others. */
    list_each(link, &handlers[source]) {
        struct interrupt_handler *handler = container_of(link, struct interrupt_handler, link);
        claimed |= handler->handle(handler->context);
    }

    if (!claimed)
        note_unclaimed(source);
    else if (is_line(source))
        unclaimed_run[source] = 0;
}

static void handle_source(unsigned source)
{
    struct cpu *cpu = this_cpu();

    if (is_line(source) && pic_is_spurious(source)) {
        counts.spurious++;
        return;
    }

    /* The handler's locks have no order relative to those of the interrupted thread. Interrupts
     * count as deferred meanwhile, so that the handler's spinlocks leave them disabled. */
    uint32_t ranks_held = cpu->ranks_held;
    cpu->ranks_held = 0;
    cpu->deferred++;
    cpu->in_handler = true;

    /* Acknowledge only after the devices were served: a level-triggered line that is still raised
     * would interrupt once more. */
    call_handlers(source);
    if (is_line(source))
        pic_acknowledge(source);
    else
        apic_acknowledge();

    cpu->in_handler = false;
    cpu->deferred--;
    cpu->ranks_held = ranks_held;
}

void interrupt_dispatch(unsigned source)
{
    handle_source(source);
    cpu_hooks.preempt();
}

/* Serves deferred interrupts in their controllers' order of priority, since an acknowledgement ends
 * the one of the highest priority in service. For the local APIC that is the highest vector. */
static void serve_waiting(void)
{
    struct cpu *cpu = this_cpu();

    while (cpu->waiting != 0) {
        unsigned source = cpu->waiting >> INTERRUPT_LINES
                              ? 63 - (unsigned)__builtin_clzll(cpu->waiting)
                              : pic_highest((unsigned)cpu->waiting);

        /* Clear the bit first: it may be raised again as soon as it is acknowledged. */
        cpu->waiting &= ~(1ull << source);
        handle_source(source);
    }
}

/* ---- registration --------------------------------------------------------------------------- */

status_t interrupt_register(unsigned line, struct interrupt_handler *handler)
{
    if (line >= INTERRUPT_LINES || line == PIC_CASCADE_LINE)
        return -EINVAL;
    if (!pic_is_present())
        return -ENODEV;

    code_use_begin(&handler->code_use, (const void *)handler->handle, "interrupt", "handler");
    /* The line gets another chance if it was masked: the new driver may serve the broken device. */
    uint64_t flags = cpu_interrupts_save();
    list_push_back(&handlers[line], &handler->link);
    unclaimed_run[line] = 0;
    pic_set_masked(line, false);
    cpu_interrupts_restore(flags);
    return 0;
}

/* Adds the handler to a message that has none. Returns its source, or INTERRUPT_SOURCES. */
static unsigned take_message(struct interrupt_handler *handler)
{
    uint64_t flags = cpu_interrupts_save();
    unsigned source = INTERRUPT_LINES;

    /* A message is never shared. The search and the insertion are one step, so that two drivers
     * do not get the same one. */
    while (source < INTERRUPT_SOURCES && !list_empty(&handlers[source]))
        source++;
    if (source < INTERRUPT_SOURCES)
        list_push_back(&handlers[source], &handler->link);
    cpu_interrupts_restore(flags);
    return source;
}

status_t interrupt_register_message(struct interrupt_handler *handler,
                                    struct interrupt_message *message)
{
    uint64_t address = apic_message_address();
    if (!address)
        return -ENODEV;

    code_use_begin(&handler->code_use, (const void *)handler->handle, "interrupt", "handler");

    /* The use begins before the handler can run, and ends here if it will not. */
    unsigned source = take_message(handler);
    if (source == INTERRUPT_SOURCES) {
        code_use_end(&handler->code_use);
        return -EBUSY;
    }

    *message = (struct interrupt_message){
        .address = address, .data = TRAP_LINES_BASE + source, .source = source
    };
    return 0;
}

void interrupt_unregister(unsigned source, struct interrupt_handler *handler)
{
    kassert(source < INTERRUPT_SOURCES);

    /* With interrupts off no handler runs (there is one processor), so the caller may free the
     * memory when this returns. */
    uint64_t flags = cpu_interrupts_save();
    list_remove(&handler->link);
    if (is_line(source) && list_empty(&handlers[source]))
        pic_set_masked(source, true);
    cpu_interrupts_restore(flags);
    code_use_end(&handler->code_use);
}

void interrupts_start(void)
{
    /* The lists are made before the 8259s may raise anything. */
    for (unsigned i = 0; i < INTERRUPT_SOURCES; i++)
        list_init(&handlers[i]);
    cpu_hooks.serve_waiting = serve_waiting;
    pic_start();
}
