/*
 * test_identify.c - promise: each format is identified by its bytes, with one name everywhere: in
 * lib/identify/ and in `file`, `mount` and `volinfo`, over devices and files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/identify/identify.h"
#include "lib/macros.h"
#include "lib/text_kind.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* ---- samples: the bytes that each format's own description asks for ------------------------ */

enum { PIECES = 4, SAMPLE_BYTES = 160 * 1024 };

struct sample {
    const char *name;
    struct {
        size_t offset;
        const char *bytes;
        size_t length;
    } pieces[PIECES];
};

#define AT(offset, text) { offset, text, sizeof(text) - 1 }

static const struct sample samples[] = {
    { "ISO 9660 file system", { AT(32768, "\1CD001\1") } },
    { "High Sierra file system", { AT(32776, "\1CDROM\1") } },
    { "ISO 9660 file system, UDF file system",
      { AT(32768, "\1CD001\1"), AT(34816, "\0BEA01\1"), AT(36864, "\0NSR02\1") } },
    { "UDF file system", { AT(32768, "\0BEA01\1"), AT(34816, "\0NSR03\1") } },
    { "UDF file system", { AT(32768, "\0BEA01\1"), AT(36864, "\0NSR03\1") } },
    { "FAT12 file system",
      { AT(0, "\xeb\x3c\x90mkfs.fat\0\2\4\1\0\2\0\2\0\x10\xf8\3\0"), AT(510, "\x55\xaa") } },
    { "FAT16 file system",
      { AT(0, "\xeb\x3c\x90mkfs.fat\0\2\4\4\0\2\0\2\0\xa0\xf8\x28\0"), AT(510, "\x55\xaa") } },
    { "FAT32 file system",
      { AT(0, "\xeb\x58\x90mkfs.fat\0\2\1\x20\0\2\0\0\0\0\xf8\0\0\x20\0\2\0\0\0\0\0\0\0\2\0\xf8\3"),
        AT(510, "\x55\xaa") } },
    /* without a jump: by the first bytes of its table */
    { "FAT12 file system",
      { AT(11, "\0\2\4\1\0\2\0\2\0\x10\xf8\3\0"), AT(512, "\xf8\xff\xff") } },
    { "NTFS file system", { AT(0, "\xeb\x52\x90NTFS    \0\2\x08"), AT(510, "\x55\xaa") } },
    { "exFAT file system", { AT(0, "\xeb\x76\x90" "EXFAT   "), AT(510, "\x55\xaa") } },
    { "ext2 file system", { AT(1080, "\x53\xef"), AT(1120, "\2\0\0\0\1\0\0\0") } },
    { "ext3 file system", { AT(1080, "\x53\xef"), AT(1116, "\4\0\0\0\2\0\0\0\1\0\0\0") } },
    { "ext4 file system", { AT(1080, "\x53\xef"), AT(1116, "\4\0\0\0\x42\2\0\0\1\0\0\0") } },
    { "ext4 file system", { AT(1080, "\x53\xef"), AT(1116, "\0\0\0\0\2\0\0\0\x78\0\0\0") } },
    { "XFS file system", { AT(0, "XFSB\0\0\x10\0") } },
    { "Btrfs file system", { AT(65600, "_BHRfS_M") } },
    { "F2FS file system", { AT(1024, "\x10\x20\xf5\xf2") } },
    { "ReiserFS file system", { AT(65588, "ReIsEr2Fs") } },
    { "JFS file system", { AT(32768, "JFS1") } },
    { "Minix file system",
      { AT(1024, "\x60\5\0\x10\1\0\1\0\x30\0\0\0\0\x1c\x08\x10\x8f\x13\1\0") } },
    { "Squashfs file system", { AT(0, "hsqs"), AT(28, "\4\0\0\0") } },
    { "cramfs file system", { AT(0, "\x45\x3d\xcd\x28") } },
    { "romfs file system", { AT(0, "-rom1fs-") } },
    { "HFS file system", { AT(1024, "BD") } },
    { "HFS+ file system", { AT(1024, "H+\0\4") } },
    { "HFS+ file system", { AT(1024, "BD"), AT(1148, "H+") } },
    { "HFSX file system", { AT(1024, "HX\0\5") } },
    { "APFS container", { AT(32, "NXSB") } },
    { "ZFS pool member",
      { AT(16384, "\1\1\0\0\0\0\0\0\0\0\0\1\0\0\0\x24\0\0\0\x20\0\0\0\7version") } },
    { "LUKS encrypted volume", { AT(0, "LUKS\xba\xbe\0\2") } },
    { "LVM2 physical volume", { AT(512, "LABELONE"), AT(536, "LVM2 001") } },
    { "Linux swap area", { AT(4086, "SWAPSPACE2") } },
    { "MBR partition table",
      { AT(446, "\x80\1\1\0\x83\xfe\xff\xff\0\x08\0\0\0\x10\0\0"), AT(510, "\x55\xaa") } },
    { "boot sector", { AT(446, "hello"), AT(510, "\x55\xaa") } },
    { "GPT partition table",
      { AT(446, "\0\0\2\0\xee\xff\xff\xff\1\0\0\0\xff\0\0\0"), AT(510, "\x55\xaa"),
        AT(512, "EFI PART") } },
    { "GPT partition table", { AT(4096, "EFI PART") } },
    { "ISO 9660 file system, MBR partition table",
      { AT(446, "\x80\1\1\0\x17\xfe\xff\xff\0\0\0\0\0\x10\0\0"), AT(510, "\x55\xaa"),
        AT(32768, "\1CD001\1") } },
    { "Apple partition map", { AT(0, "ER\2\0"), AT(512, "PM\0\0") } },
    { "QCOW disk image", { AT(0, "QFI\xfb\0\0\0\3") } },
    { "VMDK disk image", { AT(0, "KDMV") } },
    { "VHD disk image", { AT(SAMPLE_BYTES - 512, "conectix") } },
    { "VHDX disk image", { AT(0, "vhdxfile") } },
    { "VDI disk image", { AT(64, "\x7f\x10\xda\xbe") } },
    { "Apple disk image", { AT(SAMPLE_BYTES - 512, "koly") } },
    { "CHD disc image", { AT(0, "MComprHD") } },
    { "ECM disc image", { AT(0, "ECM\0") } },
    { "raw CD image, mode 2",
      { AT(0, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\2\0\2") } },
    { "7-zip archive data", { AT(0, "7z\xbc\xaf\x27\x1c") } },
    { "Zip archive data", { AT(0, "PK\3\4") } },
    { "gzip compressed data", { AT(0, "\x1f\x8b\x08") } },
    { "bzip2 compressed data", { AT(0, "BZh9") } },
    { "XZ compressed data", { AT(0, "\xfd" "7zXZ\0") } },
    { "Zstandard compressed data", { AT(0, "\x28\xb5\x2f\xfd") } },
    { "LZ4 compressed data", { AT(0, "\x04\x22\x4d\x18") } },
    { "POSIX tar archive", { AT(257, "ustar\0" "00") } },
    { "ELF 64-bit LSB executable, x86-64", { AT(0, "\x7f" "ELF\2\1\1"), AT(16, "\2\0\x3e\0") } },
    { "PE32+ executable for Windows or EFI",
      { AT(0, "MZ"), AT(60, "\x80\0\0\0"), AT(128, "PE\0\0\x64\x86"), AT(152, "\x0b\2") } },
    { "PNG image data", { AT(0, "\x89PNG\r\n\x1a\n") } },
    { "JPEG image data", { AT(0, "\xff\xd8\xff\xe0") } },
    { "PDF document", { AT(0, "%PDF-1.7") } },
    { "", { AT(1080, "\x53") } },
    { "", { AT(510, "\x55") } },
};

enum { SAMPLES = ARRAY_LENGTH(samples) };

static uint8_t *sample_bytes(const struct sample *sample)
{
    uint8_t *bytes = calloc(1, SAMPLE_BYTES);
    for (unsigned i = 0; i < PIECES && sample->pieces[i].bytes; i++)
        memcpy(bytes + sample->pieces[i].offset, sample->pieces[i].bytes,
               sample->pieces[i].length);
    return bytes;
}

/* ---- the library alone -------------------------------------------------------------------- */

struct memory_source {
    struct identify_source source;
    const uint8_t *bytes;
    uint64_t bad_from, bad_to; /* cannot be read */
    unsigned reads;
};

static ssize_t memory_read(struct identify_source *source, uint64_t offset, void *buffer,
                           size_t bytes)
{
    struct memory_source *memory = (struct memory_source *)(void *)source;
    memory->reads++;
    assert_true(offset < source->size_bytes);
    bytes = min(bytes, source->size_bytes - offset);
    if (offset < memory->bad_to && offset + bytes > memory->bad_from) {
        if (offset >= memory->bad_from)
            return -EIO;
        bytes = memory->bad_from - offset;
    }
    memcpy(buffer, memory->bytes + offset, bytes);
    return (ssize_t)bytes;
}

static void test_every_format(void **state)
{
    struct identify found;
    char text[256];
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint8_t *bytes = sample_bytes(&samples[i]);
        struct memory_source memory = { { memory_read, SAMPLE_BYTES }, bytes, 0, 0, 0 };
        assert_int_equal(identify(&found, &memory.source), 0);
        assert_int_equal(found.status, 0);
        identify_text(&found, true, text, sizeof(text));
        assert_string_equal(text, samples[i].name);
        assert_true(memory.reads < 40);
        free(bytes);
    }
}

/* Every sample cut at every kind of place: nothing past the end is asked for (memory_read) or
 * touched (the sanitizers). */
static void test_short_sources(void **state)
{
    static const size_t lengths[] = { 0, 1, 2, 3, 11, 64, 100, 511, 512, 513, 1023, 1081, 1100,
                                      2047, 4095, 4096, 32768, 32770, 32774, 65599, 65604 };
    struct identify found;
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++)
        for (unsigned j = 0; j < ARRAY_LENGTH(lengths); j++) {
            uint8_t *whole = sample_bytes(&samples[i]), *cut = malloc(lengths[j] + 1);
            memcpy(cut, whole, lengths[j]);
            uint8_t *exact = realloc(cut, lengths[j] ? lengths[j] : 1);
            struct memory_source memory = { { memory_read, lengths[j] }, exact, 0, 0, 0 };
            assert_int_equal(identify(&found, &memory.source), 0);
            free(exact);
            free(whole);
        }
}

static void test_unreadable_blocks(void **state)
{
    struct identify found;
    uint8_t *bytes = sample_bytes(&samples[0]); /* ISO 9660, at 32769 */
    (void)state;
    struct memory_source memory = { { memory_read, SAMPLE_BYTES }, bytes, 0, 512, 0 };
    assert_int_equal(identify(&found, &memory.source), 0);
    assert_int_equal(found.status, -EIO);
    assert_int_equal(found.count, 1);
    memory.bad_from = 32768;
    memory.bad_to = 32769;
    assert_int_equal(identify(&found, &memory.source), 0);
    assert_int_equal(found.status, -EIO);
    assert_int_equal(found.count, 0);
    free(bytes);
}

/* A volume recognition sequence without an end is given up. */
static void test_endless_sequence(void **state)
{
    enum { BYTES = 8 << 20 };
    struct identify found;
    uint8_t *bytes = calloc(1, BYTES);
    (void)state;
    for (size_t at = 32768; at < BYTES; at += 2048)
        memcpy(bytes + at, "\0BEA01\1", 7);
    struct memory_source memory = { { memory_read, BYTES }, bytes, 0, 0, 0 };
    assert_int_equal(identify(&found, &memory.source), 0);
    assert_int_equal(found.count, 0);
    assert_true(memory.reads < 200);
    free(bytes);
}

/* ---- text --------------------------------------------------------------------------------- */

struct text_sample {
    const char *bytes;
    size_t length;
    const char *name, *charset, *lines;
};

#define TEXT(text) text, sizeof(text) - 1

static const struct text_sample texts[] = {
    { TEXT("a\nb\n"), "ASCII text", "us-ascii", "" },
    { TEXT("a\r\nb\r\n"), "ASCII text", "us-ascii", ", with CRLF line terminators" },
    { TEXT("a\rb\r"), "ASCII text", "us-ascii", ", with CR line terminators" },
    { TEXT("a\r\nb\n"), "ASCII text", "us-ascii", ", with CRLF, LF line terminators" },
    { TEXT("a"), "ASCII text", "us-ascii", ", with no line terminators" },
    { TEXT("h\xc3\xa9\n"), "Unicode text, UTF-8 text", "utf-8", "" },
    { TEXT("\xef\xbb\xbfh\n"), "Unicode text, UTF-8 (with BOM) text", "utf-8", "" },
    { TEXT("h\xe9\n"), "ISO-8859 text", "iso-8859-1", "" },
    { TEXT("h\xc3\n"), "ISO-8859 text", "iso-8859-1", "" },
    { TEXT("\x93h\x94\n"), "Non-ISO extended-ASCII text", "unknown-8bit", "" },
    { TEXT("\xff\xfeh\0\n\0"), "Unicode text, UTF-16, little-endian text", "utf-16le", "" },
    { TEXT("\xed\xa0\x80\n"), "Non-ISO extended-ASCII text", "unknown-8bit", "" },
    { TEXT("a\0b\n"), NULL, "binary", "" },
    { TEXT("a\x7f\n"), NULL, "binary", "" },
};

/* Given at once, and a byte at a time. */
static void test_text_kinds(void **state)
{
    char lines[64];
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(texts); i++)
        for (size_t step = texts[i].length; step; step = step > 1 && step != 3 ? 3 : 0) {
            struct text_kind kind = { 0 };
            for (size_t at = 0; at < texts[i].length; at += step)
                text_kind_add(&kind, (const uint8_t *)texts[i].bytes + at,
                              texts[i].length - at < step ? texts[i].length - at : step);
            text_kind_end(&kind, true);
            text_kind_lines(&kind, lines, sizeof(lines));
            const char *name = text_kind_name(&kind);
            assert_string_equal(name ? name : "data", texts[i].name ? texts[i].name : "data");
            assert_string_equal(text_kind_charset(&kind), texts[i].charset);
            assert_string_equal(lines, texts[i].lines);
        }
    struct text_kind cut = { 0 };
    text_kind_add(&cut, (const uint8_t *)"h\xc3", 2);
    text_kind_end(&cut, false); /* there is more of it */
    assert_string_equal(text_kind_name(&cut), "Unicode text, UTF-8 text");
}

