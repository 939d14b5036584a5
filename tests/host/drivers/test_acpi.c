/*
 * test_acpi.c - kernel/x86/acpi.c: tables with wrong pointers, lengths or checksums do not exist,
 * and no byte outside of them is read.
 *
 * Physical memory is an array; mappings are copies of exactly the bytes asked for, so that the
 * sanitizer sees each access beyond them, and are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/x86/acpi.c"

enum {
    MEMORY_BYTES = 0x100000,
    RSDP_AT = 0xe0010,
    RSDT_AT = 0x1000,
    XSDT_AT = 0x2000,
    FADT_AT = 0x3000,
    MADT_AT = 0x4000,
    CHECKSUM_AT = 9,
};

static uint8_t physical[MEMORY_BYTES];
static int mappings;

static const void *map(uint64_t address, size_t bytes)
{
    if (address >= MEMORY_BYTES || bytes > MEMORY_BYTES - address)
        return NULL;
    mappings++;
    return memcpy(malloc(bytes), physical + address, bytes);
}

static void unmap(const void *mapped, size_t bytes)
{
    (void)bytes;
    mappings--;
    free((void *)(uintptr_t)mapped);
}

static const struct acpi_memory array_memory = { map, unmap };

static void put_number(size_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        physical[at + i] = (uint8_t)(value >> 8 * i);
}

static void fix_sum(size_t at, size_t bytes, size_t checksum_at)
{
    uint8_t sum = 0;
    physical[checksum_at] = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + physical[at + i]);
    physical[checksum_at] = (uint8_t)-sum;
}

static void put_table(size_t at, const char *signature, uint32_t bytes)
{
    memcpy(physical + at, signature, SIGNATURE_BYTES);
    put_number(at + HEADER_LENGTH, bytes, 4);
    fix_sum(at, bytes, at + CHECKSUM_AT);
}

/* An RSDP with an RSDT that lists the FADT, and an XSDT that lists the MADT. */
static int make_tables(void **state)
{
    (void)state;
    memset(physical, 0, sizeof(physical));
    mappings = 0;
    memcpy(physical + RSDP_AT, "RSD PTR ", 8);
    physical[RSDP_AT + RSDP_REVISION] = 2;
    put_number(RSDP_AT + RSDP_RSDT, RSDT_AT, 4);
    put_number(RSDP_AT + RSDP_XSDT, XSDT_AT, 8);
    fix_sum(RSDP_AT, RSDP_FIRST_BYTES, RSDP_AT + 8);

    put_number(RSDT_AT + HEADER_BYTES, FADT_AT, 4);
    put_table(RSDT_AT, "RSDT", HEADER_BYTES + 4);
    put_number(XSDT_AT + HEADER_BYTES, 0x7fffffffffff, 8); /* not mapped: skipped */
    put_number(XSDT_AT + HEADER_BYTES + 8, MADT_AT, 8);
    put_table(XSDT_AT, "XSDT", HEADER_BYTES + 16);
    put_table(FADT_AT, "FACP", 244);
    put_table(MADT_AT, "APIC", 60);
    return 0;
}

static bool start(void)
{
    static struct boot_info boot;
    return acpi_start(&boot, &array_memory);
}

/* Returns the length of a table, 0 if it does not exist; no mapping may be left. */
static size_t length_of(const char *signature)
{
    struct bytes table = acpi_open(signature);
    size_t length = table.length;
    acpi_close(table);
    assert_int_equal(mappings, 0);
    return length;
}

static void tables_of_both_roots_are_found(void **state)
{
    (void)state;
    assert_true(start());
    assert_int_equal(length_of("APIC"), 60);
    assert_int_equal(length_of("FACP"), 244);
    assert_int_equal(length_of("HPET"), 0);
}

static void the_loaders_copy_comes_first(void **state)
{
    struct boot_info boot = { 0 };
    (void)state;
    memcpy(boot.rsdp, physical + RSDP_AT, BOOT_RSDP_BYTES);
    memset(physical + RSDP_AT, 0, BOOT_RSDP_BYTES);
    assert_false(start());
    assert_true(acpi_start(&boot, &array_memory));
    assert_int_equal(length_of("APIC"), 60);
}

static void a_damaged_table_does_not_exist(void **state)
{
    (void)state;
    assert_true(start());
    physical[MADT_AT + 50] ^= 1;
    assert_int_equal(length_of("APIC"), 0);

    put_number(FADT_AT + HEADER_LENGTH, HEADER_BYTES - 1, 4);
    assert_int_equal(length_of("FACP"), 0);
    put_number(FADT_AT + HEADER_LENGTH, UINT32_MAX, 4);
    assert_int_equal(length_of("FACP"), 0);
    put_number(FADT_AT + HEADER_LENGTH, MEMORY_BYTES, 4); /* beyond what can be mapped */
    assert_int_equal(length_of("FACP"), 0);
}

static void a_root_that_ends_in_an_entry_is_read_to_its_end(void **state)
{
    (void)state;
    put_table(XSDT_AT, "XSDT", HEADER_BYTES + 12);
    assert_true(start());
    assert_int_equal(length_of("APIC"), 0);
    assert_int_equal(length_of("FACP"), 244);
}

/* ---- _S5 ----------------------------------------------------------------------------------- */

static bool find_s5(const uint8_t *aml, size_t bytes, uint8_t *type_a, uint8_t *type_b)
{
    uint8_t *dsdt = calloc(1, HEADER_BYTES + bytes);
    memcpy(dsdt + HEADER_BYTES, aml, bytes);
    bool found = acpi_find_s5((struct bytes){ dsdt, HEADER_BYTES + bytes }, type_a, type_b);
    free(dsdt);
    return found;
}

static void s5_is_read_in_every_encoding(void **state)
{
    static const uint8_t prefixed[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 5, 0x0a,
                                        7 };
    static const uint8_t constants[] = { '_', 'S', '5', '_', 0x12, 0x46, 0x00, 0x02, 0x01, 0x00 };
    uint8_t a, b;
    (void)state;
    assert_true(find_s5(prefixed, sizeof(prefixed), &a, &b));
    assert_int_equal(a, 5);
    assert_int_equal(b, 7);
    assert_true(find_s5(constants, sizeof(constants), &a, &b));
    assert_int_equal(a, 1);
    assert_int_equal(b, 0);

    /* Cut anywhere, it is not found, and nothing after the end is read. */
    for (size_t bytes = 0; bytes < sizeof(prefixed); bytes++)
        assert_false(find_s5(prefixed, bytes, &a, &b));
}

static void s5_that_is_not_a_package_is_skipped(void **state)
{
    static const uint8_t aml[] = { '_', 'S', '5', '_', 0x14, 0x06, '_', 'S', '5', '_', 0x12, 0x06,
                                   0x04, 0x0a, 3, 0x00 };
    uint8_t a, b;
    (void)state;
    assert_true(find_s5(aml, sizeof(aml), &a, &b));
    assert_int_equal(a, 3);
    assert_int_equal(b, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tables_of_both_roots_are_found, make_tables),
        cmocka_unit_test_setup(the_loaders_copy_comes_first, make_tables),
        cmocka_unit_test_setup(a_damaged_table_does_not_exist, make_tables),
        cmocka_unit_test_setup(a_root_that_ends_in_an_entry_is_read_to_its_end, make_tables),
        cmocka_unit_test(s5_is_read_in_every_encoding),
        cmocka_unit_test(s5_that_is_not_a_package_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
