#include "kernel/x86/power.h"
#include "kernel/log.h"
#include "kernel/mm/space.h"
#include "kernel/port.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/ports.h"
#include "lib/bytes.h"
#include "lib/string.h"

enum {
    DEBUG_EXIT_PORT = 0xf4,
    KEYBOARD_STATUS = 0x64,
    RESET_PORT = 0xcf9,

    HEADER_BYTES = 36,
    TABLE_BYTES_MAX = 4 << 20,
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_CENTURY = 108,
    FADT_LONG_DSDT = 140,

    PM1_SCI_ENABLED = 1,
    PM1_SLEEP_TYPE_SHIFT = 10,
    PM1_SLEEP_ENABLE = 1 << 13,
    ENABLE_POLLS_MAX = 1000000,
};

static struct {
    uint16_t pm1a, pm1b, smi_command; /* ports; 0: not known */
    uint8_t enable;
    uint8_t sleep_type_a, sleep_type_b;
    bool known;
} soft_off;

static unsigned century_register;

unsigned power_century_register(void)
{
    return century_register;
}

/* ---- reading the tables ------------------------------------------------------------------- */

static bool sums_to_zero(const uint8_t *bytes, size_t count)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

static bool is_rsdp(const uint8_t *at)
{
    return memcmp(at, "RSD PTR ", 8) == 0 && sums_to_zero(at, 20);
}

static struct bytes map_bytes(uint64_t address, size_t bytes)
{
    const uint8_t *data = address != 0 ? space_map_firmware(address, bytes) : NULL;
    return (struct bytes){ data, data != NULL ? bytes : 0 };
}

static void unmap_bytes(struct bytes bytes)
{
    if (bytes.data != NULL)
        space_unmap(bytes.data, bytes.length);
}

/* Maps a table whose header and sum are right, else gives no bytes. */
static struct bytes map_table(uint64_t address)
{
    struct bytes header = map_bytes(address, HEADER_BYTES);
    uint32_t length = bytes_le32(header, 4);
    unmap_bytes(header);
    if (length < HEADER_BYTES || length > TABLE_BYTES_MAX)
        return (struct bytes){ 0 };

    struct bytes table = map_bytes(address, length);
    if (sums_to_zero(table.data, table.length))
        return table;
    unmap_bytes(table);
    return (struct bytes){ 0 };
}

static bool has_signature(uint64_t address, const char *signature)
{
    struct bytes header = map_bytes(address, 4);
    bool same = header.data != NULL && memcmp(header.data, signature, 4) == 0;
    unmap_bytes(header);
    return same;
}

/* Address of the table with this signature among those that the root table lists; 0: none. */
static uint64_t find_table(uint64_t root_address, size_t pointer_bytes, const char *signature)
{
    struct bytes root = map_table(root_address);
    uint64_t found = 0;

    for (size_t at = HEADER_BYTES; found == 0 && bytes_has(root, at, pointer_bytes);
         at += pointer_bytes) {
        uint64_t address = pointer_bytes == 8 ? bytes_le64(root, at) : bytes_le32(root, at);
        if (has_signature(address, signature))
            found = address;
    }
    unmap_bytes(root);
    return found;
}

/* A number in AML at *at: Zero, One, or a byte after its prefix. */
static bool read_aml_byte(struct bytes aml, size_t *at, uint8_t *value)
{
    enum { ONE_OP = 1, BYTE_PREFIX = 0x0a };

    if (bytes_has(aml, *at, 1) && bytes_u8(aml, *at) <= ONE_OP) {
        *value = bytes_u8(aml, (*at)++);
        return true;
    }
    if (!bytes_has(aml, *at, 2) || bytes_u8(aml, *at) != BYTE_PREFIX)
        return false;
    *value = bytes_u8(aml, *at + 1);
    *at += 2;
    return true;
}

/* After the name _S5_: PackageOp, PkgLength (1 to 4 bytes), the count, the elements. */
static bool read_s5_package(struct bytes aml, size_t at)
{
    enum { PACKAGE_OP = 0x12 };

    if (bytes_u8(aml, at) != PACKAGE_OP)
        return false;
    at += 1 + 1 + (bytes_u8(aml, at + 1) >> 6) + 1;
    return read_aml_byte(aml, &at, &soft_off.sleep_type_a) &&
           read_aml_byte(aml, &at, &soft_off.sleep_type_b);
}

static bool find_s5(struct bytes dsdt)
{
    for (size_t at = HEADER_BYTES; bytes_has(dsdt, at, 4); at++)
        if (memcmp(dsdt.data + at, "_S5_", 4) == 0 && read_s5_package(dsdt, at + 4))
            return true;
    return false;
}

