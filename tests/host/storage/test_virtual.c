/*
 * test_virtual.c - the interface of virtual drives (kernel/dev/virtual.h): states and refusals.
 *
 * Promises    Each operation has the described result in each state of a drive. An invalid request
 *             is refused with its errno and changes nothing. No struct is read or written beyond
 *             its size, and no text beyond its array.
 *
 * For both back ends. See also test_halted.c (drives over time), test_stores.c and test_overlays.c
 * (bytes), test_failures.c and test_virtual_threads.c (several threads).
 *
 * V and VB with a number are behaviours and bugs of the driver that this one descends from: the
 * test that is marked with a bug fails with that driver's code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"

enum { IMAGE_BYTES = DRIVES_IMAGE_BYTES, BLOCK = 512 };

/* ---- every state, every operation --------------------------------------------------------- */

enum state { IDLE, OPEN, DETACHING, HALTED, GONE, STATES };

static const char *const state_names[] = { "idle", "open", "detaching", "halted", "gone" };

/* A drive in some state: an overlay on /img, so that every operation has something to do. */
struct subject {
    char alias[DEVICE_NAME_BYTES];
    struct device *device;       /* a reference */
    struct device_handle handle; /* open but in IDLE and GONE */
};

static void subject_make(struct subject *subject, enum state state)
{
    *subject = (struct subject){ .alias = "" };
    expect("add", drives_add(&(struct wanted){ .store = VIRTUAL_OVERLAY, .image = "/img" },
                             subject->alias), 0);
    subject->device = device_find(subject->alias);
    if (state == OPEN || state == DETACHING || state == HALTED)
        expect("open", device_open(subject->device, &subject->handle), 0);
    if (state == DETACHING)
        expect("lazy", drives_remove(subject->alias, VIRTUAL_LAZY), 0);
    if (state == HALTED || state == GONE)
        expect("now", drives_remove(subject->alias, VIRTUAL_NOW), 0);
}

static enum state subject_state(const struct subject *subject)
{
    struct virtual_info info;
    status_t status = drives_info(subject->alias, &info);
    if (status) {
        expect("gone", status, -ENODEV);
        return GONE;
    }
    kassert(info.handles == device_open_count(subject->device));
    if (info.state == VIRTUAL_REGISTERED)
        return info.handles ? OPEN : IDLE;
    kassert(info.handles > 0);
    return info.state == VIRTUAL_DETACHING ? DETACHING : HALTED;
}

/* Removes the drive, whatever its state, and checks that nothing of it is left. */
static void subject_end(struct subject *subject)
{
    status_t status = drives_remove(subject->alias, VIRTUAL_NOW);
    kassert(!status || status == -EALREADY || status == -ENODEV);
    device_close(&subject->handle);
    kassert(subject_state(subject) == GONE);
    device_put(subject->device);
}

static status_t op_open(struct subject *subject)
{
    struct device_handle handle;
    status_t status = device_open(subject->device, &handle);
    struct file *file;
    expect("device file", rig_open(drives_path(subject->alias), OPEN_READ, &file),
           status && subject_state(subject) == GONE ? -ENOENT : status);
    if (status)
        return status;
    file_close(file);
    device_close(&handle);
    return 0;
}

static status_t op_read(struct subject *subject)
{
    static uint8_t got[BLOCK];
    status_t status = io_wait(&subject->handle, IO_READ, BLOCK, got, BLOCK, NULL);
    kassert(status || memcmp(got, drives_image + BLOCK, BLOCK) == 0);
    expect("check", device_check(&subject->handle), status);
    return status;
}

