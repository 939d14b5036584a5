/*
 * spin.c - the kernel's spins. With one processor nobody can hold a spin but the running thread:
 * finding it held means that the holder asks for it again.
 *
 * A spin does not turn interrupts off, which costs more than all else here. It counts itself, and
 * an interrupt that comes while the count is not zero only notes its line and turns interrupts off
 * until the last spin is released, which then serves it (trap_handle()). The 8259s, unanswered so
 * long, hold back the line itself and all below it.
 *
 * No path through the kernel takes fewer than a dozen of these, so what is usual is done here
 * without a call; whatever is wrong goes to those who say so.
 */
#include "kernel/panic.h"
#include "kernel/port.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"

#define RANK_BITS 0xffffu /* of thread_ranks; the upper half: held twice */

static inline bool is_held(const struct spin *spin)
{
    return atomic_load_explicit(&spin->held, memory_order_relaxed) != 0;
}

/* The fences keep the compiler from moving what the spin guards out of the counted stretch. */
static inline void enter(struct spin *spin)
{
    atomic_store_explicit(&spin->held, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

void spin_init(struct spin *spin, enum lock_rank rank)
{
    *spin = (struct spin)SPIN_INIT(rank);
}

/* A panic writes to the console whoever held its lock, and so asks nothing. */
static __attribute__((noinline)) void lock_wrong(struct spin *spin)
{
    if (!panic_is_active()) {
        if (is_held(spin))
            panic("a spin is taken twice");
        lock_rank_enter(spin->rank); /* panics */
    }
    enter(spin);
}

void spin_lock(struct spin *spin)
{
    interrupts_deferred++;
    atomic_signal_fence(memory_order_seq_cst);
    if (is_held(spin) || (thread_ranks & RANK_BITS) >> spin->rank != 0) {
        lock_wrong(spin);
        return;
    }
    thread_ranks |= 1u << spin->rank;
    enter(spin);
}

/* Serves what came meanwhile. With interrupts off and none waiting, they were off before. */
static __attribute__((noinline)) void catch_up(void)
{
    bool were_on = interrupts_waiting != 0 || (cpu_flags() & CPU_FLAG_INTERRUPTS);

    if (!were_on)
        return;
    cpu_interrupts_off();
    interrupt_dispatch_waiting();
    thread_preempt_after_interrupt();
    cpu_interrupts_on();
}

static inline void leave(struct spin *spin)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&spin->held, 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    unsigned deferred = --interrupts_deferred;
    atomic_signal_fence(memory_order_seq_cst);
    if (deferred == 0 && (interrupts_waiting != 0 || thread_switch_wanted))
        catch_up();
}

bool spin_try_lock(struct spin *spin)
{
    if (is_held(spin))
        return false;
    interrupts_deferred++;
    atomic_signal_fence(memory_order_seq_cst);
    lock_rank_note(spin->rank);
    enter(spin);
    return true;
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
