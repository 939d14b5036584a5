/*
 * test_pci_ecam.c - promise: only the memory of buses that MCFG names is mapped, none of it is RAM,
 * and a table that is cut off or wrong is not used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/pci/ecam.c"

enum { TABLE_BYTES_MAX = 256 };

static uint8_t table[TABLE_BYTES_MAX];
static size_t table_bytes;
static uint64_t mapped_at; /* the last mapping */
static unsigned mappings;
static bool no_memory;

struct bytes acpi_open(const char *signature)
{
    kassert(strcmp(signature, "MCFG") == 0);

    /* A copy of the exact size, so that the sanitizer sees each access beyond it. */
    uint8_t *copy = table_bytes ? malloc(table_bytes) : NULL;
    if (copy)
        memcpy(copy, table, table_bytes);
    return (struct bytes){ copy, table_bytes };
}

void acpi_close(struct bytes opened)
{
    free((void *)(uintptr_t)opened.data);
}

void *space_map_mmio(uint64_t physical, size_t bytes)
{
    kassert(bytes == BUS_BYTES);
    mapped_at = physical;
    if (no_memory)
        return NULL;
    mappings++;
    return calloc(1, bytes);
}

void space_unmap(const void *memory, size_t bytes)
{
    kassert(bytes == BUS_BYTES);
    mappings--;
    free((void *)(uintptr_t)memory);
}

/* RAM is the first GiB. */
bool space_overlaps_ram(uint64_t physical, uint64_t bytes)
{
    (void)bytes;
    return physical < 1 << 30;
}

status_t pci_function_map(const struct pci_function *function, const struct pci_bar *bar,
                          uint64_t offset, uint32_t bytes, struct registers *window)
{
    (void)function, (void)bar, (void)offset, (void)bytes, (void)window;
    return -ENODEV;
}

void pci_function_unmap(const struct pci_function *function, struct registers *window)
{
    (void)function, (void)window;
}

int pci_function_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                         unsigned wanted)
{
    (void)function, (void)interrupts, (void)wanted;
    return -ENODEV;
}

void pci_function_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count)
{
    (void)function, (void)interrupts, (void)count;
}

static int make_table(void **state)
{
    (void)state;
    pci_ecam_forget();
    memset(table, 0, sizeof(table));
    table_bytes = ENTRIES;
    no_memory = false;
    mapped_at = 0;
    return 0;
}

static int check_mappings(void **state)
{
    (void)state;
    pci_ecam_forget();
    return mappings == 0 ? 0 : -1;
}

static void put_entry(uint64_t address, unsigned segment, uint8_t first, uint8_t last)
{
    uint8_t *entry = table + table_bytes;
    for (unsigned i = 0; i < 8; i++)
        entry[ENTRY_ADDRESS + i] = (uint8_t)(address >> i * 8);
    entry[ENTRY_SEGMENT] = (uint8_t)segment;
    entry[ENTRY_FIRST] = first;
    entry[ENTRY_LAST] = last;
    table_bytes += ENTRY_BYTES;
}

static void buses_are_mapped_when_they_are_used(void **state)
{
    (void)state;
    put_entry(0xb0000000, 0, 0, 15);
    put_entry(0xe0000000, 0, 128, 255); /* the address of bus 0, which it does not contain */
    pci_ecam_start();
    assert_int_equal(mappings, 0);
    assert_non_null(pci_ecam_open(15));
    assert_int_equal(mapped_at, 0xb0f00000);
    assert_null(pci_ecam_open(16));
    assert_null(pci_ecam_open(127));
    assert_non_null(pci_ecam_open(128));
    assert_int_equal(mapped_at, 0xe8000000);
    assert_non_null(pci_ecam_open(128));
    assert_int_equal(mappings, 2);
    pci_ecam_close(128);
    pci_ecam_close(16);
    assert_int_equal(mappings, 1);
}

static void registers_are_at_their_places(void **state)
{
    struct pci_function function = { .bus = 2, .slot = 31, .function = 7 };
    (void)state;
    put_entry(0xb0000000, 0, 0, 255);
    pci_ecam_start();
    const struct pci_ops *ops = pci_ecam_open(2);
    ops->write32(&function, 0xffc, 0x12345678);
    assert_int_equal(ops->read32(&function, 0xffc), 0x12345678);
    uint32_t last;
    memcpy(&last, windows[2] + BUS_BYTES - 4, sizeof(last));
    assert_int_equal(last, 0x12345678);
}

static void impossible_ranges_are_not_used(void **state)
{
    (void)state;
    put_entry(0, 0, 0, 255);
    put_entry(0x3fffffff, 0, 0, 0);          /* RAM, and not a multiple of a bus */
    put_entry(0x20000000, 0, 0, 3);          /* RAM */
    put_entry(0xb0000000, 0, 4, 3);          /* ends before it begins */
    put_entry(0xb0000000, 1, 0, 255);        /* another segment */
    put_entry(0xfffffffffff00000, 0, 4, 5);  /* wraps around, into RAM */
    put_entry(0xfffffffff0000000, 0, 0, 5);  /* more than a processor can address */
    pci_ecam_start();
    for (unsigned bus = 0; bus < PCI_BUSES_MAX; bus++)
        assert_null(pci_ecam_open(bus));
    assert_int_equal(mapped_at, 0);
}

static void tables_without_a_whole_entry_are_empty(void **state)
{
    (void)state;
    put_entry(0xb0000000, 0, 0, 255);
    size_t whole = table_bytes;
    for (table_bytes = 0; table_bytes < whole; table_bytes++) {
        pci_ecam_start();
        assert_null(pci_ecam_open(0));
    }
}

static void more_ranges_than_fit_are_skipped(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RANGES_MAX + 4; i++)
        put_entry(0xb0000000, 0, (uint8_t)i, (uint8_t)i);
    pci_ecam_start();
    assert_non_null(pci_ecam_open(RANGES_MAX - 1));
    assert_null(pci_ecam_open(RANGES_MAX));
}

static void without_memory_for_the_mapping_there_is_no_access(void **state)
{
    (void)state;
    put_entry(0xb0000000, 0, 0, 255);
    pci_ecam_start();
    no_memory = true;
    assert_null(pci_ecam_open(0));
    no_memory = false;
    assert_non_null(pci_ecam_open(0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_table, check_mappings)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(buses_are_mapped_when_they_are_used),
        TEST(registers_are_at_their_places),
        TEST(impossible_ranges_are_not_used),
        TEST(tables_without_a_whole_entry_are_empty),
        TEST(more_ranges_than_fit_are_skipped),
        TEST(without_memory_for_the_mapping_there_is_no_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