/* Registers the image again: into its halted drive if there is one, else as a second drive. */
static status_t op_register(struct subject *subject)
{
    char alias[DEVICE_NAME_BYTES];
    bool was_halted = subject_state(subject) == HALTED;
    bool was_gone = subject_state(subject) == GONE; /* its alias is free then */
    status_t status = drives_add(&(struct wanted){ .store = VIRTUAL_FILE, .image = "/img" }, alias);
    kassert(status || was_halted == (!was_gone && strcmp(alias, subject->alias) == 0));
    if (!status && !was_halted)
        expect("remove the second", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    return status;
}

static status_t op_register_into(struct subject *subject)
{
    char alias[DEVICE_NAME_BYTES];
    status_t status = drives_add(&(struct wanted){ .store = VIRTUAL_FILE, .image = "/other",
                                                   .into = subject->alias }, alias);
    kassert(status || strcmp(alias, subject->alias) == 0);
    return status;
}

static status_t op_remove_idle(struct subject *subject)
{
    return drives_remove(subject->alias, VIRTUAL_IF_IDLE);
}

static status_t op_remove_lazily(struct subject *subject)
{
    return drives_remove(subject->alias, VIRTUAL_LAZY);
}

static status_t op_remove_now(struct subject *subject)
{
    return drives_remove(subject->alias, VIRTUAL_NOW);
}

static status_t op_info(struct subject *subject)
{
    struct virtual_info info;
    status_t status = drives_info(subject->alias, &info);
    kassert(status || strcmp(info.image, "/img") == 0);
    return status;
}

static status_t op_list(struct subject *subject)
{
    return drives_listed(subject->alias);
}

static status_t op_save(struct subject *subject)
{
    status_t status = drives_save(subject->alias, "/saved", NULL);
    expect("saved", rig_walk("/saved"), status ? -ENOENT : 0);
    if (!status)
        rig_unlink("/saved");
    return status;
}

static status_t op_diff(struct subject *subject)
{
    uint64_t offset = 0, length;
    return drives_diff(subject->alias, &offset, &length);
}

static status_t op_commit(struct subject *subject)
{
    return drives_commit(subject->alias, NULL);
}

static status_t op_discard(struct subject *subject)
{
    return drives_discard(subject->alias);
}

static status_t op_fault(struct subject *subject)
{
    return drives_fault(subject->alias, VIRTUAL_FAULT_BAD, 3, 1);
}

static status_t op_attention(struct subject *subject)
{
    return drives_fault(subject->alias, VIRTUAL_FAULT_ATTENTION, 0, 0);
}

static status_t op_swap(struct subject *subject)
{
    return drives_swap(subject->alias, "/other");
}

static status_t op_close(struct subject *subject)
{
    device_close(&subject->handle);
    return 0;
}

enum { NO_HANDLE = 1 }; /* there is none to do that with */

static const struct {
    const char *name;
    status_t (*run)(struct subject *subject);
    struct {
        status_t status;
        enum state after;
    } in[STATES];
} operations[] = {
    { "open", op_open,
      { { 0, IDLE }, { 0, OPEN }, { -ENODEV, DETACHING }, { -ENODEV, HALTED },
        { -ENODEV, GONE } } },
    { "read", op_read,
      { { NO_HANDLE, IDLE }, { 0, OPEN }, { 0, DETACHING }, { -ENODEV, HALTED },
        { NO_HANDLE, GONE } } },
    { "register", op_register,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { 0, OPEN }, { 0, GONE } } },
    { "register into", op_register_into,
      { { -EBUSY, IDLE }, { -EBUSY, OPEN }, { -EBUSY, DETACHING }, { 0, OPEN },
        { -ENODEV, GONE } } },
    /* VB16: a second removal gets another result than the first one */
    { "remove if idle", op_remove_idle,
      { { 0, GONE }, { -EBUSY, OPEN }, { -EALREADY, DETACHING }, { -EALREADY, HALTED },
        { -ENODEV, GONE } } },
    { "remove lazily", op_remove_lazily, /* VB17: if it is not open, no close is needed */
      { { 0, GONE }, { 0, DETACHING }, { -EALREADY, DETACHING }, { -EALREADY, HALTED },
        { -ENODEV, GONE } } },
    { "remove now", op_remove_now,
      { { 0, GONE }, { 0, HALTED }, { 0, HALTED }, { -EALREADY, HALTED }, { -ENODEV, GONE } } },
    { "info", op_info,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { 0, HALTED }, { -ENODEV, GONE } } },
    { "list", op_list,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { 0, HALTED }, { -ENOENT, GONE } } },
    { "save", op_save,
      { { 0, IDLE }, { 0, OPEN }, { -ENODEV, DETACHING }, { -ENODEV, HALTED },
        { -ENODEV, GONE } } },
    { "diff", op_diff,
      { { -ENOENT, IDLE }, { -ENOENT, OPEN }, { -ENOENT, DETACHING }, { -ENODEV, HALTED },
        { -ENODEV, GONE } } },
    { "commit", op_commit,
      { { -EROFS, IDLE }, { -EROFS, OPEN }, { -EROFS, DETACHING }, { -ENODEV, HALTED },
        { -ENODEV, GONE } } },
    { "discard", op_discard,
      { { 0, IDLE }, { -EBUSY, OPEN }, { -EBUSY, DETACHING }, { -ENODEV, HALTED },
        { -ENODEV, GONE } } },
    { "fault", op_fault,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { -ENODEV, HALTED }, { -ENODEV, GONE } } },
    { "attention", op_attention,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { -ENODEV, HALTED }, { -ENODEV, GONE } } },
    { "swap", op_swap,
      { { 0, IDLE }, { 0, OPEN }, { 0, DETACHING }, { -ENODEV, HALTED }, { -ENODEV, GONE } } },
    { "last close", op_close,
      { { NO_HANDLE, IDLE }, { 0, IDLE }, { 0, GONE }, { 0, GONE }, { NO_HANDLE, GONE } } },
};

