/*
 * test_sheets.c - cue sheets, .ccd and .toc files as drives.
 *
 * Promises    sheet.h: an accepted sheet shows its tracks, and each block comes from the sector
 *             that the sheet means; any other sheet, however it was changed, is refused with a
 *             reason that names the line. A failed allocation leaves nothing behind. A drive never
 *             becomes its own image.
 *
 * For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/raw_sectors.h"

enum { BLOCKS = 40 };

static uint8_t model[BLOCKS][2048], file[BLOCKS * 2448];

/* ---- files -------------------------------------------------------------------------------- */

/* Sectors of 2352 bytes, of disc blocks from `first` on, of a volume whose root is at `root`. */
static void put_raw(const char *path, enum raw_kind kind, int first, uint32_t root)
{
    memcpy(model[16], "\1CD001\1", 7);
    memcpy(model[16] + 158, &root, 4);
    for (int i = 0; i < BLOCKS; i++)
        raw_sector_make(file + i * 2352, kind, first + i, model[i]);
    rig_put_file(path, file, BLOCKS * 2352);
}

static void put_files(void)
{
    static uint8_t sound[10 * 2352];
    drives_pattern(model[0], sizeof(model), 7);
    drives_pattern(sound, sizeof(sound), 8);
    rig_mkdir("/d");
    put_raw("/d/two.bin", RAW_FORM_1, 30, 48);
    put_raw("/d/later.bin", RAW_FORM_1, 11502, 11520);
    rig_put_file("/d/sound.bin", sound, sizeof(sound));
    rig_put_file("/d/sound.mp3", sound, 100);
    put_raw("/d/one.bin", RAW_MODE_1, 0, 18);
    rig_put_file("/d/cooked.iso", model, sizeof(model));

    static uint8_t mixed[(BLOCKS + 10) * 2352];
    memcpy(mixed, file, BLOCKS * 2352);
    memcpy(mixed + BLOCKS * 2352, sound, sizeof(sound));
    rig_put_file("/d/Mixed.bin", mixed, sizeof(mixed));

    static uint8_t both[2 * BLOCKS * 2352];
    memcpy(both, file, BLOCKS * 2352);
    for (int i = 0; i < BLOCKS; i++)
        raw_sector_make(both + (BLOCKS + i) * 2352, RAW_FORM_1, 20000 + i, model[i]);
    rig_put_file("/d/both.img", both, sizeof(both));
}

