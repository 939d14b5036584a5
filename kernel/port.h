/*
 * port.h - the interface between the portable part of Spindle and the machine.
 *
 * The sources in PORTABLE of the Makefile (lib/, most of kernel/, fs/, shell/, drivers/storage,
 * drivers/virtio) use nothing else of the machine, except registers of devices through
 * kernel/registers.h, kernel/bus and kernel/isa.h. There are three back ends:
 *   kernel/x86, mm, sched          the kernel
 *   host/port/port_threads.c       pthreads: real concurrency, for build/host/spindle-sh, TSan and
 *                                  stress tests
 *   host/port/port_sim.c           one thread, a seeded scheduler of coroutines, and virtual time:
 *                                  a failure is reproduced from its seed
 *
 * Locking     Spinlocks are the lowest lock. In the kernel they defer interrupts, so hold them for
 *             a few dozen instructions and never across anything that may sleep. Everything that
 *             may sleep (mutexes, semaphores, wait queues) is built on spinlocks and park/unpark,
 *             in kernel/sched/sync.h.
 * Ranks       A lock may be taken only if it has a higher rank than every lock that this thread
 *             holds (Book, chapter 6). lock_rank_enter() panics on a violation.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include "lib/list.h"
#include "lib/status.h"

/* ---- memory ------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096 };

/* The heap. Returns NULL if memory is exhausted even after reclaim; mem_free(NULL) does nothing.
 * Memory is aligned to 16 bytes. May be called with spinlocks of ranks below HEAP held; never from
 * an interrupt. */
void *mem_alloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
void *mem_zalloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
void mem_free(void *memory);
/* Allocates up to `count` objects of `bytes` (at most 2048) each, as mem_alloc() does. Returns how
 * many: fewer if memory is exhausted. */
size_t mem_alloc_many(size_t bytes, void *objects[], size_t count) MUST_CHECK;
size_t mem_used_bytes(void); /* allocated and not freed, rounded up to the size classes */

/* Whole pages, page aligned, contents undefined. */
void *page_alloc(void);
void page_free(void *page);
/* Allocates up to `count` pages, contiguous ones where possible. Returns how many: fewer if memory
 * is exhausted. */
size_t page_alloc_many(void *pages[], size_t count);
size_t page_free_count(void);
size_t page_total_count(void); /* free and allocated */

/* Returns the address that a device uses for memory from mem_alloc() or page_alloc(). An allocation
 * of up to a page is physically contiguous; a larger one only as far as mem_contiguous()
 * returns. */
uint64_t mem_physical(const void *memory);
/* Returns how many of the bytes are physically contiguous: at least those up to the end of the
 * page. */
size_t mem_contiguous(const void *memory, size_t bytes);

/* Returns the highest physical address of a byte that page_alloc() may return. */
uint64_t mem_highest_physical(void);
/* Allocates a page below 4 GiB; NULL if there is none. */
void *page_alloc_low(void);

/* Sets the reclaimer, which frees up to `pages` pages and returns how many it freed. It uses
 * try-lock only, never waits and never allocates, since any allocation may call it. There is
 * one. */
void mem_set_reclaim(size_t (*reclaim)(size_t pages));

/* Allocates pages for the code or the data of a loaded driver, zeroed, readable and writable,
 * within 2 GiB of everything that is exported to drivers. NULL if memory is exhausted, or if this
 * machine cannot execute drivers. code_protect() sets the final rights of all pages: no page is
 * ever writable and executable at once. */
enum code_rights { CODE_CONSTANT, CODE_WRITABLE, CODE_EXECUTABLE };
void *code_alloc(size_t pages);
void code_protect(void *memory, size_t pages, enum code_rights rights);
void code_free(void *memory, size_t pages);

/* ---- locks -------------------------------------------------------------------------------- */

