/*
 * log.c - the ring of lines, and lines held for the next prompt: see log.h.
 *
 * A line is formatted on the caller's stack and put into the ring at once, under the spinlock. It
 * is written to the console without the lock, since a serial port is slow.
 */
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    RING_BYTES = 32768,
    HELD_BYTES = 4096,
    LINE_BYTES = 256, /* with its LF; longer lines are cut */
    READ_BYTES = 1024, /* limit of log_read(), which defers interrupts meanwhile */
};

/* Under the lock of `state`, but apart from it: what has no initial value needs no space in the
 * kernel's file. */
static char ring[RING_BYTES], held[HELD_BYTES];

static struct {
    struct spin lock;
    /* Bytes are counted since start; byte n is at ring[n % RING_BYTES]. */
    uint64_t oldest, end; /* oldest: the start of the oldest complete line */

    enum log_level shown_level;
    bool settled;
    unsigned writing;              /* threads that are writing a line to the console */
    size_t held_bytes, held_shown; /* of held[], whole lines */
    unsigned held_lost;            /* lines for which held[] was full */
} state = { .lock = SPIN_INIT(RANK_LOG), .shown_level = LOG_INFO };

/* Makes room by dropping the oldest lines. */
static void ring_append(const char *line, size_t bytes)
{
    /* The ring always begins with a whole line, so that log_read() never returns half of one. */
    while (state.end + bytes - state.oldest > RING_BYTES)
        while (ring[state.oldest++ % RING_BYTES] != '\n')
            ;
    for (size_t i = 0; i < bytes; i++)
        ring[state.end++ % RING_BYTES] = line[i];
}

static void hold(const char *line, size_t bytes)
{
    /* Only count a line that does not fit: it is still in the ring, which `log` shows. */
    if (bytes > HELD_BYTES - state.held_bytes) {
        state.held_lost++;
        return;
    }
    memcpy(held + state.held_bytes, line, bytes);
    state.held_bytes += bytes;
}

/* Puts a line into the ring. Returns true if it is to be written to the console now. */
static bool enter_line(enum log_level level, const char *line, size_t bytes)
{
    spin_lock(&state.lock);
    ring_append(line, bytes);

    /* After start-up a line would appear in the middle of what the user types, so it is held. */
    bool shown = level >= state.shown_level;
    bool now = shown && !state.settled;
    state.writing += now;
    if (shown && state.settled && level >= LOG_WARN)
        hold(line, bytes);
    spin_unlock(&state.lock);
    return now;
}

static size_t clamp_length(int length)
{
    /* Two bytes stay free: for the LF and a NUL. */
    return (size_t)min(length, LINE_BYTES - 2);
}

/* Writes `[    1.234567] name: ` into line[LINE_BYTES]; returns its length. */
static size_t make_head(char *line, const char *name)
{
    uint64_t now = time_now_us();
    return clamp_length(format_text(line, LINE_BYTES, "[%5llu.%06llu] %s: ",
                                    (unsigned long long)(now / 1000000),
                                    (unsigned long long)(now % 1000000), name));
}

/* Replaces control characters: a message may quote bytes of a medium and must stay one line. */
static void clean(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
}

void log_write(enum log_level level, const char *name, const char *format, ...)
{
    char line[LINE_BYTES];
    size_t head = make_head(line, name);

    va_list arguments;
    va_start(arguments, format);
    int rest = format_text_v(line + head, LINE_BYTES - head, format, arguments);
    va_end(arguments);

    /* The formatter returns the length of the whole text, which may be longer than the line. */
    size_t length = clamp_length((int)head + min(rest, LINE_BYTES));
    clean(line, length);
    line[length++] = '\n';
    if (!enter_line(level, line, length))
        return;
    port_console_write(line, length);
    spin_lock(&state.lock);
    state.writing--;
    spin_unlock(&state.lock);
}

void log_set_level(enum log_level level)
{
    spin_lock(&state.lock);
    state.shown_level = level;
    spin_unlock(&state.lock);
}

bool log_settle(void)
{
    spin_lock(&state.lock);
    state.settled = true;
    bool complete = !state.writing;
    spin_unlock(&state.lock);
    return complete;
}

/* Takes the next held line into line[LINE_BYTES], after the last one the note on lost lines.
 * Returns its length; 0 if there is none. */
static size_t take_held(char *line)
{
    size_t bytes = 0;
    spin_lock(&state.lock);

    /* Under the lock, only copy one line. The console, which is slow, gets it afterwards. */
    if (state.held_shown < state.held_bytes) {
        do
            line[bytes++] = held[state.held_shown];
        while (held[state.held_shown++] != '\n');
    } else {
        if (state.held_lost > 0)
            bytes = (size_t)format_text(line, LINE_BYTES, "(%u more in the log)\n",
                                        state.held_lost);
        state.held_shown = state.held_bytes = 0;
        state.held_lost = 0;
    }
    spin_unlock(&state.lock);
    return bytes;
}

void log_show_held(void)
{
    char line[LINE_BYTES];
    size_t bytes;

    /* One line at a time: others may be held meanwhile, and are shown too. */
    while ((bytes = take_held(line)) > 0)
        port_console_write(line, bytes);
}

size_t log_read(uint64_t *position, char *buffer, size_t bytes)
{
    spin_lock(&state.lock);

    /* The ring may have dropped lines since the last call: continue with the oldest. */
    uint64_t from = max(*position, state.oldest);
    uint64_t left = from < state.end ? state.end - from : 0;
    size_t count = min(bytes, READ_BYTES);
    count = min(count, left);

    /* Back to the end of a line. */
    while (count > 0 && ring[(from + count - 1) % RING_BYTES] != '\n')
        count--;
    for (size_t i = 0; i < count; i++)
        buffer[i] = ring[(from + i) % RING_BYTES];
    *position = from + count;
    spin_unlock(&state.lock);
    return count;
}
