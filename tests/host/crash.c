/*
 * crash.c - the states in which a power failure may leave a volume: see crash.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/macros.h"
#include "tests/host/crash.h"
#include "tests/host/crash_check.h"
#include "tests/host/crash_model.h"
#include "tests/host/crash_work.h"
#include "tests/host/recorder.h"
#include "tests/host/rig.h"

/* ---- volumes ------------------------------------------------------------------------------ */

enum {
    STALE = 0x5a,  /* the bytes of a volume where it is free: no file ever has them */
    STATES = 350,
    BLOCK = 512,
    LONG_ONE_IN = 20, /* workloads */
    MANY = 10000,     /* states */
    SUBSETS = 2,
};

struct volume {
    const char *name;
    struct snapshot empty;
    struct crash_file file;
    const char *check;
};

static void volume_create(struct volume *volume, const char *command, unsigned kib)
{
    char path[] = "/tmp/spindle_crash.XXXXXX", text[512];
    int file = mkstemp(path);
    size_t bytes = (size_t)kib * 1024;
    uint8_t *stale = malloc(bytes);
    kassert(file >= 0 && stale);
    memset(stale, STALE, bytes);
    kassert(write(file, stale, bytes) == (ssize_t)bytes);
    free(stale);

    snprintf(text, sizeof(text), command, path);
    if (system(text))
        panic("%s", text);
    snapshot_of_file(&volume->empty, file);
    unlink(path);
    crash_file_create(&volume->file, &volume->empty);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* The state that is being checked. */
static struct {
    const struct volume *volume;
    unsigned turn, number;       /* of the workload */
    const struct replay *replay; /* NULL: a rehearsal */
    uint64_t seed, random;
    unsigned one_in;       /* states are checked, */
    unsigned other_one_in; /* and of them by the other program */
    unsigned checked, checked_by_other;
} state;

/* Returns a random number that depends on the seed, the workload and the place in the log only: the
 * states of a place are the same whatever was checked before. */
static uint64_t draw(void)
{
    uint64_t x = state.random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void save(const char *path)
{
    FILE *stream = fopen(path, "wb");
    kassert(stream && fwrite(state.replay->image, 1, state.volume->empty.bytes, stream) ==
                          state.volume->empty.bytes);
    fclose(stream);
}

static void complain(const char *what)
{
    if (state.replay && getenv("CRASH_SAVE"))
        save(getenv("CRASH_SAVE"));
    fprintf(stderr, "turn %u, workload %u: %s\n", state.turn, state.number, work_text());
    if (!state.replay)
        panic("%s", what);
    panic("%s, workload %u, record %zu, %zu of %zu blocks: %s", state.volume->name, state.number,
          state.replay->at, state.replay->undo_count, state.replay->count, what);
}

/* ---- reading a volume --------------------------------------------------------------------- */

static void path_of(const struct model_found *all, const struct model_found *found, char *path,
                    size_t bytes)
{
    if (found->parent == MODEL_NONE)
        snprintf(path, bytes, "/m/%s", found->name);
    else
        snprintf(path, bytes, "/m/%s/%s", all[found->parent].name, found->name);
}

/* Reads a file into memory that the caller frees. */
static void read_file(const char *path, struct model_found *found)
{
    char text[256];
    struct file *file;
    status_t status = rig_open(path, OPEN_READ, &file);
    uint64_t bytes = status ? 0 : file_size(file);
    snprintf(text, sizeof(text), "%s cannot be opened: %s", path, status_name(status));
    if (status)
        complain(text);
    if (bytes > 1 << 24)
        complain("a file is too large");
    found->bytes = (uint32_t)bytes;
    found->content = malloc(bytes + 1);
    ssize_t got = file_read_at(file, 0, found->content, bytes + 1);
    snprintf(text, sizeof(text), "%s, %u bytes, cannot be read: %zd", path, found->bytes, got);
    if (got != (ssize_t)bytes)
        complain(text);
    file_close(file);
}

/* Lists a directory, the root if `parent` is MODEL_NONE. Returns the new number of found nodes. */
static unsigned list(struct model_found *all, unsigned count, int parent)
{
    static struct dir_entry entry;
    char path[128] = "/m";
    struct file *directory;
    int more;
    if (parent != MODEL_NONE)
        path_of(all, &all[parent], path, sizeof(path));
    if (rig_open(path, OPEN_READ | OPEN_DIRECTORY, &directory))
        complain("a directory cannot be opened");
    while ((more = dir_read(directory, INFO_DIRENT, &entry)) > 0) {
        if (count == MODEL_FOUND || strlen(entry.name) >= MODEL_NAME_BYTES)
            complain("a directory has too many names, or too long ones");
        all[count] = (struct model_found){ .parent = parent, .type = entry.info.type };
        snprintf(all[count].name, MODEL_NAME_BYTES, "%.39s", entry.name);
        count++;
    }
    file_close(directory);
    if (more < 0 || entry.skipped)
        complain("a directory cannot be listed completely");
    return count;
}

static void compare_volume(const struct model_window *window)
{
    static struct model_found found[MODEL_FOUND];
    char path[128];
    unsigned count = list(found, 0, MODEL_NONE);
    for (unsigned i = 0; i < count; i++) {
        path_of(found, &found[i], path, sizeof(path));
        if (found[i].type == NODE_DIRECTORY)
            count = list(found, count, (int)i);
        else
            read_file(path, &found[i]);
    }
    const char *wrong = model_check(window, found, count);
    if (wrong)
        complain(wrong);
    for (unsigned i = 0; i < count; i++)
        free(found[i].content);
}

/* ---- states ------------------------------------------------------------------------------- */

/* Has the file system's own check, and sometimes another program, check the volume. */
static void check_structures(struct device *device, bool by_other)
{
    const char *wrong = crash_check(device, strstr(work_text(), "rename"));
    if (wrong)
        complain(wrong);
    if (!by_other || !state.volume->check)
        return;
    if (!crash_file_check(&state.volume->file, state.replay, state.volume->check))
        complain("another program finds more than lost clusters");
    state.checked_by_other++;
}

static void check_state(struct device *device, const struct model_window *window)
{
    bool chosen = draw() % state.one_in == 0, by_other = draw() % state.other_one_in == 0;
    if (!chosen && state.number < WORK_FOUND)
        return;
    status_t status = rig_mount("/m", "disk1");
    if (status)
        complain(status_name(status));
    compare_volume(window);
    expect("unmount", rig_unmount("/m"), 0);
    check_structures(device, by_other);
    state.checked++;
}

static bool keep_all(size_t n, void *unused)
{
    (void)n, (void)unused;
    return true;
}

static bool keep_some(size_t n, void *of_four)
{
    (void)n;
    return draw() % 4 < *(unsigned *)of_four;
}

/* Checks the volume at one place of the log: what is durable, with all that is uncertain, and with
 * subsets of that. */
static void check_place(struct replay *replay, struct device *device,
                        const struct model_window *window)
{
    state.random = state.seed + replay->at;
    check_state(device, window);
    for (unsigned i = 0; i <= SUBSETS && replay->count; i++) {
        unsigned of_four = (unsigned)(1 + draw() % 3);
        replay_crash(replay, i ? keep_some : keep_all, &of_four);
        check_state(device, window);
        replay_restore(replay);
    }
}

/* Follows a mark of the log. */
static void window_move(struct model_window *window, unsigned mark)
{
    unsigned time = mark & WORK_TIME;
    if (mark & WORK_SYNCED)
        window->first = time;
    else if (mark & WORK_NODE_SYNCED)
        window->first_of[mark >> WORK_NODE_SHIFT] = time;
    else
        window->last = time;
}

/* Replays the log from its record `from` on, when the first tree was durable. */
static void check_states(const struct recorder *recorder, size_t from)
{
    struct model_window window = { 0 };
    struct replay replay;
    replay_create(&replay, recorder);
    state.replay = &replay;
    state.seed = rig_random();
    replay_advance(&replay, from);
    struct faulty *copy = faulty_create(1, replay.image, recorder->bytes,
                                        (struct io_limits){ .block_bytes = recorder->block_bytes },
                                        FAULTY_SYNC);
    faulty_write_protect(copy);
    for (size_t at = from; at < recorder->count; at++) {
        replay_advance(&replay, at + 1);
        if (recorder->log[at].kind == RECORD_MARK)
            window_move(&window, recorder->log[at].mark);
        check_place(&replay, copy->device, &window);
    }
    faulty_destroy(copy);
    replay_destroy(&replay);
}

/* ---- workloads ---------------------------------------------------------------------------- */

static void workload_body(void *unused)
{
    (void)unused;
    rig_start();
    rig_mkdir("/m");
    struct recorder *recorder = recorder_create(0, &state.volume->empty, BLOCK);
    size_t from = work_do(recorder, state.number);
    check_states(recorder, from);
    recorder_destroy(recorder);
    model_free();
    rig_stop();
}

static void check_now(unsigned time)
{
    struct model_window window = { .first = time, .last = time };
    compare_volume(&window);
}

static void rehearse_body(void *unused)
{
    (void)unused;
    rig_start();
    rig_mkdir("/m");
    work_rehearse(state.number, check_now);
    model_free();
    rig_stop();
}

/* Does the n-th workload: those that have failed once, then a sequence of operations, or now and
 * then a long one. Sequences are taken in an order in which all are done before one is repeated. */
static void run(unsigned n, void (*body)(void *unused))
{
    enum { STEP = 7919 }; /* a prime that does not divide the number of sequences */
    unsigned sequences = work_sequences();
    const char *only = getenv("CRASH_ONLY");
    state.turn = n;
    if (only)
        state.number = (unsigned)atoi(only);
    else if (n < work_found())
        state.number = WORK_FOUND + n;
    else if (n % LONG_ONE_IN == 0)
        state.number = sequences + n;
    else
        state.number = (unsigned)((uint64_t)n * STEP % sequences);
    rig_run(body, NULL, 1);
}

void crash_rehearse(void)
{
    state.replay = NULL;
    for (unsigned n = 0; n < 1000; n++)
        run(n, rehearse_body);
}

void crash_test(const char *name, const char *format, unsigned kib, const char *check)
{
    struct volume volume = { .name = name, .check = check };
    const char *wanted = getenv("CRASH_STATES");
    unsigned states = wanted ? (unsigned)atoi(wanted) : STATES;
    bool only = getenv("CRASH_ONLY");
    const char *from = getenv("CRASH_FROM");
    unsigned first = from ? (unsigned)atoi(from) : 0, n = first;
    volume_create(&volume, format, kib);
    state.volume = &volume;
    state.checked = state.checked_by_other = 0;
    state.one_in = only ? 1 : states < MANY ? 10 : 3;
    state.other_one_in = states < MANY ? 50 : 500;
    for (; state.checked < states && (!only || n == first); n++)
        run(n, workload_body);
    printf("%s: %u states of %u workloads, %u also checked by another program\n", name,
           state.checked, n - first, state.checked_by_other);
    crash_file_destroy(&volume.file, &volume.empty);
    snapshot_destroy(&volume.empty);
}
