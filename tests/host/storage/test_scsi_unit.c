/*
 * test_scsi_unit.c - the parts of drivers/storage/scsi below the command sets.
 *
 * Promises    sense.h, unit.h: both formats of sense data are decoded alike; a READ or WRITE is the
 *             shortest one that reaches its blocks. Nothing that a unit sends, of whatever length,
 *             is read past its end, and no text of a unit contains control characters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "lib/macros.h"
#include "tests/host/packet_drive.h"
#include "tests/host/rig.h"

/* ---- sense data --------------------------------------------------------------------------- */

struct sense_case {
    const char *name;
    uint8_t bytes[24], length;
    enum sense_action action;
    status_t status;
    uint64_t information; /* UINT64_MAX: none */
};

#define FIXED(response, key, asc, ascq) \
    { response, 0, key, 0, 1, 2, 3, 10, [12] = asc, ascq }, 18
#define NO_INFORMATION UINT64_MAX

static const struct sense_case sense_cases[] = {
    { "none", { 0 }, 0, SENSE_CHANGED, -EAGAIN, NO_INFORMATION },
    { "all zero", { 0 }, 18, SENSE_CHANGED, -EAGAIN, NO_INFORMATION },
    { "fixed", FIXED(0x70, 3, 0x11, 0), SENSE_MEDIUM, -EIO, NO_INFORMATION },
    { "fixed, valid", FIXED(0xf0, 3, 0x11, 0), SENSE_MEDIUM, -EIO, 0x00010203 },
    { "fixed, cut after the key", { 0x70, 0, 2 }, 3, SENSE_RETRY, -EIO, NO_INFORMATION },
    { "deferred", FIXED(0x71, 3, 0x11, 0), SENSE_CHANGED, -EAGAIN, NO_INFORMATION },
    { "filemark bits beside the key", FIXED(0x70, 0xe6, 0x29, 0), SENSE_AGAIN, -EAGAIN,
      NO_INFORMATION },
    { "no medium", FIXED(0x70, 2, 0x3a, 1), SENSE_ABSENT, -ENOMEDIUM, NO_INFORMATION },
    { "becoming ready", FIXED(0x70, 2, 4, 1), SENSE_WAIT, -EAGAIN, NO_INFORMATION },
    { "tray out", FIXED(0x70, 2, 4, 2), SENSE_ABSENT, -ENOMEDIUM, NO_INFORMATION },
    { "locked", FIXED(0x70, 5, 0x53, 2), SENSE_LOCKED, -EBUSY, NO_INFORMATION },
    { "unknown command", FIXED(0x70, 5, 0x20, 0), SENSE_UNSUPPORTED, -EOPNOTSUPP,
      NO_INFORMATION },
    { "descriptor", { 0x72, 6, 0x28, 0 }, 8, SENSE_CHANGED, -EAGAIN, NO_INFORMATION },
    { "descriptor with information",
      { 0x72, 3, 0x11, 5, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 2 }, 20,
      SENSE_MEDIUM, -EIO, 0x100000002 },
    { "information after another descriptor",
      { 0x72, 3, 0x11, 5, 0, 0, 0, 16, 2, 2, 0, 0, 0, 10, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 9 }, 24,
      SENSE_MEDIUM, -EIO, 9 },
    { "information that is cut short",
      { 0x72, 3, 0x11, 5, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 1 }, 16,
      SENSE_MEDIUM, -EIO, NO_INFORMATION },
    { "write protected", FIXED(0x70, 7, 0x27, 0), SENSE_REFUSED, -EROFS, NO_INFORMATION },
    { "thin disk full", FIXED(0x70, 7, 0x27, 7), SENSE_REFUSED, -ENOSPC, NO_INFORMATION },
    { "descriptor, deferred", { 0x73, 3, 0x11, 0 }, 8, SENSE_CHANGED, -EAGAIN, NO_INFORMATION },
};

static void test_sense_in_both_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sense_cases); i++) {
        const struct sense_case *c = &sense_cases[i];
        struct scsi_command command = { .sense_bytes = c->length };
        memcpy(command.sense, c->bytes, sizeof(c->bytes));
        struct sense sense = sense_parse(&command);
        struct scsi_outcome outcome = sense_outcome(&sense);
        if (outcome.action != c->action || outcome.status != c->status ||
            sense.has_information != (c->information != NO_INFORMATION) ||
            (sense.has_information && sense.information != c->information))
            fail_msg("%s: action %d, %s, information %d %llx", c->name, outcome.action,
                     status_name(outcome.status), sense.has_information,
                     (unsigned long long)sense.information);
    }
}

