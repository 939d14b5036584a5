/*
 * port_common.c - memory, spinlocks, panic and console of kernel/port.h for both host back ends.
 *
 * Blocks come from malloc(), but each is charged to a pool of limited size, so that tests meet the
 * same shortage and the same reclaim as the kernel. Lock ranks are checked as in the kernel too.
 * See host.h for what tests can control.
 */
#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/port/backend.h"
#include "host/port/host.h"
#include "lib/macros.h"

/* ---- memory ------------------------------------------------------------------------------- */

enum {
    POOL_BYTES = 256 << 20,
    FILL_MOST_BYTES = 65536, /* filling whole disc images would only cost time */
};

static struct {
    _Atomic size_t limit_bytes, used_bytes, heap_bytes;
    _Atomic long countdown; /* allocations until the one that fails; 0 or less: none fails */
    _Atomic long thread_countdown; /* the same for thread_create() */
    _Atomic bool failed; /* the allocation or the thread of a countdown was reached */
    _Atomic bool high;   /* host_set_high_memory() */
    _Atomic bool real;   /* host_set_real_addresses() */
    size_t (*_Atomic reclaim)(size_t pages);
} memory = { .limit_bytes = POOL_BYTES };

/* Panics if the kernel's allocator could not take its lock here. There is no such lock on the host,
 * but callers must work on both. */
static void check_rank(enum lock_rank rank)
{
    lock_rank_enter(rank);
    lock_rank_leave(rank);
}

/* Counts down, and returns true for the call that reaches 0, on whichever thread it is. */
static bool is_nth(_Atomic long *countdown)
{
    if (atomic_load(countdown) <= 0 || atomic_fetch_sub(countdown, 1) != 1)
        return false;
    atomic_store(&memory.failed, true);
    return true;
}

/* Charges the pool if it has that many bytes left. */
static bool charge_once(size_t bytes)
{
    size_t used = atomic_load(&memory.used_bytes);
    do {
        /* A test may have lowered the limit below what is in use. */
        if (used > memory.limit_bytes || bytes > memory.limit_bytes - used)
            return false;
    } while (!atomic_compare_exchange_weak(&memory.used_bytes, &used, used + bytes));
    return true;
}

/* Charges the pool, after reclaim if necessary. Returns false if the allocation must fail. */
static bool charge(size_t bytes)
{
    if (is_nth(&memory.countdown))
        return false;

    /* Another thread may take what was reclaimed, so try until nothing more is freed. */
    while (!charge_once(bytes)) {
        size_t (*reclaim)(size_t) = atomic_load(&memory.reclaim);
        if (bytes > memory.limit_bytes || !reclaim ||
            reclaim((bytes + PAGE_BYTES - 1) / PAGE_BYTES) == 0)
            return false;
    }
    return true;
}

void *mem_alloc(size_t bytes)
{
    check_rank(RANK_HEAP);
    bytes = max(bytes, 1);
    if (!charge(bytes))
        return NULL;

    /* The host's own shortage is not a result of the test. */
    void *result = malloc(bytes);
    if (!result)
        abort();
    memset(result, HOST_FILL_BYTE, min(bytes, FILL_MOST_BYTES));

    /* Also charge what malloc() rounded up, since mem_free() learns only the rounded size. */
    size_t taken = malloc_usable_size(result);
    atomic_fetch_add(&memory.used_bytes, taken - bytes);
    atomic_fetch_add(&memory.heap_bytes, taken);
    return result;
}

size_t mem_alloc_many(size_t bytes, void *objects[], size_t count)
{
    size_t got = 0;
    while (got < count && (objects[got] = mem_alloc(bytes)) != NULL)
        got++;
    return got;
}

void *mem_zalloc(size_t bytes)
{
    void *result = mem_alloc(bytes);
    if (result)
        memset(result, 0, bytes);
    return result;
}

