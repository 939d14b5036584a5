/*
 * test_pci.c - promise: whatever a PCI function reports in its configuration space, reading it
 * ends, no neighbour of a register changes, and no BAR, capability or table of messages is used
 * that cannot be right.
 *
 * The functions are arrays of registers; the local APIC is replaced by a counter of messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/pci/function.c"
#include "drivers/pci/msi.c"

enum {
    WORDS = 64,
    COMMAND_MASTER = 1 << 2,
    STATUS_LIST = 1 << 20, /* of the word that has command and status */
    POINTER = 0x34 / 4,
    TABLE_BYTES = 64 * ENTRY_BYTES,
    MESSAGES = 40,
};

/* One function. A word's bits that are not in `writable` keep their value. */
static struct fake {
    struct pci_function function;
    uint32_t words[WORDS], writable[WORDS];
    uint32_t status_written; /* ones written to the status register, which clear it */
    unsigned reads, windows;
    uint32_t table[TABLE_BYTES / 4];
} fake;

static uint32_t fake_read32(const struct pci_function *function, unsigned offset)
{
    (void)function;
    kassert(offset % 4 == 0 && offset / 4 < WORDS);
    fake.reads++;
    return fake.words[offset / 4];
}

static void fake_write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    (void)function;
    kassert(offset % 4 == 0 && offset / 4 < WORDS);
    if (offset == PCI_COMMAND)
        fake.status_written |= value >> 16;
    uint32_t *word = &fake.words[offset / 4], writable = fake.writable[offset / 4];
    *word = (*word & ~writable) | (value & writable);
}

static uint64_t table_read(const struct registers *window, uint64_t address, unsigned bytes)
{
    (void)window;
    kassert(bytes == 4 && address + bytes <= TABLE_BYTES);
    return fake.table[address / 4];
}

static void table_write(const struct registers *window, uint64_t address, unsigned bytes,
                        uint64_t value)
{
    (void)window;
    kassert(bytes == 4 && address + bytes <= TABLE_BYTES);
    fake.table[address / 4] = (uint32_t)value;
}

static const struct register_access table_access = { .read = table_read, .write = table_write };

static status_t fake_map(const struct pci_function *function, const struct pci_bar *bar,
                         uint64_t offset, uint32_t bytes, struct registers *window)
{
    (void)function;
    (void)bar;
    *window = (struct registers){ .access = &table_access, .base = offset, .bytes = bytes };
    fake.windows++;
    return 0;
}

static void fake_unmap(const struct pci_function *function, struct registers *window)
{
    (void)function;
    (void)window;
    fake.windows--;
}

static const struct pci_ops fake_ops = {
    .read32 = fake_read32, .write32 = fake_write32, .map = fake_map, .unmap = fake_unmap
};

/* ---- the local APIC's side ------------------------------------------------------------------ */

static unsigned messages_free;
static bool message_used[MESSAGES];

status_t interrupt_register_message(struct interrupt_handler *handler,
                                    struct interrupt_message *message)
{
    unsigned i = 0;
    (void)handler;
    if (!messages_free)
        return -EBUSY;
    while (message_used[i])
        i++;
    message_used[i] = true;
    messages_free--;
    *message = (struct interrupt_message){ 0xfee00000, 0x30 + i, INTERRUPT_LINES + i };
    return 0;
}

void interrupt_unregister(unsigned source, struct interrupt_handler *handler)
{
    (void)handler;
    kassert(message_used[source - INTERRUPT_LINES]);
    message_used[source - INTERRUPT_LINES] = false;
    messages_free++;
}

/* A function of vendor 1234 without BARs and capabilities. */
static int make_function(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    fake.function.ops = &fake_ops;
    fake.words[PCI_ID / 4] = 0x56781234;
    fake.words[PCI_COMMAND / 4] = 0x0007;
    fake.writable[PCI_COMMAND / 4] = 0xffff;
    fake.words[PCI_CLASS / 4] = 0x01080201;
    messages_free = MESSAGES;
    return 0;
}

/* ---- the header ----------------------------------------------------------------------------- */

/* A BAR that decodes the bits of `mask`, and has these bits below them. */
static void put_bar(unsigned number, uint32_t base, uint32_t mask, uint32_t flags)
{
    fake.words[PCI_BAR0 / 4 + number] = base | flags;
    fake.writable[PCI_BAR0 / 4 + number] = mask;
}

static void expect_bar(unsigned number, uint64_t base, uint64_t bytes)
{
    assert_int_equal(fake.function.bars[number].base, base);
    assert_int_equal(fake.function.bars[number].bytes, bytes);
}

