/*
 * cpio_header.c - encodes and decodes the headers of members; see cpio.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/cpio.h"

enum { MAGIC_BYTES = 6, ODC_BYTES = 76, NEWC_BYTES = 110 };

/* The fields after the magic, in their order. */
enum {
    NEWC_NUMBER, NEWC_MODE, NEWC_UID, NEWC_GID, NEWC_LINKS, NEWC_MODIFIED, NEWC_SIZE,
    NEWC_MAJOR, NEWC_MINOR, NEWC_OWN_MAJOR, NEWC_OWN_MINOR, NEWC_NAME_BYTES, NEWC_SUM,
    NEWC_FIELDS,
};
enum {
    ODC_DEVICE, ODC_NUMBER, ODC_MODE, ODC_UID, ODC_GID, ODC_LINKS, ODC_OWN_DEVICE, ODC_MODIFIED,
    ODC_NAME_BYTES, ODC_SIZE,
    ODC_FIELDS,
};
static const uint8_t odc_digits[ODC_FIELDS] = { 6, 6, 6, 6, 6, 6, 6, 11, 6, 11 };
enum { NEWC_DIGITS = 8 };

static const char *const magics[] = {
    [CPIO_ODC] = "070707", [CPIO_NEWC] = "070701", [CPIO_CRC] = "070702",
};

size_t cpio_header_bytes(const char magic[MAGIC_BYTES], enum cpio_form *form)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(magics); i++)
        if (!memcmp(magic, magics[i], MAGIC_BYTES)) {
            *form = (enum cpio_form)i;
            return i == CPIO_ODC ? ODC_BYTES : NEWC_BYTES;
        }
    return 0;
}

unsigned cpio_padding(enum cpio_form form, uint64_t bytes)
{
    return form == CPIO_ODC ? 0 : (unsigned)(-bytes & 3);
}

/* Decodes a number of exactly this many digits. Returns false for another character. */
static bool take_number(const char *text, unsigned digits, unsigned base, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        int digit = text_hex_digit(text[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        *value = *value * base + (unsigned)digit;
    }
    return true;
}

static bool decode_newc(struct cpio_member *member, const char *at)
{
    uint64_t fields[NEWC_FIELDS];
    for (unsigned i = 0; i < NEWC_FIELDS; i++, at += NEWC_DIGITS)
        if (!take_number(at, NEWC_DIGITS, 16, &fields[i]))
            return false;
    member->number = fields[NEWC_NUMBER];
    member->mode = (uint32_t)fields[NEWC_MODE];
    member->uid = (uint32_t)fields[NEWC_UID];
    member->gid = (uint32_t)fields[NEWC_GID];
    member->links = (uint32_t)fields[NEWC_LINKS];
    member->modified_s = (int64_t)fields[NEWC_MODIFIED];
    member->size = fields[NEWC_SIZE];
    member->device = fields[NEWC_MAJOR] << 32 | fields[NEWC_MINOR];
    member->name_bytes = (size_t)fields[NEWC_NAME_BYTES];
    member->sum = (uint32_t)fields[NEWC_SUM];
    return true;
}

static bool decode_odc(struct cpio_member *member, const char *at)
{
    uint64_t fields[ODC_FIELDS];
    for (unsigned i = 0; i < ODC_FIELDS; at += odc_digits[i++])
        if (!take_number(at, odc_digits[i], 8, &fields[i]))
            return false;
    member->number = fields[ODC_NUMBER];
    member->mode = (uint32_t)fields[ODC_MODE];
    member->uid = (uint32_t)fields[ODC_UID];
    member->gid = (uint32_t)fields[ODC_GID];
    member->links = (uint32_t)fields[ODC_LINKS];
    member->modified_s = (int64_t)fields[ODC_MODIFIED];
    member->size = fields[ODC_SIZE];
    member->device = fields[ODC_DEVICE];
    member->name_bytes = (size_t)fields[ODC_NAME_BYTES];
    member->sum = 0;
    return true;
}

bool cpio_decode(struct cpio_member *member, const char *header)
{
    bool valid = member->form == CPIO_ODC ? decode_odc(member, header + MAGIC_BYTES)
                                          : decode_newc(member, header + MAGIC_BYTES);
    return valid && member->name_bytes && member->name_bytes <= sizeof(member->name);
}

size_t cpio_encode(const struct cpio_member *member, char header[CPIO_HEADER_MAX + 1])
{
    unsigned size = (unsigned)member->size, number = (unsigned)member->number;
    unsigned modified = (unsigned)max(member->modified_s, 0);
    if (member->form == CPIO_ODC) {
        if (member->size >> 33)
            return 0;
        return (size_t)format_text(
            header, CPIO_HEADER_MAX + 1, "070707000000%06o%06o%06o%06o%06o000000%011llo%06o%011llo",
            number & 0777777, member->mode, member->uid & 0777777, member->gid & 0777777,
            member->links, (unsigned long long)modified, (unsigned)member->name_bytes,
            (unsigned long long)member->size);
    }
    if (member->size >> 32)
        return 0;
    return (size_t)format_text(
        header, CPIO_HEADER_MAX + 1,
        "%s%08X%08X%08X%08X%08X%08X%08X00000000000000000000000000000000%08X%08X",
        magics[member->form], number, member->mode, member->uid, member->gid, member->links,
        modified, size, (unsigned)member->name_bytes, member->sum);
}

/* ---- messages ----------------------------------------------------------------------------- */

void cpio_fail(struct cpio *cpio, const char *name, status_t status)
{
    int result = shell_fail(cpio->shell, name, status);
    cpio->result = result == SHELL_INTERRUPTED ? result : CPIO_TROUBLE;
}