static void try_operation(unsigned n, enum state state)
{
    struct subject subject;
    char what[64];
    snprintf(what, sizeof(what), "%s when %s", operations[n].name, state_names[state]);
    subject_make(&subject, state);
    kassert(subject_state(&subject) == state);
    expect(what, operations[n].run(&subject), operations[n].in[state].status);
    enum state after = subject_state(&subject);
    if (after != operations[n].in[state].after)
        panic("%s: %s", what, state_names[after]);
    subject_end(&subject);
}

static void states_body(void *unused)
{
    (void)unused;
    drives_start();
    for (unsigned n = 0; n < ARRAY_LENGTH(operations); n++)
        for (enum state state = IDLE; state < STATES; state++)
            if (operations[n].in[state].status != NO_HANDLE)
                try_operation(n, state);
    rig_stop();
}

/* V4, VB16, VB17. */
static void test_states(void **state)
{
    (void)state;
    rig_run(states_body, NULL, 20);
}

/* A drive that was made for a mount is removed with its last close; removals before that work as
 * for any other drive. */
static void temporary_body(void *unused)
{
    (void)unused;
    static const status_t now[] = { -EBUSY, 0, 0 };
    struct wanted drive = { .store = VIRTUAL_FILE, .image = "/img", .flags = VIRTUAL_TEMPORARY };
    drives_start();
    for (enum virtual_removal removal = VIRTUAL_IF_IDLE; removal <= VIRTUAL_NOW; removal++) {
        char alias[DEVICE_NAME_BYTES];
        struct device_handle handles[2];
        expect("add", drives_add(&drive, alias), 0);
        expect("open", drives_open(alias, &handles[0]), 0);
        expect("open", drives_open(alias, &handles[1]), 0);
        device_close(&handles[0]);
        expect("still there", drives_listed(alias), 0);
        expect("removal", drives_remove(alias, removal), now[removal]);
        device_close(&handles[1]);
        expect("gone", drives_listed(alias), -ENOENT);
    }
    rig_stop();
}

static void test_temporary(void **state)
{
    (void)state;
    rig_run(temporary_body, NULL, 20);
}

/* ---- refusals ----------------------------------------------------------------------------- */

#define GEOMETRY(c, h, s, b) .flags = VIRTUAL_GEOMETRY, .geometry = { c, h, s, b }

static uint8_t somewhere[4096];

