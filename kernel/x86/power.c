/*
 * power.c - soft-off and reset: see power.h.
 */
#include "kernel/x86/power.h"
#include "kernel/early.h"
#include "kernel/log.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/ports.h"

enum {
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_TIMER = 76,
    FADT_CENTURY = 108,
    FADT_LONG_DSDT = 140,
    FADT_SLEEP_CONTROL = 244,

    /* A generic address: the kind of space, and the address in it. */
    SPACE_MEMORY = 0,
    SPACE_PORTS = 1,
    SPACE_ADDRESS = 4,

    PM1_SCI_ENABLED = 1, /* the operating system owns the power registers */
    PM1_SLEEP_TYPE_SHIFT = 10,
    PM1_SLEEP_ENABLE = 1 << 13,
    CONTROL_SLEEP_TYPE_SHIFT = 2,
    CONTROL_SLEEP_ENABLE = 1 << 5,
    ENABLE_POLLS_MAX = 1000000,

    /* The chipset's reset control: first the kind of reset, then the pulse. */
    RESET_PORT = 0xcf9,
    RESET_HARD = 0x02,
    RESET_NOW = 0x04,

    DELAY_READS = 100000, /* of a port that takes about 1 us */
    DRAW_US = 300000,
};

static struct {
    uint16_t pm1a, pm1b, smi_command; /* ports; 0: none */
    uint8_t acpi_enable;              /* for smi_command; 0: none */
    uint8_t sleep_type_a, sleep_type_b;

    /* Machines without the PM1 registers have one register of 8 bits, in either space. */
    volatile uint8_t *control_memory; /* NULL: none */
    uint16_t control_port;            /* 0: none */
    bool usable;
} soft_off;

static unsigned century_register;
static uint16_t timer_port;
static bool have_tables;

uint16_t power_timer_port(void)
{
    return timer_port;
}

unsigned power_century_register(void)
{
    return century_register;
}

static void read_sleep_control(struct bytes fadt, void *(*map)(uint64_t physical, size_t bytes))
{
    uint64_t address = bytes_le64(fadt, FADT_SLEEP_CONTROL + SPACE_ADDRESS);
    uint8_t space = bytes_u8(fadt, FADT_SLEEP_CONTROL);
    if (address && space == SPACE_MEMORY)
        soft_off.control_memory = map(address, sizeof(*soft_off.control_memory));
    else if (address <= UINT16_MAX && space == SPACE_PORTS)
        soft_off.control_port = (uint16_t)address;
}

static void read_fadt(struct bytes fadt, void *(*map)(uint64_t physical, size_t bytes))
{
    /* Tables of ACPI 1.0 end before the 64-bit address, which then reads as 0. */
    uint64_t dsdt_address = bytes_le64(fadt, FADT_LONG_DSDT);
    if (dsdt_address == 0)
        dsdt_address = bytes_le32(fadt, FADT_DSDT);

    /* Without a FADT all of these read as 0, which means "none". */
    century_register = bytes_u8(fadt, FADT_CENTURY);
    timer_port = (uint16_t)bytes_le32(fadt, FADT_TIMER);
    soft_off.smi_command = (uint16_t)bytes_le32(fadt, FADT_SMI_COMMAND);
    soft_off.acpi_enable = bytes_u8(fadt, FADT_ACPI_ENABLE);
    soft_off.pm1a = (uint16_t)bytes_le32(fadt, FADT_PM1A_CONTROL);
    soft_off.pm1b = (uint16_t)bytes_le32(fadt, FADT_PM1B_CONTROL);

    if (!soft_off.pm1a)
        read_sleep_control(fadt, map);

    /* The values for the sleep type are the machine's own choice, which only the DSDT contains. */
    struct bytes dsdt = acpi_open_at(dsdt_address);
    soft_off.usable = (soft_off.pm1a || soft_off.control_memory || soft_off.control_port) &&
                      acpi_find_s5(dsdt, &soft_off.sleep_type_a, &soft_off.sleep_type_b);
    acpi_close(dsdt);
}

