/* machine.c - console, clock and the one interrupt. See bare.h. */
#include <stdarg.h>
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "lib/format.h"
#include "tests/bench/bare/bare.h"

enum {
    SERIAL = 0x3f8,
    SERIAL_STATUS = SERIAL + 5,
    SERIAL_EMPTY = 0x20,
    DEBUG_EXIT = 0xf4,

    PIT_HZ = 1193182,
    PIT_CHANNEL_2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_ONE_SHOT_2 = 0xb0, /* channel 2, two bytes, mode 0 */
    SPEAKER = 0x61,
    SPEAKER_GATE = 1,
    SPEAKER_OUT = 0x20,
    CALIBRATION_MS = 50,

    PIC_1 = 0x20,
    PIC_2 = 0xa0,
    VECTOR_BASE = 0x20,
    LINES = 16,
    CASCADE = 2, /* the first controller's input from the second */
};

/* interrupt.S */
void machine_on_interrupt(void);
extern volatile bool machine_raised;

volatile bool machine_raised;
static uint64_t ticks_per_ms, base;

/* ---- console and end ---------------------------------------------------------------------- */

void machine_say(const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (const char *at = text; *at; at++) {
        while (!(port_in8(SERIAL_STATUS) & SERIAL_EMPTY))
            ;
        port_out8(SERIAL, (uint8_t)*at);
    }
}

void machine_end(int code)
{
    port_out8(DEBUG_EXIT, (uint8_t)code);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Also called by boot/. */
void panic(const char *format, ...)
{
    char text[100];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    machine_say("panic: %s\n", text);
    machine_end(127);
}

/* ---- the clock ---------------------------------------------------------------------------- */

static uint64_t timestamp(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Measures how far the time stamp counter advances while the PIT counts down once. */
static void clock_start(void)
{
    unsigned count = PIT_HZ / 1000 * CALIBRATION_MS;
    port_out8(SPEAKER, SPEAKER_GATE);
    port_out8(PIT_COMMAND, PIT_ONE_SHOT_2);
    port_out8(PIT_CHANNEL_2, (uint8_t)count);
    port_out8(PIT_CHANNEL_2, (uint8_t)(count >> 8));
    base = timestamp();
    while (!(port_in8(SPEAKER) & SPEAKER_OUT))
        ;
    ticks_per_ms = (timestamp() - base) / CALIBRATION_MS;
    if (!ticks_per_ms)
        panic("no clock");
}

uint64_t machine_now_us(void)
{
    return (timestamp() - base) * 1000 / ticks_per_ms;
}

/* ---- the interrupt ------------------------------------------------------------------------ */

struct gate {
    uint16_t low, selector;
    uint8_t stack, type;
    uint16_t middle;
    uint32_t high, reserved;
};

static struct gate gates[VECTOR_BASE + LINES] __attribute__((aligned(16)));

static void gate_set(unsigned vector, void (*handler)(void))
{
    uintptr_t address = (uintptr_t)handler;
    gates[vector] = (struct gate){
        .low = (uint16_t)address,
        .selector = 8,
        .type = 0x8e,
        .middle = (uint16_t)(address >> 16),
        .high = (uint32_t)(address >> 32),
    };
}

static void interrupts_start(void)
{
    static const uint8_t first[] = { 0x11, VECTOR_BASE, 4, 1 },
                         second[] = { 0x11, VECTOR_BASE + 8, 2, 1 };
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t address;
    } pointer = { sizeof(gates) - 1, (uintptr_t)gates };
    for (unsigned line = 0; line < LINES; line++)
        gate_set(VECTOR_BASE + line, machine_on_interrupt);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    for (int i = 0; i < 4; i++) {
        port_out8((uint16_t)(PIC_1 + !!i), first[i]);
        port_out8((uint16_t)(PIC_2 + !!i), second[i]);
    }
    machine_listen(CASCADE);
}

void machine_listen(unsigned line)
{
    uint16_t mask = (uint16_t)~(1 << line | 1 << CASCADE);
    port_out8(PIC_1 + 1, (uint8_t)mask);
    port_out8(PIC_2 + 1, (uint8_t)(mask >> 8));
}

/* sti takes effect after the next instruction, so no interrupt is lost before hlt. The handler
 * returns with interrupts off: a line that is still active would interrupt again at once. */
void machine_wait(void)
{
    while (!machine_raised)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    machine_raised = false;
}

void machine_start(void)
{
    clock_start();
    interrupts_start();
}
