/*
 * clusters.c - free clusters: counting, finding, promising, releasing. See clusters.h.
 */
#include "kernel/vfs/layout/clusters.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    GROUP_UNKNOWN = 0xffff,
    SEARCH_GROUPS_MAX = 256, /* that are searched for a longer run once there is one */
};

status_t clusters_start(struct clusters *clusters, const struct clusters_ops *ops, uint32_t count,
                        uint64_t heap_address, uint32_t cluster_bytes)
{
    size_t groups = (count - 1) / CLUSTERS_GROUP + 1;
    *clusters = (struct clusters){
        .ops = ops,
        .count = count,
        .cluster_bytes = cluster_bytes,
        .heap_address = heap_address,
        .loaded = UINT32_MAX,
    };
    spin_init(&clusters->lock, RANK_FSD);
    list_init(&clusters->released);
    list_init(&clusters->waiting);

    /* Two bytes for 4096 clusters: at most 2 MiB. */
    clusters->group_free = mem_alloc(groups * sizeof(*clusters->group_free));
    if (!clusters->group_free)
        return -ENOMEM;
    memset(clusters->group_free, 0xff, groups * sizeof(*clusters->group_free));
    return 0;
}

static void free_list(struct list *list)
{
    list_each_safe(link, list) {
        struct clusters_release *release = container_of(link, struct clusters_release, link);
        runs_free(&release->runs);
        mem_free(release);
    }
    list_init(list);
}

void clusters_stop(struct clusters *clusters)
{
    /* Not started, or partly. */
    if (!clusters->ops)
        return;
    free_list(&clusters->released);
    free_list(&clusters->waiting);
    mem_free(clusters->group_free);
    clusters->ops = NULL;
}

/* ---- groups ------------------------------------------------------------------------------- */

static uint32_t group_clusters(const struct clusters *clusters, uint32_t group)
{
    return min(clusters->count - group * CLUSTERS_GROUP, (uint32_t)CLUSTERS_GROUP);
}

static uint32_t group_count(const struct clusters *clusters)
{
    return (clusters->count - 1) / CLUSTERS_GROUP + 1;
}

/* The byte may be changed by another thread: see "Locking" in the header. */
static bool is_used(const struct clusters *clusters, uint32_t within)
{
    uint8_t byte = __atomic_load_n(&clusters->used[within / 8], __ATOMIC_RELAXED);
    return byte >> within % 8 & 1;
}

/* Sets or clears the bits of [first, first + count) as far as their group is the loaded one. */
static void mark(struct clusters *clusters, uint32_t first, uint32_t count, bool used)
{
    uint64_t begin = (uint64_t)clusters->loaded * CLUSTERS_GROUP, end = begin + CLUSTERS_GROUP;
    if (clusters->loaded == UINT32_MAX)
        return;
    for (uint64_t i = max(begin, (uint64_t)first); i < min(end, (uint64_t)first + count); i++) {
        uint8_t *byte = &clusters->used[(i - begin) / 8], bit = (uint8_t)(1 << i % 8);
        __atomic_store_n(byte, (uint8_t)(used ? *byte | bit : *byte & ~bit), __ATOMIC_RELAXED);
    }
}

static void run_clusters(const struct clusters *clusters, const struct run *run, uint32_t *first,
                         uint32_t *count)
{
    *first = (uint32_t)((run->address - clusters->heap_address) / clusters->cluster_bytes);
    *count = (uint32_t)(run->length_bytes / clusters->cluster_bytes);
}

/* Marks what is free on the medium, but not durably, as used. The caller holds the lock. */
static void mark_waiting(struct clusters *clusters)
{
    list_each(link, &clusters->waiting) {
        const struct runs *runs = &container_of(link, struct clusters_release, link)->runs;
        for (size_t i = 0; i < runs->count; i++) {
            uint32_t first, count;
            run_clusters(clusters, &runs->list[i], &first, &count);
            mark(clusters, first, count, true);
        }
    }
}

/* Loads the bits of a group, and counts its free clusters if they are not known yet. */
static status_t group_load(struct clusters *clusters, uint32_t group)
{
    if (clusters->loaded == group)
        return 0;

    /* From here on no other thread marks bits in the array. */
    uint32_t count = group_clusters(clusters, group), free = 0;
    spin_lock(&clusters->lock);
    clusters->loaded = UINT32_MAX;
    spin_unlock(&clusters->lock);
    status_t status =
        clusters->ops->load(clusters, group * CLUSTERS_GROUP, count, clusters->used);
    if (status)
        return status;

    spin_lock(&clusters->lock);
    clusters->loaded = group;
    mark_waiting(clusters);
    for (uint32_t i = 0; i < count; i++)
        free += !is_used(clusters, i);
    if (clusters->group_free[group] == GROUP_UNKNOWN) {
        clusters->group_free[group] = (uint16_t)free;
        clusters->free += free;
    }
    spin_unlock(&clusters->lock);
    return 0;
}

