/*
 * spin.c - the kernel's spins. With one processor a spin is interrupts off and a flag; finding it
 * held means that the holder asks for it again.
 *
 * No path through the kernel takes fewer than a dozen of these, so what is usual is done here
 * without a call; whatever is wrong goes to those who say so.
 */
#include "kernel/panic.h"
#include "kernel/port.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"

#define RANK_BITS 0xffffu /* of thread_ranks; the upper half: held twice */

/* Spins may be released in any order, so the interrupt state goes with the outermost one held, not
 * with each. No switch happens while one is held, hence one counter for all threads. */
static unsigned depth;
static uint64_t outer_flags;

static inline bool is_held(const struct spin *spin)
{
    return atomic_load_explicit(&spin->held, memory_order_relaxed) != 0;
}

static inline void enter(struct spin *spin, uint64_t flags)
{
    if (depth++ == 0)
        outer_flags = flags;
    atomic_store_explicit(&spin->held, 1, memory_order_relaxed);
}

void spin_init(struct spin *spin, enum lock_rank rank)
{
    *spin = (struct spin)SPIN_INIT(rank);
}

/* A panic writes to the console whoever held its lock, and so asks nothing. */
static __attribute__((noinline)) void lock_wrong(struct spin *spin, uint64_t flags)
{
    if (!panic_is_active()) {
        if (is_held(spin))
            panic("a spin is taken twice");
        lock_rank_enter(spin->rank); /* panics */
    }
    enter(spin, flags);
}

void spin_lock(struct spin *spin)
{
    uint64_t flags = cpu_interrupts_save();

    if (is_held(spin) || (thread_ranks & RANK_BITS) >> spin->rank != 0) {
        lock_wrong(spin, flags);
        return;
    }
    thread_ranks |= 1u << spin->rank;
    enter(spin, flags);
}

bool spin_try_lock(struct spin *spin)
{
    uint64_t flags = cpu_interrupts_save();

    if (is_held(spin)) {
        cpu_interrupts_restore(flags);
        return false;
    }
    lock_rank_note(spin->rank);
    enter(spin, flags);
    return true;
}

static inline void leave(struct spin *spin)
{
    atomic_store_explicit(&spin->held, 0, memory_order_relaxed);
    if (--depth == 0 && (outer_flags & CPU_FLAG_INTERRUPTS)) {
        cpu_interrupts_on();
        if (thread_switch_wanted)
            thread_preempt();
    }
}

/* Some rank is held twice, or all is lost. */
static __attribute__((noinline)) void unlock_unusual(struct spin *spin)
{
    if (!panic_is_active()) {
        kassert(is_held(spin));
        lock_rank_leave(spin->rank);
    }
    leave(spin);
}

void spin_unlock(struct spin *spin)
{
    if (!is_held(spin) || (thread_ranks & ~RANK_BITS) != 0) {
        unlock_unusual(spin);
        return;
    }
    thread_ranks &= ~(1u << spin->rank);
    leave(spin);
}

bool spin_is_held(const struct spin *spin)
{
    return is_held(spin);
}
