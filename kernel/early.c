/*
 * early.c - the serial port without its driver, and the emulator's exit: see early.h.
 */
#include "kernel/early.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/ports.h"

enum {
    SERIAL_DATA = 0x3f8,
    SERIAL_LINE_STATUS = 0x3fd,
    STATUS_CAN_SEND = 0x20,
    POLLS_MAX = 100000,

    DEBUG_EXIT_PORT = 0xf4,
};

static void (*sink)(const char *text, size_t bytes) = early_console_write;

static void put(char c)
{
    /* Without a port the status reads as ones and the byte is lost. A port that is never ready
     * delays each byte, but does not stop the machine. */
    for (int i = 0; i < POLLS_MAX && !(port_in8(SERIAL_LINE_STATUS) & STATUS_CAN_SEND); i++)
        ;
    port_out8(SERIAL_DATA, (uint8_t)c);
}

void early_console_write(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            put('\r');
        put(text[i]);
    }
}

void early_console_replace(void (*write)(const char *text, size_t bytes))
{
    sink = write;
}

void port_console_write(const char *text, size_t bytes)
{
    sink(text, bytes);
}

void early_debug_exit(int code)
{
    if (cpu_has_hypervisor())
        port_out8(DEBUG_EXIT_PORT, (uint8_t)code);
}