/* /img has 20480 bytes; virtual0 shows /rw writable, another drive shows /ro read-only. */
static const struct {
    const char *what;
    struct wanted drive;
    status_t status;
} refusals[] = {
    { "no such file", { ON(FILE, "/none") }, -ENOENT },
    { "relative path", { ON(FILE, "img") }, -EINVAL },
    { "no path", { ON(FILE, "") }, -EINVAL },
    { "directory", { ON(FILE, "/Drives") }, -EISDIR },
    { "control device", { ON(FILE, "/System/Devices/virtual/control") }, -EOPNOTSUPP },
    { "unknown store", { .store = (enum virtual_store)5, .image = "/img" }, -EINVAL },
    { "unknown flag", { ON(FILE, "/img"), .flags = 32 }, -EINVAL },
    { "highest flag", { ON(FILE, "/img"), .flags = 0x80000000 }, -EINVAL },
    { "CD that is written", { .store = VIRTUAL_RAM, .size_bytes = 4096,
                              .flags = VIRTUAL_CD | VIRTUAL_WRITABLE }, -EINVAL },
    { "CD of other blocks", { ON(FILE, "/img"), .flags = VIRTUAL_CD, .block_bytes = 512 },
      -EINVAL },
    { "block of 256", { ON(FILE, "/img"), .block_bytes = 256 }, -EINVAL },
    { "block of 1000", { ON(FILE, "/img"), .block_bytes = 1000 }, -EINVAL },
    { "block of 8192", { ON(FILE, "/img"), .block_bytes = 8192 }, -EINVAL },
    /* VB18: one image, one writer */
    { "second writer", { ON(FILE, "/rw"), .flags = VIRTUAL_WRITABLE }, -EBUSY },
    { "reader of what is written", { ON(FILE, "/rw") }, -EBUSY },
    { "loading what is written", { ON(RAM_IMAGE, "/rw") }, -EBUSY },
    { "overlay on what is written", { ON(OVERLAY, "/rw") }, -EBUSY },
    { "writer of what is read", { ON(FILE, "/ro"), .flags = VIRTUAL_WRITABLE }, -EBUSY },
    { "committer of what is read", { ON(OVERLAY, "/ro"), .flags = VIRTUAL_WRITABLE }, -EBUSY },
    { "smaller than a block", { ON(FILE, "/small") }, -ENODATA },
    { "smaller than a CD block", { ON(FILE, "/small2"), .flags = VIRTUAL_CD }, -ENODATA },
    { "empty", { ON(FILE, "/empty") }, -ENODATA },
    { "small to load", { ON(RAM_IMAGE, "/small") }, -ENODATA },
    { "small under an overlay", { ON(OVERLAY, "/empty") }, -ENODATA },
    { "RAM without size", { .store = VIRTUAL_RAM }, -ENODATA },
    { "RAM of a byte", { .store = VIRTUAL_RAM, .size_bytes = 1 }, -ENODATA },
    { "endless RAM", { .store = VIRTUAL_RAM, .size_bytes = UINT64_MAX }, -EINVAL },
    { "RAM at an offset", { .store = VIRTUAL_RAM, .size_bytes = 4096, .offset_bytes = 512 },
      -EINVAL },
    { "memory without address", { .store = VIRTUAL_MEMORY, .size_bytes = 4096 }, -EINVAL },
    { "memory of a byte", { .store = VIRTUAL_MEMORY, .memory = somewhere, .size_bytes = 1 },
      -ENODATA },
    { "window of less than a block",
      { ON(FILE, "/img"), .offset_bytes = 512, .size_bytes = 511 }, -ENODATA },
    { "window at the end", { ON(FILE, "/img"), .offset_bytes = IMAGE_BYTES }, -ENODATA },
    { "window behind the end", { ON(FILE, "/img"), .offset_bytes = IMAGE_BYTES + 1 },
      -EINVAL },
    { "window beyond the end",
      { ON(FILE, "/img"), .offset_bytes = 512, .size_bytes = IMAGE_BYTES - 511 }, -EINVAL },
    { "larger than the image", { ON(FILE, "/img"), .size_bytes = IMAGE_BYTES + 1 }, -EINVAL },
    { "window that wraps", /* VB9 */
      { ON(FILE, "/img"), .offset_bytes = 4096, .size_bytes = UINT64_MAX - 4095 },
      -EOVERFLOW },
    { "window that nearly wraps",
      { ON(FILE, "/img"), .offset_bytes = 4096, .size_bytes = UINT64_MAX - 4096 }, -EINVAL },
    /* VB10: geometry */
    { "no cylinder", { ON(FILE, "/img"), GEOMETRY(0, 1, 1, 512) }, -EINVAL },
    { "no head", { ON(FILE, "/img"), GEOMETRY(1, 0, 1, 512) }, -EINVAL },
    { "no sector", { ON(FILE, "/img"), GEOMETRY(1, 1, 0, 512) }, -EINVAL },
    { "sectors of nothing", { ON(FILE, "/img"), GEOMETRY(1, 1, 1, 0) }, -EINVAL },
    { "sectors of 513", { ON(FILE, "/img"), GEOMETRY(1, 1, 1, 513) }, -EINVAL },
    { "2^96 blocks", { ON(FILE, "/img"), GEOMETRY(~0u, ~0u, ~0u, 512) }, -EOVERFLOW },
    { "2^64 bytes", { ON(FILE, "/img"), GEOMETRY(1u << 31, 1u << 24, 1, 512) }, -EOVERFLOW },
    { "geometry and block",
      { ON(FILE, "/img"), GEOMETRY(1, 1, 1, 512), .block_bytes = 512 }, -EINVAL },
    { "geometry and size", { ON(FILE, "/img"), GEOMETRY(1, 1, 1, 512), .size_bytes = 512 },
      -EINVAL },
    { "larger, read-only", { ON(FILE, "/img"), GEOMETRY(41, 1, 1, 512) }, -EROFS },
    { "larger, loaded", { ON(RAM_IMAGE, "/img"), GEOMETRY(41, 1, 1, 512) }, -EROFS },
    { "larger, overlay", { ON(OVERLAY, "/img"), GEOMETRY(41, 1, 1, 512) }, -EROFS },
    { "into no drive", { ON(FILE, "/img"), .into = "virtual99" }, -ENODEV },
    { "into no virtual drive", { ON(FILE, "/img"), .into = "virtual/control" }, -EINVAL },
    { "into one that is in use", { ON(FILE, "/img"), .into = "virtual0" }, -EBUSY },
    { "grown into one that is in use",
      { ON(FILE, "/img"), .into = "virtual0", .flags = VIRTUAL_GEOMETRY | VIRTUAL_WRITABLE,
        .geometry = { 100, 1, 1, 512 } }, -EBUSY },
};