static void bars_are_measured_and_restored(void **state)
{
    (void)state;
    put_bar(0, 0xc000, 0xffffffe0, BAR_IO);
    put_bar(1, 0xfeb00000, 0xfffff000, 0);
    put_bar(2, 0xe0000000, 0xf0000000, BAR_MEMORY_64);
    put_bar(3, 0x00000001, 0xffffffff, 0);
    put_bar(4, 0x170, 0xfff8, BAR_IO); /* only 16 bits */
    assert_true(pci_function_identify(&fake.function));
    expect_bar(0, 0xc000, 32);
    expect_bar(1, 0xfeb00000, 4096);
    expect_bar(2, 0x1e0000000, 0x10000000);
    expect_bar(3, 0, 0);
    expect_bar(4, 0x170, 8);
    expect_bar(5, 0, 0);
    assert_true(fake.function.bars[0].io && !fake.function.bars[1].io);

    assert_int_equal(fake.words[PCI_BAR0 / 4], 0xc001);
    assert_int_equal(fake.words[PCI_COMMAND / 4], 0x0007);
    assert_int_equal(fake.status_written, 0);
    assert_int_equal(fake.function.class_code << 8 | fake.function.subclass, 0x0108);
}

static void impossible_bars_are_not_used(void **state)
{
    (void)state;
    put_bar(0, 0xff000000, 0xff00f000, 0);        /* a hole in the size */
    put_bar(2, 0x10000, 0xfffffff0, BAR_IO);      /* outside of port space */
    put_bar(3, 0xe0000000, 0xfffff000, BAR_MEMORY_64);
    put_bar(4, 0xffffffff, 0xffffffff, 0);        /* its lowest bits: in port space, too far */
    put_bar(5, 0xe0000000, 0xf0000000, BAR_MEMORY_64); /* without an upper half: 32 bits */
    assert_true(pci_function_identify(&fake.function));
    for (unsigned i = 0; i < 5; i++)
        expect_bar(i, 0, 0);
    expect_bar(5, 0xe0000000, 0x10000000);
}

static void a_bar_of_ones_or_zeroes_is_not_used(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PCI_BARS; i++)
        put_bar(i, 0xffffffff, 0, 0); /* reads as ones whatever is written */
    assert_true(pci_function_identify(&fake.function));
    for (unsigned i = 0; i < PCI_BARS; i++)
        expect_bar(i, 0, 0);
}

static void host_bridges_keep_decoding(void **state)
{
    (void)state;
    fake.words[PCI_CLASS / 4] = 0x06000000;
    fake.writable[PCI_COMMAND / 4] = 0;
    put_bar(0, 0xe0000000, 0xf0000000, 0);
    assert_true(pci_function_identify(&fake.function));
    expect_bar(0, 0, 0);
}

static void a_bridge_has_two_bars(void **state)
{
    (void)state;
    fake.words[PCI_CLASS / 4] = 0x06040000;
    fake.words[PCI_HEADER / 4] = PCI_HEADER_BRIDGE << 16;
    put_bar(0, 0xfeb00000, 0xfffff000, 0);
    put_bar(2, 0x00020100, 0xffffffff, 0); /* the numbers of its buses */
    assert_true(pci_function_identify(&fake.function));
    expect_bar(0, 0xfeb00000, 4096);
    expect_bar(2, 0, 0);
    assert_int_equal(fake.words[PCI_BUSES / 4], 0x00020100);
}

static void absent_functions_are_recognised(void **state)
{
    (void)state;
    fake.words[PCI_ID / 4] = 0xffffffff;
    assert_false(pci_function_identify(&fake.function));
    fake.words[PCI_ID / 4] = 0;
    assert_false(pci_function_identify(&fake.function));
}

static void lines_that_are_not_routed_are_not_connected(void **state)
{
    static const struct { uint32_t word; uint8_t line; } cases[] = {
        { 0x010b, 11 }, { 0x000b, 0xff }, { 0x0100, 0xff }, { 0x01ff, 0xff }
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        fake.words[PCI_INTERRUPT / 4] = cases[i].word;
        assert_true(pci_function_identify(&fake.function));
        assert_int_equal(fake.function.interrupt_line, cases[i].line);
    }
}

/* ---- registers and capabilities ------------------------------------------------------------- */

