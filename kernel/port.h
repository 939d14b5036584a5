/*
 * port.h - the interface below the portable part of Spindle.
 *
 * lib/, kernel/sched/sync.c, kernel/dev, kernel/vfs, shell, fs/ and drivers/storage/virtual call
 * nothing of the machine but this. Three back ends provide it:
 *   the kernel          kernel/x86, kernel/mm, kernel/sched
 *   tests/host/port     pthreads: real concurrency, for TSan, stress and build/host/spindle-sh
 *   tests/host/port     one thread, a seeded scheduler of coroutines and virtual time: a failing
 *                       run replays from its seed
 *
 * Locking     Spins are the lowest lock: in the kernel they hold interrupts back, so hold them for
 *             a few dozen instructions and never across anything that may sleep. Everything that
 *             may sleep (mutexes, semaphores, wait queues) is built on spins and on park/unpark in
 *             kernel/sched/sync.h.
 * Ranks       A lock may be taken only while every lock held by this thread has a lower rank
 *             (Book, chapter 6). lock_rank_enter() panics on a violation.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include "lib/list.h"
#include "lib/status.h"

/* ---- memory ------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096 };

/* The heap. NULL when memory is out even after reclaim; mem_free(NULL) does nothing. Memory is
 * aligned to 16 bytes. May be called with spins below HEAP held; never from an interrupt. */
void *mem_alloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
void *mem_zalloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
void mem_free(void *memory);
/* Up to `count` objects of `bytes`, at most 2048, each as from mem_alloc(); returns how many: fewer
 * when memory is out. */
size_t mem_alloc_many(size_t bytes, void *objects[], size_t count) MUST_CHECK;
size_t mem_used_bytes(void); /* bytes handed out and not yet freed, rounded up to what they take */

/* Whole pages, page aligned, contents undefined. */
void *page_alloc(void);
void page_free(void *page);
/* Up to `count` pages, neighbours where there are some; returns how many: fewer when memory is
 * out. */
size_t page_alloc_many(void *pages[], size_t count);
size_t page_free_count(void);
size_t page_total_count(void); /* pages that page_alloc could ever hand out */

/* The address that a device sees. Memory from mem_alloc and page_alloc only. A page-sized or
 * smaller allocation is contiguous there; a larger one only as far as mem_contiguous() returns. */
uint64_t mem_physical(const void *memory);
/* How many of the bytes have such addresses that follow one another: at least the rest of a page,
 * if so many are asked for. */
size_t mem_contiguous(const void *memory, size_t bytes);

/* The highest physical byte that page_alloc may hand out, and a page below 4 GiB (NULL: none). */
uint64_t mem_highest_physical(void);
void *page_alloc_low(void);

/* A reclaimer frees up to `pages` pages and returns how many it did free. It uses try-lock only,
 * never waits and never allocates, since any allocation may call it. One may be set. */
void mem_set_reclaim(size_t (*reclaim)(size_t pages));

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
bool spin_try_lock(struct spin *spin); /* checks no rank: a try cannot deadlock */
void spin_unlock(struct spin *spin);
bool spin_is_held(const struct spin *spin); /* for assertions "caller holds X" */

/* A bit a rank, of the locks that the running thread holds; the upper half is of those held twice
 * (the second by a try). Back ends provide the word. */
uint32_t *lock_ranks_held(void);
void lock_rank_enter(enum lock_rank rank); /* kernel/sched/sync.c */
void lock_rank_note(enum lock_rank rank);  /* enter without the check: a try succeeded */
void lock_rank_leave(enum lock_rank rank);

/* ---- threads ------------------------------------------------------------------------------ */

struct thread;

enum thread_priority {
    PRIORITY_IO,     /* completion thread, channel and drive workers */
    PRIORITY_NORMAL, /* shell, monitor */
    PRIORITY_IDLE,
};

#define TIME_NEVER UINT64_MAX

/* Creates and starts a thread; NULL when memory is out. `name` is copied, 15 bytes of it. The
 * creator owns the handle and must end it with thread_join() (waits for entry to return) or
 * thread_detach() (the thread frees itself). */
struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument);
void thread_join(struct thread *thread);
void thread_detach(struct thread *thread);
struct thread *thread_current(void);
const char *thread_name(const struct thread *thread);
void thread_yield(void);

/* Parks the caller until a permit arrives or `deadline_us` (as of time_now_us) has come. A permit
 * given before the call is not lost: the call then returns at once and uses it up. May return
 * without either, so callers loop over their condition. No lock may be held. */
void thread_park(uint64_t deadline_us);
/* Gives a thread its permit. Any context, interrupts included, and with any spin held. */
void thread_unpark(struct thread *thread);

/* Asks a thread to give up what it waits for: interruptible waits end with -EINTR until
 * thread_clear_interrupt(). Any context. */
void thread_interrupt(struct thread *thread);
bool thread_interrupted(void); /* was the caller interrupted? */
void thread_clear_interrupt(void);

struct thread_info {
    const char *name, *state; /* state: "running", "ready", "parked", "ended" */
    enum thread_priority priority;
    unsigned number;
    uint64_t cpu_us; /* processor time used; 0 where the back end does not know */
};
/* Calls `visit` for each thread, under a spin: copy and return. */
void thread_each(void (*visit)(const struct thread_info *info, void *context), void *context);

/* ---- time, log, end ----------------------------------------------------------------------- */

uint64_t time_now_us(void); /* monotonic, microseconds since start */
void thread_sleep_until(uint64_t deadline_us);
/* The time of day: seconds since 1970 in UTC, or INT64_MIN when it is unknown. */
int64_t time_wall_s(void);

/* Where log.c and panic write, at once and from any context. */
void port_console_write(const char *text, size_t bytes);

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define kassert(condition) \
    ((condition) ? (void)0 : panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition))

_Noreturn void machine_poweroff(int code); /* code 0..125 */
_Noreturn void machine_reboot(void);

#endif
