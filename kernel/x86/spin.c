/*
 * spin.c - the kernel's spinlocks, on one processor.
 *
 * Only the running thread can hold a spinlock, so finding one held means that its holder takes it
 * again: a bug.
 *
 * A spinlock does not disable interrupts: that costs more than everything else here. It increments
 * `deferred` of struct cpu instead. An interrupt that comes while the count is not 0 only notes its
 * bit and disables interrupts until the last spinlock is released, which then serves it
 * (trap_handle()). Until it is acknowledged, its controller holds back all of the same and of lower
 * priority.
 *
 * Every path through the kernel takes a dozen of these or more, so the common case is inline here
 * and the checks are done on the ranks' word directly; everything unusual is in noinline functions.
 */
#include "kernel/panic.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"

/* The lower half of ranks_held: a bit for each rank held. The upper half: the ranks held twice. */
#define RANK_BITS 0xffffu

static inline bool is_held(const struct spin *spin)
{
    return atomic_load_explicit(&spin->held, memory_order_relaxed) != 0;
}

/* The fences keep the compiler from moving accesses to guarded data out of the critical section. */
static inline void enter(struct spin *spin)
{
    atomic_store_explicit(&spin->held, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

void spin_init(struct spin *spin, enum lock_rank rank)
{
    *spin = (struct spin)SPIN_INIT(rank);
}

/* During a panic the console is written whatever locks are held, so nothing is checked. */
static __attribute__((noinline)) void lock_wrong(struct spin *spin)
{
    if (!panic_is_active()) {
        if (is_held(spin))
            panic("spinlock taken recursively");
        lock_rank_enter(spin->rank); /* panics */
    }
    enter(spin);
}

void spin_lock(struct spin *spin)
{
    struct cpu *cpu = this_cpu();

    /* From here on interrupts only note their bit, so the checks and the marks below cannot be
     * interrupted by a handler that takes locks itself. */
    cpu->deferred++;
    atomic_signal_fence(memory_order_seq_cst);

    /* One shift finds any lock held of the same or of a higher rank. */
    if (is_held(spin) || (cpu->ranks_held & RANK_BITS) >> spin->rank != 0) {
        lock_wrong(spin);
        return;
    }

    cpu->ranks_held |= 1u << spin->rank;
    enter(spin);
}

/* Serves deferred interrupts and a wanted thread switch. If interrupts are off and none is waiting,
 * they were off before the spinlock was taken: the caller is not to be preempted. */
static __attribute__((noinline)) void catch_up(void)
{
    bool were_on = this_cpu()->waiting != 0 || (cpu_flags() & CPU_FLAG_INTERRUPTS);
    if (!were_on)
        return;

    /* The handlers first: they may wake a thread that preempts this one. */
    cpu_interrupts_off();
    cpu_hooks.serve_waiting();
    cpu_hooks.preempt();
    cpu_interrupts_on();
}

static inline void leave(struct spin *spin)
{
    struct cpu *cpu = this_cpu();

    /* Release before the count falls, or a handler could find the spinlock held. */
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&spin->held, 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    unsigned deferred = --cpu->deferred;
    atomic_signal_fence(memory_order_seq_cst);

    /* An interrupt after the count fell to 0 was served at once and left no bit here. The two are
     * tested by one branch. */
    if (deferred == 0 && (cpu->waiting | (uint64_t)cpu->switch_wanted) != 0)
        catch_up();
}

bool spin_try_lock(struct spin *spin)
{
    if (is_held(spin))
        return false;

    /* The order of ranks is not checked: an attempt that does not wait cannot cause a deadlock. */
    this_cpu()->deferred++;
    atomic_signal_fence(memory_order_seq_cst);
    lock_rank_note(spin->rank);
    enter(spin);
    return true;
}

/* A rank is held twice, or the spinlock is not held at all. */
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
    struct cpu *cpu = this_cpu();

    /* A bit in the upper half means that some rank is held twice, after spin_try_lock(). */
    if (!is_held(spin) || (cpu->ranks_held & ~RANK_BITS) != 0) {
        unlock_unusual(spin);
        return;
    }

    cpu->ranks_held &= ~(1u << spin->rank);
    leave(spin);
}

bool spin_is_held(const struct spin *spin)
{
    return is_held(spin);
}