static void narrow_accesses_change_nothing_else(void **state)
{
    (void)state;
    fake.words[0x10] = 0x44332211;
    fake.writable[0x10] = UINT32_MAX;
    assert_int_equal(pci_read(&fake.function, 0x40, 1), 0x11);
    assert_int_equal(pci_read(&fake.function, 0x43, 1), 0x44);
    assert_int_equal(pci_read(&fake.function, 0x42, 2), 0x4433);
    assert_int_equal(pci_read(&fake.function, 0x40, 4), 0x44332211);
    pci_write(&fake.function, 0x41, 1, 0xffffaa);
    assert_int_equal(fake.words[0x10], 0x4433aa11);
    pci_write(&fake.function, 0x42, 2, 0xbbcc);
    assert_int_equal(fake.words[0x10], 0xbbccaa11);
}

static void the_command_is_written_without_clearing_the_status(void **state)
{
    (void)state;
    fake.words[PCI_COMMAND / 4] = 0xf9100400;
    pci_enable(&fake.function);
    assert_int_equal(fake.words[PCI_COMMAND / 4], 0xf9100007);
    pci_disable(&fake.function);
    assert_int_equal(fake.words[PCI_COMMAND / 4], 0xf9100003);
    assert_int_equal(fake.status_written, 0);
}

static void put_capability(unsigned offset, uint8_t id, uint8_t next, uint16_t control)
{
    fake.words[PCI_COMMAND / 4] |= STATUS_LIST;
    fake.words[offset / 4] = id | (uint32_t)next << 8 | (uint32_t)control << 16;
    fake.writable[offset / 4] = 0xffff0000;
    if (!fake.words[POINTER])
        fake.words[POINTER] = offset;
}

/* Returns how many capabilities of this kind a driver finds that asks for all. */
static unsigned count_capabilities(uint8_t id)
{
    unsigned count = 0;
    fake.reads = 0;
    for (unsigned at = 0; (at = pci_find_capability(&fake.function, id, at)) != 0; count++)
        assert_in_range(at, 0x40, 0xff);
    assert_in_range(fake.reads, 1, 20000);
    return count;
}

static void capabilities_are_found_in_order(void **state)
{
    (void)state;
    put_capability(0x50, 9, 0x43, 0); /* the lowest bits are reserved */
    put_capability(0x40, 5, 0xfc, 0);
    put_capability(0xfc, 9, 0, 0);
    assert_int_equal(pci_find_capability(&fake.function, 9, 0), 0x50);
    assert_int_equal(pci_find_capability(&fake.function, 9, 0x50), 0xfc);
    assert_int_equal(pci_find_capability(&fake.function, 9, 0xfc), 0);
    assert_int_equal(pci_find_capability(&fake.function, 5, 0), 0x40);
    assert_int_equal(pci_find_capability(&fake.function, 0x11, 0), 0);

    /* Without the bit in the status there is no list. */
    fake.words[PCI_COMMAND / 4] &= ~(uint32_t)STATUS_LIST;
    assert_int_equal(pci_find_capability(&fake.function, 9, 0), 0);
}

static void capability_lists_that_loop_end(void **state)
{
    (void)state;
    put_capability(0x50, 9, 0x60, 0);
    put_capability(0x60, 9, 0x50, 0);
    assert_int_equal(count_capabilities(9), 2);
    assert_int_equal(count_capabilities(5), 0);

    put_capability(0x60, 9, 0x60, 0);
    assert_int_equal(count_capabilities(9), 2);
    put_capability(0x60, 9, 0x10, 0); /* into the header */
    assert_int_equal(count_capabilities(9), 2);

    /* Every word is a capability, and the last refers to the first. */
    for (unsigned at = 0x40; at < 0x100; at += 4)
        put_capability(at, 9, (uint8_t)(at + 4 < 0x100 ? at + 4 : 0x40), 0);
    fake.words[POINTER] = 0x40;
    assert_int_equal(count_capabilities(9), 48);
}

static void a_pointer_of_ones_ends(void **state)
{
    (void)state;
    memset(&fake.words[0x10], 0xff, 48 * 4);
    fake.words[PCI_COMMAND / 4] |= STATUS_LIST;
    fake.words[POINTER] = 0xffffffff;
    assert_int_equal(count_capabilities(0xff), 1);
}

