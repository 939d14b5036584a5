/*
 * test_nvme_lies.c - promise: a controller that reports impossible things, that is exhausted of
 * memory, that is removed while busy or whose namespaces change, harms nothing else. For both back
 * ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/storage/nvme/protocol.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/disk_conform.h"
#include "tests/host/nvme_model.h"
#include "tests/host/rig.h"

enum {
    DISK_BYTES = DISK_CONFORM_BYTES,
    BLOCK = 512,
    REQUESTS = 12,
    FLOOD = 600,
};

static uint8_t disk[DISK_BYTES], other_disk[DISK_BYTES];
static struct nvme_model model;
static uint8_t *first; /* identify data of namespace 1 */

static void prepare(void)
{
    kassert(io_start() == 0 && device_start() == 0);
    for (size_t i = 0; i < DISK_BYTES; i++) {
        disk[i] = (uint8_t)(i * 7 + (i >> 9) * 13);
        other_disk[i] = (uint8_t)(i * 5 + (i >> 9) * 11);
    }
    nvme_model_init(&model);
    first = nvme_model_add(&model, 1, disk, DISK_BYTES / BLOCK, 9)->identify;
    nvme_model_add(&model, 2, other_disk, DISK_BYTES / BLOCK, 9);
}

static void tear_down(void)
{
    nvme_model_remove(&model);
    device_stop();
    io_stop();
}

static struct device *find(const char *name)
{
    struct device *device = device_find(name);
    device_put(device);
    return device;
}

static void await(bool (*condition)(void))
{
    for (unsigned n = 0; !condition(); n++) {
        kassert(n < 30000);
        thread_sleep_until(time_now_us() + 1000);
    }
}

/* ---- lies ----------------------------------------------------------------------------------- */

static void no_entries(void) { model.capabilities &= ~0xffffull; }
static void no_commands(void) { model.capabilities &= ~(1ull << 37); }
static void large_pages(void) { model.capabilities |= 1ull << 48; }
static void far_doorbells(void) { model.capabilities |= 15ull << 32; }
static void silent(void) { model.unplugged = true; }
static void never_ready(void) { model.never_ready = true; }
static void never_stops(void)
{
    model.never_stops = model.ready = true;
    model.configuration = 0x460001;
}
static void large_entries(void) { model.identify[512] = 0x77; }
static void administrative(void) { model.identify[111] = 3; }

static void size_0(void) { nvme_model_put(first, 0, 8, 0); }
static void size_most(void) { nvme_model_put(first, 0, 8, UINT64_MAX); }
static void size_2_55(void) { nvme_model_put(first, 0, 8, 1ull << 55); }
static void power_0(void) { first[130] = 0; }
static void power_3(void) { first[130] = 3; }
static void power_8(void) { first[130] = 8; }
static void power_20(void) { first[130] = 20; }
static void power_255(void) { first[130] = 255; }
static void metadata(void) { first[128] = 8; }
static void protection(void) { first[29] = 1; }
static void format_1(void) { first[26] = 1; }
static void format_63(void) { first[25] = 255, first[26] = 0x6f; }

static uint32_t long_list[1024], bad_list[1024] = { 2, 1 }, same_list[1024] = { 1, 1 };

static void disorder(void) { model.list = bad_list; }
static void repetition(void) { model.list = same_list; }
static void many(void)
{
    model.list = long_list;
    for (unsigned i = 0; i < 1024; i++)
        long_list[i] = i + 1;
}

static void admin_fault(enum nvme_fault_kind kind, int opcode)
{
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = kind, .opcode = opcode, .times = 1, .status = NVME_INVALID_FIELD
    });
}

