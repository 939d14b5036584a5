/*
 * hardware.c - self tests of decisions about hardware that this machine may not have: the addresses
 * of an IDE controller's channels, the encodings of the real-time clock.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/bus/pci.h"
#include "kernel/selftest.h"
#include "kernel/x86/rtc.h"
#include "lib/civil.h"
#include "lib/string.h"

static struct pci_function make_controller(uint8_t interface)
{
    return (struct pci_function){
        .class_code = 1, .subclass = 1, .interface = interface, .interrupt_line = 9,
        .bars = { { 0xc100, 8, true }, { 0xc200, 4, true }, { 0xc300, 8, true },
                  { 0xc400, 4, true }, { 0xc500, 16, true } },
    };
}

static bool is_place(const struct ide_place *place, uint16_t command, uint16_t control,
                     uint16_t master, unsigned line)
{
    return place->command_port == command && place->control_port == control &&
           place->bus_master_port == master && place->line == line;
}

SELFTEST(ide_compatibility_mode_uses_the_legacy_ports)
{
    struct pci_function function = make_controller(0x80);
    struct ide_place place;

    SELFTEST_CHECK(ide_find_place(&function, 0, &place));
    SELFTEST_CHECK(is_place(&place, 0x1f0, 0x3f6, 0xc500, 14));
    SELFTEST_CHECK(ide_find_place(&function, 1, &place));
    SELFTEST_CHECK(is_place(&place, 0x170, 0x376, 0xc508, 15));
}

SELFTEST(ide_native_mode_uses_the_addresses_in_its_registers)
{
    struct pci_function function = make_controller(0x85);
    struct ide_place place;

    SELFTEST_CHECK(ide_find_place(&function, 0, &place));
    SELFTEST_CHECK(is_place(&place, 0xc100, 0xc202, 0xc500, 9));
    SELFTEST_CHECK(ide_find_place(&function, 1, &place));
    SELFTEST_CHECK(is_place(&place, 0xc300, 0xc402, 0xc508, 9));
}

SELFTEST(ide_channels_differ_in_mode)
{
    struct pci_function function = make_controller(0x04);
    struct ide_place place;

    SELFTEST_CHECK(ide_find_place(&function, 0, &place));
    SELFTEST_CHECK(is_place(&place, 0x1f0, 0x3f6, 0, 14));
    SELFTEST_CHECK(ide_find_place(&function, 1, &place));
    SELFTEST_CHECK(is_place(&place, 0xc300, 0xc402, 0, 9));
}

/* No line, or the timer's: the channel is polled. Registers that are not set up: left alone. */
SELFTEST(ide_native_mode_without_line_or_ports)
{
    struct pci_function function = make_controller(0x85);
    struct ide_place place;

    function.interrupt_line = 0;
    SELFTEST_CHECK(ide_find_place(&function, 0, &place) && place.line >= INTERRUPT_LINES);
    function.bars[0].base = 0;
    SELFTEST_CHECK(!ide_find_place(&function, 0, &place));
    function.bars[3].io = false;
    SELFTEST_CHECK(!ide_find_place(&function, 1, &place));
}

static bool reads_as(struct rtc_registers registers, const char *date)
{
    int64_t seconds;
    char text[CIVIL_TEXT_BYTES];

    if (!rtc_decode(&registers, &seconds))
        return !date;
    civil_format(text, sizeof(text), seconds);
    return date && strcmp(text, date) == 0;
}

SELFTEST(rtc_registers_in_every_form)
{
    const uint8_t decimal = RTC_MODE_24_HOURS, binary = RTC_MODE_24_HOURS | RTC_MODE_BINARY;

    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0x59, 0x58, 0x23, 0x29, 0x02, 0x24, 0x20,
                                                    decimal }, "2024-02-29T23:58:59Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 59, 58, 23, 31, 12, 99, 19, binary },
                            "1999-12-31T23:58:59Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x92, 4, 5, 6, 0x20, 0 },
                            "2006-05-04T12:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x12, 4, 5, 6, 0x20, 0 },
                            "2006-05-04T00:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x8b, 4, 5, 6, 20, RTC_MODE_BINARY },
                            "2006-05-04T23:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 4, 5, 0x70, 0, decimal },
                            "1970-05-04T03:02:01Z"));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 4, 5, 0x69, 0, decimal },
                            "2069-05-04T03:02:01Z"));
}

SELFTEST(rtc_registers_without_a_valid_date)
{
    const uint8_t decimal = RTC_MODE_24_HOURS;

    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                    0xff }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 0x30, 2, 0x24, 0x20, decimal }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 0x13, 4, 5, 6, 0x20, 0 }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 0x1a, 2, 3, 4, 5, 6, 0x20, decimal }, NULL));
    SELFTEST_CHECK(reads_as((struct rtc_registers){ 1, 2, 3, 0, 0, 0, 0x20, decimal }, NULL));
}
