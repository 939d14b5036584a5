/*
 * apic.c - sets up and acknowledges the local APIC: see apic.h.
 *
 * Its registers are 32 bits wide and 16 bytes apart, in memory; in x2APIC mode, which some firmware
 * enables, they are MSRs instead. The mode is kept: leaving it needs a reset of the APIC.
 */
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/traps.h"

enum {
    MSR_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_REGISTERS = 0x800, /* x2APIC mode: the first one's MSR */
    BASE_X2APIC = 1 << 10,
    BASE_ENABLED = 1 << 11,

    WINDOW_BYTES = 4096,
    ID = 0x20,
    TASK_PRIORITY = 0x80,
    END_OF_INTERRUPT = 0xb0,
    SPURIOUS_VECTOR = 0xf0,
    IN_SERVICE = 0x100, /* eight registers, a bit for each vector */
    REQUESTED = 0x200,  /* the same */
    COMMAND = 0x300,    /* sends an interrupt to a processor */
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    TIMER_INITIAL_COUNT = 0x380,
    TIMER_CURRENT_COUNT = 0x390,
    TIMER_DIVISOR = 0x3e0,

    ID_SHIFT = 24, /* outside of x2APIC mode */
    SOFTWARE_ENABLED = 1 << 8,
    COMMAND_TO_SELF = 1 << 18,
    LVT_MASKED = 1 << 16,
    LVT_DEADLINE = 2 << 17, /* the timer's mode; 0: one shot */
    DIVIDE_BY_16 = 3,
    LVT_NMI = 4 << 8,
    LVT_EXTINT = 7 << 8, /* the vector comes from the 8259s */

    VECTORS = 256,
    MESSAGE_ID_SHIFT = 12,
    MESSAGE_ID_MAX = 0xfe, /* a larger one does not fit in the address; 0xff is a broadcast */
};

#define BASE_ADDRESS 0x000ffffffffff000ull
#define MESSAGE_ADDRESS 0xfee00000u

static bool present, uses_msrs;
static volatile uint32_t *registers;

static uint32_t read_register(unsigned offset)
{
    if (uses_msrs)
        return (uint32_t)cpu_read_msr(MSR_REGISTERS + offset / 16);
    return registers[offset / sizeof(*registers)];
}

static void write_register(unsigned offset, uint32_t value)
{
    if (uses_msrs)
        cpu_write_msr(MSR_REGISTERS + offset / 16, value);
    else
        registers[offset / sizeof(*registers)] = value;
}

bool apic_is_present(void)
{
    return present;
}

void apic_acknowledge(void)
{
    if (present)
        write_register(END_OF_INTERRUPT, 0);
}

uint64_t apic_message_address(void)
{
    if (!present)
        return 0;

    /* A larger id can only be reached through interrupt remapping, which is not used. */
    uint32_t id = uses_msrs ? read_register(ID) : read_register(ID) >> ID_SHIFT;
    return id <= MESSAGE_ID_MAX ? MESSAGE_ADDRESS | id << MESSAGE_ID_SHIFT : 0;
}

bool apic_is_pending(uint8_t vector)
{
    return present && read_register(REQUESTED + vector / 32u * 16) >> vector % 32 & 1;
}

void apic_interrupt_self(uint8_t vector)
{
    if (present)
        write_register(COMMAND, COMMAND_TO_SELF | vector);
}

/* ---- the timer ------------------------------------------------------------------------------ */

bool apic_timer_runs_always(void)
{
    /* The timer of older AMD processors stops when `hlt` makes them save power. An emulated one
     * does not. */
    return present && (cpu_has_hypervisor() || cpu_is_intel() || cpu_has_constant_timer());
}

bool apic_has_deadline(void)
{
    return present && cpu_has_tsc_deadline();
}

void apic_timer_start(uint8_t vector, bool deadline)
{
    /* Count 0 stops the timer, so that it does not ring while its mode changes. */
    write_register(TIMER_INITIAL_COUNT, 0);
    write_register(TIMER_DIVISOR, DIVIDE_BY_16);
    write_register(LVT_TIMER, vector | (deadline ? LVT_DEADLINE : 0));

    /* The mode must be set before a deadline is: a write to memory and one to an MSR have no order
     * (11.5.4.1). */
    __asm__ volatile("mfence" : : : "memory");
}

void apic_timer_stop(void)
{
    write_register(LVT_TIMER, LVT_MASKED);
    write_register(TIMER_INITIAL_COUNT, 0);
}

void apic_timer_set_deadline(uint64_t tsc)
{
    cpu_write_msr(MSR_TSC_DEADLINE, tsc);
}

void apic_timer_set_count(uint32_t ticks)
{
    write_register(TIMER_INITIAL_COUNT, ticks);
}

uint32_t apic_timer_count(void)
{
    return read_register(TIMER_CURRENT_COUNT);
}

/* ---- start ---------------------------------------------------------------------------------- */

static bool find_registers(void *(*map)(uint64_t physical, size_t bytes))
{
    if (!cpu_has_apic())
        return false;

    uint64_t base = cpu_read_msr(MSR_BASE);
    uses_msrs = (base & BASE_X2APIC) != 0;
    if (uses_msrs)
        return true;

    /* The firmware may have turned the APIC off, or moved it. */
    if (!(base & BASE_ADDRESS))
        return false;
    cpu_write_msr(MSR_BASE, base | BASE_ENABLED);
    registers = map(base & BASE_ADDRESS, WINDOW_BYTES);
    return registers != NULL;
}

/* An interrupt that the firmware left in service would hold back all of the same and of lower
 * priority. Each acknowledgement ends one. */
static void end_old_interrupts(void)
{
    for (unsigned budget = VECTORS; budget > 0; budget--) {
        uint32_t any = 0;
        for (unsigned i = 0; i < VECTORS / 32; i++)
            any |= read_register(IN_SERVICE + i * 16);
        if (!any)
            return;
        write_register(END_OF_INTERRUPT, 0);
    }
}

void apic_start(void *(*map)(uint64_t physical, size_t bytes))
{
    present = find_registers(map);
    if (!present)
        return;

    /* While the APIC is disabled by software, all local interrupts stay masked: so this is first.
     * Interrupts of every priority are accepted. */
    write_register(SPURIOUS_VECTOR, SOFTWARE_ENABLED | TRAP_SPURIOUS);
    write_register(TASK_PRIORITY, 0);
    end_old_interrupts();

    write_register(LVT_TIMER, LVT_MASKED);
    write_register(LVT_ERROR, LVT_MASKED);

    /* Virtual wire mode: the 8259s interrupt through LINT0, and LINT1 is the NMI. The firmware
     * may have left both masked. */
    write_register(LVT_LINT0, LVT_EXTINT);
    write_register(LVT_LINT1, LVT_NMI);
}
