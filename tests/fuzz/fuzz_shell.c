/*
 * fuzz_shell.c - any text as lines typed at the shell, over an empty file system.
 *
 * No line may do more than print and set a status. Commands that end the machine, wait for a key
 * or run until ^C must not run: an input that contains one of their names is skipped.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "shell/shell.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum { LINE_BYTES_MAX = 6000, MEMORY_BYTES = 16 << 20, QUESTIONS_MAX = 10000 };

static char text[LINE_BYTES_MAX + 1];

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static status_t discard(struct stream *stream, const char *bytes, size_t count)
{
    (void)stream;
    kassert(strnlen(bytes, count) <= count);
    return 0;
}

static bool is_left_out(void)
{
    static const char *const names[] = { "poweroff", "reboot", "sleep", "read", "more", "wait",
                                        "watch" };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strstr(text, names[i]))
            return true;
    return false;
}

static void run_text(void *argument)
{
    static struct shell shell;
    (void)argument;
    rig_start();
    rig_put_file("/a", "one\ntwo\n", 8);
    rig_mkdir("/d");
    kassert(shell_init(&shell, discard, NULL, NULL) == 0);
    host_set_patience(QUESTIONS_MAX); /* /System/Devices/zero is endless */
    int status = shell_run_text(&shell, text);
    host_set_patience(LONG_MAX);
    thread_clear_interrupt();
    kassert(status == shell.status && status >= 0);
    char prompt[64];
    shell_prompt(&shell, prompt, sizeof(prompt));
    shell_destroy(&shell);
    rig_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes > LINE_BYTES_MAX || memchr(data, 0, bytes) != NULL)
        return 0;
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);
    if (!is_left_out())
        sim_run(hash_bytes(data, bytes, 1), run_text, NULL);
    return 0;
}
