/*
 * test_discs.c - images of whole CD sectors as drives.
 *
 * Promises    disc.h: each block is the one that was recorded, or -EIO, and each damaged sector is
 *             counted once. An image is recognised although any one sector is damaged, blocks are
 *             where the volume expects them, and several sessions are found.
 *
 * For both back ends. See test_cd_sector.c for the sectors themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drivers/storage/virtual/disc/cd_sector.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/raw_sectors.h"

enum { SECTORS = 40, MORE = 200 };

static uint8_t model[SECTORS][2048], raw[SECTORS * 2448 + MORE];

/* Sectors of one kind from disc block `first` on. The volume's root is at block `root`. */
static void make(enum raw_kind kind, int first, uint32_t root)
{
    drives_pattern(model[0], sizeof(model), 5);
    memcpy(model[16], "\1CD001\1", 7);
    memcpy(model[16] + 158, &root, 4);
    for (int i = 0; i < SECTORS; i++)
        raw_sector_make(raw + i * 2352, kind, first + i, model[i]);
}

static void put(void)
{
    rig_put_file("/raw", raw, SECTORS * 2352);
}

static struct device_handle added(const char *image, char *alias)
{
    struct device_handle handle;
    struct wanted drive = { .store = VIRTUAL_FILE, .image = image };
    expect("add", drives_add(&drive, alias), 0);
    expect("open", drives_open(alias, &handle), 0);
    return handle;
}

static void removed(struct device_handle *handle, const char *alias)
{
    device_close(handle);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
}

/* Block `block` of the drive is sector `index` of the model; below 0: -EIO. */
static void check_block(const struct device_handle *handle, uint32_t block, int index)
{
    static uint8_t got[2048];
    memset(got, 0x77, sizeof(got));
    status_t status = io_wait(handle, IO_READ, (uint64_t)block * 2048, got, 2048, NULL);
    expect("block", status, index < 0 ? -EIO : 0);
    kassert(index < 0 || memcmp(got, model[index], 2048) == 0);
}

static void check_counts(const char *alias, unsigned corrected, unsigned refused)
{
    static struct virtual_info info;
    expect("info", drives_info(alias, &info), 0);
    kassert(info.corrected_sectors == corrected && info.refused_sectors == refused);
}

/* One sector of each kind of damage, among good ones. */
static void damage_body(void *argument)
{
    enum raw_kind kind = *(const enum raw_kind *)argument;
    char alias[DEVICE_NAME_BYTES];
    static uint8_t all[SECTORS * 2048];
    uint64_t done;
    rig_start();
    make(kind, 0, 18);
    memset(raw + 20 * 2352 + 30, 0x99, 60);                            /* a burst */
    memset(raw + 22 * 2352, 0, 2352);                                  /* never read */
    raw_sector_make(raw + 24 * 2352, RAW_FORM_2, 24, model[24]);
    raw_sector_make(raw + 26 * 2352, kind, 27, model[26]);             /* another's address */
    memset(raw + 28 * 2352 + 30, 0x99, 1500);
    drives_pattern(raw + 30 * 2352, 2352, 9);                          /* audio */
    put();
    struct device_handle handle = added("/raw", alias);
    expect("all", io_wait(&handle, IO_READ, 0, all, sizeof(all), &done), -EIO);
    kassert(done == 22 * 2048 && memcmp(all, model, done) == 0);
    for (unsigned turn = 0; turn < 2; turn++) { /* each is counted once */
        for (unsigned i = 0; i < SECTORS; i++)
            check_block(&handle, i, i >= 22 && i <= 30 && i % 2 == 0 ? -1 : (int)i);
        check_counts(alias, 1, 5);
    }
    removed(&handle, alias);
    rig_stop();
}

static void test_damage(void **state)
{
    static const enum raw_kind kinds[] = { RAW_MODE_1, RAW_FORM_1 };
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        rig_run(damage_body, (void *)(uintptr_t)&kinds[i], 4);
}

/* A damaged first sector, or descriptor, does not hide what the image is; and what follows the last
 * whole sector is reported. */
