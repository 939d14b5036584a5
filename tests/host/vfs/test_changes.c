/*
 * test_changes.c - promise: at every moment, whatever subset of the blocks in flight reaches the
 * medium, no change is there unless the changes of earlier epochs are; also when writes, flushes
 * and allocations fail. Runs on both back ends.
 *
 * The first tests change cells, each time to a new number, and search the states of a recorder for
 * a change without those that it depends on. The others compare bytes with a model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/vfs/layout/changes.h"
#include "lib/macros.h"
#include "tests/host/changed_volume.h"

enum {
    BLOCKS = 8, /* that have cells */
    CELLS_A_BLOCK = 4,
    CELLS = BLOCKS * CELLS_A_BLOCK,
    CELL_AT = 61, /* of the first one in its block */
    OPERATIONS = VOLUME_BLOCKS - BLOCKS, /* each has a block for the bytes of a file */
    CHANGES_MAX = OPERATIONS * 16,
    SUBSETS = 4,
};

/* ---- cells -------------------------------------------------------------------------------- */

/* One change of a cell, whose number is its place in `made`; 0 is a cell's first value. */
struct made {
    unsigned operation, cell;
    unsigned index; /* 1: the first change of the cell */
    enum change_epoch epoch;
    bool kept;
};

static struct {
    struct made made[CHANGES_MAX];
    unsigned count;
    unsigned latest[CELLS]; /* numbers */
    unsigned operation;
    bool has_data[OPERATIONS];
} plan;

static uint64_t cell_address(const struct volume *volume, unsigned cell)
{
    return (uint64_t)(cell / CELLS_A_BLOCK) * volume->block + CELL_AT +
           cell % CELLS_A_BLOCK * (volume->block / CELLS_A_BLOCK);
}

static unsigned cell_in(const struct volume *volume, const uint8_t *image, unsigned cell)
{
    uint32_t number;
    memcpy(&number, image + cell_address(volume, cell), sizeof(number));
    kassert(number < plan.count);
    kassert(!number || (plan.made[number].cell == cell && plan.made[number].kept));
    return number;
}

/* Returns whether a change is on the medium, or one that came after it. */
static bool is_there(const struct volume *volume, const uint8_t *image, const struct made *made)
{
    return plan.made[cell_in(volume, image, made->cell)].index >= made->index;
}

static bool data_is_there(const struct volume *volume, const uint8_t *image, unsigned operation)
{
    return image[(BLOCKS + operation) * volume->block] == operation + 1;
}

/* Checks an image: a change is there only with all that the operations up to its own did in the
 * epochs before. */
static void check_image(const struct volume *volume, const uint8_t *image)
{
    int last[CHANGE_EPOCHS] = { -1, -1, -1, -1, -1 }; /* the last operation of which one is there */
    for (unsigned n = 1; n < plan.count; n++) {
        const struct made *made = &plan.made[n];
        if (made->kept && is_there(volume, image, made))
            last[made->epoch] = max(last[made->epoch], (int)made->operation);
    }
    for (unsigned n = 1; n < plan.count; n++) {
        const struct made *made = &plan.made[n];
        for (unsigned later = made->epoch + 1; made->kept && later < CHANGE_EPOCHS; later++)
            if ((int)made->operation <= last[later] && !is_there(volume, image, made))
                panic("operation %d's change of epoch %u is there, but not %u's of epoch %u",
                      last[later], later, made->operation, made->epoch);
    }
    for (unsigned later = CHANGE_LINK; later < CHANGE_EPOCHS; later++)
        for (int operation = 0; operation <= last[later]; operation++)
            kassert(!plan.has_data[operation] ||
                    data_is_there(volume, image, (unsigned)operation));
}

/* Checks that all cells have their latest values. */
static void check_complete(const struct volume *volume, const uint8_t *image)
{
    for (unsigned cell = 0; cell < CELLS; cell++)
        kassert(cell_in(volume, image, cell) == plan.latest[cell]);
}

static void check_reading(struct volume *volume)
{
    static uint8_t bytes[BLOCKS * BLOCK_MAX];
    kassert(changes_read(volume->changes, 0, bytes, BLOCKS * volume->block) == 0);
    for (unsigned cell = 0; cell < CELLS; cell++) {
        uint32_t number;
        memcpy(&number, bytes + cell_address(volume, cell), sizeof(number));
        kassert(number == plan.latest[cell]);
    }
}

/* ---- operations on cells ------------------------------------------------------------------ */

/* Records a change and returns its number. */
static uint32_t make_change(unsigned cell, enum change_epoch epoch)
{
    kassert(plan.count < CHANGES_MAX);
    plan.made[plan.count] = (struct made){
        .operation = plan.operation, .cell = cell, .epoch = epoch,
        .index = plan.made[plan.latest[cell]].index + 1, .kept = true,
    };
    plan.latest[cell] = plan.count;
    return plan.count++;
}

