/*
 * test_clusters.c - promise: no cluster is allocated twice, promised ones are kept for their files,
 * and a released one is not used again before the commit that frees it; files are allocated in one
 * piece where that is possible. And lists of runs are cut and appended without losing a byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/vfs/layout/clusters.h"
#include "tests/host/rig.h"

enum { COUNT = 3 * CLUSTERS_GROUP + 77, BYTES = 1024, HEAP = 8192 };

/* The medium's bitmap, and the clusters that must not be given out. */
static bool medium[COUNT], blocked[COUNT];
static unsigned loads;

static status_t load(struct clusters *clusters, uint32_t first, uint32_t count, uint8_t *used)
{
    kassert(clusters->count == COUNT && first % 8 == 0 && first + count <= COUNT);
    kassert(count && first / CLUSTERS_GROUP == (first + count - 1) / CLUSTERS_GROUP);
    loads++;
    memset(used, 0, CLUSTERS_GROUP / 8);
    for (uint32_t i = 0; i < count; i++)
        used[i / 8] |= (uint8_t)(medium[first + i] << i % 8);
    return 0;
}

static status_t mark_free(struct clusters *clusters, uint32_t first, uint32_t count)
{
    (void)clusters;
    for (uint32_t i = first; i < first + count; i++) {
        kassert(medium[i]);
        medium[i] = false;
    }
    return 0;
}

static const struct clusters_ops ops = { .load = load, .free = mark_free };

static void start(struct clusters *clusters)
{
    memset(medium, 0, sizeof(medium));
    memset(blocked, 0, sizeof(blocked));
    kassert(!clusters_start(clusters, &ops, COUNT, HEAP, BYTES));
    kassert(!clusters_count(clusters) && clusters_free_count(clusters) == COUNT);
}

/* Allocates and marks what was found. Returns how many clusters. */
static uint32_t take(struct clusters *clusters, uint32_t near, uint32_t wanted, uint32_t *first)
{
    uint32_t count;
    if (clusters_find(clusters, near, wanted, first, &count))
        return 0;
    kassert(count && count <= wanted);
    for (uint32_t i = *first; i < *first + count; i++) {
        kassert(!medium[i] && !blocked[i]);
        medium[i] = true;
    }
    clusters_take(clusters, *first, count);
    return count;
}

static struct clusters_release *release_of(uint32_t first, uint32_t count)
{
    struct clusters_release *release = mem_zalloc(sizeof(*release));
    kassert(release);
    kassert(!runs_add(&release->runs, HEAP + (uint64_t)first * BYTES, (uint64_t)count * BYTES));
    return release;
}

/* What a flush does: marks the released ones as free. */
static void free_released(struct clusters *clusters, unsigned commit)
{
    struct clusters_release *release;
    while ((release = clusters_next_release(clusters))) {
        const struct run *run = &release->runs.list[0];
        uint32_t first = (uint32_t)((run->address - HEAP) / BYTES);
        for (uint32_t i = first; i < first + run->length_bytes / BYTES; i++) {
            medium[i] = false;
            blocked[i] = true;
        }
        clusters_freed(clusters, release, commit);
    }
}

static void policy_body(void *unused)
{
    (void)unused;
    struct clusters clusters;
    uint32_t first, count;
    rig_start();
    start(&clusters);

    /* Side by side; then after the first file's last cluster, which is taken. */
    kassert(take(&clusters, UINT32_MAX, 10, &first) == 10 && first == 0);
    kassert(take(&clusters, UINT32_MAX, 5, &first) == 5 && first == 10);
    kassert(take(&clusters, 10, 8, &first) == 8 && first == 15);
    kassert(take(&clusters, 23, 8, &first) == 8 && first == 23);

    /* A run across groups, in one piece. */
    kassert(take(&clusters, UINT32_MAX, 2 * CLUSTERS_GROUP, &first) == 2 * CLUSTERS_GROUP);

    /* Promised clusters count, and the rest is what may be promised. */
    uint64_t left = clusters_free_count(&clusters);
    kassert(left == COUNT - 31 - 2 * CLUSTERS_GROUP);
    kassert(!clusters_reserve(&clusters, left) && clusters_reserve(&clusters, 1) == -ENOSPC);

    /* While a promised cluster is taken but still promised, no other file gets a promise. */
    kassert(take(&clusters, UINT32_MAX, 1, &first) == 1);
    kassert(clusters_reserve(&clusters, 1) == -ENOSPC && !clusters_available(&clusters));
    clusters_unreserve(&clusters, left);

    /* Fill the volume; then free holes of 3 and 5 clusters. */
    while (take(&clusters, UINT32_MAX, 1000, &first))
        ;
    kassert(!clusters_free_count(&clusters));
    clusters_release(&clusters, release_of(100, 3));
    clusters_release(&clusters, release_of(6000, 5));
    kassert(clusters_find(&clusters, 100, 1, &first, &count) == -ENOSPC);
    kassert(!clusters_free_count(&clusters) && clusters_available(&clusters) == 8);
    free_released(&clusters, 7);
    clusters_settle(&clusters, 7);
    kassert(!clusters_free_count(&clusters) && clusters_available(&clusters) == 8);
    kassert(clusters_find(&clusters, 100, 1, &first, &count) == -ENOSPC);
    memset(blocked, 0, sizeof(blocked));
    clusters_settle(&clusters, 8);
    kassert(clusters_free_count(&clusters) == 8 && clusters_available(&clusters) == 8);

    /* The one that is long enough, else the longest. Without a group that could have some, nothing
     * is read. */
    kassert(!clusters_find(&clusters, UINT32_MAX, 4, &first, &count) && first == 6000);
    kassert(!clusters_find(&clusters, UINT32_MAX, 9, &first, &count) && count == 5);
    kassert(!clusters_find(&clusters, 102, 9, &first, &count) && first == 102 && count == 1);
    clusters_take(&clusters, 100, 3);
    clusters_take(&clusters, 6000, 5);
    loads = 0;
    kassert(clusters_find(&clusters, UINT32_MAX, 1, &first, &count) == -ENOSPC && !loads);
    clusters_give(&clusters, 6001, 1);
    kassert(clusters_free_count(&clusters) == 1);
    clusters_stop(&clusters);
    rig_stop();
}

