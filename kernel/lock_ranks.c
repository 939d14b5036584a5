/*
 * lock_ranks.c - checks the order in which locks are taken: see "Ranks" in port.h.
 *
 * Spinlocks and mutexes call it, in the kernel and on the host. It needs nothing but the word of
 * lock_ranks_held() and panic(), so that both may be built on it.
 */
#include "kernel/port.h"
#include "lib/macros.h"

enum {
    RANK_MASK = 0xffff, /* the lower half of the word: a bit for each rank held */
    TWICE_SHIFT = 16,   /* the upper half: the same rank is held twice */
};

static const char *rank_name(unsigned rank)
{
    static const char *const names[] = {
        [RANK_MOUNT] = "MOUNT",     [RANK_NAMES] = "NAMES",   [RANK_VNODE] = "VNODE",
        [RANK_FSD] = "FSD",         [RANK_CACHE] = "CACHE",   [RANK_DEVTREE] = "DEVTREE",
        [RANK_DEVICE] = "DEVICE",   [RANK_QUEUE] = "QUEUE",   [RANK_COMPLETIONS] = "COMPLETIONS",
        [RANK_HEAP] = "HEAP",       [RANK_FRAMES] = "FRAMES", [RANK_SCHED] = "SCHED",
        [RANK_LOG] = "LOG",
    };
    return rank < ARRAY_LENGTH(names) && names[rank] ? names[rank] : "?";
}

void lock_rank_enter(enum lock_rank rank)
{
    uint32_t *held = lock_ranks_held();

    /* Locks are taken in ascending order of rank, so none of this rank or above may be held. */
    uint32_t not_below = (*held & RANK_MASK) >> rank << rank;
    if (not_below != 0) {
        unsigned highest = 31 - (unsigned)__builtin_clz(not_below);
        panic("lock of rank %s taken while one of rank %s is held", rank_name(rank),
              rank_name(highest));
    }
    *held |= 1u << rank;
}

void lock_rank_note(enum lock_rank rank)
{
    uint32_t *held = lock_ranks_held();

    /* After an attempt that did not wait, a rank may be held twice: count up to two. */
    *held |= *held & 1u << rank ? 1u << rank << TWICE_SHIFT : 1u << rank;
}

void lock_rank_leave(enum lock_rank rank)
{
    uint32_t *held = lock_ranks_held();
    uint32_t twice = 1u << rank << TWICE_SHIFT;

    /* Which of the two locks is released first makes no difference. */
    *held &= *held & twice ? ~twice : ~(1u << rank);
}
