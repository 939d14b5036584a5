/*
 * changes_private.h - types and functions that the files of changes.h share: blocks and their
 * layers (changes_block.c), operations (changes.c), commits (changes_commit.c).
 *
 * Locking     `lock` guards what readers look at: the table of blocks, and the bytes `current` and
 *             `issued`. Only the holder of `busy`, an operation or a commit, changes anything, and
 *             it reads without the lock.
 */
#ifndef KERNEL_VFS_LAYOUT_CHANGES_PRIVATE_H
#define KERNEL_VFS_LAYOUT_CHANGES_PRIVATE_H

#include "kernel/sched/sync.h"
#include "kernel/vfs/layout/changes.h"

enum {
    CHANGE_BLOCK_MAX = 4096,
    CHANGE_BUCKETS = 2048,
    CHANGE_GROUPS = 16,
    CHANGE_STAGES = CHANGE_GROUPS * CHANGE_EPOCHS,
    CHANGE_OPERATION = CHANGE_STAGES, /* + epoch: the stages of the operation in progress */
    CHANGE_NAMES = 16384,
    CHANGE_REQUESTS = 4,              /* in flight */
    CHANGE_REQUEST_BYTES = 512 * 1024,
};

/* The bytes of one block that one stage changes. */
struct change_layer {
    struct list link;          /* in the stage */
    struct change_layer *next; /* of the block, in the order of stages */
    struct change_block *block;
    unsigned stage;
    uint64_t *mask;            /* a bit for each byte */
    uint8_t *data;
};

struct change_block {
    struct change_block *bucket_next;
    uint64_t number; /* address / block_bytes */
    struct change_layer *layers;
    bool known;      /* `issued` is valid; else the first layer replaces the whole block */
    uint8_t *current, *issued;
};

struct change_request {
    struct io_request request;
    struct changes *changes;
    bool in_flight;
    struct io_segment segments[IO_SEGMENTS_MAX];
};

struct changes {
    struct fsd *fsd;
    struct cache *cache;
    uint32_t block_bytes;
    struct spin lock;
    struct wait_queue changed; /* `busy` or a request in flight ended */
    bool busy;
    bool abandoned;            /* `busy` ends with the last request in flight */
    struct change_block *buckets[CHANGE_BUCKETS];
    struct list stages[CHANGE_STAGES + CHANGE_EPOCHS];
    unsigned group;            /* of the operations that end now */
    bool begins_group;         /* the operation in progress */
    status_t (*put_mark)(struct fsd *fsd, bool former); /* the former mark must be put; or NULL */
    uint8_t removed[CHANGE_NAMES]; /* by a hash of the name: 2 + the group in which one was */
    size_t bytes;              /* memory of all blocks and layers */
    _Atomic uint64_t since_us; /* TIME_NEVER: nothing is pending */
    _Atomic unsigned commits;
    unsigned in_flight;
    status_t failed;           /* the first failure of the requests of this stage */
    struct change_request requests[CHANGE_REQUESTS];
};

/* ---- changes_block.c ---------------------------------------------------------------------- */

/* Returns the block, or NULL if it has no changes. */
struct change_block *change_block_find(struct changes *changes, uint64_t number);
/* Returns the block in *block, or makes it. `whole`: the caller replaces all of it, so that it need
 * not be read. */
status_t change_block_get(struct changes *changes, uint64_t number, bool whole,
                          struct change_block **block) MUST_CHECK;
/* Frees a block that has no layers; the cache has its bytes. */
void change_block_free(struct changes *changes, struct change_block *block);
/* Returns the layer, or makes an empty one; NULL if memory is exhausted. */
struct change_layer *change_layer_get(struct changes *changes, struct change_block *block,
                                      unsigned stage);
/* Returns the block's layer of this stage, or NULL. */
struct change_layer *change_layer_find(const struct change_block *block, unsigned stage);
/* Removes a layer from its block and its stage, and frees it. */
void change_layer_free(struct changes *changes, struct change_layer *layer);
/* Returns whether two layers change a common byte. */
bool change_layers_meet(const struct changes *changes, const struct change_layer *a,
                        const struct change_layer *b);
/* Copies the bytes that a layer changes to those of a block. */
void change_layer_apply(const struct changes *changes, const struct change_layer *layer,
                        uint8_t *bytes);
/* Moves a layer, and its block's link to it, to another stage; joins it with the layer that is
 * there. */
void change_layer_move(struct changes *changes, struct change_layer *layer, unsigned stage);

/* ---- changes_commit.c --------------------------------------------------------------------- */

/* Waits for `busy`; -EINTR. */
status_t changes_hold(struct changes *changes) MUST_CHECK;
/* Ends it, or leaves that to the last request in flight. */
void changes_release(struct changes *changes);
/* Commits; the caller holds `busy`. */
status_t changes_commit_held(struct changes *changes) MUST_CHECK;

#endif