/* ---- commands ----------------------------------------------------------------------------- */

static struct faulty *disk_of(unsigned sample, uint8_t **bytes)
{
    *bytes = sample_bytes(&samples[sample]);
    return faulty_create(0, *bytes, SAMPLE_BYTES, faulty_limits(), FAULTY_SYNC);
}

static unsigned sample_named(const char *name)
{
    for (unsigned i = 0; i < SAMPLES; i++)
        if (strcmp(samples[i].name, name) == 0)
            return i;
    panic("no sample %s", name);
}

/* An image is a drive while `mount` looks at it, and none is left. */
static void refuse_image(const uint8_t *bytes, size_t size, const char *reason)
{
    char said[128];
    rig_put_file("/image", bytes, size);
    snprintf(said, sizeof(said), "mount: /image: %s\n", reason);
    run("mount /image /m", SHELL_FAILED, "", said);
    says("vdrive list", "NAME       STATE      STORE    SIZE RW  OPEN IMAGE\n");
}

BODY(refused_images)
{
    static uint8_t image[4096];
    (void)unused;
    start();
    rig_mkdir("/m");
    refuse_image(image, sizeof(image), "no file system that Spindle knows");
    memcpy(image, "PK\003\004", 4);
    refuse_image(image, sizeof(image), "Zip archive data, which Spindle cannot mount");
    stop();
}

