/*
 * signals.c - names of signals, and the actions of traps; see signals.h.
 */
#include "shell/language/signals.h"
#include "lib/string.h"
#include "lib/text.h"

/* The numbers of Linux. */
static const char *const names[SIGNALS] = {
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
    "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS", "ERR",
};

int signal_find(const char *text)
{
    uint64_t number;
    if (text_is_digit(*text))
        return text_parse_u64(text, &number) || number >= SIGNAL_ERR ? -1 : (int)number;

    if (text_lower(text[0]) == 's' && text_lower(text[1]) == 'i' && text_lower(text[2]) == 'g')
        text += 3;
    for (int i = 0; i < SIGNALS; i++)
        if (text_equal_fold(text, names[i]))
            return i;
    return -1;
}

const char *signal_name(int number)
{
    return number >= 0 && number < SIGNALS ? names[number] : NULL;
}

status_t traps_set(struct traps *traps, int number, const char *action)
{
    size_t bytes = action ? strlen(action) + 1 : 0;
    char *copy = action ? mem_alloc(bytes) : NULL;
    if (action && !copy)
        return -ENOMEM;
    if (action)
        memcpy(copy, action, bytes);
    mem_free(traps->actions[number]);
    traps->actions[number] = copy;
    return 0;
}

void traps_free(struct traps *traps)
{
    for (int i = 0; i < SIGNALS; i++) {
        mem_free(traps->actions[i]);
        traps->actions[i] = NULL;
    }
}