enum lock_rank {
    RANK_MOUNT = 1,
    RANK_NAMES,
    RANK_VNODE,
    RANK_FSD,
    RANK_CACHE,
    RANK_DEVTREE,
    RANK_DEVICE,
    RANK_QUEUE,
    RANK_COMPLETIONS,
    RANK_HEAP,
    RANK_FRAMES,
    RANK_SCHED,
    RANK_LOG,
};

struct spin {
    _Atomic unsigned held;
    unsigned rank;
};

#define SPIN_INIT(the_rank) { .rank = (the_rank) }

void spin_init(struct spin *spin, enum lock_rank rank);
void spin_lock(struct spin *spin);
bool spin_try_lock(struct spin *spin); /* its rank is not checked: a try cannot deadlock */
/* As spin_lock(), but its rank is not checked: for put_vnode, which reclaim may call while the
 * thread holds any lock. The lock is never held across an allocation, so its holder does not wait
 * for the caller. */
static inline void spin_lock_in_reclaim(struct spin *spin)
{
    while (!spin_try_lock(spin))
        continue;
}
void spin_unlock(struct spin *spin);
bool spin_is_held(const struct spin *spin); /* for assertions "caller holds X" */

/* Returns the word of the running thread with a bit for each rank that it holds; the upper half has
 * the ranks that it holds twice (the second one by a try). Provided by the back end. */
uint32_t *lock_ranks_held(void);
void lock_rank_enter(enum lock_rank rank); /* kernel/lock_ranks.c */
void lock_rank_note(enum lock_rank rank);  /* enter without the check, after a try */
void lock_rank_leave(enum lock_rank rank);

/* ---- threads ------------------------------------------------------------------------------ */

struct thread;

enum thread_priority {
    PRIORITY_IO,     /* completion thread, channel and drive workers */
    PRIORITY_NORMAL, /* shell, monitor */
    PRIORITY_IDLE,
};

#define TIME_NEVER UINT64_MAX

/* Creates and starts a thread; NULL if memory is exhausted. The first 15 bytes of `name` are
 * copied. The creator owns the handle and must release it with thread_join() (waits until `entry`
 * has returned) or thread_detach() (the thread is freed when it ends). */
struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument);
void thread_join(struct thread *thread);
void thread_detach(struct thread *thread);
struct thread *thread_current(void);
const char *thread_name(const struct thread *thread);
void thread_yield(void);

/* Parks the caller until it gets a permit or `deadline_us` (of time_now_us()) has come. A permit
 * given before the call is not lost: the call returns at once and consumes it. May return without
 * either, so callers check their condition in a loop. No lock may be held. */
void thread_park(uint64_t deadline_us);
/* Gives a thread its permit. Any context, interrupts included, and with any spinlock held. */
void thread_unpark(struct thread *thread);

/* Interrupts a thread: its interruptible waits return -EINTR until thread_clear_interrupt(). Any
 * context. */
void thread_interrupt(struct thread *thread);
bool thread_interrupted(void); /* returns true if the caller was interrupted */
void thread_clear_interrupt(void);

struct thread_info {
    const char *name, *state; /* state: "running", "ready", "parked", "ended" */
    enum thread_priority priority;
    unsigned number;
    uint64_t cpu_us; /* processor time used; 0 if the back end does not measure it */
};
/* Calls `visit` for each thread, with interrupts off or a lock held: it must only copy. */
void thread_each(void (*visit)(const struct thread_info *info, void *context), void *context);

/* ---- time, log, end ----------------------------------------------------------------------- */

uint64_t time_now_us(void); /* monotonic, microseconds since start */
void thread_sleep_until(uint64_t deadline_us);
/* Returns the time of day: seconds since 1970 in UTC, or INT64_MIN if it is unknown. */
int64_t time_wall_s(void);

/* Writes to the console immediately; log.c and panic.c use it. Any context. */
void port_console_write(const char *text, size_t bytes);

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define kassert(condition) \
    ((condition) ? (void)0 : panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition))

_Noreturn void machine_poweroff(int code); /* code 0..125 */
_Noreturn void machine_reboot(void);

#endif
