/*
 * test_pages.c - promise: a tree of pages contains the pages that were put into it and not removed,
 * and survives failed allocations (kernel/vfs/cache/pages.h, compared with an array).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/vfs/cache/pages.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

/* Numbers on both sides of the limit of each height. */
static const uint64_t places[] = {
    0, 1, 511, 512, 513, 1023, 262143, 262144, 262145, 1ull << 27, (1ull << 27) + 1, 1ull << 36,
    (1ull << 45) - 1, 1ull << 45, PAGES_INDEX_MAX - 1, PAGES_INDEX_MAX,
};

enum { PLACES = ARRAY_LENGTH(places) };

static void expect_like(struct pages *pages, const bool model[PLACES])
{
    uint64_t next = UINT64_MAX;
    size_t count = 0;
    for (unsigned i = PLACES; i--;) {
        const uint8_t *page = pages_get(pages, places[i]);
        kassert(model[i] == (page != NULL));
        kassert(!page || (page[0] == i && page[PAGE_BYTES - 1] == i));
        if (model[i])
            next = places[i];
        count += model[i];
        kassert(pages_next(pages, places[i]) == next);
    }
    kassert(pages_count(pages) == count);
}

static void cut_both(struct pages *pages, bool model[PLACES], unsigned from)
{
    pages_cut(pages, places[from]);
    for (unsigned i = from; i < PLACES; i++)
        model[i] = false;
}

static void model_body(void *unused)
{
    (void)unused;
    static uint8_t template[PAGE_BYTES];
    struct pages pages = { 0 };
    bool model[PLACES] = { false };
    rig_start();
    size_t before = host_memory_used();
    expect_like(&pages, model);
    for (unsigned round = 0; round < 2000; round++) {
        unsigned i = (unsigned)(rig_random() % PLACES);
        switch (rig_random() % 8) {
        case 0:
            cut_both(&pages, model, i);
            break;
        case 1:
            pages_drop(&pages, places[i]);
            model[i] = false;
            break;
        default:
            memset(template, (int)i, sizeof(template));
            kassert(pages_make(&pages, places[i], template));
            model[i] = true;
        }
        expect_like(&pages, model);
    }
    pages_cut(&pages, 0);
    kassert(host_memory_used() == before);
    rig_stop();
}

static void test_model(void **state)
{
    (void)state;
    rig_run(model_body, NULL, 4);
}

/* A failed allocation changes nothing, and the last eighth of memory is not used. */
static void short_body(void *unused)
{
    (void)unused;
    struct pages pages = { 0 };
    rig_start();
    size_t before = host_memory_used();
    for (unsigned i = 0; i < PLACES; i++) {
        for (unsigned long n = 1;; n++) {
            host_fail_nth_allocation(n);
            const uint8_t *page = pages_make(&pages, places[i], NULL);
            bool happened = host_failure_happened();
            host_fail_nth_allocation(0);
            kassert(happened == !page && pages_count(&pages) == i + (page ? 1u : 0));
            if (page)
                break;
        }
    }
    pages_cut(&pages, 0);
    for (uint64_t i = 0; pages_make(&pages, i * 512, NULL); i++)
        ;
    kassert(page_free_count() >= page_total_count() / 8);
    pages_cut(&pages, 0);
    kassert(host_memory_used() == before);
    rig_stop();
}

static void test_short(void **state)
{
    (void)state;
    rig_run(short_body, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
