/*
 * prof.c - takes samples in the timer's interrupt and counts them by function: see prof.h.
 */
#include "kernel/prof.h"
#include "kernel/code.h"
#include "kernel/mm/space.h"
#include "kernel/panic.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/symbols.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/traps.h"
#include "lib/format.h"
#include "lib/string.h"

enum { FRAMES_MAX = 24, TOP_WORDS = 8, DRIVER_FUNCTIONS_MAX = 64 };

/* Functions have numbers: those of the kernel their symbol numbers, then those of loaded drivers in
 * the order in which they were seen. */
static const uint32_t no_function = UINT32_MAX;

struct driver_function {
    uint64_t start;
    char name[100]; /* "DRIVER: FUNCTION" */
};

struct counter {
    uint32_t self, total;
    uint32_t last; /* the last sample counted in `total`: recursion counts once */
};

/* The functions on the stack in one sample, innermost first. */
struct trace {
    uint32_t functions[FRAMES_MAX];
    unsigned count;
};

static struct {
    struct counter *counters; /* by function number; NULL: no run */
    struct driver_function *driver_functions;
    uint32_t driver_count;
    uint32_t callers_of;      /* no_function: count all samples */
    uint64_t interval_us;
    struct prof_run run;
    struct trace deferred; /* of an alarm that waits for a spinlock; count 0: none */
    struct timer timer;
} prof;

/* ---- in the interrupt --------------------------------------------------------------------- */

/* Copies the name of a function that is new, as its driver may be unloaded before the run ends. */
static uint32_t driver_function(uint64_t address)
{
    struct code_symbol symbol;
    if (!code_symbol_find(address, &symbol))
        return no_function;

    uint64_t start = address - symbol.offset;
    for (uint32_t i = 0; i < prof.driver_count; i++)
        if (prof.driver_functions[i].start == start)
            return symbol_total() + i;
    if (prof.driver_count == DRIVER_FUNCTIONS_MAX)
        return no_function;

    struct driver_function *function = &prof.driver_functions[prof.driver_count];
    function->start = start;
    format_text(function->name, sizeof(function->name), "%s: %s", symbol.owner, symbol.function);
    return symbol_total() + prof.driver_count++;
}

static void trace_add(struct trace *trace, uint64_t address)
{
    uint32_t function = symbol_number(address);
    if (function == symbol_total())
        function = driver_function(address);
    if (function != no_function && trace->count < FRAMES_MAX)
        trace->functions[trace->count++] = function;
}

/* Returns true if the instruction before this address is `call rel32` to `start`. */
static bool follows_call(uint64_t address, uint64_t start)
{
    enum { CALL = 0xe8, CALL_BYTES = 5 };
    int32_t distance;

    /* The word may be any number: read only memory that contains the kernel's text. */
    if (symbol_number(address - CALL_BYTES) == symbol_total())
        return false;

    /* The distance is relative to the instruction after the call, which is the return address. */
    const uint8_t *call = (const uint8_t *)(address - CALL_BYTES);
    memcpy(&distance, call + 1, sizeof(distance));
    return *call == CALL && address + (uint64_t)(int64_t)distance == start;
}

/* A function that calls no other has no frame, and no function has one at its first and last
 * instructions. Their return address is near the top of the stack, recognised by the call before
 * it. */
static void trace_add_frameless(struct trace *trace, const struct trap_frame *trap)
{
    const uint64_t *word = (const uint64_t *)trap->rsp;
    uint32_t function = symbol_number(trap->rip);
    if (function == symbol_total())
        return;

    /* Words at or above the frame pointer belong to a function whose frame is complete. */
    for (unsigned i = 0; i < TOP_WORDS && (uint64_t)(word + i) < trap->rbp; i++)
        if (follows_call(word[i], symbol_address(function))) {
            trace_add(trace, word[i] - 1);
            return;
        }
}

/* Each frame must be above the previous one in the interrupted stack; anything else ends the trace.
 * A return address may be the first byte of the next function, so the byte before it is looked up.
 */
