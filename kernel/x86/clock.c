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

    ACPI_TIMER_HZ = 3579545,
    COUNTS_READS_MAX = 10000,
    CALIBRATIONS_PER_S = 200, /* each takes 5 ms */
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

/* A counter of known frequency. The number of its bits is that of `mask`. */
struct counter {
    uint64_t hz;
    uint32_t mask;
    uint32_t (*read)(void); /* rises, and wraps */
};

static const struct counter *reference;
static uint16_t timer_port; /* of ACPI's timer; 0: none */

/* Without a usable TSC: ticks of the reference seen so far, and its value when it was last read. */
static uint64_t total_ticks;
static uint32_t last_value;

/* ---- the reference --------------------------------------------------------------------------- */

static uint32_t read_pit(void)
{
    /* Without the latch, the count could change between its two bytes. It falls. */
    port_out8(PIT_COMMAND, PIT_LATCH_2);
    uint8_t low = port_in8(PIT_CHANNEL_2);
    return 0u - (uint32_t)(low | port_in8(PIT_CHANNEL_2) << 8);
}

static uint32_t read_acpi_timer(void)
{
    return port_in32(timer_port);
}

static const struct counter pit = { PIT_HZ, 0xffff, read_pit },
                            acpi_timer = { ACPI_TIMER_HZ, 0xffffff, read_acpi_timer };

static uint32_t ticks_between(uint32_t earlier, uint32_t later)
{
    return (later - earlier) & reference->mask;
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

static bool counts(const struct counter *counter)
{
    uint32_t first = counter->read();
    for (unsigned reads = 0; reads < COUNTS_READS_MAX; reads++)
        if ((counter->read() - first) & counter->mask)
            return true;
    return false;
}

static const struct counter *find_reference(void)
{
    /* The firmware of some machines turns the PIT off to save power. */
    start_pit();
    if (counts(&pit))
        return &pit;
    if (timer_port && counts(&acpi_timer))
        return &acpi_timer;

    /* Every wait would last until the machine is switched off. */
    panic("clock: neither the PIT nor ACPI's timer counts, so there is no time");
}

bool clock_has_pit(void)
{
    return reference == &pit;
}

/* ---- calibration --------------------------------------------------------------------------- */

struct moment {
    uint64_t tsc;
    uint32_t value;
};

/* Reads both counters at one moment. An emulator or the firmware may interrupt at any point, so the
 * fastest of a few tries is the most accurate. */
static struct moment read_moment(void)
{
    struct moment best = { 0 };
    uint64_t best_gap = UINT64_MAX;

    /* The value is taken to be read halfway between the two timestamps. */
    for (int i = 0; i < MOMENT_TRIES; i++) {
        uint64_t before = cpu_timestamp();
        uint32_t value = reference->read();
        uint64_t gap = cpu_timestamp() - before;
        if (gap < best_gap) {
            best_gap = gap;
            best = (struct moment){ before + gap / 2, value };
        }
    }
    return best;
}

/* Returns the TSC's ticks a second, or 0 if it cannot be used. */
static uint64_t measure_tsc(void)
{
    struct moment start = read_moment();
    unsigned reads = 0;

    /* Wait for 5 ms. The reference wraps after 55 ms at the earliest. The number of reads is
     * bounded, since it may stop. */
    while (ticks_between(start.value, reference->read()) < reference->hz / CALIBRATIONS_PER_S)
        if (++reads > CALIBRATION_READS_MAX)
            return 0;

    /* A TSC that stops or goes backwards, or an implausible frequency, means that an emulator or
     * the firmware interfered. The reference is used then, which is slower to read. */
    struct moment end = read_moment();
    uint32_t ticks = ticks_between(start.value, end.value);
    if (end.tsc <= start.tsc || ticks < reference->hz / CALIBRATIONS_PER_S)
        return 0;
    uint64_t hz = (end.tsc - start.tsc) * reference->hz / ticks;
    return hz >= TSC_HZ_MIN && hz <= TSC_HZ_MAX ? hz : 0;
}

void clock_start(uint16_t acpi_timer_port)
{
    timer_port = acpi_timer_port;
    reference = find_reference();

    /* Reading the TSC takes one instruction; reading the PIT takes three slow port accesses. */
    frequency_hz = cpu_has_tsc() ? measure_tsc() : 0;
    use_tsc = frequency_hz != 0;
    if (!use_tsc) {
        frequency_hz = reference->hz;
        last_value = reference->read();
    }

    /* The division is done once, here: time_now_us() multiplies and shifts. */
    scale = (1000000ull << SCALE_BITS) / frequency_hz;
    base = use_tsc ? cpu_timestamp() : 0;
    started = true;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Not inline, so that reading the TSC stays short. */
static __attribute__((noinline)) uint64_t read_reference(void)
{
    uint64_t flags = cpu_interrupts_save();

    /* The PIT wraps after 55 ms. The alarm reads the clock at least every 25 ms, so no more than
     * one wrap can occur between two readings: keep_clock_alive(). */
    uint32_t value = reference->read();
    total_ticks += ticks_between(last_value, value);
    last_value = value;
    uint64_t ticks = total_ticks;

    cpu_interrupts_restore(flags);
    return ticks;
}

uint64_t time_now_us(void)
{
    uint64_t ticks;
    if (use_tsc)
        ticks = cpu_timestamp();
    else if (started)
        ticks = read_reference();
    else
        return 0;

    /* The product exceeds 64 bits after a second. */
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
