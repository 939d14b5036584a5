/*
 * said.h - a shell for tests of commands, whose words are kept: what it says on out and on err.
 */
#ifndef TESTS_HOST_SAID_H
#define TESTS_HOST_SAID_H

#include "shell/shell.h"

enum { SAID_BYTES = 64 * 1024 };

struct said {
    size_t used;
    char text[SAID_BYTES];
};

extern struct said out, err; /* of the last line that was run */
extern struct shell shell;

/* The whole stack and a shell over it; and their end, with nothing left behind. */
void start(void);
void stop(void);
/* Runs a line and compares all that it says. NULL: not looked at. */
void run(const char *line, int status, const char *on_out, const char *on_err);
void says(const char *line, const char *on_out);
void fails(const char *line, const char *on_err);
/* Makes a file of text. */
void put(const char *path, const char *text);

/* A test whose body runs in the port's back end. */
#define BODY(name) \
    static void name##_body(void *unused); \
    static void test_##name(void **state) \
    { \
        (void)state; \
        rig_run(name##_body, NULL, 1); \
    } \
    static void name##_body(void *unused __attribute__((unused)))

#endif