void mem_free(void *block)
{
    check_rank(RANK_HEAP);
    if (!block)
        return;
    size_t taken = malloc_usable_size(block);
    atomic_fetch_sub(&memory.used_bytes, taken);
    atomic_fetch_sub(&memory.heap_bytes, taken);
    free(block);
}

size_t mem_used_bytes(void)
{
    return memory.heap_bytes;
}

void *page_alloc(void)
{
    check_rank(RANK_FRAMES);
    if (!charge(PAGE_BYTES))
        return NULL;
    return pages_take();
}

size_t page_alloc_many(void *pages[], size_t count)
{
    size_t got = 0;
    while (got < count && (pages[got] = page_alloc()) != NULL)
        got++;
    return got;
}

/* Loaded drivers are compiled with 32-bit addresses, so their pages must be below 2 GiB, where this
 * program is too if it was linked for a fixed address. On other hosts no driver can be linked, and
 * the call fails. */
void *code_alloc(size_t pages)
{
    check_rank(RANK_HEAP);
#if defined(__x86_64__) && defined(MAP_32BIT) && !defined(__PIE__)
    if (!charge(pages * PAGE_BYTES))
        return NULL;

    /* MAP_32BIT means the first 2 GiB. */
    void *start = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (start == MAP_FAILED)
        abort();
    return start;
#else
    (void)pages;
    return NULL;
#endif
}

void code_protect(void *start, size_t pages, enum code_rights rights)
{
    int bits = rights == CODE_EXECUTABLE ? PROT_READ | PROT_EXEC
               : rights == CODE_WRITABLE ? PROT_READ | PROT_WRITE
                                         : PROT_READ;
    if (mprotect(start, pages * PAGE_BYTES, bits))
        abort();
}

void code_free(void *start, size_t pages)
{
    if (!start)
        return;
    if (munmap(start, pages * PAGE_BYTES))
        abort();
    atomic_fetch_sub(&memory.used_bytes, pages * PAGE_BYTES);
}

void page_free(void *page)
{
    check_rank(RANK_FRAMES);
    kassert(page && (uintptr_t)page % PAGE_BYTES == 0);
    atomic_fetch_sub(&memory.used_bytes, PAGE_BYTES);
    pages_give(page);
}

size_t page_free_count(void)
{
    size_t used = memory.used_bytes;
    return used < memory.limit_bytes ? (memory.limit_bytes - used) / PAGE_BYTES : 0;
}

size_t page_total_count(void)
{
    return memory.limit_bytes / PAGE_BYTES;
}

/* Unless a device is emulated, any function of the address will do. */
uint64_t mem_physical(const void *block)
{
    if (memory.real)
        return (uintptr_t)block;
    uint64_t address = (uintptr_t)block & 0x7fffffff;
    if (memory.high && address / PAGE_BYTES % 2 == 1)
        address |= (uint64_t)1 << 32;
    return address;
}

/* With high memory, behaves as if each page of an allocation came from elsewhere, as may happen in
 * the kernel. */
size_t mem_contiguous(const void *block, size_t bytes)
{
    size_t rest = PAGE_BYTES - (uintptr_t)block % PAGE_BYTES;
    return memory.high && rest < bytes ? rest : bytes;
}

uint64_t mem_highest_physical(void)
{
    if (memory.real)
        return ((uint64_t)1 << 48) - 1;
    return memory.high ? 0x17fffffff : 0x7fffffff;
}

/* Returns a page with an even number, which mem_physical() always reports below 2 GiB. */
void *page_alloc_low(void)
{
    void *page = NULL;
    check_rank(RANK_FRAMES);
    if (!charge(PAGE_BYTES))
        return NULL;

    if (memory.real)
        page = pages_take_low();
    else if (posix_memalign(&page, 2 * PAGE_BYTES, PAGE_BYTES) != 0)
        page = NULL;
    if (!page)
        abort();
    return memset(page, HOST_FILL_BYTE, PAGE_BYTES);
}