static void wrong_id(void) { admin_fault(NVME_FAULT_WRONG_ID, NVME_IDENTIFY); }
static void huge_id(void) { admin_fault(NVME_FAULT_HUGE_ID, NVME_IDENTIFY); }
static void wrong_queue(void) { admin_fault(NVME_FAULT_WRONG_QUEUE, NVME_SET_FEATURES); }
static void wrong_head(void) { admin_fault(NVME_FAULT_WRONG_HEAD, NVME_IDENTIFY); }
static void no_queue(void) { admin_fault(NVME_FAULT_STATUS, NVME_CREATE_COMPLETION_QUEUE); }
static void twice(void) { admin_fault(NVME_FAULT_TWICE, NVME_CREATE_SUBMISSION_QUEUE); }
static void lost(void) { admin_fault(NVME_FAULT_LOSE, NVME_IDENTIFY); }
static void unknown(void)
{
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = NVME_FAULT_STATUS, .opcode = NVME_IDENTIFY, .skip = 2, .times = 1,
        .status = NVME_INVALID_NAMESPACE, /* after those of the controller and the list */
    });
}
static void fatal(void) { admin_fault(NVME_FAULT_FATAL, NVME_IDENTIFY); }

/* `whose`: what is missing afterwards, the controller or its first namespace; or nothing. */
enum whose { CONTROLLER, NAMESPACE, NOTHING };

static const struct lie {
    const char *name;
    void (*tell)(void);
    enum whose whose;
    bool long_time;
} lies[] = {
    { "queues of one entry", no_entries, CONTROLLER, false },
    { "no NVM command set", no_commands, CONTROLLER, false },
    { "pages of 8 KiB", large_pages, CONTROLLER, false },
    { "doorbells outside", far_doorbells, CONTROLLER, false },
    { "no registers", silent, CONTROLLER, false },
    { "never ready", never_ready, CONTROLLER, true },
    { "never stops", never_stops, CONTROLLER, true },
    { "queue entries of 128 bytes", large_entries, CONTROLLER, false },
    { "an administrative controller", administrative, CONTROLLER, false },
    { "no blocks", size_0, NAMESPACE, false },
    { "2^64-1 blocks", size_most, NAMESPACE, false },
    { "2^55 blocks", size_2_55, NAMESPACE, false },
    { "blocks of 1 byte", power_0, NAMESPACE, false },
    { "blocks of 8 bytes", power_3, NAMESPACE, false },
    { "blocks of 256 bytes", power_8, NAMESPACE, false },
    { "blocks of 1 MiB", power_20, NAMESPACE, false },
    { "blocks of 2^255 bytes", power_255, NAMESPACE, false },
    { "metadata", metadata, NAMESPACE, false },
    { "protection information", protection, NAMESPACE, false },
    { "a format that is not listed", format_1, NAMESPACE, false },
    { "format 63, which is empty", format_63, NAMESPACE, false },
    { "a listed namespace that is unknown", unknown, NAMESPACE, false },
    { "a list in disorder", disorder, CONTROLLER, false },
    { "a list with a repetition", repetition, CONTROLLER, false },
    { "a list of 1024 namespaces", many, NOTHING, false },
    { "a completion of another command", wrong_id, CONTROLLER, false },
    { "a completion of no command", huge_id, CONTROLLER, false },
    { "a completion for another queue", wrong_queue, CONTROLLER, false },
    { "a queue head outside", wrong_head, CONTROLLER, false },
    { "no I/O queue", no_queue, CONTROLLER, false },
    { "a completion twice", twice, CONTROLLER, false },
    { "a command that is lost", lost, CONTROLLER, true },
    { "a fatal error", fatal, CONTROLLER, true },
};

static void lie_body(void *argument)
{
    const struct lie *lie = argument;
    prepare();
    lie->tell();
    uint64_t before_us = time_now_us();
    nvme_model_publish(&model);

    /* The deadline of a controller that does not answer is waited for once: CAP.TO is 5 s. */
    if (run_is_simulated())
        kassert(time_now_us() - before_us < 6000000);
    if (lie->whose == CONTROLLER) {
        kassert(!find("disk0") && !find("00:04.0/nvme"));
        kassert(!model.pci.mastering);
    } else {
        kassert(!find("00:04.0/nvme/ns1") == (lie->whose == NAMESPACE));
        kassert(find("00:04.0/nvme/ns2"));
        disk_conform(device_alias(find("00:04.0/nvme/ns2")), other_disk, 1);
    }
    tear_down();
}