/* Whatever a unit sends: lengths and descriptors that point anywhere. */
static void test_sense_of_any_bytes(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (unsigned n = 0; n < 20000; n++) {
        struct scsi_command *command = test_malloc(sizeof(*command));
        char text[80];
        for (size_t i = 0; i < sizeof(command->sense); i++)
            command->sense[i] = (uint8_t)((random = random * 1103515245 + 12345) >> 16);
        command->sense[0] = (uint8_t)(0x70 + n % 4);
        command->sense_bytes = (uint8_t)(random >> 20);
        struct sense sense = sense_parse(command);
        assert_true(sense_outcome(&sense).action < SENSE_ACTIONS);
        sense_text(&sense, text, sizeof(text));
        test_free(command);
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void ignore(struct scsi_client *client, struct scsi_outcome outcome,
                   const struct sense *sense)
{
    (void)client;
    (void)outcome;
    (void)sense;
}

static void answers_body(void *unused)
{
    (void)unused;
    struct device *cdrom = packet_drive_set_up(1);
    struct scsi_client client = { .unit = &packet_drive.scsi, .device = cdrom, .note = ignore };

    struct scsi_identity identity;
    kassert(scsi_inquire(&client, &identity).status == 0);
    kassert(identity.device_type == 5 && identity.removable);
    kassert(!strcmp(identity.vendor, "TABLES") && !strcmp(identity.product, "Table?Drive"));
    kassert(!strcmp(identity.revision, "1.0"));

    uint64_t luns[SCSI_LUNS_MAX];
    unsigned count;
    kassert(scsi_report_luns(&client, luns, &count).status == 0);
    kassert(count == 3 && luns[0] == 0);
    kassert(luns[1] == 0x0001000000000000 && luns[2] == 0x0007000000000000);

    struct scsi_capacity capacity;
    kassert(scsi_read_capacity_10(&client, &capacity).status == 0);
    kassert(capacity.last_block == PACKET_DRIVE_DISC_BLOCKS - 1 && capacity.block_bytes == 2048);
    kassert(scsi_read_capacity_16(&client, &capacity).status == 0);
    kassert(capacity.last_block == 0x100000000 + PACKET_DRIVE_DISC_BLOCKS - 1);

    uint8_t page[64];
    uint32_t done;
    kassert(scsi_mode_sense(&client, 0x2a, page, sizeof(page), &done).status == 0);
    kassert(done == 12 && page[8] == 0x2a && page[11] == 0xbb);
    packet_drive_tear_down(cdrom);
}

/* An answer that is too short to use is an error, never a number out of what was in memory. */
static void short_answers_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step cut[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = SCSI_INQUIRY, .cut = true },
        { .operation = SCSI_READ_CAPACITY_10, .cut = true },
        { .operation = SCSI_REPORT_LUNS, .cut = true },
    };
    struct device *cdrom = packet_drive_set_up(1);
    struct scsi_client client = { .unit = &packet_drive.scsi, .device = cdrom, .note = ignore };
    struct scsi_identity identity;
    struct scsi_capacity capacity;
    uint64_t luns[SCSI_LUNS_MAX];
    unsigned count;
    packet_drive_follow(cut);
    kassert(scsi_inquire(&client, &identity).status == -EIO);
    kassert(scsi_read_capacity_10(&client, &capacity).status == -EIO);
    kassert(scsi_report_luns(&client, luns, &count).status == 0 && count == 1);
    packet_drive_tear_down(cdrom);
}

static void test_answers(void **state)
{
    (void)state;
    rig_run(answers_body, NULL, 5);
    rig_run(short_answers_body, NULL, 5);
}

static void expect_command(enum io_op op, uint64_t lba, uint32_t blocks, const uint8_t *bytes,
                           size_t length)
{
    uint8_t cdb[SCSI_CDB_BYTES];
    memset(cdb, 0xff, sizeof(cdb));
    scsi_build_transfer(cdb, op, lba, blocks);
    assert_memory_equal(cdb, bytes, length);
    for (size_t i = length; i < sizeof(cdb); i++)
        assert_int_equal(cdb[i], 0);
}

static void test_the_shortest_command_that_reaches(void **state)
{
    (void)state;
    static const uint8_t read_10[] = { 0x28, 0, 0xff, 0xfe, 0xfd, 0xfc, 0, 0xff, 0xff, 0 };
    static const uint8_t write_10[] = { 0x2a, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0 };
    static const uint8_t read_16[] = { 0x88, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 6, 0, 0 };
    static const uint8_t many[] = { 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0 };
    static const uint8_t write_16[] = { 0x8a, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0 };
    expect_command(IO_READ, 0xfffefdfc, 0xffff, read_10, sizeof(read_10));
    expect_command(IO_WRITE, 0xffffffff, 1, write_10, sizeof(write_10));
    expect_command(IO_READ, 0x102030405, 6, read_16, sizeof(read_16));
    expect_command(IO_READ, 1, 0x10000, many, sizeof(many));
    expect_command(IO_WRITE, 0x100000000, 1, write_16, sizeof(write_16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sense_in_both_formats),
        cmocka_unit_test(test_sense_of_any_bytes),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_the_shortest_command_that_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
