/*
 * bench.h - what the measurements of `bench` share.
 *
 * bench.c has the command and the measurements of names, files and trees; bench_bytes.c has those
 * of the bytes of one device or file.
 *
 * Model       A measurement sets `amount` and `us` of its struct bench: it calls bench_begin() when
 *             its target is open, and bench_end() when all of the work has ended.
 * Errors      A measurement returns a negative errno, and its `amount` is not used then: -EINVAL
 *             if a device cannot be read in pieces of `size_bytes`, -EINTR if the user interrupted.
 */
#ifndef SHELL_COMMANDS_SYSTEM_BENCH_H
#define SHELL_COMMANDS_SYSTEM_BENCH_H

#include "shell/shell.h"

struct bench {
    struct shell *shell;
    const char *target;
    uint64_t size_bytes, count; /* the options; 0: the measurement's default */
    uint64_t depth;             /* reads of a device in flight at once, from 1 on */
    uint64_t amount;            /* of bytes, names or files so far */
    uint64_t begun_us, us;
};

static inline void bench_begin(struct bench *bench)
{
    bench->amount = 0;
    bench->begun_us = time_now_us();
}

static inline void bench_end(struct bench *bench)
{
    uint64_t us = time_now_us() - bench->begun_us;

    /* A speed is an amount divided by this time, which must not be 0. */
    bench->us = us ? us : 1;
}

static inline uint64_t given_or(uint64_t given, uint64_t otherwise)
{
    return given ? given : otherwise;
}

/* bench_bytes.c */
status_t bench_raw(struct bench *bench) MUST_CHECK;
status_t bench_file(struct bench *bench) MUST_CHECK;
status_t bench_random(struct bench *bench) MUST_CHECK;
status_t bench_write(struct bench *bench) MUST_CHECK;
status_t bench_overwrite(struct bench *bench) MUST_CHECK;

#endif