static void windows_outside_a_bar_are_refused(void **state)
{
    struct registers window;
    (void)state;
    fake.function.bars[1] = (struct pci_bar){ .base = 0xfeb00000, .bytes = 0x1000 };
    assert_int_equal(pci_map(&fake.function, 1, 0xf00, 0x101, &window), -ENODEV);
    assert_int_equal(pci_map(&fake.function, 1, 0x1001, 1, &window), -ENODEV);
    assert_int_equal(pci_map(&fake.function, 1, UINT64_MAX, 0x10, &window), -ENODEV);
    assert_int_equal(pci_map(&fake.function, 1, 0, 0, &window), -ENODEV);
    assert_int_equal(pci_map(&fake.function, 0, 0, 16, &window), -ENODEV);
    assert_int_equal(pci_map(&fake.function, 7, 0, 16, &window), -ENODEV);
    assert_int_equal(fake.windows, 0);
    assert_null(window.access);
    pci_unmap(&fake.function, &window);

    assert_int_equal(pci_map(&fake.function, 1, 0xf00, 0x100, &window), 0);
    pci_unmap(&fake.function, &window);
    assert_int_equal(fake.windows, 0);
}

/* ---- messages ------------------------------------------------------------------------------- */

enum { MSI_AT = 0x50, MSIX_AT = 0x70 };

static void put_msix(unsigned entries, uint32_t table)
{
    put_capability(MSIX_AT, PCI_CAPABILITY_MSIX, 0, (uint16_t)(entries - 1));
    fake.words[MSIX_AT / 4 + 1] = table;
    fake.function.bars[1] = (struct pci_bar){ .base = 0xfeb00000, .bytes = TABLE_BYTES };
    memset(fake.table, 0xff, sizeof(fake.table));
}

static unsigned control_of(unsigned capability)
{
    return fake.words[capability / 4] >> 16;
}

static unsigned connect(struct pci_interrupt interrupts[], unsigned wanted)
{
    memset(interrupts, 0, wanted * sizeof(*interrupts));
    return pci_messages_connect(&fake.function, interrupts, wanted);
}

static void disconnect(struct pci_interrupt interrupts[], unsigned count)
{
    pci_messages_disconnect(&fake.function, interrupts, count);
    assert_int_equal(messages_free, MESSAGES);
    assert_int_equal(fake.windows, 0);
}

static void msix_gives_as_many_messages_as_its_table_has(void **state)
{
    struct pci_interrupt interrupts[8];
    (void)state;
    put_msix(3, 0x20 << 3 | 1);
    assert_int_equal(connect(interrupts, 8), 3);
    assert_int_equal(control_of(MSIX_AT), MSIX_ENABLE | 2);
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t *entry = &fake.table[0x100 / 4 + i * 4];
        assert_int_equal(entry[0], 0xfee00000);
        assert_int_equal(entry[1], 0);
        assert_int_equal(entry[2], 0x30 + i);
        assert_int_equal(entry[3], 0);
    }
    assert_int_equal(fake.table[0x100 / 4 + 3 * 4], UINT32_MAX); /* after the table */

    disconnect(interrupts, 3);
    assert_int_equal(control_of(MSIX_AT), MSIX_MASK_ALL | 2);
}

static void unused_entries_stay_masked(void **state)
{
    struct pci_interrupt interrupts[2];
    (void)state;
    put_msix(64, 1);
    assert_int_equal(connect(interrupts, 2), 2);
    for (unsigned i = 2; i < 64; i++)
        assert_int_equal(fake.table[i * 4 + 3], ENTRY_MASKED);
    disconnect(interrupts, 2);
}

static void fewer_messages_are_better_than_none(void **state)
{
    struct pci_interrupt interrupts[8];
    (void)state;
    put_msix(64, 1);
    messages_free = 5;
    message_used[0] = true;
    assert_int_equal(connect(interrupts, 8), 5);
    message_used[0] = false;
    messages_free = MESSAGES - 5;
    disconnect(interrupts, 5);
}

static void msi_gives_one_message(void **state)
{
    static const struct { uint16_t control; unsigned data; } cases[] = {
        { 0x0e, MSI_DATA }, { 0x0e | MSI_WIDE, MSI_DATA_WIDE }
    };
    struct pci_interrupt interrupts[4];
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        put_capability(MSI_AT, PCI_CAPABILITY_MSI, 0, cases[i].control | 0x71);
        for (unsigned at = MSI_AT + 4; at < MSI_AT + 0x14; at += 4)
            fake.writable[at / 4] = UINT32_MAX, fake.words[at / 4] = 0xaaaaaaaa;
        assert_int_equal(connect(interrupts, 4), 1);
        assert_int_equal(control_of(MSI_AT), cases[i].control | MSI_ENABLE);
        assert_int_equal(pci_read(&fake.function, MSI_AT + MSI_ADDRESS, 4), 0xfee00000);
        assert_int_equal(pci_read(&fake.function, MSI_AT + cases[i].data, 4), 0xaaaa0030);
        disconnect(interrupts, 1);
        assert_int_equal(control_of(MSI_AT), cases[i].control);
    }
}

