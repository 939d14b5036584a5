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

/* ---- pending ------------------------------------------------------------------------------ */

/* Guards the waiters of all shells: a thread that no longer waits must not be interrupted. */
static struct spin waiting = SPIN_INIT(RANK_QUEUE);

void traps_send(struct traps *traps, int number)
{
    atomic_fetch_or(&traps->pending, (uint64_t)1 << number);
    spin_lock(&waiting);
    if (traps->waiter) {
        thread_interrupt(traps->waiter);
        traps->woken = true;
    }
    spin_unlock(&waiting);
}

int traps_next(struct traps *traps)
{
    for (int i = 1; i < SIGNAL_ERR && atomic_load(&traps->pending); i++) {
        uint64_t bit = (uint64_t)1 << i;
        if (!(atomic_load(&traps->pending) & bit))
            continue;

        /* By default a signal ends the shell, except those that only inform. KILL always does. */
        const char *action = i == SIGNAL_KILL ? NULL : traps->actions[i];
        if (action ? *action : i != SIGNAL_CHLD && i != SIGNAL_CONT)
            return i;
        atomic_fetch_and(&traps->pending, ~bit); /* it is ignored */
    }
    return 0;
}

void traps_wait_begin(struct traps *traps)
{
    spin_lock(&waiting);
    traps->waiter = thread_current();
    traps->woken = false;
    spin_unlock(&waiting);
}

bool traps_wait_end(struct traps *traps)
{
    spin_lock(&waiting);
    traps->waiter = NULL;
    bool woken = traps->woken;
    spin_unlock(&waiting);
    if (woken)
        thread_clear_interrupt();
    return woken;
}

/* ---- actions ------------------------------------------------------------------------------ */

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
