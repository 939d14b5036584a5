/*
 * sense.c - sense data, by a table (SPC-3 4.5 and annex D; MMC-5 annex F).
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "lib/format.h"
#include "lib/macros.h"

enum {
    NO_SENSE = 0x0,
    RECOVERED_ERROR = 0x1,
    NOT_READY = 0x2,
    MEDIUM_ERROR = 0x3,
    HARDWARE_ERROR = 0x4,
    ILLEGAL_REQUEST = 0x5,
    UNIT_ATTENTION = 0x6,
    DATA_PROTECT = 0x7,
    BLANK_CHECK = 0x8,
    ABORTED_COMMAND = 0xb,

    ANY = 0xff,
    SENSE_CURRENT = 0x70, /* byte 0: about this command; 71h is about an earlier one */
    SENSE_RESPONSE_MASK = 0x7f,
    ASC_RESET = 0x29,
};

struct sense_rule {
    uint8_t key, asc, ascq;
    enum sense_action action;
};

/* The first that fits is taken. */
static const struct sense_rule sense_rules[] = {
    { NO_SENSE, ANY, ANY, SENSE_DONE },
    { RECOVERED_ERROR, ANY, ANY, SENSE_DONE },

    { NOT_READY, 0x04, 0x03, SENSE_REFUSED }, /* a person has to help */
    { NOT_READY, 0x04, 0x02, SENSE_ABSENT },  /* stopped, or the tray is out */
    { NOT_READY, 0x04, ANY, SENSE_WAIT },     /* becoming ready, busy with a long operation */
    { NOT_READY, 0x3a, ANY, SENSE_ABSENT },
    { NOT_READY, 0x30, ANY, SENSE_BLANK },    /* incompatible or unformatted */
    { NOT_READY, 0x57, ANY, SENSE_BLANK },    /* no table of contents */
    { NOT_READY, 0x53, ANY, SENSE_LOCKED },
    { NOT_READY, ANY, ANY, SENSE_RETRY },

    { MEDIUM_ERROR, 0x30, ANY, SENSE_BLANK },
    { MEDIUM_ERROR, 0x57, ANY, SENSE_BLANK },
    { MEDIUM_ERROR, ANY, ANY, SENSE_MEDIUM },
    { HARDWARE_ERROR, ANY, ANY, SENSE_RETRY },

    { ILLEGAL_REQUEST, 0x20, ANY, SENSE_UNSUPPORTED }, /* operation code */
    { ILLEGAL_REQUEST, 0x24, ANY, SENSE_UNSUPPORTED }, /* field in the packet */
    { ILLEGAL_REQUEST, 0x30, ANY, SENSE_BLANK },
    { ILLEGAL_REQUEST, 0x53, ANY, SENSE_LOCKED },
    { ILLEGAL_REQUEST, ANY, ANY, SENSE_REFUSED }, /* 21h past the end, 64h an audio track */

    { UNIT_ATTENTION, 0x28, ANY, SENSE_CHANGED },
    { UNIT_ATTENTION, 0x3a, ANY, SENSE_ABSENT },
    { UNIT_ATTENTION, ANY, ANY, SENSE_AGAIN }, /* 29h a reset, 2Ah parameters, 5Ah a button */

    { DATA_PROTECT, ANY, ANY, SENSE_REFUSED },
    { BLANK_CHECK, ANY, ANY, SENSE_REFUSED },
    { ABORTED_COMMAND, ANY, ANY, SENSE_RETRY },
};

enum sense_action sense_decode(const uint8_t *sense)
{
    if ((sense[0] & SENSE_RESPONSE_MASK) != SENSE_CURRENT)
        return SENSE_CHANGED; /* no sense data to be had: it may have said "another disc" */
    uint8_t key = sense[2] & 0xf, asc = sense[12], ascq = sense[13];
    for (unsigned i = 0; i < ARRAY_LENGTH(sense_rules); i++) {
        const struct sense_rule *rule = &sense_rules[i];
        if (rule->key == key && (rule->asc == ANY || rule->asc == asc) &&
            (rule->ascq == ANY || rule->ascq == ascq))
            return rule->action;
    }
    return SENSE_RETRY;
}

bool sense_is_reset(const uint8_t *sense)
{
    return (sense[2] & 0xf) == UNIT_ATTENTION && sense[12] == ASC_RESET;
}

void sense_text(const uint8_t *sense, char *text, size_t bytes)
{
    static const char *const keys[16] = {
        [NOT_READY] = "not ready",           [MEDIUM_ERROR] = "medium error",
        [HARDWARE_ERROR] = "hardware error", [ILLEGAL_REQUEST] = "illegal request",
        [BLANK_CHECK] = "blank check",       [ABORTED_COMMAND] = "aborted command",
    };
    static const struct {
        uint8_t asc;
        const char *words;
    } reasons[] = {
        { 0x02, ", no seek complete" },      { 0x06, ", no reference position found" },
        { 0x08, ", communication failure" }, { 0x09, ", track following error" },
        { 0x11, ", unrecovered read error" }, { 0x15, ", positioning error" },
        { 0x21, ", block out of range" },    { 0x44, ", internal target failure" },
        { 0x64, ", illegal mode for this track" },
    };
    unsigned key = sense[2] & 0xf;
    const char *words = "";
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++)
        if (reasons[i].asc == sense[12])
            words = reasons[i].words;
    format_text(text, bytes, "%s (%x/%02x/%02x)%s", keys[key] ? keys[key] : "error", key, sense[12],
                sense[13], words);
}
