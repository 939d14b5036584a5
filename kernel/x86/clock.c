/*
 * clock.c - reads and calibrates the monotonic clock: see clock.h.
 */
#include "kernel/x86/clock.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pit.h"
#include "kernel/x86/ports.h"

enum {
    SPEAKER_PORT = 0x61,
    SPEAKER_GATE = 1, /* lets channel 2 count */
    SPEAKER_DATA = 2, /* connects its output to the speaker */

    CALIBRATION_TICKS = PIT_HZ / 200, /* 5 ms */
    CALIBRATION_READS_MAX = 100000,
    MOMENT_TRIES = 4,
    SCALE_BITS = 44, /* 1000000 << 44 just fits in 64 bits */
};

/* A calibration outside of these is taken for an error. */
#define TSC_HZ_MIN 10000000ull
#define TSC_HZ_MAX 20000000000ull

static bool use_tsc, started;
static uint64_t frequency_hz;
static uint64_t scale; /* microseconds a tick, << SCALE_BITS */
static uint64_t base;  /* ticks at clock_start() */

/* Without a usable TSC: ticks of channel 2 seen so far, and its count when it was last read. */
static uint64_t pit_ticks;
static uint16_t pit_last_count;

static uint16_t read_pit(void)
{
    /* Without the latch, the count could change between its two bytes. */
    port_out8(PIT_COMMAND, PIT_LATCH_2);
    uint8_t low = port_in8(PIT_CHANNEL_2);
    return (uint16_t)(low | port_in8(PIT_CHANNEL_2) << 8);
}

static void start_pit(void)
{
    /* The channel counts while its gate is open; the speaker must not sound meanwhile. */
    uint8_t speaker = port_in8(SPEAKER_PORT) & ~(SPEAKER_DATA | SPEAKER_GATE);
    port_out8(SPEAKER_PORT, speaker | SPEAKER_GATE);
    port_out8(PIT_COMMAND, PIT_PERIODIC_2);

    /* A count of 0 means 65536. */
    port_out8(PIT_CHANNEL_2, 0);
    port_out8(PIT_CHANNEL_2, 0);
}

static bool pit_counts(void)
{
    uint16_t first = read_pit();
    for (unsigned reads = 0; reads < CALIBRATION_READS_MAX; reads++)
        if (read_pit() != first)
            return true;
    return false;
}

/* ---- calibration --------------------------------------------------------------------------- */

struct moment {
    uint64_t tsc;
    uint16_t pit_count;
};

/* Reads both counters at one moment. An emulator or the firmware may interrupt at any point, so the
 * fastest of a few tries is the most accurate. */
static struct moment read_moment(void)
{
    struct moment best = { 0 };
    uint64_t best_gap = UINT64_MAX;

    /* The count is taken to be latched halfway between the two timestamps. */
    for (int i = 0; i < MOMENT_TRIES; i++) {
        uint64_t before = cpu_timestamp();
        uint16_t count = read_pit();
        uint64_t gap = cpu_timestamp() - before;
        if (gap < best_gap) {
            best_gap = gap;
            best = (struct moment){ before + gap / 2, count };
        }
    }
    return best;
}

/* Returns the TSC's ticks a second, or 0 if it cannot be used. */
static uint64_t measure_tsc(void)
{
    struct moment start = read_moment();
    unsigned reads = 0;

    /* Wait for 5 ms of the PIT, which counts down and wraps after 55 ms. The number of reads is
     * bounded, since the PIT may not count at all. */
    while ((uint16_t)(start.pit_count - read_pit()) < CALIBRATION_TICKS)
        if (++reads > CALIBRATION_READS_MAX)
            return 0;

    /* A TSC that stops or goes backwards, or an implausible frequency, means that an emulator or
     * the firmware interfered. The PIT is used then, which is slower to read. */
    struct moment end = read_moment();
    uint16_t ticks = (uint16_t)(start.pit_count - end.pit_count);
    if (end.tsc <= start.tsc || ticks < CALIBRATION_TICKS)
        return 0;
    uint64_t hz = (end.tsc - start.tsc) * PIT_HZ / ticks;
    return hz >= TSC_HZ_MIN && hz <= TSC_HZ_MAX ? hz : 0;
}

void clock_start(void)
{
    start_pit();

    /* Reading the TSC takes one instruction; reading the PIT takes three slow port accesses. */
    frequency_hz = cpu_has_tsc() ? measure_tsc() : 0;
    use_tsc = frequency_hz != 0;
    if (!use_tsc) {
        /* Every wait would last until the machine is switched off. */
        if (!pit_counts())
            panic("clock: the PIT does not count, so there is no time");
        frequency_hz = PIT_HZ;
        pit_last_count = read_pit();
    }

    /* The division is done once, here: time_now_us() multiplies and shifts. */
    scale = (1000000ull << SCALE_BITS) / frequency_hz;
    base = use_tsc ? cpu_timestamp() : 0;
    started = true;
}

/* ---- reading ------------------------------------------------------------------------------- */

static uint64_t read_pit_ticks(void)
{
    uint64_t flags = cpu_interrupts_save();

    /* The counter wraps after 55 ms. The alarm reads the clock at least every 25 ms, so no more
     * than one wrap can occur between two readings: keep_clock_alive(). */
    uint16_t count = read_pit();
    pit_ticks += (uint16_t)(pit_last_count - count);
    pit_last_count = count;
    uint64_t ticks = pit_ticks;

    cpu_interrupts_restore(flags);
    return ticks;
}

uint64_t time_now_us(void)
{
    if (!started)
        return 0;

    /* The product exceeds 64 bits after a second. */
    uint64_t ticks = use_tsc ? cpu_timestamp() : read_pit_ticks();
    return (uint64_t)((unsigned __int128)(ticks - base) * scale >> SCALE_BITS);
}

uint64_t clock_frequency_hz(void)
{
    return frequency_hz;
}

bool clock_is_tsc(void)
{
    return use_tsc;
}

uint64_t clock_tsc_at(uint64_t time_us)
{
    /* In two parts: the product of both numbers would exceed 64 bits after hours. */
    return base + time_us / 1000000 * frequency_hz +
           (time_us % 1000000 * frequency_hz + 999999) / 1000000;
}
