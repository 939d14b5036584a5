/*
 * test_bad_blocks.c - promise: the log names each block that a CD drive cannot read, once, and then
 * how many more there were. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/unit.h"
#include "host/port/run.h"
#include "kernel/log.h"
#include "tests/host/packet_drive.h"

enum { BLOCK = PACKET_DRIVE_BLOCK };

/* Returns how often these words occur in the lines of the log since `position`. */
static unsigned logged(uint64_t position, const char *words)
{
    static char text[65536];
    size_t used = 0, got;
    while (used < sizeof(text) - 1 &&
           (got = log_read(&position, text + used, sizeof(text) - 1 - used)) > 0)
        used += got;
    text[used] = '\0';
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static uint64_t log_end(void)
{
    static char text[4096];
    uint64_t position = 0;
    while (log_read(&position, text, sizeof(text)) > 0)
        ;
    return position;
}

/* The log names a failed block once, with its sense, however often it is asked for; then how many
 * there were. */
static void bad_block_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step script[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = SCSI_READ_10, .key = 3, .asc = 0x11, .ascq = 5, .valid = true,
          .information = 7, .times = 1000 },
    };
    static const char line[] = "cdrom0: block 7: medium error (3/11/05), unrecovered read error\n";
    static uint8_t data[BLOCK];
    struct device *cdrom = packet_drive_set_up(1);
    struct device_handle handle;
    uint64_t position = log_end();
    kassert(device_poll(cdrom) == 0);
    kassert(device_open(cdrom, &handle) == 0);
    packet_drive_follow(script);
    for (unsigned i = 0; i < 9; i++)
        kassert(io_wait(&handle, IO_READ, 7 * BLOCK, data, BLOCK, NULL) == -EIO);
    kassert(logged(position, "block 7") == 1 && logged(position, line) == 1);
    kassert(io_wait(&handle, IO_READ, 7 * BLOCK, data, BLOCK, NULL) == -EIO);
    kassert(logged(position, "failed 10 times") == 1);
    packet_drive_follow((const struct packet_drive_step[PACKET_DRIVE_STEPS_MAX]){ { 0 } });
    device_clear_medium(cdrom);
    kassert(logged(position, "1 block of the medium could not be read, 10 failures") == 1);
    device_close(&handle);
    packet_drive_tear_down(cdrom);
}

static void test_bad_block(void **state)
{
    (void)state;
    run_body(bad_block_body);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
