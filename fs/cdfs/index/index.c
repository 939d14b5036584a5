/*
 * index.c - an index's life: built when a directory is first looked into, shared by references,
 * freed when memory runs low.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/index/entries.h"
#include "lib/hash.h"
#include "lib/text.h"

void cdfs_index_put(struct cdfs_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;

    /* It was the last reference. */
    index_free_entries(index);
    mem_free(index->buckets);
    mem_free(index);
}

static status_t index_create(struct cdfs *cdfs, const struct cdfs_node *directory,
                             struct cdfs_index **result)
{
    struct cdfs_index *index = mem_zalloc(sizeof(*index));
    if (!index)
        return -ENOMEM;

    /* A disc cannot know the seed, so it cannot choose names that all hash alike. */
    atomic_init(&index->references, 1);
    index->versions = cdfs->tree != TREE_ROCK_RIDGE;
    index->built_us = time_now_us();
    index->seed = hash_u64(index->built_us ^ (uint64_t)(uintptr_t)index);
    index->exact_case = !cdfs->fsd.fold_case;

    /* After an error of the medium the index serves what could be read. */
    status_t status = index_collect(cdfs, directory, index);
    if (status)
        index->status = status;

    /* Without memory, or after an interrupt, nothing is kept: the next look-up tries again. */
    if (status != -ENOMEM && status != -EINTR)
        status = index_build_table(cdfs, index);
    if (status) {
        cdfs_index_put(index);
        return status;
    }
    *result = index;
    return 0;
}

/* Returns whether the index can be used: an incomplete one expires, because the disc may have
 * become readable. */
static bool index_is_current(const struct cdfs_index *index)
{
    return index && (!index->status || time_now_us() - index->built_us < CDFS_PARTIAL_INDEX_US);
}

/* Returns a reference to the directory's current index. If there is none, installs `fresh`, or
 * returns NULL if that is NULL. */
static struct cdfs_index *index_install(struct cdfs *cdfs, struct cdfs_node *directory,
                                        struct cdfs_index *fresh)
{
    struct cdfs_index *old = NULL;

    spin_lock(&cdfs->index_lock);

    /* Another thread may have installed one in the meantime. That one is kept. */
    if (fresh && !index_is_current(directory->index)) {
        old = directory->index;
        directory->index = fresh;
    }

    /* An incomplete index that was just made is returned even if it has expired already. */
    struct cdfs_index *index = directory->index;
    if (index && (fresh || index_is_current(index)))
        atomic_fetch_add(&index->references, 1);
    else
        index = NULL;
    spin_unlock(&cdfs->index_lock);

    /* Not under the lock, because it may free many pages. */
    cdfs_index_put(old);
    return index;
}

status_t cdfs_index_get(struct cdfs *cdfs, struct cdfs_node *directory,
                        struct cdfs_index **index)
{
    *index = index_install(cdfs, directory, NULL);
    if (*index)
        return 0;

    /* Built without the lock, so two threads may build it; the first to install wins. */
    struct cdfs_index *fresh;
    status_t status = index_create(cdfs, directory, &fresh);
    if (status)
        return status;
    *index = index_install(cdfs, directory, fresh);
    if (*index != fresh)
        cdfs_index_put(fresh);
    return 0;
}

void cdfs_index_trim(struct cdfs *cdfs, struct cdfs_node *directory)
{
    struct cdfs_index *idle = NULL;

    /* Reclaim calls this from any allocation, so it must not wait for the lock. */
    if (!spin_try_lock(&cdfs->index_lock))
        return;

    /* If the node's reference is the only one, the index is idle. */
    if (directory->index && atomic_load(&directory->index->references) == 1) {
        idle = directory->index;
        directory->index = NULL;
    }
    spin_unlock(&cdfs->index_lock);
    cdfs_index_put(idle);
}

/* ---- entries ------------------------------------------------------------------------------ */

const struct cdfs_index_entry *cdfs_index_next(const struct cdfs_index *index,
                                               const struct cdfs_index_entry *entry)
{
    entry = entry ? entry->next : index->first;
    while (entry && entry->hidden)
        entry = entry->next;
    return entry;
}

const struct cdfs_index_entry *cdfs_index_entry(struct cdfs_index *index, const char *name,
                                                size_t length)
{
    /* Names are mostly looked up in the order of the directory, so try the next one first. */
    const struct cdfs_index_entry *entry =
        atomic_load_explicit(&index->expected, memory_order_relaxed);
    if (!entry || !text_equal_n(entry->name, entry->length, name, length))
        entry = index_search(index, name, length);
    if (entry)
        atomic_store_explicit(&index->expected, cdfs_index_next(index, entry),
                              memory_order_relaxed);
    return entry;
}

status_t cdfs_index_status(const struct cdfs_index *index)
{
    return index->status;
}

unsigned cdfs_index_skipped(const struct cdfs_index *index)
{
    return index->skipped;
}