/* What cannot be mounted is named, with status 1, by mount, volinfo and file. */
BODY(refused_volumes)
{
    static const char *const names[] = { "NTFS file system", "ext4 file system",
                                         "UDF file system", "XFS file system",
                                         "MBR partition table", "Zip archive data" };
    (void)unused;
    start();
    rig_mkdir("/m");
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++) {
        uint8_t *bytes;
        char said[128], line[128];
        struct faulty *disk = disk_of(sample_named(names[i]), &bytes);
        snprintf(said, sizeof(said), "mount: disk0: %s, which Spindle cannot mount\n", names[i]);
        run("mount disk0 /m", SHELL_FAILED, "", said);
        snprintf(said, sizeof(said), "volinfo: disk0: %s, which Spindle cannot mount\n",
                 names[i]);
        run("volinfo disk0", SHELL_FAILED, "", said);
        snprintf(line, sizeof(line), "disk0: %s\n", names[i]);
        says("file disk0", line);
        faulty_destroy(disk);
        free(bytes);
    }
    stop();
}

/* ^C ends the search before the next window. */
BODY(interrupted)
{
    uint8_t *bytes;
    struct device_handle handle;
    static struct identify found;
    (void)unused;
    start();
    struct faulty *disk = disk_of(sample_named("ext4 file system"), &bytes);
    struct device *device = device_find("disk0");
    kassert(device && device_open(device, &handle) == 0);
    thread_interrupt(thread_current());
    kassert(device_identify(&handle, &found) == -EINTR);
    thread_clear_interrupt();
    kassert(device_identify(&handle, &found) == 0 && found.count == 1);
    device_close(&handle);
    device_put(device);
    faulty_destroy(disk);
    free(bytes);
    stop();
}

