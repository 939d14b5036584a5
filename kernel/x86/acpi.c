/*
 * acpi.c - searches, checks and maps ACPI's tables: see acpi.h.
 */
#include "kernel/x86/acpi.h"
#include "lib/string.h"

enum {
    /* The root pointer. Its first checksum covers the bytes of revision 0. */
    RSDP_REVISION = 15,
    RSDP_RSDT = 16, /* 32-bit address of a table of 32-bit addresses */
    RSDP_XSDT = 24, /* from revision 2 on: the same with 64 bits */
    RSDP_FIRST_BYTES = 20,
    RSDP_ALIGNMENT = 16,

    /* The header of every other table. */
    HEADER_LENGTH = 4,
    HEADER_BYTES = 36,
    SIGNATURE_BYTES = 4,
    TABLE_BYTES_MAX = 4 << 20,

    /* Where BIOSes put the root pointer: the first KiB of the EBDA, whose segment is in the BIOS
     * data area, and the BIOS's read-only memory. */
    BDA_EBDA_SEGMENT = 0x40e,
    EBDA_MIN = 0x80000,
    EBDA_END = 0xa0000,
    EBDA_SEARCHED_BYTES = 1024,
    BIOS_START = 0xe0000,
    BIOS_BYTES = 0x20000,
};

static const struct acpi_memory *memory;
static uint64_t xsdt_address, rsdt_address; /* 0: none */

static struct bytes map_bytes(uint64_t address, size_t count)
{
    const uint8_t *data = address != 0 ? memory->map(address, count) : NULL;
    return (struct bytes){ data, data ? count : 0 };
}

void acpi_close(struct bytes table)
{
    if (table.data)
        memory->unmap(table.data, table.length);
}

static bool sums_to_zero(const uint8_t *data, size_t count)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + data[i]);
    return sum == 0;
}

/* ---- the root pointer ------------------------------------------------------------------------ */

static bool is_rsdp(const uint8_t *at)
{
    return memcmp(at, "RSD PTR ", 8) == 0 && sums_to_zero(at, RSDP_FIRST_BYTES);
}

static bool search_rsdp(uint64_t start, size_t count, uint8_t *rsdp)
{
    struct bytes area = map_bytes(start, count);
    bool found = false;

    /* The root pointer is copied, so that the area need not stay mapped. */
    for (size_t at = 0; !found && bytes_has(area, at, BOOT_RSDP_BYTES); at += RSDP_ALIGNMENT) {
        found = is_rsdp(area.data + at);
        if (found)
            memcpy(rsdp, area.data + at, BOOT_RSDP_BYTES);
    }
    acpi_close(area);
    return found;
}

static uint64_t read_ebda_address(void)
{
    struct bytes word = map_bytes(BDA_EBDA_SEGMENT, sizeof(uint16_t));
    uint64_t address = (uint64_t)bytes_le16(word, 0) << 4;

    /* Under UEFI the word may have any value: accept only addresses at the end of low memory. */
    acpi_close(word);
    return address >= EBDA_MIN && address < EBDA_END ? address : 0;
}