/* Adds to the counts of the groups of [first, first + count). The caller holds the lock. */
static void count_add(struct clusters *clusters, uint32_t first, uint32_t count, bool free)
{
    while (count) {
        uint32_t group = first / CLUSTERS_GROUP;
        uint32_t here = min(count, (group + 1) * CLUSTERS_GROUP - first);

        /* A group that was never searched is counted when it is. */
        if (clusters->group_free[group] != GROUP_UNKNOWN) {
            clusters->group_free[group] =
                (uint16_t)(clusters->group_free[group] + (free ? here : -here));
            clusters->free += free ? here : -(uint64_t)here;
        }
        first += here;
        count -= here;
    }
}

/* ---- counting ----------------------------------------------------------------------------- */

status_t clusters_count(struct clusters *clusters)
{
    for (uint32_t group = 0; group < group_count(clusters); group++) {
        if (clusters->group_free[group] != GROUP_UNKNOWN)
            continue;
        status_t status = thread_interrupted() ? -EINTR : group_load(clusters, group);
        if (status)
            return status;
    }
    return 0;
}

uint64_t clusters_free_count(struct clusters *clusters)
{
    spin_lock(&clusters->lock);
    uint64_t free = clusters->free;
    spin_unlock(&clusters->lock);
    return free;
}

uint64_t clusters_available(struct clusters *clusters)
{
    spin_lock(&clusters->lock);
    uint64_t free = clusters->free + clusters->releasing, reserved = clusters->reserved;
    spin_unlock(&clusters->lock);
    return free > reserved ? free - reserved : 0;
}

status_t clusters_reserve(struct clusters *clusters, uint64_t count)
{
    spin_lock(&clusters->lock);

    /* Promised clusters that were just taken are in `reserved` until clusters_unreserve(). */
    uint64_t left = clusters->free > clusters->reserved ? clusters->free - clusters->reserved : 0;
    status_t status = left >= count ? 0 : -ENOSPC;
    if (!status)
        clusters->reserved += count;
    spin_unlock(&clusters->lock);
    return status;
}

void clusters_unreserve(struct clusters *clusters, uint64_t count)
{
    spin_lock_in_reclaim(&clusters->lock);
    clusters->reserved -= count;
    spin_unlock(&clusters->lock);
}

/* ---- allocating --------------------------------------------------------------------------- */

/* A run of free clusters while it is searched for. */
struct search {
    uint32_t wanted;
    uint32_t first, count;       /* the run that is being followed */
    uint32_t best, best_count;   /* the longest so far */
};

/* Follows the free clusters of one group, from `at` on. Returns whether the search is over. */
static bool search_group(struct clusters *clusters, struct search *search, uint32_t at,
                         uint32_t end)
{
    for (; at < end; at++) {
        if (is_used(clusters, at % CLUSTERS_GROUP)) {
            search->count = 0;
            continue;
        }
        if (!search->count++)
            search->first = at;
        if (search->count > search->best_count) {
            search->best = search->first;
            search->best_count = search->count;
        }
        if (search->count == search->wanted)
            return true;
    }
    return false;
}

/* Searches [from, end), but not much further once there is something. */
static status_t search_range(struct clusters *clusters, struct search *search, uint32_t from,
                             uint32_t end)
{
    uint32_t tries = 0;
    search->count = 0;
    while (from < end && tries < SEARCH_GROUPS_MAX) {
        uint32_t group = from / CLUSTERS_GROUP;
        uint32_t group_end = group * CLUSTERS_GROUP + group_clusters(clusters, group);

        /* Full groups are not read. */
        if (!clusters->group_free[group]) {
            search->count = 0;
        } else {
            status_t status = group_load(clusters, group);
            if (status)
                return status;
            if (search_group(clusters, search, from, min(group_end, end)))
                return 0;
        }
        from = group_end;
        tries += search->best_count > 0;
    }
    return 0;
}

status_t clusters_find(struct clusters *clusters, uint32_t near, uint32_t wanted, uint32_t *first,
                       uint32_t *count)
{
    struct search search = { .wanted = wanted };
    status_t status = 0;

    /* The clusters after the file's last one keep it in one piece, however few they are. */
    if (near < clusters->count) {
        status = group_load(clusters, near / CLUSTERS_GROUP);
        if (!status && !is_used(clusters, near % CLUSTERS_GROUP)) {
            uint32_t end = near + min(wanted, clusters->count - near);
            status = search_range(clusters, &search, near, end);
            if (!status && search.best == near) {
                *first = near;
                *count = search.best_count;
                return 0;
            }
        }
    }

    /* From the last allocation on, so that what was just released is left alone for a while, and a
     * search does not begin in the full part of the volume. */
    search = (struct search){ .wanted = wanted };
    uint32_t from = clusters->next < clusters->count ? clusters->next : 0;
    if (!status)
        status = search_range(clusters, &search, from, clusters->count);
    if (!status && search.best_count < wanted)
        status = search_range(clusters, &search, 0, from);
    if (!status && !search.best_count)
        status = -ENOSPC;
    *first = search.best;
    *count = search.best_count;
    return status;
}

