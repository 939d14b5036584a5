/*
 * fault.c - a store that fails on request, as a worn disc or a failing drive does: bad blocks,
 * delays, short transfers. For tests and for experiments.
 *
 * Locking     The drive calls store_fault_set() only while no transfer is in flight; transfers
 *             therefore read the settings without the lock.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/string.h"

enum { DELAY_MAX_MS = 10000, FAULT_VALUES = VIRTUAL_FAULT_FLIP + 1 };

struct bad_blocks {
    uint64_t first, count;
};

struct fault_store {
    struct store store;
    struct spin lock; /* rank QUEUE: between setting and asking */
    uint32_t block_bytes;
    struct bad_blocks bad[VIRTUAL_FAULTS_MAX];
    unsigned bad_count;
    uint64_t values[FAULT_VALUES]; /* of DELAY, SHORT and FLIP; 0: not set */
    bool flop;                     /* the next transfer is the submitter's */
};

static struct fault_store *fault_of(struct store *store)
{
    return (struct fault_store *)(void *)store;
}

/* Returns how many of the span's first blocks succeed. *status: -EIO unless all of them do. */
static uint64_t blocks_good(const struct fault_store *fault, const struct span *span,
                            status_t *status)
{
    uint64_t first = span->offset_bytes / fault->block_bytes;
    uint64_t good = (span->length_bytes + fault->block_bytes - 1) / fault->block_bytes;

    /* Find the first bad block of the span: everything before it succeeds. */
    for (unsigned i = 0; i < fault->bad_count; i++) {
        const struct bad_blocks *bad = &fault->bad[i];
        uint64_t skip = bad->first > first ? bad->first - first : 0;
        bool touched = first < bad->first || first - bad->first < bad->count;
        if (touched && skip < good) {
            good = skip;
            *status = -EIO;
        }
    }

    /* A short transfer ends after that many blocks, wherever they are. */
    uint64_t most = fault->values[VIRTUAL_FAULT_SHORT];
    if (most && good > most) {
        good = most;
        *status = -EIO;
    }
    return good;
}

static status_t fault_move(struct store *store, enum io_op op, const struct span *span,
                           uint32_t *done_bytes)
{
    struct fault_store *fault = fault_of(store);
    status_t status = 0, moved = 0;
    struct span good = *span;

    if (fault->values[VIRTUAL_FAULT_DELAY])
        thread_sleep_until(time_now_us() + fault->values[VIRTUAL_FAULT_DELAY] * 1000);

    uint64_t good_bytes = blocks_good(fault, span, &status) * fault->block_bytes;
    /* The last block of all may be shorter. */
    if (good_bytes < good.length_bytes)
        good.length_bytes = (uint32_t)good_bytes;

    /* The good part is really moved, as by a drive that meets its first bad block. */
    if (good.length_bytes)
        moved = store_move(store->below, op, &good, done_bytes);
    return moved ? moved : status;
}

static void fault_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops fault_ops = {
    .move = fault_move,
    .close = fault_close,
};

status_t store_fault_create(struct store *inner, uint32_t block_bytes, struct store **store)
{
    struct fault_store *fault = mem_zalloc(sizeof(*fault));
    if (!fault)
        return -ENOMEM;

    /* It may have to wait for a delay, so the drive needs a worker. */
    fault->store = (struct store){
        .ops = &fault_ops,
        .below = inner,
        .size_bytes = inner->size_bytes,
        .level = inner->level,
        .waits = true,
        .writable = inner->writable,
    };

    spin_init(&fault->lock, RANK_QUEUE);
    fault->block_bytes = block_bytes;
    *store = &fault->store;
    return 0;
}

bool store_fault_is_bad(struct store *store, uint64_t offset_bytes)
{
    const struct fault_store *fault = fault_of(store);
    bool found = false;
    if (store->ops != &fault_ops)
        return false;

    uint64_t block = offset_bytes / fault->block_bytes;
    for (unsigned i = 0; i < fault->bad_count; i++)
        found |= block >= fault->bad[i].first && block - fault->bad[i].first < fault->bad[i].count;
    return found;
}

bool store_fault_flips(struct store *store)
{
    struct fault_store *fault = fault_of(store);
    return fault->values[VIRTUAL_FAULT_FLIP] && !fault->values[VIRTUAL_FAULT_DELAY] &&
           (fault->flop = !fault->flop);
}

/* ---- setting and asking ------------------------------------------------------------------- */

static status_t set_bad(struct fault_store *fault, const struct virtual_fault *request)
{
    uint64_t blocks = fault->store.size_bytes / fault->block_bytes;

    /* Written so that no sum can overflow. */
    if (!request->count || request->first >= blocks || request->count > blocks - request->first)
        return -EINVAL;
    if (fault->bad_count == VIRTUAL_FAULTS_MAX)
        return -ENOSPC;

    fault->bad[fault->bad_count++] = (struct bad_blocks){ request->first, request->count };
    return 0;
}

static status_t set_value(struct fault_store *fault, const struct virtual_fault *request)
{
    static const uint64_t most[FAULT_VALUES] = {
        [VIRTUAL_FAULT_DELAY] = DELAY_MAX_MS,
        [VIRTUAL_FAULT_SHORT] = UINT64_MAX,
        [VIRTUAL_FAULT_FLIP] = 1,
    };

    /* FLIP is on or off; the others have a number. */
    uint64_t value = request->kind == VIRTUAL_FAULT_FLIP ? 1 : request->count;
    if ((unsigned)request->kind >= FAULT_VALUES || value > most[request->kind])
        return -EINVAL;

    /* A transfer that is served where it was submitted must not wait. */
    if (request->kind == VIRTUAL_FAULT_FLIP && fault->store.below->waits)
        return -EOPNOTSUPP;
    fault->values[request->kind] = value;
    return 0;
}

status_t store_fault_set(struct store *store, const struct virtual_fault *request)
{
    struct fault_store *fault = fault_of(store);
    status_t status = 0;
    spin_lock(&fault->lock);

    /* NONE clears everything; bad blocks add up; a value replaces the one before. */
    if (request->kind == VIRTUAL_FAULT_NONE) {
        fault->bad_count = 0;
        memset(fault->values, 0, sizeof(fault->values));
    } else if (request->kind == VIRTUAL_FAULT_BAD) {
        status = set_bad(fault, request);
    } else {
        status = set_value(fault, request);
    }

    spin_unlock(&fault->lock);
    return status;
}

status_t store_fault_get(struct store *store, unsigned position, struct virtual_fault *result)
{
    struct fault_store *fault = fault_of(store);
    status_t status = -ENOENT;

    /* Positions count the ranges of bad blocks first. */
    spin_lock(&fault->lock);
    if (position < fault->bad_count) {
        result->kind = VIRTUAL_FAULT_BAD;
        result->first = fault->bad[position].first;
        result->count = fault->bad[position].count;
        status = 0;
    }

    /* After the bad blocks come the values that are set. */
    unsigned n = fault->bad_count;
    for (unsigned kind = 0; status && kind < FAULT_VALUES; kind++)
        if (fault->values[kind] && n++ == position) {
            result->kind = (enum virtual_fault_kind)kind;
            result->first = 0;
            result->count = fault->values[kind];
            status = 0;
        }
    spin_unlock(&fault->lock);
    return status;
}

unsigned store_fault_count(struct store *store)
{
    struct fault_store *fault = fault_of(store);
    spin_lock(&fault->lock);
    unsigned count = fault->bad_count;
    for (unsigned kind = 0; kind < FAULT_VALUES; kind++)
        count += fault->values[kind] != 0;
    spin_unlock(&fault->lock);
    return count;
}