bool acpi_start(const struct boot_info *boot, const struct acpi_memory *the_memory)
{
    uint8_t copy[BOOT_RSDP_BYTES];
    struct bytes rsdp = { copy, sizeof(copy) };

    memory = the_memory;
    xsdt_address = rsdt_address = 0;

    /* The loader's copy first: under UEFI the root pointer is not where BIOSes put it. */
    memcpy(copy, boot->rsdp, sizeof(copy));
    if (!is_rsdp(copy) && !search_rsdp(read_ebda_address(), EBDA_SEARCHED_BYTES, copy) &&
        !search_rsdp(BIOS_START, BIOS_BYTES, copy))
        return false;

    /* Before revision 2 the structure ends before the XSDT's address. */
    if (bytes_u8(rsdp, RSDP_REVISION) >= 2)
        xsdt_address = bytes_le64(rsdp, RSDP_XSDT);
    rsdt_address = bytes_le32(rsdp, RSDP_RSDT);
    return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct bytes acpi_open_at(uint64_t address)
{
    /* The header alone first: how much is to be mapped is known only from it. */
    struct bytes header = map_bytes(address, HEADER_BYTES);
    uint32_t length = bytes_le32(header, HEADER_LENGTH);
    acpi_close(header);
    if (length < HEADER_BYTES || length > TABLE_BYTES_MAX)
        return (struct bytes){ 0 };

    /* All bytes of an intact table add up to 0, its checksum included (5.2.6). */
    struct bytes table = map_bytes(address, length);
    if (table.data && sums_to_zero(table.data, table.length))
        return table;
    acpi_close(table);
    return (struct bytes){ 0 };
}

static bool has_signature(uint64_t address, const char *signature)
{
    struct bytes header = map_bytes(address, SIGNATURE_BYTES);
    bool same = header.data && memcmp(header.data, signature, SIGNATURE_BYTES) == 0;
    acpi_close(header);
    return same;
}

/* Returns the address of a table that the root table lists, or 0. */
static uint64_t find_table(uint64_t root_address, size_t entry_bytes, const char *signature)
{
    struct bytes root = acpi_open_at(root_address);
    uint64_t found = 0;

    /* After the header, the root table consists of addresses only. */
    for (size_t at = HEADER_BYTES; found == 0 && bytes_has(root, at, entry_bytes);
         at += entry_bytes) {
        /* A wrong entry matches no signature: an address that cannot be mapped reads as empty. */
        uint64_t address = entry_bytes == sizeof(uint64_t) ? bytes_le64(root, at)
                                                           : bytes_le32(root, at);
        if (has_signature(address, signature))
            found = address;
    }
    acpi_close(root);
    return found;
}

struct bytes acpi_open(const char *signature)
{
    /* Search the RSDT as well, since some firmware lists tables only there. */
    uint64_t address = find_table(xsdt_address, sizeof(uint64_t), signature);
    if (address == 0)
        address = find_table(rsdt_address, sizeof(uint32_t), signature);
    return acpi_open_at(address);
}

/* ---- AML ------------------------------------------------------------------------------------- */

enum {
    AML_ONE_OP = 0x01, /* ZeroOp is 0x00 */
    AML_BYTE_PREFIX = 0x0a,
    AML_PACKAGE_OP = 0x12,
    AML_LENGTH_SHIFT = 6, /* of PkgLength's first byte: how many bytes follow it */
    AML_NAME_BYTES = 4,
};

/* Reads a number at *at (ZeroOp, OneOp, or a byte after its prefix) and moves *at past it. */
static bool read_byte(struct bytes aml, size_t *at, uint8_t *value)
{
    if (bytes_has(aml, *at, 1) && bytes_u8(aml, *at) <= AML_ONE_OP) {
        *value = bytes_u8(aml, (*at)++);
        return true;
    }
    if (!bytes_has(aml, *at, 2) || bytes_u8(aml, *at) != AML_BYTE_PREFIX)
        return false;
    *value = bytes_u8(aml, *at + 1);
    *at += 2;
    return true;
}

/* Reads what follows the name: PackageOp, PkgLength (1 to 4 bytes), the count, the elements. */
static bool read_s5(struct bytes aml, size_t at, uint8_t *type_a, uint8_t *type_b)
{
    if (bytes_u8(aml, at) != AML_PACKAGE_OP)
        return false;

    /* Skip the opcode, the length and the count. Reading past the end yields 0, and read_byte()
     * checks the bounds again. */
    size_t length_bytes = 1 + (bytes_u8(aml, at + 1) >> AML_LENGTH_SHIFT);
    at += 1 + length_bytes + 1;
    return read_byte(aml, &at, type_a) && read_byte(aml, &at, type_b);
}

bool acpi_find_s5(struct bytes dsdt, uint8_t *type_a, uint8_t *type_b)
{
    /* The name may also occur where it is referred to; only its definition has a package. */
    for (size_t at = HEADER_BYTES; bytes_has(dsdt, at, AML_NAME_BYTES); at++)
        if (memcmp(dsdt.data + at, "_S5_", AML_NAME_BYTES) == 0 &&
            read_s5(dsdt, at + AML_NAME_BYTES, type_a, type_b))
            return true;
    return false;
}
