/*
 * cksum.c - prints checksums and sizes of files: cksum.
 *
 * References  POSIX.1-2017, cksum: CRC-32 with the polynomial 04C11DB7, of the bytes and then of
 *             their number, lowest byte first, without its leading zeroes.
 */
#include "kernel/module/info.h"
#include "shell/options.h"
#include "shell/reading/input.h"

enum { POLYNOMIAL = 0x04c11db7 };

struct cksum {
    uint32_t table[256];
    bool named;
};

static void make_table(uint32_t table[256])
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
        table[byte] = crc;
    }
}

static status_t cksum_input(struct input *input, void *context)
{
    const struct cksum *cksum = context;
    struct stream *out = input->shell->out;
    uint64_t bytes = 0;
    uint32_t crc = 0;
    const char *data;
    ssize_t got;

    while ((got = input_piece(input, &data)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            crc = crc << 8 ^ cksum->table[(crc >> 24 ^ (uint8_t)data[i]) & 0xff];
        bytes += (uint64_t)got;
    }
    if (got < 0)
        return (status_t)got;

    for (uint64_t rest = bytes; rest; rest >>= 8)
        crc = crc << 8 ^ cksum->table[(crc >> 24 ^ rest) & 0xff];
    stream_format(out, "%u %llu", ~crc, (unsigned long long)bytes);
    if (cksum->named) {
        stream_text(out, " ");
        stream_escaped(out, input->file ? input->name : "-", false);
    }
    stream_text(out, "\n");
    return 0;
}

static int run_cksum(struct shell *shell, int count, char **words)
{
    struct cksum *cksum = mem_zalloc(sizeof(*cksum));
    if (!cksum)
        return shell_fail(shell, NULL, -ENOMEM);
    make_table(cksum->table);
    cksum->named = count > 1;
    int result = input_each(shell, 1, count, words, cksum_input, cksum);
    mem_free(cksum);
    return result;
}

static const struct shell_command command_cksum = {
    .name = "cksum",
    .arguments = "[FILE...]",
    .summary = "print checksums and sizes of files",
    .arguments_max = -1,
    .run = run_cksum,
    .group = "Files",
};
SHELL_COMMAND(command_cksum);
DRIVER_DRIVES("command cksum Files: print checksums and sizes of files");
