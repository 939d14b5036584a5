#include "kernel/early.h"
#include "kernel/console.h"
#include "kernel/x86/ports.h"

enum {
    SERIAL_DATA = 0x3f8,
    SERIAL_LINE_STATUS = 0x3fd,
    STATUS_CAN_SEND = 0x20,
    POLLS_MAX = 100000,
};

static bool stopped;

static void put(char c)
{
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

void early_console_stop(void)
{
    stopped = true;
}

void port_console_write(const char *text, size_t bytes)
{
    if (!stopped)
        early_console_write(text, bytes);
    console_write(text, bytes);
}