static void recognised_body(void *unused)
{
    static const unsigned places[] = { 0, 1, 16, SECTORS - 1 };
    static struct virtual_info info;
    char alias[DEVICE_NAME_BYTES];
    (void)unused;
    rig_start();
    for (unsigned i = 0; i < 4; i++) {
        make(RAW_MODE_1, 0, 18);
        memset(raw + places[i] * 2352, 0, 2352);
        rig_put_file("/raw", raw, SECTORS * 2352 + MORE);
        struct device_handle handle = added("/raw", alias);
        for (unsigned block = 0; block < SECTORS; block++)
            check_block(&handle, block, block == places[i] ? -1 : (int)block);
        kassert(!drives_info(alias, &info) && info.raw_sector_bytes == 2352);
        kassert(info.tail_bytes == MORE && info.size_bytes == SECTORS * 2048);
        removed(&handle, alias);
    }
    rig_stop();
}

static void test_recognised(void **state)
{
    (void)state;
    rig_run(recognised_body, NULL, 2);
}

/* The first sector is not block 0 of its disc: the volume's own block numbers decide. */
static void placed_body(void *unused)
{
    static const struct {
        int first;
        uint32_t root, block, sector; /* `block` of the drive is this sector */
    } cases[] = {
        { 0, 18, 0, 0 },
        { 11702, 11720, 11702, 0 }, /* a later session */
        { 11702, 18, 0, 0 },        /* made-up addresses */
        { -150, 18, 0, 0 },
        { -10, 18, 0, 0 },
    };
    (void)unused;
    rig_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        char alias[DEVICE_NAME_BYTES];
        struct device_session session = { 0 };
        make(RAW_FORM_1, cases[i].first, cases[i].root);
        put();
        struct device_handle handle = added("/raw", alias);
        for (unsigned n = 0; n < SECTORS - cases[i].sector; n++)
            check_block(&handle, cases[i].block + n, (int)(cases[i].sector + n));
        expect("session", device_control(handle.device, DEVICE_CONTROL_SESSION, &session,
                                         sizeof(session)), 0);
        kassert(session.count == 1 && session.number == 1);
        kassert(session.first_block == cases[i].block);
        removed(&handle, alias);
    }
    rig_stop();
}

static void test_placed(void **state)
{
    (void)state;
    rig_run(placed_body, NULL, 2);
}

/* A dump of two sessions: the addresses jump over the lead-out and lead-in between them. A damaged
 * sector at the border hides neither. */
static void sessions_body(void *unused)
{
    enum { CUT = 18, GAP = 11400 };
    static const bool damages[] = { false, true };
    (void)unused;
    rig_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(damages); i++) {
        char alias[DEVICE_NAME_BYTES];
        struct device_toc toc;
        make(RAW_MODE_1, 0, 18);
        for (int n = CUT; n < SECTORS; n++)
            raw_sector_make(raw + n * 2352, RAW_MODE_1, n + GAP, model[n]);
        if (damages[i])
            memset(raw + CUT * 2352, 0x11, 2352);
        put();
        struct device_handle handle = added("/raw", alias);
        unsigned first = CUT + damages[i]; /* where the second session is seen to begin */
        for (unsigned n = 0; n < SECTORS; n++)
            check_block(&handle, n < first ? n : n + GAP, n == CUT && damages[i] ? -1 : (int)n);
        check_block(&handle, first + GAP / 2, -1);
        expect("toc", device_control(handle.device, DEVICE_CONTROL_TOC, &toc, sizeof(toc)), 0);
        kassert(toc.session_count == 2 && toc.track_count == 2);
        kassert(toc.tracks[0].first_block == 0 && toc.tracks[0].blocks == first);
        kassert(toc.tracks[1].session == 2 && toc.tracks[1].first_block == first + GAP);
        kassert(toc.tracks[1].blocks == SECTORS - first);
        removed(&handle, alias);
    }
    rig_stop();
}

static void test_sessions(void **state)
{
    (void)state;
    rig_run(sessions_body, NULL, 2);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_placed),
        cmocka_unit_test(test_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