BODY(nothing_known)
{
    uint8_t *bytes;
    (void)unused;
    start();
    rig_mkdir("/m");
    struct faulty *disk = disk_of(sample_named(""), &bytes);
    run("mount disk0 /m", SHELL_FAILED, "", "mount: disk0: no file system that Spindle knows\n");
    says("file disk0", "disk0: data\n");
    disk->bad_to = 512;
    run("mount disk0 /m", SHELL_FAILED, "", "mount: disk0: input/output error\n");
    run("file disk0", SHELL_FAILED, "", "file: disk0: Input/output error\n");
    disk->bad_to = 0;
    faulty_change(disk, NULL, 0);
    run("file disk0", SHELL_DONE, NULL, "");
    faulty_destroy(disk);
    free(bytes);
    stop();
}

/* ---- an audio disc ------------------------------------------------------------------------ */

static bool second_is_data;

/* As a drive answers data commands on audio tracks. */
static void audio_start(struct device *device, struct io_transfer *transfer)
{
    (void)device;
    io_transfer_done(transfer, -EIO, 0);
}

static status_t audio_control(struct device *device, unsigned operation, void *argument,
                              size_t bytes)
{
    (void)device;
    if (operation != DEVICE_CONTROL_TOC || bytes != sizeof(struct device_toc))
        return -EOPNOTSUPP;
    struct device_toc *toc = argument;
    *toc = (struct device_toc){ .session_count = 1, .track_count = 2 };
    toc->tracks[0] = (struct device_track){ .number = 1, .session = 1, .blocks = 10 };
    toc->tracks[1] = (struct device_track){ .number = 2, .session = 1, .first_block = 10,
                                            .blocks = 10, .data = second_is_data };
    return 0;
}