static void test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
        if (lies[i].long_time && !run_is_simulated())
            continue;
        print_message("%s\n", lies[i].name);
        rig_run(lie_body, (void *)&lies[i], 5);
    }
}

/* ---- namespaces that change ----------------------------------------------------------------- */

static bool is_smaller(void)
{
    struct device *device = find("disk0");
    return device && device_medium(device).bytes == DISK_BYTES / 2;
}

static bool is_gone(void)
{
    return !find("00:04.0/nvme/ns1");
}

static bool is_back(void)
{
    return find("00:04.0/nvme/ns1");
}

static bool has_large_blocks(void)
{
    struct device *device = find("00:04.0/nvme/ns1");
    return device && device_block_bytes(device) == 4096;
}

static void changes_body(void *unused)
{
    (void)unused;
    static uint8_t data[BLOCK];
    struct device_handle handle;
    prepare();
    nvme_model_publish(&model);
    expect("open", device_open(find("disk0"), &handle), 0);

    /* What was opened before a change is not served after it. */
    nvme_model_put(first, 0, 8, DISK_BYTES / BLOCK / 2);
    model.namespaces[0].blocks /= 2;
    nvme_model_notice(&model);
    await(is_smaller);
    expect("stale", io_wait(&handle, IO_READ, 0, data, BLOCK, NULL), -ESTALE);
    expect("read", disk_move("disk0", IO_READ, 0, data, BLOCK), 0);

    model.namespaces[0].id = 0;
    nvme_model_notice(&model);
    await(is_gone);
    expect("gone", io_wait(&handle, IO_READ, 0, data, BLOCK, NULL), -ENODEV);
    device_close(&handle);
    disk_conform("disk1", other_disk, 1);

    model.namespaces[0].id = 1;
    nvme_model_notice(&model);
    await(is_back);
    expect("read", disk_move("disk0", IO_READ, 0, data, BLOCK), 0);

    /* Another format is another disk. */
    first[130] = 12;
    model.namespaces[0].block_power = 12;
    nvme_model_notice(&model);
    await(has_large_blocks);
    tear_down();
}

static void test_changes(void **state)
{
    (void)state;
    rig_run(changes_body, NULL, 20);
}

/* A controller without events: an access outside of the namespace shows that it has shrunk. */
static void shrunk_body(void *unused)
{
    (void)unused;
    static uint8_t data[BLOCK];
    prepare();
    nvme_model_put(model.identify, 92, 4, 0);
    nvme_model_publish(&model);
    nvme_model_put(first, 0, 8, DISK_BYTES / BLOCK / 2);
    model.namespaces[0].blocks /= 2;
    expect("read", disk_move("disk0", IO_READ, DISK_BYTES - BLOCK, data, BLOCK), -EIO);
    await(is_smaller);
    tear_down();
}

static void test_shrunk(void **state)
{
    (void)state;
    rig_run(shrunk_body, NULL, 10);
}

static bool no_event_is_pending(void)
{
    spin_lock(&model.lock);
    bool none = !model.pending_event;
    spin_unlock(&model.lock);
    return none;
}

/* A controller that reports events endlessly is not asked any more. */
static void flood_body(void *unused)
{
    (void)unused;
    unsigned n = 0;
    prepare();
    nvme_model_publish(&model);
    for (; n < FLOOD; n++) {
        nvme_model_notice(&model);
        for (unsigned i = 0; !no_event_is_pending() && i < 100; i++)
            thread_sleep_until(time_now_us() + 1000);
        if (!no_event_is_pending())
            break;
    }
    kassert(n < FLOOD);
    disk_conform("disk0", disk, 1);
    tear_down();
}

static void test_flood(void **state)
{
    (void)state;
    rig_run(flood_body, NULL, 2);
}

/* ---- removal -------------------------------------------------------------------------------- */

