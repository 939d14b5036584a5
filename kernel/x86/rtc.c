/*
 * rtc.c - reads and decodes the real-time clock: see rtc.h.
 */
#include "kernel/x86/rtc.h"
#include "kernel/log.h"
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "lib/civil.h"
#include "lib/string.h"

enum {
    SECOND = 0,
    MINUTE = 2,
    HOUR = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 10,
    STATUS_B = 11,
    UPDATING = 1 << 7,

    READS_MAX = 10,
    UPDATE_POLLS_MAX = 20000, /* an update takes 2 ms, a poll two port accesses */
    FIRST_YEAR = 70,          /* without a century, 70 is 1970 and 69 is 2069 */
    CENTURY_MIN = 19,         /* others are not credible */
    CENTURY_MAX = 30,
};

static bool known;
static int64_t start_s;   /* the date that was read */
static uint64_t start_us; /* time_now_us() at that time */

static uint8_t read_register(unsigned number)
{
    port_out8(CMOS_INDEX_PORT, (uint8_t)number);
    return port_in8(CMOS_DATA_PORT);
}

static bool wait_update(void)
{
    for (unsigned i = 0; i < UPDATE_POLLS_MAX; i++)
        if (!(read_register(STATUS_A) & UPDATING))
            return true;
    return false;
}

static struct rtc_registers read_all(unsigned century_register)
{
    return (struct rtc_registers){
        .second = read_register(SECOND), .minute = read_register(MINUTE),
        .hour = read_register(HOUR), .day = read_register(DAY),
        .month = read_register(MONTH), .year = read_register(YEAR),
        .century = century_register != 0 ? read_register(century_register) : 0,
        .mode = read_register(STATUS_B),
    };
}

/* An update may begin at any time. Two equal readings were not changed by one. */
static bool read_steady(unsigned century_register, struct rtc_registers *registers)
{
    for (unsigned i = 0; i < READS_MAX; i++) {
        /* During an update the registers have undefined values. */
        if (!wait_update())
            return false;

        *registers = read_all(century_register);
        struct rtc_registers again = read_all(century_register);
        if (memcmp(registers, &again, sizeof(again)) == 0)
            return true;
    }
    return false;
}

/* Decodes a register that is either binary or two decimal digits. Returns false if it should be
 * decimal and is not. */
static bool decode_number(const struct rtc_registers *r, uint8_t value, unsigned *number)
{
    bool decimal = !(r->mode & RTC_MODE_BINARY);
    *number = decimal ? value / 16u * 10 + value % 16 : value;
    return !decimal || (value / 16 < 10 && value % 16 < 10);
}

static bool decode_hour(const struct rtc_registers *r, unsigned *hour)
{
    if (r->mode & RTC_MODE_24_HOURS)
        return decode_number(r, r->hour, hour);

    /* In 12-hour mode the highest bit means afternoon, in decimal mode too. 12 AM is 0:00 and 12 PM
     * is 12:00. */
    bool afternoon = r->hour & RTC_HOUR_AFTERNOON;
    if (!decode_number(r, r->hour & (uint8_t)~RTC_HOUR_AFTERNOON, hour) || *hour < 1 || *hour > 12)
        return false;
    *hour = *hour % 12 + (afternoon ? 12 : 0);
    return true;
}

static bool decode_year(const struct rtc_registers *r, int64_t *year)
{
    unsigned century, in_century;

    if (!decode_number(r, r->year, &in_century) || in_century > 99)
        return false;

    /* Many machines have no century register, and some FADTs name one that contains other data. */
    if (!decode_number(r, r->century, &century) || century < CENTURY_MIN || century > CENTURY_MAX)
        century = in_century >= FIRST_YEAR ? 19 : 20;
    *year = century * 100 + in_century;
    return true;
}

bool rtc_decode(const struct rtc_registers *r, int64_t *seconds)
{
    struct civil date;
    bool numbers = decode_year(r, &date.year) && decode_number(r, r->month, &date.month) &&
                   decode_number(r, r->day, &date.day) && decode_hour(r, &date.hour) &&
                   decode_number(r, r->minute, &date.minute) &&
                   decode_number(r, r->second, &date.second);

    /* After the battery failed, the registers may contain any bytes: reject a 31st of February. */
    if (!numbers || !civil_valid(&date))
        return false;
    *seconds = civil_to_seconds(date.year, date.month, date.day, date.hour, date.minute,
                                date.second);
    return true;
}

void rtc_start(unsigned century_register)
{
    struct rtc_registers registers;
    char text[CIVIL_TEXT_BYTES];

    /* The FADT is firmware's data: a larger number would set the NMI mask in the index port. */
    if (century_register >= CMOS_REGISTERS)
        century_register = 0;
    known = read_steady(century_register, &registers) && rtc_decode(&registers, &start_s);
    start_us = time_now_us();

    if (!known) {
        log_info("clock", "no valid date in the real-time clock");
        return;
    }
    civil_format(text, sizeof(text), start_s);
    log_debug("clock", "%s", text);
}

int64_t time_wall_s(void)
{
    if (!known)
        return INT64_MIN;
    return start_s + (int64_t)((time_now_us() - start_us) / 1000000);
}