static void refusals_start(char *writer, char *reader)
{
    drives_start();
    rig_put_file("/rw", drives_image, sizeof(drives_image));
    rig_put_file("/ro", drives_image, sizeof(drives_image));
    rig_put_file("/small", drives_image, 511);
    rig_put_file("/small2", drives_image, 2047);
    rig_put_file("/empty", drives_image, 0);
    expect("writer", drives_add(&(struct wanted){ ON(FILE, "/rw"), .flags = VIRTUAL_WRITABLE },
                                writer), 0);
    expect("reader", drives_add(&(struct wanted){ ON(FILE, "/ro") }, reader), 0);
}

static void refusals_body(void *unused)
{
    (void)unused;
    char writer[DEVICE_NAME_BYTES], reader[DEVICE_NAME_BYTES], alias[DEVICE_NAME_BYTES];
    static uint8_t got[IMAGE_BYTES + 1];
    refusals_start(writer, reader);
    size_t before = 0;
    for (unsigned round = 0; round < 2; round++) { /* the first one fills caches of nodes */
        for (unsigned i = 0; i < ARRAY_LENGTH(refusals); i++)
            expect(refusals[i].what, drives_add(&refusals[i].drive, alias), refusals[i].status);
        kassert(round == 0 || host_memory_used() == before); /* VB1: nothing is kept */
        before = host_memory_used();
    }
    kassert(rig_get_file("/img", got, sizeof(got)) == IMAGE_BYTES); /* nothing has changed */
    kassert(memcmp(got, drives_image, sizeof(drives_image)) == 0);
    expect("second reader", drives_add(&(struct wanted){ ON(FILE, "/ro") }, alias), 0);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove(reader, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove(writer, VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

/* VB9, VB10, VB18. */
static void test_refusals(void **state)
{
    (void)state;
    rig_run(refusals_body, NULL, 10);
}

/* VB21, VB6: each operation accepts its own struct, of its exact size, and nothing else. */
static const struct {
    unsigned operation;
    size_t bytes;
    size_t device_at;
} structs[] = {
#define STRUCT(op, type) { op, sizeof(struct type), offsetof(struct type, device) }
    STRUCT(VIRTUAL_REGISTER, virtual_register),
    STRUCT(VIRTUAL_UNREGISTER, virtual_unregister),
    STRUCT(VIRTUAL_GET_INFO, virtual_info),
    STRUCT(VIRTUAL_LIST, virtual_list),
    STRUCT(VIRTUAL_SAVE, virtual_save),
    STRUCT(VIRTUAL_DIFF, virtual_diff),
    STRUCT(VIRTUAL_COMMIT, virtual_change),
    STRUCT(VIRTUAL_DISCARD, virtual_change),
    STRUCT(VIRTUAL_FAULT, virtual_fault),
    STRUCT(VIRTUAL_GET_FAULT, virtual_fault),
};

/* All bytes 'x', so that no text in it ends; the size is right. */
static void *unended(size_t bytes)
{
    uint32_t size = (uint32_t)bytes;
    void *argument = malloc(bytes); /* exactly as large: the sanitizer reports a byte beyond it */
    memset(argument, 'x', bytes);
    memcpy(argument, &size, sizeof(size));
    return argument;
}

static void structs_body(void *unused)
{
    (void)unused;
    drives_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(structs); i++) {
        size_t bytes = structs[i].bytes;
        uint32_t wrong = (uint32_t)bytes - 1;
        void *argument = unended(bytes);
        expect("no struct", drives_control(structs[i].operation, NULL, bytes), -EINVAL);
        expect("shorter", drives_control(structs[i].operation, argument, bytes - 1), -EINVAL);
        expect("longer", drives_control(structs[i].operation, argument, bytes + 1), -EINVAL);
        expect("nothing", drives_control(structs[i].operation, argument, 0), -EINVAL);
        if (structs[i].operation != VIRTUAL_LIST) /* VB4: it has no text to read */
            expect("no end", drives_control(structs[i].operation, argument, bytes), -EINVAL);
        memcpy(argument, &wrong, sizeof(wrong));
        expect("says less", drives_control(structs[i].operation, argument, bytes), -EINVAL);
        free(argument);
    }
    expect("before the first", drives_control(VIRTUAL_REGISTER - 1, somewhere, 4), -EOPNOTSUPP);
    expect("after the last", drives_control(VIRTUAL_GET_FAULT + 1, somewhere, 4), -EOPNOTSUPP);
    expect("eject", drives_control(DEVICE_CONTROL_EJECT, NULL, 0), -EOPNOTSUPP);
    rig_stop();
}

/* VB21. */
static void test_structs(void **state)
{
    (void)state;
    rig_run(structs_body, NULL, 5);
}

/* VB4: each text in turn, while all others are valid. */
static void texts_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    drives_start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    struct virtual_register *request = unended(sizeof(*request));
    *request = (struct virtual_register){ .struct_bytes = sizeof(*request),
                                          .magic = VIRTUAL_REGISTER_MAGIC,
                                          .store = VIRTUAL_FILE, .device = "" };
    memset(request->image, '/', sizeof(request->image));
    expect("image", drives_control(VIRTUAL_REGISTER, request, sizeof(*request)), -EINVAL);
    strcpy(request->image, "/img");
    memset(request->device, 'v', sizeof(request->device));
    expect("device", drives_control(VIRTUAL_REGISTER, request, sizeof(*request)), -EINVAL);
    free(request);
    struct virtual_save *save = unended(sizeof(*save));
    strcpy(save->device, alias);
    save->path[0] = '/';
    expect("path", drives_control(VIRTUAL_SAVE, save, sizeof(*save)), -EINVAL);
    strcpy(save->path, "relative");
    expect("relative", drives_control(VIRTUAL_SAVE, save, sizeof(*save)), -EINVAL);
    free(save);
    struct virtual_fault *fault = unended(sizeof(*fault));
    strcpy(fault->device, alias);
    fault->kind = VIRTUAL_FAULT_SWAP;
    fault->image[0] = '/';
    expect("image", drives_control(VIRTUAL_FAULT, fault, sizeof(*fault)), -EINVAL);
    fault->kind = VIRTUAL_FAULT_SWAP + 1;
    expect("kind", drives_control(VIRTUAL_FAULT, fault, sizeof(*fault)), -EINVAL);
    free(fault);
    expect("kind of removal", drives_remove(alias, (enum virtual_removal)3), -EINVAL);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

/* VB4. */
static void test_texts(void **state)
{
    (void)state;
    rig_run(texts_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_temporary),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_structs),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