/* ---- accepted sheets ----------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
    const char *toc;          /* "number/session first+blocks kind; ..." */
    int good, bad;            /* `good` is sector 0 of the model, BLOCKS in a row; `bad` is -EIO */
    uint32_t session;         /* the last one's first block */
} sheets[] = {
    { "/d/one.cue", "FILE one.bin BINARY\n TRACK 01 MODE1/2352\n  INDEX 01 00:00:00\n",
      "1/1 0+40 m1; ", 0, -1, 0 },
    { "/d/mark.CUE",
      "\xef\xbb\xbfREM made by hand\r\nCATALOG 123\r\nfile \"one.bin\" binary\r\n"
      "  track 1 mode1/2352\r\n    flags dcp\r\n    index 1 0:0:0\r\n\r\n",
      "1/1 0+40 m1; ", 0, -1, 0 },
    { "/d/case.cue", "FILE MIXED.BIN BINARY\nTRACK 01 MODE1/2352\nINDEX 01 00:00:00\n"
                     "TRACK 02 AUDIO\nINDEX 00 00:00:40\nINDEX 01 00:00:44\n",
      "1/1 0+44 m1; 2/1 44+6 audio; ", 0, 41, 0 },
    { "/d/dos.cue", "FILE \"C:\\Rips\\one.bin\" BINARY\nTRACK 01 MODE1/2352\nINDEX 01 00:00:00\n",
      "1/1 0+40 m1; ", 0, -1, 0 },
    { "/d/absolute.cue", "FILE /d/one.bin BINARY\nTRACK 01 MODE1/2352\nINDEX 01 00:00:00\n",
      "1/1 0+40 m1; ", 0, -1, 0 },
    { "/d/cooked.cue", "FILE sound.bin BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n"
                       "POSTGAP 00:00:05\n"
                       "FILE cooked.iso BINARY\nTRACK 02 MODE1/2048\nPREGAP 00:02:00\n"
                       "INDEX 01 00:00:00\n",
      "1/1 0+165 audio; 2/1 165+40 m1; ", 165, 3, 165 },
    { "/d/later.cue", "FILE sound.bin BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nREM SESSION 02\n"
                      "FILE later.bin BINARY\nTRACK 02 MODE2/2352\nINDEX 01 00:00:00\n",
      "1/1 0+10 audio; 2/2 11502+40 m2; ", 11502, 11501, 11502 },
    { "/d/two.cue", "FILE sound.mp3 MP3\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\n"
                    "INDEX 01 00:00:20\nFILE two.bin BINARY\nTRACK 03 MODE2/2352\n"
                    "INDEX 00 00:00:00\nINDEX 01 00:00:10\n",
      "1/1 0+20 audio; 2/1 20+310 audio; 3/1 330+30 m2; ", 320, 100, 330 },
    { "/d/one.toc", "CD_ROM\n\nCATALOG \"1\"\nCD_TEXT { LANGUAGE 0 { TITLE \"}\" } }\n"
                    "// TRACK\nTRACK MODE1_RAW\nNO COPY\nDATAFILE \"one.bin\" // 00:00:40\n",
      "1/1 0+40 m1; ", 0, -1, 0 },
    { "/d/parts.toc", "CD_ROM TRACK AUDIO SILENCE 00:00:10 START FILE \"sound.bin\" 588 00:00:05 "
                      "TRACK MODE1_RAW PREGAP 00:00:05 DATAFILE \"Mixed.bin\" #0 00:00:40 "
                      "TRACK AUDIO FILE \"Mixed.bin\" #94080 0 00:00:10",
      "1/1 10+10 audio; 2/1 20+40 m1; 3/1 60+10 audio; ", 20, 60, 20 },
    { "/d/both.ccd", "[CloneCD]\nVersion=3\n[Disc]\nSessions=2\n"
                     "[Entry 0]\nSession=1\nPoint=0xa0\nControl=0x04\nPLBA=-1\n"
                     "[Entry 1]\nSession=1\nPoint=0xa2\nControl=0x04\nPLBA=40\n"
                     "[Entry 2]\nSession=1\nPoint=0x01\nControl=0x04\nPLBA=0\n"
                     "[Entry 3]\nSession=2\nPoint=0x02\nControl=0x04\nPLBA=20000\n"
                     "[Entry 4]\nSession=2\nPoint=0xa2\nControl=0x04\nPLBA=20040\n"
                     "[TRACK 1]\nMODE=1\nINDEX 1=0\n[TRACK 2]\nMODE=2\nINDEX 1=20000\n",
      "1/1 0+40 m1; 2/2 20000+40 m2; ", 20000, 19999, 20000 },
};

static void toc_text(struct device *device, char *text, size_t bytes)
{
    static struct device_toc toc;
    expect("toc", device_control(device, DEVICE_CONTROL_TOC, &toc, sizeof(toc)), 0);
    int length = 0;
    *text = '\0';
    for (unsigned i = 0; i < toc.track_count; i++) {
        const struct device_track *track = &toc.tracks[i];
        length += format_text(text + length, bytes - (size_t)length, "%u/%u %u+%u %s%s; ",
                              track->number, track->session, track->first_block, track->blocks,
                              track->data ? "m" : "audio",
                              !track->data ? "" : track->mode == 1 ? "1" : "2");
    }
}

static void check_blocks(const struct device_handle *handle, int good, int bad)
{
    static uint8_t got[2048];
    for (int i = 0; i < BLOCKS; i++) {
        expect("block", io_wait(handle, IO_READ, (uint64_t)(good + i) * 2048, got, 2048, NULL), 0);
        kassert(i == 16 || memcmp(got, model[i], 2048) == 0); /* each has its own root there */
    }
    if (bad >= 0)
        expect("bad", io_wait(handle, IO_READ, (uint64_t)bad * 2048, got, 2048, NULL), -EIO);
}