void clusters_take(struct clusters *clusters, uint32_t first, uint32_t count)
{
    spin_lock(&clusters->lock);
    mark(clusters, first, count, true);
    count_add(clusters, first, count, false);
    clusters->next = first + count;
    spin_unlock(&clusters->lock);
}

void clusters_give(struct clusters *clusters, uint32_t first, uint32_t count)
{
    spin_lock(&clusters->lock);
    mark(clusters, first, count, false);
    count_add(clusters, first, count, true);
    spin_unlock(&clusters->lock);
}

/* ---- releasing ---------------------------------------------------------------------------- */

static uint64_t release_count(const struct clusters *clusters,
                              const struct clusters_release *release)
{
    return (release->runs.length_bytes - release->kept_bytes) / clusters->cluster_bytes;
}

void clusters_release(struct clusters *clusters, struct clusters_release *release)
{
    spin_lock_in_reclaim(&clusters->lock);
    list_push_back(&clusters->released, &release->link);
    clusters->releasing += release_count(clusters, release);
    spin_unlock(&clusters->lock);
}

struct clusters_release *clusters_next_release(struct clusters *clusters)
{
    spin_lock(&clusters->lock);
    struct list *link = list_pop_front(&clusters->released);
    struct clusters_release *release =
        link ? container_of(link, struct clusters_release, link) : NULL;
    if (release)
        clusters->releasing -= release_count(clusters, release);
    spin_unlock(&clusters->lock);
    return release;
}

/* Marks those of [first, first + count) as free that are in use; all are of one group. */
static status_t free_range(struct clusters *clusters, uint32_t first, uint32_t count,
                           struct runs *freed)
{
    uint8_t used[CLUSTERS_GROUP / 8];
    uint32_t base = first & ~7u, end = first + count;
    status_t status = clusters->ops->load(clusters, base, end - base, used);
    for (uint32_t at = first; !status && at < end;) {
        uint32_t from = at;
        while (at < end && used[(at - base) / 8] >> at % 8 & 1)
            at++;
        if (at == from) {
            at++;
            continue;
        }
        status = clusters->ops->free(clusters, from, at - from);
        if (!status)
            status = runs_add(freed,
                              clusters->heap_address + (uint64_t)from * clusters->cluster_bytes,
                              (uint64_t)(at - from) * clusters->cluster_bytes);
    }
    return status;
}

status_t clusters_mark_free(struct clusters *clusters, const struct runs *runs, uint64_t from,
                            uint64_t end, struct runs *freed)
{
    status_t status = 0;
    end = min(end, runs->length_bytes);
    while (from < end && !status) {
        /* One after the other, since a damaged list may have a cluster twice. */
        const struct run *run = runs_find(runs, from);
        uint64_t within = from - run->offset_bytes;
        struct run rest = { .address = run->address + within,
                            .length_bytes = min(run->length_bytes - within, end - from) };
        uint32_t first, count;
        run_clusters(clusters, &rest, &first, &count);
        count = min(count, CLUSTERS_GROUP - first % CLUSTERS_GROUP);
        status = free_range(clusters, first, count, freed);
        from += (uint64_t)count * clusters->cluster_bytes;
    }
    return status;
}

void clusters_freed(struct clusters *clusters, struct clusters_release *release, unsigned commit)
{
    /* The bits of the loaded group stay set until clusters_settle(). */
    release->commit = commit;
    spin_lock(&clusters->lock);
    list_push_back(&clusters->waiting, &release->link);
    clusters->releasing += release_count(clusters, release);
    spin_unlock(&clusters->lock);
}

void clusters_settle(struct clusters *clusters, unsigned commits)
{
    for (;;) {
        spin_lock(&clusters->lock);

        /* They are in the order of their commits. */
        struct list *link = clusters->waiting.next;
        struct clusters_release *release =
            link != &clusters->waiting ? container_of(link, struct clusters_release, link) : NULL;
        if (!release || release->commit == commits) {
            spin_unlock(&clusters->lock);
            return;
        }
        list_remove(link);
        clusters->releasing -= release_count(clusters, release);
        for (size_t i = 0; i < release->runs.count; i++) {
            uint32_t first, count;
            run_clusters(clusters, &release->runs.list[i], &first, &count);
            mark(clusters, first, count, false);
            count_add(clusters, first, count, true);
        }
        spin_unlock(&clusters->lock);

        runs_free(&release->runs);
        mem_free(release);
    }
}