static void trace_take(struct trace *trace, const struct trap_frame *trap)
{
    uint64_t lowest = trap->rsp, end = trap->rsp + STACK_BYTES, at = trap->rbp;

    trace_add(trace, trap->rip);
    trace_add_frameless(trace, trap);

    while (at % sizeof(at) == 0 && at >= lowest && at <= end - sizeof(struct call_frame)) {
        const struct call_frame *frame = (const struct call_frame *)at;
        trace_add(trace, frame->return_address - 1);
        lowest = at + 1;
        at = (uint64_t)frame->caller;
    }
}

static void trace_count(const struct trace *trace, unsigned from)
{
    for (unsigned i = from; i < trace->count; i++) {
        struct counter *counter = &prof.counters[trace->functions[i]];

        /* The innermost function used the time itself; its callers waited for it. */
        counter->self += i == from;
        counter->total += counter->last != prof.run.samples;
        counter->last = prof.run.samples;
    }
}

/* The alarm's handler will run when the last spinlock is released; this is what it interrupted. */
static void note_deferred(const struct trap_frame *trap)
{
    if (prof.counters) {
        prof.deferred.count = 0;
        trace_take(&prof.deferred, trap);
    }
}

static void sample(void *context)
{
    struct trace trace = prof.deferred;
    (void)context;

    timer_start(&prof.timer, time_now_us() + prof.interval_us);
    prof.run.samples++;
    prof.deferred.count = 0;
    if (thread_is_idle()) {
        prof.run.idle++;
        return;
    }

    /* If the alarm was deferred, its sample was taken then: now the code that released the spinlock
     * would be counted instead. */
    if (trace.count == 0)
        trace_take(&trace, trap_interrupted());

    /* Count from the caller of `callers_of`; without a call of it the sample counts for nothing. */
    unsigned from = 0;
    if (prof.callers_of != no_function)
        while (from < trace.count && trace.functions[from++] != prof.callers_of)
            ;
    trace_count(&trace, from);
}

/* ---- a run -------------------------------------------------------------------------------- */

status_t prof_start(uint64_t interval_us, const char *callers_of)
{
    uint32_t root = callers_of ? symbol_named(callers_of) : no_function;

    if (prof.counters)
        return -EBUSY;
    if (root == symbol_total())
        return -ENOENT;

    /* A counter for each function, so that the interrupt needs no search and no memory. */
    size_t count = symbol_total() + DRIVER_FUNCTIONS_MAX;
    struct counter *counters = mem_zalloc(count * sizeof(*counters));
    prof.driver_functions = mem_zalloc(DRIVER_FUNCTIONS_MAX * sizeof(*prof.driver_functions));
    prof.driver_count = 0;
    if (!counters || !prof.driver_functions) {
        mem_free(counters);
        mem_free(prof.driver_functions);
        return -ENOMEM;
    }
    prof.counters = counters;

    prof.callers_of = root;
    prof.interval_us = interval_us;
    prof.run = (struct prof_run){ 0 };
    prof.deferred.count = 0;

    /* The hook is never removed: without counters it does nothing. */
    cpu_hooks.alarm_deferred = note_deferred;
    timer_init(&prof.timer, sample, NULL);
    timer_start(&prof.timer, time_now_us() + interval_us);
    return 0;
}

struct prof_run prof_stop(void)
{
    timer_cancel(&prof.timer);
    return prof.run;
}

static const char *function_name(uint32_t number)
{
    return number < symbol_total() ? symbol_name(number)
                                   : prof.driver_functions[number - symbol_total()].name;
}

bool prof_take(bool by_total, struct prof_function *function)
{
    uint32_t best = 0, most = 0;

    /* A search for each line of output is cheaper than memory to sort in. */
    for (uint32_t i = 0; i < symbol_total() + prof.driver_count; i++) {
        const struct counter *counter = &prof.counters[i];
        uint32_t count = by_total ? counter->total : counter->self;
        if (count > most) {
            most = count;
            best = i;
        }
    }
    if (!most)
        return false;

    /* Clear the counters, so that the next call returns the next function. */
    *function = (struct prof_function){
        function_name(best), prof.counters[best].self, prof.counters[best].total
    };
    prof.counters[best] = (struct counter){ 0 };
    return true;
}

void prof_end(void)
{
    mem_free(prof.counters);
    mem_free(prof.driver_functions);
    prof.counters = NULL;
}
