/*
 * sense.c - sense data (SPC-3 4.5): both formats, and the table of their meanings.
 */
#include "drivers/storage/scsi/sense.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/macros.h"

/* Sense keys (SPC-3 table 27). */
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
};

/* Offsets and values of sense data. */
enum {
    SENSE_RESPONSE_MASK = 0x7f, /* of byte 0 */
    RESPONSE_FIXED = 0x70,
    RESPONSE_FIXED_DEFERRED = 0x71, /* about an earlier command */
    RESPONSE_DESCRIPTOR = 0x72,
    RESPONSE_DESCRIPTOR_DEFERRED = 0x73,
    SENSE_KEY_MASK = 0xf,
    SENSE_VALID = 0x80, /* the information field means something */
    SENSE_ADDITIONAL_LENGTH = 7,

    FIXED_KEY = 2,
    FIXED_INFORMATION = 3,
    FIXED_ASC = 12,
    FIXED_ASCQ = 13,

    DESCRIPTOR_KEY = 1,
    DESCRIPTOR_ASC = 2,
    DESCRIPTOR_ASCQ = 3,
    DESCRIPTORS = 8,
    DESCRIPTOR_HEADER_BYTES = 2,
    DESCRIPTOR_LENGTH = 1, /* bytes after the header */
    DESCRIPTOR_INFORMATION = 0,
    INFORMATION_FLAGS = 2,
    INFORMATION_VALUE = 4,
    INFORMATION_BYTES = 12,
};

enum { ASC_RESET = 0x29 };

struct sense_rule {
    uint8_t key;
    uint16_t asc, ascq; /* or ANY */
    enum sense_action action;
    status_t status;
};

enum { ANY = 0x100 };

/* The first rule that matches decides. */
static const struct sense_rule sense_rules[] = {
    { NO_SENSE, ANY, ANY, SENSE_DONE, 0 },
    { RECOVERED_ERROR, ANY, ANY, SENSE_DONE, 0 },

    { NOT_READY, 0x04, 0x03, SENSE_REFUSED, -EIO },     /* manual intervention required */
    { NOT_READY, 0x04, 0x02, SENSE_ABSENT, -ENOMEDIUM }, /* stopped, or the tray is out */
    { NOT_READY, 0x04, ANY, SENSE_WAIT, -EAGAIN },      /* becoming ready, or busy for long */
    { NOT_READY, 0x3a, ANY, SENSE_ABSENT, -ENOMEDIUM },
    { NOT_READY, 0x30, ANY, SENSE_BLANK, -EIO },        /* incompatible or unformatted */
    { NOT_READY, 0x57, ANY, SENSE_BLANK, -EIO },        /* no table of contents */
    { NOT_READY, 0x53, ANY, SENSE_LOCKED, -EBUSY },
    { NOT_READY, ANY, ANY, SENSE_RETRY, -EIO },

    { MEDIUM_ERROR, 0x30, ANY, SENSE_BLANK, -EIO },
    { MEDIUM_ERROR, 0x57, ANY, SENSE_BLANK, -EIO },
    { MEDIUM_ERROR, ANY, ANY, SENSE_MEDIUM, -EIO },
    { HARDWARE_ERROR, ANY, ANY, SENSE_RETRY, -EIO },

    { ILLEGAL_REQUEST, 0x20, ANY, SENSE_UNSUPPORTED, -EOPNOTSUPP }, /* operation code */
    { ILLEGAL_REQUEST, 0x24, ANY, SENSE_UNSUPPORTED, -EOPNOTSUPP }, /* field in the CDB */
    { ILLEGAL_REQUEST, 0x30, ANY, SENSE_BLANK, -EIO },
    { ILLEGAL_REQUEST, 0x53, ANY, SENSE_LOCKED, -EBUSY },
    { ILLEGAL_REQUEST, ANY, ANY, SENSE_REFUSED, -EIO }, /* 21h out of range, 64h audio track */

    { UNIT_ATTENTION, 0x28, ANY, SENSE_CHANGED, -EAGAIN },
    { UNIT_ATTENTION, 0x3a, ANY, SENSE_ABSENT, -ENOMEDIUM },
    { UNIT_ATTENTION, ANY, ANY, SENSE_AGAIN, -EAGAIN }, /* 29h reset, 2Ah parameters, 5Ah button */

    { DATA_PROTECT, 0x27, 0x07, SENSE_REFUSED, -ENOSPC }, /* a thin disk has no space left */
    { DATA_PROTECT, ANY, ANY, SENSE_REFUSED, -EROFS },
    { BLANK_CHECK, ANY, ANY, SENSE_REFUSED, -EIO },
    { ABORTED_COMMAND, ANY, ANY, SENSE_RETRY, -EIO },
};

/* ---- formats ------------------------------------------------------------------------------ */

