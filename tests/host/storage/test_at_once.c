/*
 * test_at_once.c - reads that end where they are submitted.
 *
 * Promises    Between io_assist_begin() and io_assist_end() a thread calls back its own requests
 *             that end meanwhile, and no others; each ends once (io.h). A drive first tries a short
 *             read of a store that need not wait for all of its bytes, and its worker serves what
 *             would wait (store.h: `tries`), also if the image is taken out meanwhile.
 *
 * For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/storage/virtual/drive.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"

enum { BLOCK = 512, BLOCKS = 64, BYTES = BLOCKS * BLOCK, READS = 16 };

static uint8_t content[BYTES];

/* ---- assisting ---------------------------------------------------------------------------- */

struct read {
    struct io_request request;
    struct io_segment segment;
    uint8_t memory[BLOCK];
    _Atomic(struct thread *) caller; /* of the callback */
    struct semaphore *ended;
    struct read *next; /* submitted by the callback */
};

static void read_complete(struct io_request *request)
{
    struct read *read = request->context;
    struct thread *none = NULL;
    kassert(atomic_compare_exchange_strong(&read->caller, &none, thread_current()));
    kassert(!request->status && !memcmp(read->memory, content + request->offset_bytes, BLOCK));
    if (read->next)
        io_submit(&read->next->request);
    semaphore_up(read->ended);
}

static void read_prepare(struct read *read, struct device *device, uint64_t block,
                         struct semaphore *ended)
{
    *read = (struct read){ .ended = ended };
    read->segment = (struct io_segment){ read->memory, BLOCK };
    read->request = (struct io_request){
        .device = device,
        .op = IO_READ,
        .generation = device_medium(device).generation,
        .offset_bytes = block * BLOCK,
        .length_bytes = BLOCK,
        .segments = &read->segment,
        .segment_count = 1,
        .complete = read_complete,
        .context = read,
    };
}

static void assist_body(void *argument)
{
    enum faulty_manner manner = *(const enum faulty_manner *)argument;
    static struct read reads[READS];
    struct io_assist assist;
    struct semaphore ended;
    kassert(io_start() == 0 && device_start() == 0);
    struct faulty *faulty = faulty_create(0, content, BYTES, faulty_limits(), manner);
    semaphore_init(&ended, 0);
    for (unsigned i = 0; i < READS; i++)
        read_prepare(&reads[i], faulty->device, i, &ended);

    /* Of the last four, each is submitted by the callback of the one before. */
    for (unsigned i = READS - 4; i < READS; i++)
        reads[i - 1].next = &reads[i];
    io_submit(&reads[0].request);
    io_assist_begin(&assist);
    for (unsigned i = 1; i < READS - 4; i++)
        io_submit(&reads[i].request);
    io_assist_end(&assist);
    for (unsigned i = 1; i < READS && manner == FAULTY_SYNC; i++)
        kassert(reads[i].caller == thread_current());

    for (unsigned i = 0; i < READS; i++)
        while (semaphore_down(&ended, TIME_NEVER))
            ;
    faulty_destroy(faulty);
    device_stop();
    io_stop();
}

static void test_assist(void **state)
{
    (void)state;
    drives_pattern(content, sizeof(content), 1);
    for (enum faulty_manner manner = FAULTY_SYNC; manner <= FAULTY_MIXED; manner++)
        rig_run(assist_body, &manner, 40);
}

/* ---- drives ------------------------------------------------------------------------------- */

/* A store that need not wait for the even blocks. */
static struct {
    struct store store;
    const struct thread *submitter;
    unsigned tried, waited;
    struct device *removed; /* during the next read that would wait */
} half;

static status_t half_move(struct store *store, enum io_op op, const struct span *span,
                          uint32_t *done_bytes)
{
    bool ready = span->offset_bytes / BLOCK % 2 == 0;
    kassert(span->at_once || thread_current() != half.submitter);
    half.tried += span->at_once;
    half.waited += !span->at_once;
    if (span->at_once && !ready) {
        if (half.removed)
            expect("remove", drives_remove(device_alias(half.removed), VIRTUAL_NOW), 0);
        return -EAGAIN;
    }
    return store_move_pieces(store, op, span, done_bytes);
}

static status_t half_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                                uint32_t bytes, uint32_t *done_bytes)
{
    (void)store;
    memcpy(memory, content + offset, bytes);
    *done_bytes += bytes;
    return 0;
}

static void half_close(struct store *store)
{
    store->size_bytes = 0;
}

static status_t half_open(const char *path, bool writable, struct store **store,
                          struct device **holder)
{
    static const struct store_ops ops = {
        .move = half_move,
        .read_piece = half_read_piece,
        .close = half_close,
    };
    (void)path, (void)writable, (void)holder;
    half.store = (struct store){ .ops = &ops, .size_bytes = BYTES, .waits = true, .tries = true };
    *store = &half.store;
    return 0;
}

/* Creates a drive over the store. *device: a reference. */
static void half_drive(struct device **device, struct device_handle *handle)
{
    static const struct sheet_opener opener = { .open = half_open };
    static struct virtual_register request;
    struct image *image;
    request = (struct virtual_register){ .store = VIRTUAL_FILE, .block_bytes = BLOCK,
                                         .image = "half" };
    memset(&half, 0, sizeof(half));
    expect("image", image_open_from(&request, &opener, &image), 0);
    expect("drive", drive_create(image, device), 0);
    expect("open", drives_open(device_alias(*device), handle), 0);
    half.submitter = thread_current();
    half.tried = half.waited = 0;
}

static void try_body(void *unused)
{
    (void)unused;
    static uint8_t memory[BYTES];
    struct device_handle handle;
    struct device *device;
    rig_start();
    half_drive(&device, &handle);
    for (unsigned i = 0; i < BLOCKS; i++) {
        expect("read", io_wait(&handle, IO_READ, i * BLOCK, memory, BLOCK, NULL), 0);
        kassert(!memcmp(memory, content + i * BLOCK, BLOCK));
    }
    kassert(half.tried == BLOCKS && half.waited == BLOCKS / 2);

    /* The worker, which has left by then, cannot refuse the read. */
    half.removed = device;
    expect("removed", io_wait(&handle, IO_READ, BLOCK, memory, BLOCK, NULL), -ENODEV);
    device_close(&handle);
    device_put(device);
    rig_stop();
    kassert(!half.store.size_bytes);
}

static void test_try(void **state)
{
    (void)state;
    drives_pattern(content, sizeof(content), 2);
    rig_run(try_body, NULL, 40);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_assist), cmocka_unit_test(test_try) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
