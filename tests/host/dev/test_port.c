/*
 * test_port.c - promise: the host back ends limit memory, inject failures and catch panics as
 * host.h describes, and the log and the console keep every line and byte. Linked once with
 * port_threads.c and once with port_sim.c: see run.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/port/run.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "lib/string.h"

enum { MS = 1000 };

/* ---- memory ------------------------------------------------------------------------------- */

static void *reclaimable;

static size_t reclaim_page(size_t pages)
{
    kassert(pages >= 1);
    if (reclaimable == NULL)
        return 0;
    page_free(reclaimable);
    reclaimable = NULL;
    return 1;
}

static void memory_limits(void **state)
{
    (void)state;
    host_memory_limit(4 * PAGE_BYTES + 100);
    mem_set_reclaim(reclaim_page);
    assert_int_equal(page_total_count(), 4);
    reclaimable = page_alloc();
    void *pages[3] = { page_alloc(), page_alloc(), page_alloc() };
    assert_int_equal(page_free_count(), 0);
    void *fourth = page_alloc(); /* by reclaim */
    assert_non_null(fourth);
    assert_null(reclaimable);
    assert_null(page_alloc());
    assert_null(mem_alloc(1));
    page_free(fourth);
    unsigned char *memory = mem_zalloc(100);
    assert_int_equal(memory[0] | memory[99], 0);
    assert_true(mem_used_bytes() >= 100);
    mem_free(memory);
    mem_free(NULL);
    for (unsigned i = 0; i < 3; i++)
        page_free(pages[i]);
    mem_set_reclaim(NULL);
    host_memory_limit(256 << 20);
    assert_int_equal(host_memory_used(), 0);
}

static void nth_allocation_fails(void **state)
{
    (void)state;
    host_fail_nth_allocation(2);
    void *first = mem_alloc(10);
    assert_non_null(first);
    assert_false(host_failure_happened());
    assert_null(page_alloc());
    assert_true(host_failure_happened());
    void *third = page_alloc();
    assert_non_null(third);
    host_fail_nth_allocation(0);
    page_free(third);
    mem_free(first);
}

static void physical_addresses(void **state)
{
    (void)state;
    char *memory = mem_alloc(2 * PAGE_BYTES);
    assert_true(mem_physical(memory) < (uint64_t)1 << 31);
    assert_int_equal((mem_physical(memory + 5) - mem_physical(memory)) & 0x7fffffff, 5);
    host_set_high_memory(true);
    uint64_t both = mem_physical(memory) ^ mem_physical(memory + PAGE_BYTES);
    assert_true(both >> 32 == 1);
    host_set_high_memory(false);
    mem_free(memory);
}

/* ---- log and console ---------------------------------------------------------------------- */

/* Compares the text after the time stamp. */
static const char *without_time(const char *line)
{
    assert_int_equal(line[0], '[');
    assert_int_equal(line[6], '.');
    assert_memory_equal(line + 13, "] ", 2);
    return line + 15;
}

static void log_shows_and_holds(void **state)
{
    (void)state;
    static char shown[8192];
    host_console_capture(shown, sizeof(shown));
    log_debug("test", "not shown");
    assert_string_equal(shown, "");
    log_info("test", "number %d\n\x1b[2J", 42);
    assert_string_equal(without_time(shown), "test: number 42  [2J\n");
    kassert(log_settle());
    host_console_capture(shown, sizeof(shown));
    log_info("test", "too late to be shown");
    log_warn("test", "held");
    log_error("test", "%0400d", 1); /* cut */
    assert_string_equal(shown, "");
    log_show_held();
    assert_memory_equal(without_time(shown), "test: held\n", 11);
    assert_int_equal(strlen(shown), 15 + 11 + 255);
    host_console_capture(shown, sizeof(shown));
    log_show_held();
    assert_string_equal(shown, "");
    log_set_level(LOG_ERROR);
    log_warn("test", "below the level");
    log_show_held();
    assert_string_equal(shown, "");
    log_set_level(LOG_WARN);
    for (unsigned i = 0; i < 1000; i++)
        log_warn("test", "flood %04u", i);
    log_show_held();
    assert_true(strlen(shown) < 4200);
    assert_non_null(strstr(shown, " more in the log)\n"));
    host_console_capture(NULL, 0);
}

static void log_keeps_last_lines(void **state)
{
    (void)state;
    char text[300];
    uint64_t position = 0;
    size_t bytes, total = 0, lines = 0;
    for (unsigned i = 0; i < 2000; i++)
        log_debug("ring", "line %04u", i);
    while ((bytes = log_read(&position, text, sizeof(text))) > 0) {
        assert_int_equal(text[0], '[');
        assert_int_equal(text[bytes - 1], '\n');
        for (size_t i = 0; i < bytes; i++)
            lines += text[i] == '\n';
        total += bytes;
    }
    assert_true(total <= 32768 && total > 32768 - 256);
    assert_int_equal(total, lines * strlen("[    0.000000] ring: line 0000\n"));
    log_debug("ring", "one more");
    bytes = log_read(&position, text, sizeof(text));
    text[bytes] = '\0';
    assert_string_equal(without_time(text), "ring: one more\n");
}