/* Decodes the information descriptor, if there is one (SPC-3 4.5.2.2). */
static void parse_descriptors(struct bytes data, struct sense *sense)
{
    /* The additional length may be that of more data than arrived: each read is checked. */
    size_t end = DESCRIPTORS + (size_t)bytes_u8(data, SENSE_ADDITIONAL_LENGTH);
    for (size_t at = DESCRIPTORS; at < end && bytes_has(data, at, DESCRIPTOR_HEADER_BYTES);
         at += DESCRIPTOR_HEADER_BYTES + bytes_u8(data, at + DESCRIPTOR_LENGTH)) {
        /* Only this descriptor is of use here. A cut one counts as absent. */
        if (bytes_u8(data, at) != DESCRIPTOR_INFORMATION ||
            !bytes_has(data, at, INFORMATION_BYTES))
            continue;

        sense->has_information = bytes_u8(data, at + INFORMATION_FLAGS) & SENSE_VALID;
        sense->information = (uint64_t)bytes_be32(data, at + INFORMATION_VALUE) << 32 |
                             bytes_be32(data, at + INFORMATION_VALUE + 4);
        return;
    }
}

struct sense sense_parse(const struct scsi_command *command)
{
    struct bytes data = { command->sense, min(command->sense_bytes, sizeof(command->sense)) };
    struct sense sense = { 0 };
    uint8_t response = bytes_u8(data, 0) & SENSE_RESPONSE_MASK;

    /* An unknown format leaves everything zero, which is not `current`: handled as if sense data
     * were missing. */
    switch (response) {
    case RESPONSE_FIXED:
    case RESPONSE_FIXED_DEFERRED:
        sense.key = bytes_u8(data, FIXED_KEY) & SENSE_KEY_MASK;
        sense.asc = bytes_u8(data, FIXED_ASC);
        sense.ascq = bytes_u8(data, FIXED_ASCQ);
        sense.has_information = bytes_u8(data, 0) & SENSE_VALID;
        sense.information = bytes_be32(data, FIXED_INFORMATION);
        break;
    case RESPONSE_DESCRIPTOR:
    case RESPONSE_DESCRIPTOR_DEFERRED:
        sense.key = bytes_u8(data, DESCRIPTOR_KEY) & SENSE_KEY_MASK;
        sense.asc = bytes_u8(data, DESCRIPTOR_ASC);
        sense.ascq = bytes_u8(data, DESCRIPTOR_ASCQ);
        parse_descriptors(data, &sense);
        break;
    }

    /* A deferred error is about a command that has been reported already. */
    sense.current = response == RESPONSE_FIXED || response == RESPONSE_DESCRIPTOR;
    return sense;
}

/* ---- meaning ------------------------------------------------------------------------------ */

struct scsi_outcome sense_outcome(const struct sense *sense)
{
    /* The sense data that are missing may have reported a new medium. */
    if (!sense->current)
        return (struct scsi_outcome){ SENSE_CHANGED, -EAGAIN };

    /* Keys that are not in the table are treated as passing trouble: another try. */
    for (unsigned i = 0; i < ARRAY_LENGTH(sense_rules); i++) {
        const struct sense_rule *rule = &sense_rules[i];
        if (rule->key == sense->key && (rule->asc == ANY || rule->asc == sense->asc) &&
            (rule->ascq == ANY || rule->ascq == sense->ascq))
            return (struct scsi_outcome){ rule->action, rule->status };
    }
    return (struct scsi_outcome){ SENSE_RETRY, -EIO };
}

bool sense_is_reset(const struct sense *sense)
{
    return sense->current && sense->key == UNIT_ATTENTION && sense->asc == ASC_RESET;
}

void sense_text(const struct sense *sense, char *text, size_t bytes)
{
    static const char *const keys[16] = {
        [NOT_READY] = "not ready",           [MEDIUM_ERROR] = "medium error",
        [HARDWARE_ERROR] = "hardware error", [ILLEGAL_REQUEST] = "illegal request",
        [BLANK_CHECK] = "blank check",       [ABORTED_COMMAND] = "aborted command",
        [DATA_PROTECT] = "data protect",
    };
    static const struct {
        uint8_t asc;
        const char *words;
    } reasons[] = {
        { 0x02, ", no seek complete" },      { 0x06, ", no reference position found" },
        { 0x08, ", communication failure" }, { 0x09, ", track following error" },
        { 0x11, ", unrecovered read error" }, { 0x15, ", positioning error" },
        { 0x03, ", write fault" },           { 0x0c, ", write error" },
        { 0x27, ", write protected" },
        { 0x21, ", block out of range" },    { 0x44, ", internal target failure" },
        { 0x64, ", illegal mode for this track" },
    };
    const char *words = "";

    /* The numbers are always given: they are what a search finds. */
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++)
        if (reasons[i].asc == sense->asc)
            words = reasons[i].words;
    format_text(text, bytes, "%s (%x/%02x/%02x)%s", keys[sense->key] ? keys[sense->key] : "error",
                sense->key, sense->asc, sense->ascq, words);
}
