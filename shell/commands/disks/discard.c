/*
 * discard.c - gives up the contents of a device, or of a range of it: discard.
 */
#include "kernel/dev/device.h"
#include "kernel/module/info.h"
#include "kernel/monitor.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"

enum {
    STEP_BYTES = 256 * 1024 * 1024, /* between two looks for ^C; whole blocks of every size */
    ANSWER_BYTES = 256,
};

struct range {
    uint64_t offset_bytes, length_bytes;
};

/* Sets the range from the operands; without them it is the whole device. */
static int parse_range(struct shell *shell, int count, char **words, uint64_t size_bytes,
                       struct range *range)
{
    *range = (struct range){ .length_bytes = size_bytes };
    if (count < 3)
        return SHELL_DONE;
    if (count < 4) {
        IGNORE(shell_complain(shell, "%s: a length must follow the offset", words[2]));
        return SHELL_USAGE;
    }
    if (!shell_number(shell, "offset", words[2], 0, INT64_MAX, &range->offset_bytes) ||
        !shell_number(shell, "length", words[3], 1, INT64_MAX, &range->length_bytes))
        return SHELL_USAGE;
    return SHELL_DONE;
}

/* The bytes cannot be had back: without -y only a person's "y" is enough. */
static status_t ask(struct shell *shell, const char *word, const struct range *range, bool *yes)
{
    char answer[ANSWER_BYTES];
    stream_format(shell->out, "%s: %llu bytes from %llu on will be lost. Continue? [y/N] ", word,
                  (unsigned long long)range->length_bytes,
                  (unsigned long long)range->offset_bytes);
    ssize_t got = shell_read(shell, answer, sizeof(answer));
    if (got < 0)
        return (status_t)got;
    *yes = got > 0 && (answer[0] == 'y' || answer[0] == 'Y');
    return 0;
}

static status_t discard_range(struct shell *shell, const struct device_handle *handle,
                              const struct range *range)
{
    bool zero = option_given(shell, 'z');
    status_t status = 0;
    for (uint64_t done = 0, step; !status && done < range->length_bytes; done += step) {
        uint64_t rest = range->length_bytes - done, at = range->offset_bytes + done;
        step = min(rest, STEP_BYTES);
        status = shell_interrupted() ? -EINTR
                 : zero ? io_zero(handle, at, step)
                        : io_wait(handle, IO_DISCARD, at, NULL, step, NULL);
    }
    return status ? status : io_wait(handle, IO_FLUSH, 0, NULL, 0, NULL);
}

/* Checks the range and asks, before the device is claimed: a person may take long to answer. */
static int prepare(struct shell *shell, const char *word, struct device *device,
                   const struct range *range)
{
    struct device_medium medium = device_medium(device);
    uint32_t block = device_block_bytes(device);
    bool yes = option_given(shell, 'y');

    if (range->length_bytes > medium.bytes ||
        range->offset_bytes > medium.bytes - range->length_bytes)
        return shell_complain(shell, "%s: the range is not inside its %llu bytes", word,
                              (unsigned long long)medium.bytes);
    if (range->offset_bytes % block || range->length_bytes % block)
        return shell_complain(shell, "%s: the range is not of whole blocks of %u bytes", word,
                              block);
    status_t status = device_is_read_only(device) ? -EROFS : 0;
    if (!status && !yes)
        status = ask(shell, word, range, &yes);
    if (status)
        return shell_fail(shell, word, status);
    return yes ? SHELL_DONE : shell_complain(shell, "%s: nothing was changed", word);
}

static int discard(struct shell *shell, struct device *device, int count, char **words)
{
    struct device_handle handle;
    struct range range;
    status_t status = device_open(device, &handle);
    if (status)
        return shell_fail(shell, words[1], status);

    /* Without the last block, if that is a partial one, which cannot be written. */
    uint64_t size = device_medium(device).bytes;
    size -= size % device_block_bytes(device);
    int result = parse_range(shell, count, words, size, &range);
    if (!result)
        result = prepare(shell, words[1], device, &range);

    /* A claim is refused while the device is mounted or a file on it is open. */
    if (!result) {
        status = device_claim(&handle);
        if (!status) {
            status = discard_range(shell, &handle, &range);
            device_release(&handle);
        }
        result = status ? shell_fail(shell, words[1], status) : SHELL_DONE;
    }
    device_close(&handle);

    /* The partition table may be gone. Until it is read again, the next claim would be refused. */
    status = result ? 0 : monitor_look_again(device);
    return status ? shell_fail(shell, words[1], status) : result;
}

static int run_discard(struct shell *shell, int count, char **words)
{
    struct device *device = mounts_find_device(shell, words[1]);
    if (!device)
        return shell_complain(shell, "%s: no such device; `devices` lists them", words[1]);
    int result = discard(shell, device, count, words);
    device_put(device);
    return result;
}

static const struct shell_option discard_options[] = {
    { 'y', "yes", NULL, "do not ask" },
    { 'z', "zero", NULL, "make the range read as zeroes" },
    { 0 },
};

static const struct shell_command command_discard = {
    .name = "discard",
    .arguments = "[-yz] DEVICE [OFFSET LENGTH]",
    .summary = "let a device free the space of its contents, which are lost",
    .arguments_min = 1,
    .arguments_max = 3,
    .run = run_discard,
    .options = discard_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_discard);
DRIVER_DRIVES("command discard Devices and mounts: "
              "let a device free the space of its contents, which are lost");