/* Changes one cell, or now and then all cells of its block. */
static status_t change_some(struct volume *volume, unsigned cell, enum change_epoch epoch)
{
    static uint8_t block[BLOCK_MAX];
    if (rig_random() % 6) {
        uint32_t number = make_change(cell, epoch);
        return changes_write(volume->changes, epoch, cell_address(volume, cell), &number,
                             sizeof(number));
    }
    cell -= cell % CELLS_A_BLOCK;
    uint64_t start = cell_address(volume, cell) - CELL_AT;
    memset(block, 0xee, sizeof(block));
    for (unsigned i = 0; i < CELLS_A_BLOCK; i++) {
        uint32_t number = make_change(cell + i, epoch);
        memcpy(block + cell_address(volume, cell + i) - start, &number, sizeof(number));
    }
    return changes_write(volume->changes, epoch, start, block, volume->block);
}

/* Writes bytes of a file, which the next operation leads to. */
static void write_data(struct volume *volume)
{
    static _Alignas(16) uint8_t block[BLOCK_MAX];
    memset(block, (int)plan.operation + 1, sizeof(block));
    plan.has_data[plan.operation] =
        io_wait(&volume->fsd.device, IO_WRITE, (BLOCKS + plan.operation) * volume->block, block,
                volume->block, NULL) == 0;
}

/* Changes a few cells in the order of epochs, and keeps or undoes that. */
static void operate(struct volume *volume, bool with_data)
{
    unsigned first = plan.count, latest[CELLS];
    memcpy(latest, plan.latest, sizeof(latest));
    if (with_data && rig_random() % 3 == 0)
        write_data(volume);

    bool keep = rig_random() % 5;
    status_t status = changes_begin(volume->changes);
    for (unsigned epoch = CHANGE_NEW; !status && epoch < CHANGE_EPOCHS; epoch++)
        for (unsigned count = (unsigned)rig_random() % 3; !status && count; count--)
            status = change_some(volume, (unsigned)rig_random() % CELLS, epoch);
    if (!status || plan.count > first)
        changes_end(volume->changes, keep && !status);
    for (unsigned n = first; n < plan.count && (status || !keep); n++)
        plan.made[n].kept = false;
    if (status || !keep)
        memcpy(plan.latest, latest, sizeof(latest));
    plan.operation++;
}

/* ---- states of the medium ----------------------------------------------------------------- */

static bool keep_all(size_t n, void *unused)
{
    (void)n, (void)unused;
    return true;
}

static bool keep_half(size_t n, void *unused)
{
    (void)n, (void)unused;
    return rig_random() % 2;
}

static void check_states(struct volume *volume)
{
    struct replay replay;
    replay_create(&replay, volume->recorder);
    for (size_t at = 0; at <= volume->recorder->count; at++) {
        replay_advance(&replay, at);
        check_image(volume, replay.image);
        for (unsigned i = 0; i <= SUBSETS && replay.count; i++) {
            replay_crash(&replay, i ? keep_half : keep_all, NULL);
            check_image(volume, replay.image);
            replay_restore(&replay);
        }
    }

    /* the last commit made everything durable */
    check_complete(volume, replay.image);
    kassert(replay.count == 0);
    replay_destroy(&replay);
}

struct faults {
    uint32_t block;
    bool writes, flushes; /* a failed flush may lose bytes of files, which are not written again */
};

static void cells_body(void *argument)
{
    const struct faults *faults = argument;
    struct volume volume;
    volume_begin(&volume, faults->block);
    memset(&plan, 0, sizeof(plan));
    plan.count = 1;
    while (plan.operation < OPERATIONS) {
        if (faults->writes && rig_random() % 4 == 0)
            volume.recorder->fail_nth_write = 1 + rig_random() % 5;
        if (faults->flushes && rig_random() % 4 == 0)
            volume.recorder->fail_nth_flush = 1 + rig_random() % 5;
        operate(&volume, !faults->flushes);
        check_reading(&volume);
        if (rig_random() % 8 == 0 && changes_commit(volume.changes) == 0)
            check_complete(&volume, volume.recorder->image);
    }

    volume.recorder->fail_nth_write = volume.recorder->fail_nth_flush = 0;
    kassert(changes_commit(volume.changes) == 0 && !changes_pending(volume.changes));
    check_reading(&volume);
    check_states(&volume);
    volume_end(&volume);
}

static void test_order(void **state)
{
    (void)state;
    struct faults faults = { .block = 512 };
    rig_run(cells_body, &faults, 60);
    faults.block = 4096;
    rig_run(cells_body, &faults, 20);
}