static void test_policy(void **state)
{
    (void)state;
    rig_run(policy_body, NULL, 1);
}

/* Random allocations and releases; take() checks each result. */
static void random_body(void *unused)
{
    (void)unused;
    struct clusters clusters;
    rig_start();
    start(&clusters);
    for (unsigned commit = 0; commit < 300; commit++) {
        for (unsigned i = 0; i < 8; i++) {
            uint32_t first, count;
            count = take(&clusters, (uint32_t)(rig_random() % (COUNT + 10)),
                         1 + (uint32_t)(rig_random() % 400), &first);
            if (count && rig_random() % 4)
                clusters_release(&clusters, release_of(first, count));
        }
        free_released(&clusters, commit);
        uint32_t first;
        (void)take(&clusters, (uint32_t)(rig_random() % COUNT), 5, &first);
        memset(blocked, 0, sizeof(blocked));
        clusters_settle(&clusters, commit + 1);

        uint64_t free = 0;
        for (unsigned i = 0; i < COUNT; i++)
            free += !medium[i];
        kassert(free == clusters_free_count(&clusters));
    }
    clusters_stop(&clusters);
    rig_stop();
}

static void test_random(void **state)
{
    (void)state;
    rig_run(random_body, NULL, 3);
}

/* Files of a damaged volume have clusters in common, twice, or that are free. Each one that is in
 * use is freed, once. */
static void once_body(void *unused)
{
    (void)unused;
    struct clusters clusters;
    struct runs runs = { 0 }, freed = { 0 };
    uint64_t used = 0, left = 0;
    rig_start();
    start(&clusters);
    for (unsigned i = 0; i < COUNT; i++)
        used += medium[i] = rig_random() % 4 != 0;
    for (unsigned i = 0; i < 40; i++) {
        uint32_t first = (uint32_t)(rig_random() % COUNT);
        uint32_t count = 1 + (uint32_t)(rig_random() % (COUNT - first));
        kassert(!runs_add(&runs, HEAP + (uint64_t)first * BYTES, (uint64_t)count * BYTES));
    }

    /* from the end, in two parts */
    uint64_t middle = runs.length_bytes / BYTES / 2 * BYTES;
    kassert(!clusters_mark_free(&clusters, &runs, middle, UINT64_MAX, &freed));
    kassert(!clusters_mark_free(&clusters, &runs, 0, middle, &freed));
    for (unsigned i = 0; i < COUNT; i++)
        left += medium[i];
    kassert(freed.length_bytes == (used - left) * BYTES);
    for (size_t i = 0; i < runs.count; i++)
        for (uint64_t at = 0; at < runs.list[i].length_bytes; at += BYTES)
            kassert(!medium[(runs.list[i].address + at - HEAP) / BYTES]);
    runs_free(&runs);
    runs_free(&freed);
    clusters_stop(&clusters);
    rig_stop();
}

static void test_freed_once(void **state)
{
    (void)state;
    rig_run(once_body, NULL, 8);
}

static void runs_body(void *unused)
{
    (void)unused;
    struct runs runs = { 0 }, other = { 0 };
    rig_start();
    for (unsigned i = 0; i < 5; i++)
        kassert(!runs_add(&runs, i * 100, 10));
    kassert(runs.count == 5 && runs.length_bytes == 50);

    /* The end of another list: from within a run, and from its end. */
    kassert(!runs_append(&other, &runs, 25) && other.count == 3 && other.length_bytes == 25);
    kassert(other.list[0].address == 205 && other.list[0].length_bytes == 5);
    kassert(!runs_append(&other, &runs, 50) && other.length_bytes == 25);

    runs_cut(&runs, 25);
    kassert(runs.count == 3 && runs.length_bytes == 25 && runs.list[2].length_bytes == 5);
    kassert(!runs_find(&runs, 25) && runs_find(&runs, 24) == &runs.list[2]);
    runs_cut(&runs, 20);
    kassert(runs.count == 2 && runs.list[1].length_bytes == 10);
    runs_cut(&runs, 20);
    kassert(!runs_add(&runs, 110, 5) && runs.count == 2 && runs.length_bytes == 25);
    runs_cut(&runs, 0);
    kassert(!runs.count && !runs.length_bytes);
    runs_free(&runs);
    runs_free(&other);
    rig_stop();
}

static void test_runs(void **state)
{
    (void)state;
    rig_run(runs_body, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_freed_once),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