static void sheet_body(void *unused)
{
    (void)unused;
    rig_start();
    put_files();
    for (unsigned i = 0; i < ARRAY_LENGTH(sheets); i++) {
        char alias[DEVICE_NAME_BYTES], text[200];
        struct device_handle handle;
        struct device_session session = { 0 };
        struct wanted drive = { .store = VIRTUAL_FILE, .image = sheets[i].name };
        rig_put_file(sheets[i].name, sheets[i].text, strlen(sheets[i].text));
        expect(sheets[i].name, drives_add(&drive, alias), 0);
        expect("open", drives_open(alias, &handle), 0);
        toc_text(handle.device, text, sizeof(text));
        if (strcmp(text, sheets[i].toc) != 0)
            panic("%s: %s", sheets[i].name, text);
        kassert(device_class(handle.device) == &class_cdrom);
        check_blocks(&handle, sheets[i].good, sheets[i].bad);
        expect("session", device_control(handle.device, DEVICE_CONTROL_SESSION, &session,
                                         sizeof(session)), 0);
        if (session.first_block != sheets[i].session)
            panic("%s: session at %u", sheets[i].name, session.first_block);
        device_close(&handle);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    rig_stop();
}

static void test_sheets(void **state)
{
    (void)state;
    rig_run(sheet_body, NULL, 2);
}

/* ---- refused sheets ------------------------------------------------------------------------ */

#define CUE "FILE one.bin BINARY\nTRACK 01 MODE1/2352\n"

static const struct {
    const char *name, *text, *reason;
    status_t status;
} refused[] = {
    { "/d/x.cue", "", "line 0: no TRACK", -EINVAL },
    { "/d/x.cue", "TRACK 01 AUDIO\n", "line 1: TRACK before FILE", -EINVAL },
    { "/d/x.cue", "\n\nHELLO world\n", "line 3: unknown command: HELLO", -EINVAL },
    { "/d/x.cue", CUE, "line 2: track 1 has no INDEX 01", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:60:00", "line 3: INDEX needs a number and mm:ss:ff", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:00:00\nTRACK 01 AUDIO", "line 4: track 1 after track 1",
      -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:00:20\nTRACK 02 AUDIO\nINDEX 01 00:00:10",
      "line 5: INDEX goes back in the file", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:00:40",
      "line 5: one.bin: too short: 94080 bytes, needs 96432", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:00:50",
      "line 3: one.bin: too short: 94080 bytes, needs 117600", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 70:00:00",
      "line 2: track 1 begins 314960 blocks after its 40 blocks end", -EINVAL },
    { "/d/x.cue", CUE "INDEX 01 00:00:40",
      "line 2: track 1 begins 0 blocks after its 40 blocks end", -EINVAL },
    { "/d/x.toc", "CD_DA TRACK AUDIO\nFILE \"sound.bin\" 0 00:00:10\nSTART 00:00:10\n",
      "line 1: track 1 begins 0 blocks after its 10 blocks end", -EINVAL },
    { "/d/x.cue", "FILE one.bin BINARY\nTRACK 01 MODE9/2352\n",
      "line 2: unknown type of track: MODE9/2352", -EINVAL },
    { "/d/x.cue", "FILE sound.mp3 MP3\nTRACK 01 MODE1/2352\nINDEX 01 00:00:00\n",
      "line 3: a track of data in a file of audio", -EINVAL },
    { "/d/x.cue", "FILE none.bin BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n",
      "line 1: none.bin: no such file or directory", -ENOENT },
    { "/d/x.cue", "FILE ../d BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n",
      "line 1: ../d: is a directory", -EISDIR },
    { "/d/x.toc", "CD_ROM\nTRACK MODE3\n", "line 2: unknown mode of track: MODE3", -EINVAL },
    { "/d/x.toc", "CD_ROM\nFILE \"x\"\n", "line 2: FILE before TRACK", -EINVAL },
    { "/d/x.toc", "CD_ROM\nCD_TEXT { {\n", "line 2: the brace is not closed", -EINVAL },
    { "/d/x.toc", "CD_DA TRACK AUDIO\nFILE \"sound.bin\" 0 99:00:00\n",
      "line 2: sound.bin: too short: 23520 bytes, needs 1047816000", -EINVAL },
    { "/d/x.toc", "CD_DA TRACK AUDIO\nFILE \"sound.bin\" #18446744073709549263 0 00:00:01\n",
      "line 2: sound.bin: too short: 23520 bytes, begins at 18446744073709549263", -EINVAL },
    { "/d/x.ccd", "[Entry 0]\nSession=1\nPoint=0x01\nControl=4\nPLBA=x\n",
      "line 5: PLBA needs a number", -EINVAL },
    { "/d/x.ccd", "[Entry 0]\nSession=1\nPoint=0x01\nControl=4\nPLBA=0\n",
      "line 1: track 1 ends before it begins", -EINVAL },
    { "/d/x.ccd", "hello\n", "line 1: neither a section nor KEY=VALUE", -EINVAL },
};

static struct virtual_register request;

static void add_sheet(const char *name, const void *text, size_t bytes)
{
    rig_put_file(name, text, bytes);
    memset(&request, 0, sizeof(request));
    request.struct_bytes = sizeof(request);
    request.magic = VIRTUAL_REGISTER_MAGIC;
    request.store = VIRTUAL_FILE;
    format_text(request.image, sizeof(request.image), "%s", name);
}

static void refused_body(void *unused)
{
    (void)unused;
    rig_start();
    put_files();
    for (unsigned i = 0; i < ARRAY_LENGTH(refused); i++) {
        add_sheet(refused[i].name, refused[i].text, strlen(refused[i].text));
        status_t status = drives_control(VIRTUAL_REGISTER, &request, sizeof(request));
        if (strcmp(request.reason, refused[i].reason) != 0)
            panic("%s: %s", refused[i].reason, request.reason);
        expect(refused[i].reason, status, refused[i].status);
    }
    add_sheet("/d/x.cue", CUE "INDEX 01 00:00:00", strlen(CUE) + 17);
    request.flags = VIRTUAL_WRITABLE;
    expect("to write", drives_control(VIRTUAL_REGISTER, &request, sizeof(request)),
           -EINVAL);
    kassert(*request.reason);
    rig_stop();
}

static void test_refused(void **state)
{
    (void)state;
    rig_run(refused_body, NULL, 1);
}

/* Sheets with bytes changed, left out or doubled: refused with a reason, or a drive. */
static void mutated_body(void *unused)
{
    (void)unused;
    static char text[1000];
    rig_start();
    put_files();
    for (unsigned n = 0; n < 1500; n++) {
        unsigned which = (unsigned)(rig_random() % (ARRAY_LENGTH(sheets)));
        size_t length = strlen(sheets[which].text);
        memcpy(text, sheets[which].text, length);
        for (unsigned changes = 1 + (unsigned)(rig_random() % 4); changes && length; changes--) {
            size_t at = rig_random() % length, count = rig_random() % (length - at);
            if (rig_random() % 3 == 0)
                text[at] = (char)rig_random();
            else if (rig_random() % 2)
                memmove(text + at, text + at + count, (length -= count) - at);
            else if (2 * length < sizeof(text))
                memmove(text + at + count, text + at, length - at), length += count;
        }
        add_sheet(sheets[which].name, text, length);
        status_t status = drives_control(VIRTUAL_REGISTER, &request, sizeof(request));
        kassert(!status || *request.reason || status == -ENODATA);
        if (!status)
            expect("remove", drives_remove(request.device, VIRTUAL_IF_IDLE), 0);
    }
    rig_stop();
}

static void test_mutated(void **state)
{
    (void)state;
    rig_run(mutated_body, NULL, 2);
}

/* Whichever allocation fails, nothing is left behind (rig_stop). */
static void memory_body(void *unused)
{
    (void)unused;
    rig_start();
    put_files();
    for (unsigned i = 0; i < ARRAY_LENGTH(sheets); i++) {
        bool more = true;
        for (unsigned long n = 1; more; n++) {
            add_sheet(sheets[i].name, sheets[i].text, strlen(sheets[i].text));
            host_fail_nth_allocation(n);
            status_t status = drives_control(VIRTUAL_REGISTER, &request, sizeof(request));
            more = host_failure_happened();
            host_fail_nth_allocation(0);
            if (status && (!more || (status != -ENOMEM && status != -ENOSPC)))
                panic("%s: allocation %lu: %s", sheets[i].name, n, status_text(status));
            if (!status)
                expect("remove", drives_remove(request.device, VIRTUAL_IF_IDLE), 0);
        }
    }
    rig_stop();
}

static void test_memory(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 1);
}