static void test_order_with_failures(void **state)
{
    (void)state;
    struct faults faults = { .block = 512, .writes = true };
    rig_run(cells_body, &faults, 40);
    faults = (struct faults){ .block = 512, .flushes = true };
    rig_run(cells_body, &faults, 40);
    faults = (struct faults){ .block = 4096, .writes = true, .flushes = true };
    rig_run(cells_body, &faults, 40);
}

/* ---- bytes -------------------------------------------------------------------------------- */

enum { MODEL_BYTES = VOLUME_BLOCKS * 512 };

static uint8_t model[MODEL_BYTES], before[MODEL_BYTES], bytes_read[MODEL_BYTES];

/* Changes random ranges in any order of epochs. Returns the status of the first that failed. */
static status_t change_ranges(struct changes *changes)
{
    uint8_t data[3 * 512];
    for (unsigned count = 1 + (unsigned)rig_random() % 6; count; count--) {
        size_t bytes = 1 + rig_random() % sizeof(data);
        uint64_t address = rig_random() % (MODEL_BYTES - bytes + 1);
        bool zero = rig_random() % 4 == 0;
        memset(data, zero ? 0 : (int)(rig_random() % 256), bytes);
        unsigned epoch = CHANGE_NEW + (unsigned)rig_random() % (CHANGE_EPOCHS - CHANGE_NEW);
        status_t status = changes_write(changes, epoch, address, zero ? NULL : data, bytes);
        if (status)
            return status;
        memcpy(model + address, data, bytes);
        kassert(changes_read(changes, address, bytes_read, bytes) == 0);
        kassert(!memcmp(bytes_read, data, bytes));
    }
    return 0;
}

/* Does an operation and follows it in the model. Returns its status. */
static status_t operate_on_bytes(struct changes *changes)
{
    status_t status = changes_begin(changes);
    if (status)
        return status;
    memcpy(before, model, sizeof(model));
    status = change_ranges(changes);
    bool keep = !status && rig_random() % 4;
    changes_end(changes, keep);
    if (!keep)
        memcpy(model, before, sizeof(model));
    return status;
}

static void check_model(struct volume *volume)
{
    kassert(changes_read(volume->changes, 0, bytes_read, MODEL_BYTES) == 0);
    kassert(!memcmp(bytes_read, model, MODEL_BYTES));
}

static void bytes_body(void *unused)
{
    (void)unused;
    struct volume volume;
    volume_begin(&volume, 512);
    memset(model, 0, sizeof(model));
    for (unsigned n = 0; n < 60; n++) {
        kassert(operate_on_bytes(volume.changes) == 0);
        check_model(&volume);
        if (rig_random() % 6)
            continue;
        unsigned commits = changes_commits(volume.changes);
        kassert(changes_commit(volume.changes) == 0);
        kassert(changes_commits(volume.changes) == commits + 1);
        kassert(!changes_pending(volume.changes));
        kassert(!memcmp(volume.recorder->image, model, MODEL_BYTES));
        kassert(changes_read_medium(volume.changes, 0, bytes_read, MODEL_BYTES) == 0);
        kassert(!memcmp(bytes_read, model, MODEL_BYTES));
    }
    uint8_t byte = 0;
    kassert(changes_begin(volume.changes) == 0);
    kassert(changes_write(volume.changes, CHANGE_NEW, MODEL_BYTES, &byte, 1) == -EIO);
    kassert(changes_write(volume.changes, CHANGE_NEW, UINT64_MAX, &byte, 1) == -EIO);
    changes_end(volume.changes, true);
    kassert(changes_read(volume.changes, MODEL_BYTES, &byte, 1) == -EIO);
    volume_end(&volume);
}

static void test_bytes(void **state)
{
    (void)state;
    rig_run(bytes_body, NULL, 40);
}

static void allocations_body(void *unused)
{
    (void)unused;
    struct volume volume;
    volume_begin(&volume, 512);
    memset(model, 0, sizeof(model));
    bool more = true;
    for (unsigned long nth = 1; more && nth < 1000; nth++) {
        host_fail_nth_allocation(nth);
        for (unsigned n = 0; n < 4; n++) {
            status_t status = operate_on_bytes(volume.changes);
            kassert(!status || status == -ENOMEM);
        }
        IGNORE(changes_commit(volume.changes)); /* needs no memory */
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        check_model(&volume);
    }
    kassert(changes_commit(volume.changes) == 0);
    kassert(!memcmp(volume.recorder->image, model, MODEL_BYTES));
    volume_end(&volume);
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    rig_run(allocations_body, NULL, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_with_failures),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
