/*
 * console.c - the list of consoles and the ring of input: see console.h.
 */
#include "kernel/console.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

enum {
    INPUT_BYTES = 8192,
    CONSOLES_MAX = 8,
    CHUNK_BYTES = 256,
    CONTROL_C = 0x03,
};

/* Apart from `state`, so that it needs no space in the kernel's file; under its lock. */
static uint8_t input[INPUT_BYTES];

static struct {
    struct spin lock; /* of the highest rank: interrupts deliver input, whatever locks are held */
    struct list consoles;
    uint64_t put, taken; /* bytes since start; byte n is at input[n % INPUT_BYTES] */
    uint64_t dropped;
    struct wait_queue readers;
    struct thread *interruptible;
} state = {
    .lock = SPIN_INIT(RANK_LOG),
    .consoles = LIST_INIT(state.consoles),
    .readers = WAIT_QUEUE_INIT(state.readers),
};

void console_register(struct console *console)
{
    spin_lock(&state.lock);
    list_push_back(&state.consoles, &console->link);
    spin_unlock(&state.lock);
}

/* ---- output ------------------------------------------------------------------------------- */

/* Consoles are never unregistered, so they are called without the lock; a slow device must not hold
 * it. */
static unsigned list_consoles(struct console *consoles[CONSOLES_MAX])
{
    unsigned count = 0;
    spin_lock(&state.lock);
    list_each(link, &state.consoles)
        if (count < CONSOLES_MAX)
            consoles[count++] = container_of(link, struct console, link);
    spin_unlock(&state.lock);
    return count;
}

/* Moves text into chunk[CHUNK_BYTES] with CR LF for LF; returns the length of the chunk. */
static size_t fill_chunk(char *chunk, const char **text, size_t *bytes)
{
    size_t length = 0;

    /* Stop one byte early: an LF takes two. */
    while (*bytes > 0 && length + 2 <= CHUNK_BYTES) {
        char c = *(*text)++;
        --*bytes;

        /* Terminals move to the first column only at a CR. */
        if (c == '\n')
            chunk[length++] = '\r';
        chunk[length++] = c;
    }
    return length;
}

void console_write(const char *text, size_t bytes)
{
    struct console *consoles[CONSOLES_MAX];
    char chunk[CHUNK_BYTES];
    unsigned count = list_consoles(consoles);

    /* Translate each chunk once, and then write it to all consoles. */
    while (count > 0 && bytes > 0) {
        size_t length = fill_chunk(chunk, &text, &bytes);
        for (unsigned i = 0; i < count; i++)
            consoles[i]->write(chunk, length);
    }
}

bool console_shows_pictures(void)
{
    struct console *consoles[CONSOLES_MAX];
    unsigned count = list_consoles(consoles);

    /* A console has pixels if it can show pictures: a serial line has none. */
    for (unsigned i = 0; i < count; i++)
        if (consoles[i]->picture)
            return true;
    return false;
}

status_t console_write_picture(const struct console_picture *picture, unsigned row)
{
    struct console *consoles[CONSOLES_MAX];
    unsigned count = list_consoles(consoles);
    status_t status = -EOPNOTSUPP;

    /* A console without pixels leaves the cells empty. */
    for (unsigned i = 0; i < count; i++)
        if (consoles[i]->picture)
            status = consoles[i]->picture(picture, row);
    return status;
}

void console_scroll(int half_screens)
{
    struct console *consoles[CONSOLES_MAX];
    unsigned count = list_consoles(consoles);
    for (unsigned i = 0; i < count; i++)
        if (consoles[i]->scroll)
            consoles[i]->scroll(half_screens);
}

/* ---- input -------------------------------------------------------------------------------- */

void console_input(uint8_t byte)
{
    spin_lock(&state.lock);

    /* The lock keeps the thread from ending: it calls console_set_interruptible() before. */
    if (byte == CONTROL_C && state.interruptible) {
        thread_interrupt(state.interruptible);
    } else if (state.put - state.taken < INPUT_BYTES) {
        input[state.put++ % INPUT_BYTES] = byte;
        wait_queue_wake_one(&state.readers);
    } else {
        state.dropped++;
    }
    spin_unlock(&state.lock);
}

int console_read(uint64_t deadline_us)
{
    int result = 0;
    spin_lock(&state.lock);

    /* A ^C that has arrived before this call counts, even if a byte is ready. */
    if (thread_interrupted())
        result = -EINTR;

    while (result == 0 && state.put == state.taken)
        result = wait_queue_wait_interruptible(&state.readers, &state.lock, deadline_us);

    if (result == 0)
        result = input[state.taken++ % INPUT_BYTES];
    spin_unlock(&state.lock);
    return result;
}

void console_set_interruptible(struct thread *thread)
{
    spin_lock(&state.lock);
    state.interruptible = thread;

    /* A ^C typed directly after the line that the thread is about to run is meant for it. */
    if (thread && state.put != state.taken &&
        input[state.taken % INPUT_BYTES] == CONTROL_C) {
        state.taken++;
        thread_interrupt(thread);
    }
    spin_unlock(&state.lock);
}

uint64_t console_dropped_bytes(void)
{
    spin_lock(&state.lock);
    uint64_t dropped = state.dropped;
    spin_unlock(&state.lock);
    return dropped;
}
