/*
 * serial.c - detects and drives a 16550: see serial.h.
 */
#include "drivers/serial/serial.h"
#include "kernel/console.h"
#include "kernel/early.h"
#include "kernel/log.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/ports.h"

enum { BASE = 0x3f8, LINE = 4 };

/* Registers. */
enum {
    DATA = BASE,
    INTERRUPT_ENABLE = BASE + 1,
    FIFO_CONTROL = BASE + 2, /* write */
    INTERRUPT_ID = BASE + 2, /* read */
    LINE_CONTROL = BASE + 3,
    MODEM_CONTROL = BASE + 4,
    LINE_STATUS = BASE + 5,
    SCRATCH = BASE + 7,
    DIVISOR_LOW = BASE,
    DIVISOR_HIGH = BASE + 1,
};

enum {
    ENABLE_RECEIVED = 0x01,
    FIFO_ENABLE_TRIGGER_8 = 0x81,
    ID_NONE_PENDING = 0x01,
    ID_FIFO_WORKS = 0xc0,
    CONTROL_8N1 = 0x03,
    CONTROL_DIVISOR = 0x80,
    MODEM_READY_INTERRUPTS = 0x0b, /* DTR, RTS, and OUT2, which connects the interrupt */
    MODEM_LOOPBACK = 0x12,
    STATUS_RECEIVED = 0x01,
    STATUS_CAN_SEND = 0x20,

    DIVISOR_115200 = 1,
    FIFO_BYTES = 16,
    LOOPBACK_BYTE = 0xa5,
    LOOPBACK_POLLS_MAX = 100000,
    DRAIN_MAX = 256, /* bytes read at once: a broken port must not keep the processor busy */
    SEND_POLLS_MIN = 1000,
    SEND_WAIT_US = 1000000,
    POLL_US = 20000, /* without an interrupt line; the FIFO holds what is typed meanwhile */
};

static unsigned fifo_bytes = 1;
static bool stuck; /* the last wait for the port timed out */

static bool can_send(void)
{
    return port_in8(LINE_STATUS) & STATUS_CAN_SEND;
}

/* Waits until both bounds are passed, so that neither a fast port nor a stopped clock ends it
 * early. */
static bool wait_can_send(void)
{
    if (can_send()) {
        stuck = false;
        return true;
    }
    /* A port that timed out once is not waited for again: each line of output would take a second.
     * It is used again as soon as it is ready. */
    if (stuck)
        return false;

    uint64_t deadline = time_now_us() + SEND_WAIT_US;
    for (unsigned polls = 0; polls < SEND_POLLS_MIN || time_now_us() < deadline; polls++)
        if (can_send())
            return true;
    stuck = true;
    return false;
}

static void serial_write(const char *text, size_t bytes)
{
    /* "Can send" means that the FIFO is empty, so it takes this number of bytes without another
     * look at the status. */
    while (bytes > 0 && wait_can_send())
        for (unsigned i = 0; i < fifo_bytes && bytes > 0; i++, bytes--)
            port_out8(DATA, (uint8_t)*text++);
}

static bool receive(void)
{
    bool any = false;

    for (int i = 0; i < DRAIN_MAX && (port_in8(LINE_STATUS) & STATUS_RECEIVED); i++) {
        console_input(port_in8(DATA));
        any = true;
    }
    return any;
}

/* A character timeout, an overrun or a break may deliver no byte, but this port raised it. */
static bool handle_interrupt(void *context)
{
    (void)context;

    /* The identification is read first: receiving the bytes clears it. */
    bool pending = !(port_in8(INTERRUPT_ID) & ID_NONE_PENDING);
    return receive() || pending;
}

/* The scratch register keeps any value: without a port the bus reads as ones. */
static bool has_scratch(void)
{
    port_out8(SCRATCH, 0x5a);
    if (port_in8(SCRATCH) != 0x5a)
        return false;
    port_out8(SCRATCH, 0xa5);
    return port_in8(SCRATCH) == 0xa5;
}

static void set_speed(void)
{
    /* While CONTROL_DIVISOR is set, the first two registers are the divisor. */
    port_out8(INTERRUPT_ENABLE, 0);
    port_out8(LINE_CONTROL, CONTROL_DIVISOR | CONTROL_8N1);
    port_out8(DIVISOR_LOW, DIVISOR_115200);
    port_out8(DIVISOR_HIGH, 0);
    port_out8(LINE_CONTROL, CONTROL_8N1);
}

/* Enabling the FIFO clears it, so a byte received earlier is read immediately before. This is done
 * in loopback mode, in which an emulator does not deliver the next byte at the same time. */
static void enable_fifo(void)
{
    bool typed = port_in8(LINE_STATUS) & STATUS_RECEIVED;
    uint8_t byte = typed ? port_in8(DATA) : 0;

    port_out8(FIFO_CONTROL, FIFO_ENABLE_TRIGGER_8);
    if (typed)
        console_input(byte);

    /* An 8250 or 16450 has no FIFO; the first 16550 has a broken one and sets one bit only. */
    if ((port_in8(INTERRUPT_ID) & ID_FIFO_WORKS) == ID_FIFO_WORKS)
        fifo_bytes = FIFO_BYTES;
}

/* Sends a byte to itself. Other bytes that arrive meanwhile are input. */
static bool loops_back(void)
{
    port_out8(DATA, LOOPBACK_BYTE);
    for (int i = 0; i < LOOPBACK_POLLS_MAX; i++) {
        if (!(port_in8(LINE_STATUS) & STATUS_RECEIVED))
            continue;

        uint8_t byte = port_in8(DATA);
        if (byte == LOOPBACK_BYTE)
            return true;
        console_input(byte);
    }
    return false;
}

static bool detect(void)
{
    if (port_in8(LINE_STATUS) == 0xff || !has_scratch())
        return false;

    /* The last bytes of early output must have been sent before the speed changes. */
    if (!wait_can_send())
        return false;

    /* A byte that comes back proves that the port works, whatever is connected to it. */
    set_speed();
    port_out8(MODEM_CONTROL, MODEM_LOOPBACK);
    enable_fifo();
    bool works = loops_back();
    port_out8(MODEM_CONTROL, MODEM_READY_INTERRUPTS);
    return works;
}

static struct timer poll_timer;

static void poll(void *context)
{
    (void)context;
    (void)receive();
    timer_start(&poll_timer, time_now_us() + POLL_US);
}

bool serial_start(void)
{
    static struct console console = { .name = "serial", .write = serial_write };
    static struct interrupt_handler handler = {
        .handle = handle_interrupt, .name = "serial port"
    };

    /* Replaced even without a port: polling one that does not exist would delay every line. */
    bool found = detect();
    early_console_replace(console_write);
    if (!found)
        return false;

    /* Output works without the interrupt. */
    console_register(&console);
    if (interrupt_register(LINE, &handler) != 0) {
        log_info("serial", "no interrupt line; polling");
        timer_init(&poll_timer, poll, NULL);
        poll(NULL);
        return true;
    }

    /* Last, so that no interrupt comes before its handler. */
    port_out8(INTERRUPT_ENABLE, ENABLE_RECEIVED);
    return true;
}