static char wire[20000];
static size_t wire_bytes;

static void wire_write(const char *text, size_t bytes)
{
    memcpy(wire + wire_bytes, text, bytes);
    wire_bytes += bytes;
}

static void console_makes_cr_lf(void **state)
{
    (void)state;
    static struct console console = { .name = "wire", .write = wire_write };
    static char lines[2000];
    console_write("nowhere\n", 8);
    console_register(&console);
    for (unsigned i = 0; i < 2000; i++)
        lines[i] = i % 2 ? '\n' : 'x';
    console_write(lines, 2000);
    assert_int_equal(wire_bytes, 3000);
    for (unsigned i = 0; i < 3000; i += 3)
        assert_memory_equal(wire + i, "x\r\n", 3);
}

static void type_bytes(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 200; i++)
        console_input((uint8_t)('a' + i % 26));
}

static void console_body(void *argument)
{
    (void)argument;
    struct thread *typist = thread_create("typist", PRIORITY_NORMAL, type_bytes, NULL);
    for (unsigned i = 0; i < 200; i++)
        kassert(console_read(TIME_NEVER) == 'a' + (int)(i % 26));
    thread_join(typist);
    kassert(console_read(time_now_us() + MS) == -ETIMEDOUT);
    console_set_interruptible(thread_current());
    console_input(0x03);
    kassert(console_read(TIME_NEVER) == -EINTR && console_read(0) == -EINTR);
    thread_clear_interrupt();
    kassert(console_read(0) == -ETIMEDOUT); /* it interrupted the thread and is not input */
    console_set_interruptible(NULL);
    console_input(0x03);
    kassert(!thread_interrupted() && console_read(0) == 0x03);
    console_input(0x03); /* typed before a thread was interruptible */
    console_set_interruptible(thread_current());
    kassert(thread_interrupted());
    thread_clear_interrupt();
    console_set_interruptible(NULL);
    kassert(console_read(0) == -ETIMEDOUT);
    uint64_t dropped = console_dropped_bytes();
    for (unsigned i = 0; i < 8192 + 5; i++)
        console_input((uint8_t)i);
    kassert(console_dropped_bytes() - dropped == 5);
    for (unsigned i = 0; i < 8192; i++)
        kassert(console_read(0) == (int)(i & 0xff));
    kassert(console_read(0) == -ETIMEDOUT);
}

static void console_reads(void **state)
{
    (void)state;
    run_body(console_body);
}

/* ---- the simulation itself ---------------------------------------------------------------- */

static struct spin queue_spin = SPIN_INIT(RANK_QUEUE);
static char order[64];

static void note_order(void *argument)
{
    for (unsigned i = 0; i < 10; i++) {
        strcat(order, argument);
        spin_lock(&queue_spin);
        spin_unlock(&queue_spin);
    }
}

static void order_body(void *argument)
{
    (void)argument;
    order[0] = '\0';
    struct thread *a = thread_create("a", PRIORITY_NORMAL, note_order, "a");
    struct thread *b = thread_create("b", PRIORITY_NORMAL, note_order, "b");
    thread_join(a);
    thread_join(b);
    thread_sleep_until(3600000000u); /* an hour of virtual time */
    kassert(time_now_us() == 3600000000u);
}

static void sim_replays(void **state)
{
    (void)state;
    if (!run_is_simulated()) {
        assert_true(time_now_us() > 0);
        return;
    }
    char first[64];
    unsigned different = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        sim_run(seed, order_body, NULL);
        memcpy(first, order, sizeof(first));
        sim_run(seed, order_body, NULL);
        assert_string_equal(first, order);
        sim_run(seed + 1, order_body, NULL);
        different += strcmp(first, order) != 0;
    }
    assert_true(different > 15);
}

static void block_body(void *argument)
{
    (void)argument;
    struct semaphore never = SEMAPHORE_INIT(never, 0);
    kassert(semaphore_down(&never, TIME_NEVER) == 0);
}

static void leak_body(void *argument)
{
    (void)argument;
    kassert(mem_alloc(1) != NULL);
}

static void expect_abort(void (*body)(void *argument))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        freopen("/dev/null", "w", stderr);
        signal(SIGABRT, SIG_DFL);
        sim_run(1, body, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void sim_finds_faults(void **state)
{
    (void)state;
    if (!run_is_simulated()) {
        assert_null(host_leftovers());
        return;
    }
    expect_abort(block_body);
    expect_abort(leak_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_limits),
        cmocka_unit_test(nth_allocation_fails),
        cmocka_unit_test(physical_addresses),
        cmocka_unit_test(log_shows_and_holds),
        cmocka_unit_test(log_keeps_last_lines),
        cmocka_unit_test(console_makes_cr_lf),
        cmocka_unit_test(console_reads),
        cmocka_unit_test(sim_replays),
        cmocka_unit_test(sim_finds_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