BODY(audio_discs)
{
    static const struct device_ops ops = { .start = audio_start, .control = audio_control };
    (void)unused;
    start();
    rig_mkdir("/m");
    struct device *device = device_create(NULL, &(struct device_description){
        .name = "audio",
        .ops = &ops,
        .device_class = &class_cdrom,
        .limits = { .block_bytes = 2048, .depth = 1 },
    });
    kassert(device_publish(device) == 0);
    device_set_medium(device, 20 * 2048);
    run("mount cdrom0 /m", SHELL_FAILED, "",
        "mount: cdrom0: audio CD, which Spindle cannot mount\n");
    run("volinfo cdrom0", SHELL_FAILED, "",
        "volinfo: cdrom0: audio CD, which Spindle cannot mount\n");
    says("file cdrom0", "cdrom0: audio CD\n");
    second_is_data = true;
    run("mount cdrom0 /m", SHELL_FAILED, "", "mount: cdrom0: input/output error\n");
    second_is_data = false;
    device_set_medium(device, 0);
    says("file cdrom0", "cdrom0: blank disc\n");
    device_clear_medium(device);
    says("file cdrom0", "cdrom0: no disc\n");
    device_remove(device);
    device_put(device);
    stop();
}

BODY(files)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/d/text", "hello\n");
    put("/d/crlf", "a\r\nb\r\n");
    put("/d/run", "#!/bin/sh -e\necho\n");
    put("/d/py", "#! /usr/bin/python3\n");
    put("/d/empty", "");
    put("/d/png", "\x89PNG\r\n\x1a\n");
    rig_put_file("/d/data", "a\0b", 3);
    says("file /d/text", "/d/text: ASCII text\n");
    says("file -b /d/crlf", "ASCII text, with CRLF line terminators\n");
    says("file /d /d/empty", "/d:       directory\n/d/empty: empty\n");
    says("file -b /d/run", "POSIX shell script, ASCII text executable\n");
    says("file -b /d/py", "a /usr/bin/python3 script, ASCII text executable\n");
    says("file -b /d/png /d/data", "PNG image data\ndata\n");
    says("file -i /d/text", "/d/text: text/plain; charset=us-ascii\n");
    says("file --mime-type /d/png", "/d/png: image/png\n");
    says("file -bi /d/data", "application/octet-stream; charset=binary\n");
    says("file -b --mime-type /d/empty", "inode/x-empty\n");
    run("file /d/none /d/text", SHELL_FAILED, "/d/text: ASCII text\n",
        "file: /d/none: No such file or directory\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_format),
        cmocka_unit_test(test_short_sources),
        cmocka_unit_test(test_unreadable_blocks),
        cmocka_unit_test(test_endless_sequence),
        cmocka_unit_test(test_text_kinds),
        cmocka_unit_test(test_refused_images),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_refused_volumes),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_audio_discs),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