static void msix_is_preferred_and_msi_is_then_off(void **state)
{
    struct pci_interrupt interrupts[1];
    (void)state;
    put_capability(MSI_AT, PCI_CAPABILITY_MSI, MSIX_AT, MSI_ENABLE | MSI_WIDE);
    put_msix(1, 1);
    assert_int_equal(connect(interrupts, 1), 1);
    assert_int_equal(control_of(MSI_AT), MSI_WIDE);
    assert_int_equal(control_of(MSIX_AT), MSIX_ENABLE);
    disconnect(interrupts, 1);
}

static void a_table_outside_its_bar_is_not_used(void **state)
{
    static const struct { unsigned entries; uint32_t table; } cases[] = {
        { 65, 1 },          /* too long */
        { 2048, 1 },
        { 64, 0x10 | 1 },   /* too far */
        { 1, 0xfffffff8 | 1 },
        { 1, 0 },           /* a BAR that is not implemented */
        { 1, 6 }, { 1, 7 }, /* reserved */
    };
    struct pci_interrupt interrupts[1];
    (void)state;
    put_capability(MSI_AT, PCI_CAPABILITY_MSI, MSIX_AT, 0);
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        put_msix(cases[i].entries, cases[i].table);
        assert_int_equal(connect(interrupts, 1), 1); /* by MSI */
        assert_int_equal(control_of(MSI_AT), MSI_ENABLE);
        assert_false(control_of(MSIX_AT) & MSIX_ENABLE);
        disconnect(interrupts, 1);
    }
}

static void capabilities_cut_off_by_the_end_are_not_used(void **state)
{
    struct pci_interrupt interrupts[1];
    (void)state;
    put_capability(0xf4, PCI_CAPABILITY_MSI, 0xf8, 0);
    put_capability(0xf8, PCI_CAPABILITY_MSIX, 0, 0);
    fake.function.bars[1] = (struct pci_bar){ .base = 0xfeb00000, .bytes = TABLE_BYTES };
    assert_int_equal(connect(interrupts, 1), 0);
}

static void without_a_message_everything_is_off(void **state)
{
    struct pci_interrupt interrupts[1];
    (void)state;
    put_capability(MSI_AT, PCI_CAPABILITY_MSI, MSIX_AT, MSI_ENABLE);
    put_msix(1, 1);
    messages_free = 0;
    assert_int_equal(connect(interrupts, 1), 0);
    assert_int_equal(control_of(MSI_AT), 0);
    assert_int_equal(control_of(MSIX_AT) & MSIX_ENABLE, 0);
    assert_int_equal(fake.windows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bars_are_measured_and_restored, make_function),
        cmocka_unit_test_setup(impossible_bars_are_not_used, make_function),
        cmocka_unit_test_setup(a_bar_of_ones_or_zeroes_is_not_used, make_function),
        cmocka_unit_test_setup(host_bridges_keep_decoding, make_function),
        cmocka_unit_test_setup(a_bridge_has_two_bars, make_function),
        cmocka_unit_test_setup(absent_functions_are_recognised, make_function),
        cmocka_unit_test_setup(lines_that_are_not_routed_are_not_connected, make_function),
        cmocka_unit_test_setup(narrow_accesses_change_nothing_else, make_function),
        cmocka_unit_test_setup(the_command_is_written_without_clearing_the_status, make_function),
        cmocka_unit_test_setup(capabilities_are_found_in_order, make_function),
        cmocka_unit_test_setup(capability_lists_that_loop_end, make_function),
        cmocka_unit_test_setup(a_pointer_of_ones_ends, make_function),
        cmocka_unit_test_setup(windows_outside_a_bar_are_refused, make_function),
        cmocka_unit_test_setup(msix_gives_as_many_messages_as_its_table_has, make_function),
        cmocka_unit_test_setup(unused_entries_stay_masked, make_function),
        cmocka_unit_test_setup(fewer_messages_are_better_than_none, make_function),
        cmocka_unit_test_setup(msi_gives_one_message, make_function),
        cmocka_unit_test_setup(msix_is_preferred_and_msi_is_then_off, make_function),
        cmocka_unit_test_setup(a_table_outside_its_bar_is_not_used, make_function),
        cmocka_unit_test_setup(capabilities_cut_off_by_the_end_are_not_used, make_function),
        cmocka_unit_test_setup(without_a_message_everything_is_off, make_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