void mem_set_reclaim(size_t (*reclaim)(size_t pages))
{
    atomic_store(&memory.reclaim, reclaim);
}

void host_memory_limit(size_t bytes)
{
    memory.limit_bytes = bytes / PAGE_BYTES * PAGE_BYTES;
}

void host_pages_reserve(void)
{
    pages_reserve(memory.limit_bytes);
}

size_t host_memory_used(void)
{
    return memory.used_bytes;
}

void host_fail_nth_allocation(unsigned long n)
{
    memory.failed = false;
    memory.countdown = (long)n;
}

void host_fail_nth_thread(unsigned long n)
{
    memory.failed = false;
    memory.thread_countdown = (long)n;
}

bool host_thread_fails(void)
{
    return is_nth(&memory.thread_countdown);
}

bool host_failure_happened(void)
{
    return memory.failed;
}

void host_set_high_memory(bool high)
{
    memory.high = high;
}

void host_set_real_addresses(bool real)
{
    memory.real = real;
}

/* ---- spinlocks ---------------------------------------------------------------------------- */

void spin_init(struct spin *spin, enum lock_rank rank)
{
    atomic_init(&spin->held, 0);
    spin->rank = rank;
}

/* On the host, `held` is the number of the thread that holds the spinlock, or 0. */
static bool spin_take(struct spin *spin, struct thread *self)
{
    unsigned expected = 0;
    if (!atomic_compare_exchange_strong_explicit(&spin->held, &expected, self->number,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    self->spins_held++;
    return true;
}

void spin_lock(struct spin *spin)
{
    kassert(!spin_is_held(spin));
    /* Check before waiting: an order that can deadlock panics even if it did not this time. */
    lock_rank_enter(spin->rank);
    while (!spin_take(spin, thread_current()))
        backend_spin_contended(spin);
}

bool spin_try_lock(struct spin *spin)
{
    bool taken = spin_take(spin, thread_current());
    if (taken)
        lock_rank_note(spin->rank);
    return taken;
}

void spin_unlock(struct spin *spin)
{
    kassert(spin_is_held(spin));
    lock_rank_leave(spin->rank);

    /* From here on, the memory of the spinlock may be freed: a thread that waited for a semaphore
     * on its stack can return as soon as the semaphore's spinlock is free. */
    atomic_store_explicit(&spin->held, 0, memory_order_release);
    if (--thread_current()->spins_held == 0)
        backend_spins_released();
}

/* Returns true if the running thread holds it, which is stricter than in the kernel. */
bool spin_is_held(const struct spin *spin)
{
    return atomic_load_explicit(&spin->held, memory_order_relaxed) == thread_current()->number;
}

uint32_t *lock_ranks_held(void)
{
    return &thread_current()->ranks;
}

void host_assert_may_sleep(const char *what)
{
    if (thread_current()->spins_held != 0)
        panic("%s with a spinlock held", what);
}

/* ---- threads ------------------------------------------------------------------------------ */

void host_thread_init(struct thread *thread, const char *name, enum thread_priority priority,
                      void (*entry)(void *argument), void *argument)
{
    static _Atomic unsigned last_number;

    snprintf(thread->name, sizeof(thread->name), "%s", name);
    thread->priority = priority;
    thread->number = atomic_fetch_add(&last_number, 1) + 1;
    thread->entry = entry;
    thread->argument = argument;
    code_use_begin(&thread->code_use, (const void *)entry, "thread", thread->name);
    list_init(&thread->link);
}

void host_thread_info(const struct thread *thread, struct thread_info *info)
{
    static const char *const states[] = {
        [THREAD_READY] = "ready",
        [THREAD_RUNNING] = "running",
        [THREAD_PARKED] = "parked",
        [THREAD_ENDED] = "ended",
    };

    *info = (struct thread_info){
        .name = thread->name,
        .state = states[atomic_load(&thread->state)],
        .priority = thread->priority,
        .number = thread->number,
    };
}

const char *thread_name(const struct thread *thread)
{
    return thread->name;
}

void thread_interrupt(struct thread *thread)
{
    atomic_store(&thread->interrupted, true);
    thread_unpark(thread);
}

static _Atomic long patience = LONG_MAX;

void host_set_patience(long calls)
{
    atomic_store(&patience, calls);
}

bool thread_interrupted(void)
{
    if (atomic_load(&patience) < LONG_MAX && atomic_fetch_sub(&patience, 1) <= 0)
        atomic_store(&thread_current()->interrupted, true);
    return atomic_load(&thread_current()->interrupted);
}

void thread_clear_interrupt(void)
{
    atomic_store(&thread_current()->interrupted, false);
}

const char *host_leftovers(void)
{
    static char text[128];

    /* Detached threads end on their own, and there is nothing to wait on but the count. */
    for (unsigned tries = 0; host_thread_count() > 0 && tries < 5000; tries++)
        usleep(1000);

    if (host_thread_count() == 0 && memory.used_bytes == 0)
        return NULL;
    snprintf(text, sizeof(text), "%u threads and %zu bytes are left", host_thread_count(),
             (size_t)memory.used_bytes);
    return text;
}

/* ---- panic -------------------------------------------------------------------------------- */

static struct {
    struct thread *_Atomic expecting; /* the thread inside host_panic_of(), or NULL */
    jmp_buf jump;
    char text[256];
} panics;

_Noreturn void panic(const char *format, ...)
{
    /* Another thread may panic while one expects to: each needs a buffer of its own. */
    bool expected = panics.expecting == thread_current();
    char unexpected_text[sizeof(panics.text)];
    char *text = expected ? panics.text : unexpected_text;

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(panics.text), format, arguments);
    va_end(arguments);

    if (expected)
        longjmp(panics.jump, 1);
    fprintf(stderr, "panic in %s: %s\n", thread_name(thread_current()), text);
    backend_describe_run();
    abort();
}

const char *host_panic_of(void (*body)(void *argument), void *argument)
{
    struct thread *self = thread_current();
    uint32_t ranks = self->ranks;
    unsigned spins_held = self->spins_held;

    panics.expecting = self;
    if (setjmp(panics.jump) == 0) {
        body(argument);
        panics.expecting = NULL;
        return NULL;
    }

    /* The panic left the body with its locks taken. Forget them, or every lock that the test takes
     * from now on would violate the order of ranks. */
    self = panics.expecting;
    panics.expecting = NULL;
    self->ranks = ranks;
    self->spins_held = spins_held;
    return panics.text;
}

/* ---- console, end ------------------------------------------------------------------------- */

static struct {
    _Atomic bool busy; /* the lock of the rest; see capture_lock() */
    char *buffer;
    size_t bytes, length;
} capture;

/* Not a spinlock of port.h: port_console_write() may be called in any context, with any spinlock
 * held. */
static void capture_lock(void)
{
    while (atomic_exchange(&capture.busy, true))
        usleep(1);
}

void host_console_capture(char *buffer, size_t bytes)
{
    capture_lock();
    capture.buffer = buffer;
    capture.bytes = bytes;
    capture.length = 0;
    if (buffer)
        buffer[0] = '\0';
    atomic_store(&capture.busy, false);
}

void port_console_write(const char *text, size_t bytes)
{
    capture_lock();
    if (!capture.buffer) {
        fwrite(text, 1, bytes, stderr);
    } else {
        size_t room = capture.bytes - 1 - capture.length;
        size_t kept = min(bytes, room);
        memcpy(capture.buffer + capture.length, text, kept);
        capture.length += kept;
        capture.buffer[capture.length] = '\0';
    }
    atomic_store(&capture.busy, false);
}

_Noreturn void machine_poweroff(int code)
{
    exit(code);
}

_Noreturn void machine_reboot(void)
{
    exit(0);
}
