/*
 * fault.c - a store that misbehaves as it was told: what a worn disc or a failing drive does, for
 * tests and for curious people.
 *
 * Locking     The drive calls store_fault_set() only while no transfer is under way.
 */
#include "drivers/storage/virtual/store/store.h"
#include "lib/macros.h"

enum { DELAY_MAX_MS = 10000 };

struct bad_blocks {
    uint64_t first, count;
};

struct fault_store {
    struct store store;
    uint32_t block_bytes;
    struct bad_blocks bad[VIRTUAL_FAULTS_MAX];
    unsigned bad_count;
    uint64_t delay_ms, short_blocks; /* 0: none */
    bool flip, flop;
};

static struct fault_store *fault_of(struct store *store)
{
    return (struct fault_store *)(void *)store;
}

/* How many of the span's blocks go well; all of them: *status stays 0. */
static uint64_t blocks_good(const struct fault_store *fault, const struct span *span,
                            status_t *status)
{
    uint64_t first = span->offset_bytes / fault->block_bytes;
    uint64_t good = (span->length_bytes + fault->block_bytes - 1) / fault->block_bytes;
    for (unsigned i = 0; i < fault->bad_count; i++) {
        const struct bad_blocks *bad = &fault->bad[i];
        uint64_t skip = bad->first > first ? bad->first - first : 0;
        bool touched = first < bad->first || first - bad->first < bad->count;
        if (touched && skip < good) {
            good = skip;
            *status = -EIO;
        }
    }
    if (fault->short_blocks && good > fault->short_blocks) {
        good = fault->short_blocks;
        *status = -EIO;
    }
    return good;
}

static status_t fault_transfer(struct store *store, bool write, const struct span *span,
                               uint32_t *done_bytes)
{
    struct fault_store *fault = fault_of(store);
    struct store *inner = store->below;
    status_t status = 0, moved = 0;
    struct span good = *span;
    *done_bytes = 0;
    if (fault->delay_ms)
        thread_sleep_until(time_now_us() + fault->delay_ms * 1000);
    uint64_t good_bytes = blocks_good(fault, span, &status) * fault->block_bytes;
    if (good_bytes < good.length_bytes) /* the last block of all may be shorter */
        good.length_bytes = (uint32_t)good_bytes;
    if (good.length_bytes)
        moved = (write ? inner->ops->write : inner->ops->read)(inner, &good, done_bytes);
    return moved ? moved : status;
}

static status_t fault_read(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    return fault_transfer(store, false, span, done_bytes);
}

static status_t fault_write(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    return fault_transfer(store, true, span, done_bytes);
}

static void fault_close(struct store *store)
{
    mem_free(store);
}

static const struct store_ops fault_read_only_ops = {
    .read = fault_read,
    .close = fault_close,
};

static const struct store_ops fault_ops = {
    .read = fault_read,
    .write = fault_write,
    .close = fault_close,
};

status_t store_fault_create(struct store *inner, uint32_t block_bytes, struct store **store)
{
    struct fault_store *fault = mem_zalloc(sizeof(*fault));
    if (!fault)
        return -ENOMEM;
    fault->store = (struct store){
        .ops = inner->ops->write ? &fault_ops : &fault_read_only_ops,
        .below = inner,
        .size_bytes = inner->size_bytes,
        .level = inner->level,
        .waits = true, /* a delay does */
    };
    fault->block_bytes = block_bytes;
    *store = &fault->store;
    return 0;
}

bool store_fault_is_bad(struct store *store, uint64_t offset_bytes)
{
    const struct fault_store *fault = fault_of(store);
    bool found = false;
    if (store->ops != &fault_ops && store->ops != &fault_read_only_ops)
        return false;
    uint64_t block = offset_bytes / fault->block_bytes;
    for (unsigned i = 0; i < fault->bad_count; i++)
        found |= block >= fault->bad[i].first && block - fault->bad[i].first < fault->bad[i].count;
    return found;
}

bool store_fault_flips(struct store *store)
{
    struct fault_store *fault = fault_of(store);
    return fault->flip && !fault->delay_ms && (fault->flop = !fault->flop);
}

/* ---- setting and asking ------------------------------------------------------------------- */

static status_t set_bad(struct fault_store *fault, const struct virtual_fault *request)
{
    uint64_t blocks = fault->store.size_bytes / fault->block_bytes;
    if (!request->count || request->first >= blocks || request->count > blocks - request->first)
        return -EINVAL;
    if (fault->bad_count == VIRTUAL_FAULTS_MAX)
        return -ENOSPC;
    fault->bad[fault->bad_count++] = (struct bad_blocks){ request->first, request->count };
    return 0;
}

static status_t set_delay(struct fault_store *fault, const struct virtual_fault *request)
{
    if (request->count > DELAY_MAX_MS)
        return -EINVAL;
    fault->delay_ms = request->count;
    return 0;
}

static status_t set_short(struct fault_store *fault, const struct virtual_fault *request)
{
    fault->short_blocks = request->count;
    return 0;
}

static status_t set_flip(struct fault_store *fault, const struct virtual_fault *request)
{
    (void)request;
    if (fault->store.below->waits)
        return -EOPNOTSUPP;
    fault->flip = true;
    return 0;
}

static status_t set_none(struct fault_store *fault, const struct virtual_fault *request)
{
    (void)request;
    fault->bad_count = 0;
    fault->delay_ms = fault->short_blocks = 0;
    fault->flip = false;
    return 0;
}

status_t store_fault_set(struct store *store, const struct virtual_fault *fault)
{
    static status_t (*const set[])(struct fault_store *, const struct virtual_fault *) = {
        [VIRTUAL_FAULT_NONE] = set_none,   [VIRTUAL_FAULT_BAD] = set_bad,
        [VIRTUAL_FAULT_DELAY] = set_delay, [VIRTUAL_FAULT_SHORT] = set_short,
        [VIRTUAL_FAULT_FLIP] = set_flip,
    };
    if ((unsigned)fault->kind >= ARRAY_LENGTH(set))
        return -EINVAL;
    return set[fault->kind](fault_of(store), fault);
}

unsigned store_fault_count(struct store *store)
{
    const struct fault_store *fault = fault_of(store);
    return fault->bad_count + !!fault->delay_ms + !!fault->short_blocks + fault->flip;
}

status_t store_fault_get(struct store *store, unsigned position, struct virtual_fault *fault)
{
    const struct fault_store *of = fault_of(store);
    const struct {
        enum virtual_fault_kind kind;
        uint64_t count;
    } others[] = {
        { VIRTUAL_FAULT_DELAY, of->delay_ms },
        { VIRTUAL_FAULT_SHORT, of->short_blocks },
        { VIRTUAL_FAULT_FLIP, of->flip },
    };
    if (position < of->bad_count) {
        fault->kind = VIRTUAL_FAULT_BAD;
        fault->first = of->bad[position].first;
        fault->count = of->bad[position].count;
        return 0;
    }
    position -= of->bad_count;
    for (unsigned i = 0; i < ARRAY_LENGTH(others); i++)
        if (others[i].count && position-- == 0) {
            fault->kind = others[i].kind;
            fault->first = 0;
            fault->count = others[i].count;
            return 0;
        }
    return -ENOENT;
}
