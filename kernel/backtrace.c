/*
 * backtrace.c - the backtrace of a panic: the chain of call frames, with symbols.
 */
#include "kernel/code.h"
#include "kernel/mm/space.h"
#include "kernel/module/module.h"
#include "kernel/panic.h"
#include "kernel/symbols.h"
#include "kernel/x86/traps.h"

enum { FRAMES_MAX = 32 };

static void print_address(unsigned number, uint64_t address, uint64_t looked_up)
{
    struct code_symbol symbol;
    uint64_t offset;
    const char *name = symbol_find(looked_up, &offset);

    if (name)
        panic_print("  #%u %#lx %s+%#lx\n", number, address, name, offset + (address - looked_up));
    else if (code_symbol_find(looked_up, &symbol))
        panic_print("  #%u %#lx driver %s: %s+%#lx\n", number, address, symbol.owner,
                    symbol.function, symbol.offset + (address - looked_up));
    else
        panic_print("  #%u %#lx\n", number, address);
}

/* A frame must be in writable memory, above the previous one: a corrupt stack ends the trace. */
static bool is_frame(const struct call_frame *frame, const struct call_frame *inner)
{
    uint64_t address = (uint64_t)frame;
    return address % sizeof(address) == 0 && frame > inner &&
           (space_rights(address) & SPACE_WRITE) &&
           (space_rights(address + sizeof(address)) & SPACE_WRITE);
}

static void report_backtrace(const struct panic_scene *scene)
{
    const struct call_frame *frame = scene->frame, *inner = NULL;
    unsigned number = 0;

    if (module_tainted_by())
        panic_print("tainted: driver %s was not built with this kernel\n", module_tainted_by());

    /* A trap pushes no call frame: its own instruction comes first, at its exact address. */
    if (scene->trap)
        print_address(number++, scene->trap->rip, scene->trap->rip);

    /* After a call that never returns, the return address may be the first byte of the next
     * function, so the byte before it is looked up. */
    for (; number < FRAMES_MAX && is_frame(frame, inner) && frame->return_address; number++) {
        print_address(number, frame->return_address, frame->return_address - 1);
        inner = frame;
        frame = frame->caller;
    }
}
PANIC_REPORTER(backtrace, PANIC_REPORT_BACKTRACE, report_backtrace);
