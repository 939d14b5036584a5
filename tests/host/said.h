/*
 * said.h - a shell for tests of commands, which keeps what is written to its output and its errors.
 */
#ifndef TESTS_HOST_SAID_H
#define TESTS_HOST_SAID_H

#include "shell/shell.h"

enum { SAID_BYTES = 64 * 1024 };

struct said {
    size_t used;
    char text[SAID_BYTES];
};

extern struct said out, err; /* what the last line wrote */
extern struct shell shell;

/* Start and stop the whole stack and the shell. Panics if anything is left (rig_stop). */
void start(void);
void stop(void);
/* Runs a line. Panics if its status, its output or its errors differ. NULL: any. */
void run(const char *line, int status, const char *on_out, const char *on_err);
/* As run(), for a line that succeeds without errors. */
void says(const char *line, const char *on_out);
/* As run(), for a line that fails without output. */
void fails(const char *line, const char *on_err);
/* Creates or replaces a file with this text. */
void put(const char *path, const char *text);
/* Calls visit() for each command and each of its parts (`vdrive add`). */
void each_command(void (*visit)(const struct shell_command *command));

/* Defines a test whose body runs as a thread of the back end. */
#define BODY(name) \
    static void name##_body(void *unused); \
    static void test_##name(void **state) \
    { \
        (void)state; \
        rig_run(name##_body, NULL, 1); \
    } \
    static void name##_body(void *unused __attribute__((unused)))

#endif