/* ---- several devices ----------------------------------------------------------------------- */

/* A drive on a file of another drive: that drive cannot become its own image. */
static void holders_body(void *unused)
{
    (void)unused;
    char lower[DEVICE_NAME_BYTES], upper[DEVICE_NAME_BYTES], text[300];
    rig_start();
    put_files();
    expect("lower", drives_add(&(struct wanted){ ON(FILE, "/d/cooked.iso"), .flags = VIRTUAL_CD },
                               lower), 0);
    format_text(text, sizeof(text),
                "FILE /d/sound.bin BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n"
                "FILE %s BINARY\nTRACK 02 MODE1/2048\nINDEX 01 00:00:00\n", drives_path(lower));
    rig_put_file("/d/x.cue", text, strlen(text));
    expect("upper", drives_add(&(struct wanted){ ON(FILE, "/d/x.cue") }, upper), 0);
    static struct virtual_info info;
    expect("info", drives_info(upper, &info), 0);
    kassert(info.level == 2);
    expect("lower in use", drives_remove(lower, VIRTUAL_IF_IDLE), -EBUSY);
    expect("loop", drives_swap(lower, drives_path(upper)), -ELOOP);
    expect("remove", drives_remove(upper, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove(lower, VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

static void test_holders(void **state)
{
    (void)state;
    rig_run(holders_body, NULL, 2);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sheets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_mutated),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
