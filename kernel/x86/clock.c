#include "kernel/x86/clock.h"
#include "kernel/port.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    PIT_HZ = 1193182,
    PIT_ALARM = 0x40,    /* channel 0, wired to line 0 */
    PIT_REFERENCE = 0x42, /* channel 2, wired to the speaker */
    PIT_COMMAND = 0x43,
    COMMAND_ALARM = 0x30,     /* channel 0, two bytes, mode 0: interrupt on terminal count */
    COMMAND_REFERENCE = 0xb4, /* channel 2, two bytes, mode 2: counts down again and again */
    COMMAND_LATCH = 0x80,     /* channel 2 */
    SPEAKER_PORT = 0x61,
    SPEAKER_GATE = 1,
    SPEAKER_DATA = 2,

    CALIBRATION_TICKS = PIT_HZ / 200, /* 5 ms */
    CALIBRATION_READS_MAX = 100000,
    ALARM_US_MAX = 50000,          /* what fits in 16 bits */
    ALARM_WITHOUT_TSC_US = 25000,  /* half of what the reference counts without wrapping */
    SCALE_BITS = 44,               /* 1000000 << 44 just fits in 64 bits */
};

static bool use_tsc, started;
static uint64_t frequency_hz;
static uint64_t scale;          /* microseconds a tick, << SCALE_BITS */
static uint64_t base;           /* ticks at start */
static uint64_t alarm_us = TIME_NEVER;

/* Without TSC: */
static uint64_t counted; /* ticks of the reference seen so far */
static uint16_t last_count;

static uint16_t read_reference(void)
{
    port_out8(PIT_COMMAND, COMMAND_LATCH);
    uint8_t low = port_in8(PIT_REFERENCE);
    return (uint16_t)(low | port_in8(PIT_REFERENCE) << 8);
}

static void start_reference(void)
{
    uint8_t speaker = port_in8(SPEAKER_PORT) & ~(SPEAKER_DATA | SPEAKER_GATE);

    port_out8(SPEAKER_PORT, speaker | SPEAKER_GATE);
    port_out8(PIT_COMMAND, COMMAND_REFERENCE);
    port_out8(PIT_REFERENCE, 0);
    port_out8(PIT_REFERENCE, 0);
}

struct moment {
    uint64_t tsc;
    uint16_t count;
};

/* Both counters at one moment: of a few tries the one that took the least time, since an emulator
 * or the firmware may have been at work in between. */
static struct moment read_moment(void)
{
    struct moment best = { 0 };
    uint64_t best_gap = UINT64_MAX;

    for (int i = 0; i < 4; i++) {
        uint64_t before = cpu_timestamp();
        uint16_t count = read_reference();
        uint64_t after = cpu_timestamp();
        if (after - before < best_gap) {
            best_gap = after - before;
            best = (struct moment){ before + best_gap / 2, count };
        }
    }
    return best;
}

/* Ticks a second, or 0 when the counter cannot be trusted. */
static uint64_t measure_tsc(void)
{
    struct moment start = read_moment();
    unsigned reads = 0;

    while ((uint16_t)(start.count - read_reference()) < CALIBRATION_TICKS)
        if (++reads > CALIBRATION_READS_MAX)
            return 0;

    struct moment end = read_moment();
    uint16_t ticks = (uint16_t)(start.count - end.count);
    if (end.tsc <= start.tsc || ticks < CALIBRATION_TICKS)
        return 0;
    uint64_t hz = (end.tsc - start.tsc) * PIT_HZ / ticks;
    return hz >= 10000000 && hz <= 20000000000 ? hz : 0;
}

static uint64_t read_ticks(void)
{
    if (use_tsc)
        return cpu_timestamp();
    uint64_t flags = cpu_interrupts_save();
    uint16_t count = read_reference();
    counted += (uint16_t)(last_count - count);
    last_count = count;
    uint64_t ticks = counted;
    cpu_interrupts_restore(flags);
    return ticks;
}

uint64_t time_now_us(void)
{
    if (!started)
        return 0;
    return (uint64_t)((unsigned __int128)(read_ticks() - base) * scale >> SCALE_BITS);
}

uint64_t clock_frequency_hz(void)
{
    return frequency_hz;
}

bool clock_is_tsc(void)
{
    return use_tsc;
}

static void program_alarm(uint64_t delay_us)
{
    uint64_t ticks = delay_us * PIT_HZ / 1000000 + 1;

    port_out8(PIT_COMMAND, COMMAND_ALARM);
    port_out8(PIT_ALARM, (uint8_t)ticks);
    port_out8(PIT_ALARM, (uint8_t)(ticks >> 8));
}

void clock_set_alarm(uint64_t deadline_us)
{
    if (deadline_us >= alarm_us)
        return;

    uint64_t now = time_now_us();
    uint64_t delay = deadline_us > now ? deadline_us - now : 0;
    uint64_t longest = use_tsc ? ALARM_US_MAX : ALARM_WITHOUT_TSC_US;
    delay = min(delay, longest);
    /* An alarm that must ring early anyway is not set again for each later deadline. */
    if (now + delay >= alarm_us)
        return;
    alarm_us = now + delay;
    program_alarm(delay);
}

static bool handle_alarm(void *context)
{
    (void)context;
    alarm_us = TIME_NEVER;
    timer_interrupt();
    if (!use_tsc)
        clock_set_alarm(time_now_us() + ALARM_WITHOUT_TSC_US);
    return true;
}

void clock_start(void)
{
    static struct interrupt_handler handler = { .handle = handle_alarm };

    start_reference();
    frequency_hz = cpu_has_tsc() ? measure_tsc() : 0;
    use_tsc = frequency_hz != 0;
    if (!use_tsc) {
        frequency_hz = PIT_HZ;
        last_count = read_reference();
    }
    scale = (1000000ull << SCALE_BITS) / frequency_hz;
    base = read_ticks();
    started = true;

    if (interrupt_register(CLOCK_LINE, &handler) != 0)
        panic("clock: no interrupt line");
    if (!use_tsc) {
        uint64_t flags = cpu_interrupts_save();
        clock_set_alarm(time_now_us() + ALARM_WITHOUT_TSC_US);
        cpu_interrupts_restore(flags);
    }
}