void power_start(const struct boot_info *boot, const struct acpi_memory *memory,
                 void *(*map)(uint64_t physical, size_t bytes))
{
    have_tables = acpi_start(boot, memory);
    if (!have_tables)
        return;

    /* "FACP" is the FADT's signature, from its first name. */
    struct bytes fadt = acpi_open("FACP");
    read_fadt(fadt, map);
    acpi_close(fadt);
}

void power_report(void)
{
    if (!have_tables)
        log_info("power", "no ACPI tables found; poweroff will only halt");
    else if (!soft_off.usable)
        log_info("power", "ACPI: no usable \\_S5 object; poweroff will only halt");
}

/* ---- off and reset --------------------------------------------------------------------------- */

/* The firmware owns the power registers until the SMI command port hands them over. */
static void enable_acpi(void)
{
    if (soft_off.smi_command == 0 || soft_off.acpi_enable == 0 ||
        (port_in16(soft_off.pm1a) & PM1_SCI_ENABLED))
        return;

    /* Interrupts are off and may stay so: the firmware does this in system management mode. */
    port_out8(soft_off.smi_command, soft_off.acpi_enable);
    for (int i = 0; i < ENABLE_POLLS_MAX && !(port_in16(soft_off.pm1a) & PM1_SCI_ENABLED); i++)
        ;
}

static void enter_sleep(uint16_t pm1_port, uint8_t type)
{
    port_out16(pm1_port, (uint16_t)(type << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
}

static void turn_off(void)
{
    uint8_t control = (uint8_t)(soft_off.sleep_type_a << CONTROL_SLEEP_TYPE_SHIFT |
                                CONTROL_SLEEP_ENABLE);
    if (soft_off.control_memory) {
        *soft_off.control_memory = control;
    } else if (soft_off.control_port) {
        port_out8(soft_off.control_port, control);
    } else {
        /* The control register may be in two parts, each with its own sleep type. */
        enable_acpi();
        enter_sleep(soft_off.pm1a, soft_off.sleep_type_a);
        if (soft_off.pm1b != 0)
            enter_sleep(soft_off.pm1b, soft_off.sleep_type_b);
    }
}

static void delay(void)
{
    for (int i = 0; i < DELAY_READS; i++)
        port_in8(POST_PORT);
}

/* Without this line, a machine that stays on could not be told from one that hangs. */
static void say_halted(void)
{
    static const char text[] = "poweroff: this machine cannot turn itself off; halted\n";
    port_console_write(text, sizeof(text) - 1);

    /* The screen is drawn by a thread, which needs the timer. */
    uint64_t start = time_now_us();
    cpu_interrupts_on();
    while (time_now_us() - start < DRAW_US)
        ;
    cpu_interrupts_off();
}

_Noreturn void machine_poweroff(int code)
{
    cpu_interrupts_off();
    early_debug_exit(code);

    /* The power goes off a moment later, or not at all. */
    if (soft_off.usable) {
        turn_off();
        delay();
    }
    say_halted();
    cpu_halt();
}

_Noreturn void machine_reboot(void)
{
    static const uint8_t empty_table[10];

    /* The keyboard controller's reset pulse, once its input buffer is empty. */
    cpu_interrupts_off();
    for (int i = 0; i < DELAY_READS && (port_in8(KEYBOARD_COMMAND_PORT) & KEYBOARD_INPUT_FULL); i++)
        ;
    port_out8(KEYBOARD_COMMAND_PORT, KEYBOARD_PULSE_RESET);
    delay();

    /* Some machines have no such controller: the chipset's reset. */
    port_out8(RESET_PORT, RESET_HARD);
    port_out8(RESET_PORT, RESET_HARD | RESET_NOW);
    delay();

    /* A trap without a table of traps is a triple fault, which resets the processor. */
    __asm__ volatile("lidt %0; int3" : : "m"(empty_table));
    cpu_halt();
}