static void read_fadt(struct bytes fadt)
{
    uint64_t dsdt_address = bytes_le64(fadt, FADT_LONG_DSDT);
    if (dsdt_address == 0)
        dsdt_address = bytes_le32(fadt, FADT_DSDT);
    struct bytes dsdt = map_table(dsdt_address);

    century_register = bytes_u8(fadt, FADT_CENTURY);
    soft_off.smi_command = (uint16_t)bytes_le32(fadt, FADT_SMI_COMMAND);
    soft_off.enable = bytes_u8(fadt, FADT_ACPI_ENABLE);
    soft_off.pm1a = (uint16_t)bytes_le32(fadt, FADT_PM1A_CONTROL);
    soft_off.pm1b = (uint16_t)bytes_le32(fadt, FADT_PM1B_CONTROL);
    soft_off.known = soft_off.pm1a != 0 && find_s5(dsdt);
    unmap_bytes(dsdt);
}

/* Where BIOSes leave the root pointer: the first KiB of the EBDA, and 0xe0000..0xfffff. */
static bool search_rsdp(uint64_t start, size_t bytes, uint8_t *rsdp)
{
    struct bytes area = map_bytes(start, bytes);
    bool found = false;

    for (size_t at = 0; !found && bytes_has(area, at, BOOT_RSDP_BYTES); at += 16) {
        found = is_rsdp(area.data + at);
        if (found)
            memcpy(rsdp, area.data + at, BOOT_RSDP_BYTES);
    }
    unmap_bytes(area);
    return found;
}

static uint64_t read_ebda_address(void)
{
    struct bytes word = map_bytes(0x40e, 2);
    uint64_t address = (uint64_t)bytes_le16(word, 0) << 4;
    unmap_bytes(word);
    return address >= 0x80000 && address < 0xa0000 ? address : 0;
}

static bool find_rsdp(const struct boot_info *boot, uint8_t *rsdp)
{
    memcpy(rsdp, boot->rsdp, BOOT_RSDP_BYTES);
    return is_rsdp(rsdp) || search_rsdp(read_ebda_address(), 1024, rsdp) ||
           search_rsdp(0xe0000, 0x20000, rsdp);
}

void power_start(const struct boot_info *boot)
{
    uint8_t root[BOOT_RSDP_BYTES];
    struct bytes rsdp = { root, sizeof root };
    uint64_t fadt_address = 0;

    if (!find_rsdp(boot, root)) {
        log_info("power", "no ACPI tables");
        return;
    }
    if (bytes_u8(rsdp, 15) >= 2)
        fadt_address = find_table(bytes_le64(rsdp, 24), 8, "FACP");
    if (fadt_address == 0)
        fadt_address = find_table(bytes_le32(rsdp, 16), 4, "FACP");

    struct bytes fadt = map_table(fadt_address);
    read_fadt(fadt);
    unmap_bytes(fadt);
    if (!soft_off.known)
        log_info("power", "no soft-off that I understand in the ACPI tables");
}

/* ---- the end ------------------------------------------------------------------------------ */

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void power_debug_exit(int code)
{
    if (cpu_has_hypervisor())
        port_out8(DEBUG_EXIT_PORT, (uint8_t)code);
}

/* The firmware owns the power registers until it is told otherwise. */
static void enable_acpi(void)
{
    if (soft_off.smi_command == 0 || soft_off.enable == 0 ||
        (port_in16(soft_off.pm1a) & PM1_SCI_ENABLED))
        return;
    port_out8(soft_off.smi_command, soft_off.enable);
    for (int i = 0; i < ENABLE_POLLS_MAX && !(port_in16(soft_off.pm1a) & PM1_SCI_ENABLED); i++)
        ;
}

_Noreturn void machine_poweroff(int code)
{
    cpu_interrupts_off();
    power_debug_exit(code);
    if (soft_off.known) {
        enable_acpi();
        port_out16(soft_off.pm1a, (uint16_t)(soft_off.sleep_type_a << PM1_SLEEP_TYPE_SHIFT |
                                             PM1_SLEEP_ENABLE));
        if (soft_off.pm1b != 0)
            port_out16(soft_off.pm1b, (uint16_t)(soft_off.sleep_type_b << PM1_SLEEP_TYPE_SHIFT |
                                                 PM1_SLEEP_ENABLE));
    }
    halt();
}

static void wait_a_moment(void)
{
    for (int i = 0; i < 100000; i++)
        port_in8(0x80);
}

/* The keyboard controller's pulse, the chipset's reset port, at last a triple fault. */
_Noreturn void machine_reboot(void)
{
    static const uint8_t empty_table[10];

    cpu_interrupts_off();
    for (int i = 0; i < 100000 && (port_in8(KEYBOARD_STATUS) & 2); i++)
        ;
    port_out8(KEYBOARD_STATUS, 0xfe);
    wait_a_moment();
    port_out8(RESET_PORT, 0x02);
    port_out8(RESET_PORT, 0x06);
    wait_a_moment();
    __asm__ volatile("lidt %0; int3" : : "m"(empty_table));
    halt();
}
