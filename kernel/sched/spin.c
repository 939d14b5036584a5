/*
 * spin.c - the kernel's spins. With one processor a spin is interrupts off and a flag; finding it
 * held means that the holder asks for it again.
 */
#include "kernel/panic.h"
#include "kernel/port.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"

/* Spins may be released in any order, so the interrupt state goes with the outermost one held, not
 * with each. No switch happens while one is held, hence one counter for all threads. */
static unsigned depth;
static uint64_t outer_flags;

static void enter(struct spin *spin, uint64_t flags)
{
    if (depth++ == 0)
        outer_flags = flags;
    spin->saved_flags = outer_flags;
    atomic_store_explicit(&spin->held, 1, memory_order_relaxed);
}

void spin_init(struct spin *spin, enum lock_rank rank)
{
    *spin = (struct spin)SPIN_INIT(rank);
}

/* A panic writes to the console whoever held its lock, and so asks nothing. */
void spin_lock(struct spin *spin)
{
    uint64_t flags = cpu_interrupts_save();

    if (!panic_is_active()) {
        if (atomic_load_explicit(&spin->held, memory_order_relaxed) != 0)
            panic("a spin is taken twice");
        lock_rank_enter(spin->rank);
    }
    enter(spin, flags);
}

bool spin_try_lock(struct spin *spin)
{
    uint64_t flags = cpu_interrupts_save();

    if (atomic_load_explicit(&spin->held, memory_order_relaxed) != 0) {
        cpu_interrupts_restore(flags);
        return false;
    }
    lock_rank_note(spin->rank);
    enter(spin, flags);
    return true;
}

void spin_unlock(struct spin *spin)
{
    uint64_t flags = outer_flags;

    if (!panic_is_active()) {
        kassert(spin_is_held(spin));
        lock_rank_leave(spin->rank);
    }
    atomic_store_explicit(&spin->held, 0, memory_order_relaxed);
    if (--depth == 0 && (flags & CPU_FLAG_INTERRUPTS)) {
        cpu_interrupts_on();
        thread_preempt();
    }
}

bool spin_is_held(const struct spin *spin)
{
    return atomic_load_explicit(&spin->held, memory_order_relaxed) != 0;
}