struct busy {
    struct io_request request;
    struct io_segment segment;
    uint8_t data[BLOCK];
    unsigned ends;
    struct semaphore *ended;
};

static void busy_complete(struct io_request *request)
{
    struct busy *busy = request->context;
    busy->ends++;
    semaphore_up(busy->ended);
}

static bool is_unplugged(void)
{
    spin_lock(&model.lock);
    bool unplugged = model.unplugged;
    spin_unlock(&model.lock);
    return unplugged;
}

/* `argument`: whether the controller is unplugged, so that it never answers again. */
static void removal_body(void *argument)
{
    bool unplugged = *(const bool *)argument;
    static struct busy busy[REQUESTS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct device_handle handle;
    prepare();
    nvme_model_publish(&model);
    expect("open", device_open(find("disk0"), &handle), 0);
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = unplugged ? NVME_FAULT_UNPLUG
                          : run_is_simulated() ? NVME_FAULT_LOSE : NVME_FAULT_LATE,
        .queue = 1,
        .opcode = NVME_READ, .skip = (unsigned)(rig_random() % (REQUESTS - 2)), .times = 2,
        .delay_us = 20000,
    });
    for (unsigned i = 0; i < REQUESTS; i++) {
        busy[i] = (struct busy){ .ended = &ended };
        busy[i].segment = (struct io_segment){ busy[i].data, BLOCK };
        busy[i].request = (struct io_request){
            .device = handle.device,
            .op = IO_READ,
            .generation = handle.generation,
            .offset_bytes = i * 2 * BLOCK, /* they do not continue each other */
            .length_bytes = BLOCK,
            .segments = &busy[i].segment,
            .segment_count = 1,
            .complete = busy_complete,
            .context = &busy[i],
        };
        io_submit(&busy[i].request);
    }

    /* After the removal nothing of the controller is left; the handle still is, and gets errors.
     * The deadlines of an unplugged controller are not waited for. */
    if (unplugged)
        await(is_unplugged);
    uint64_t before_us = time_now_us();
    nvme_model_remove(&model);
    kassert(!unplugged || time_now_us() - before_us < 1000000);
    for (unsigned i = 0; i < REQUESTS; i++)
        while (semaphore_down(&ended, TIME_NEVER))
            ;
    for (unsigned i = 0; i < REQUESTS; i++)
        kassert(busy[i].ends == 1);
    expect("gone", io_wait(&handle, IO_READ, 0, busy[0].data, BLOCK, NULL), -ENODEV);
    device_close(&handle);
    device_stop();
    io_stop();
}

static void test_removal(void **state)
{
    (void)state;
    for (int unplugged = 0; unplugged < 2; unplugged++)
        rig_run(removal_body, &(bool){ unplugged }, 60);
}

/* ---- memory --------------------------------------------------------------------------------- */

static unsigned long nth;

static void fail_allocation(void)
{
    model.on_probe = NULL;
    host_fail_nth_allocation(nth);
}

static void fail_thread(void)
{
    model.on_probe = NULL;
    host_fail_nth_thread(nth);
}

/* With the n-th allocation of the start missing, the controller works or is not driven. */
static void memory_body(void *argument)
{
    void (*const *fail)(void) = argument;
    bool happened = true;
    for (nth = 1; happened; nth++) {
        prepare();
        model.on_probe = *fail;
        nvme_model_publish(&model);
        happened = host_failure_happened();
        host_fail_nth_allocation(0);
        host_fail_nth_thread(0);
        if (find("00:04.0/nvme/ns1"))
            disk_conform(device_alias(find("00:04.0/nvme/ns1")), disk, 1);
        else
            kassert(happened);
        tear_down();
    }
    kassert(nth > 3);
}

static void test_memory(void **state)
{
    (void)state;
    static void (*const fails[])(void) = { fail_allocation, fail_thread };
    for (size_t i = 0; i < ARRAY_LENGTH(fails); i++)
        rig_run(memory_body, (void *)&fails[i], 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_shrunk),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
