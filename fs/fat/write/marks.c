/*
 * marks.c - the marks that a volume is in use, and that writing failed: see state.c.
 */
#include "fs/fat/boot.h"
#include "fs/fat/fat.h"

/* Bits of the table's entry 1, as those of FAT32: set in a volume without fault. */
#define ENTRY_CLEAN 0x08000000u
#define ENTRY_NO_ERRORS 0x04000000u

/*
 * Windows writes the marks into the boot sector and into entry 1, and looks at both; Linux writes
 * and reads those in the boot sector only. mtools refuses a FAT16 volume whose entry 1 has a mark
 * ("Error reading FAT"). The specification leaves the entry's bits optional (4). So on FAT16 they
 * are only written if the boot sector has no place for the marks; those of others are read, and
 * removed with the mark.
 */

/* Returns the bits of entry 1 as the table stores them. */
static uint32_t entry_bits(const struct fat *fat, uint32_t bits)
{
    return fat->geometry.bits == 16 ? bits >> 12 : bits;
}

/* Reads FSInfo, if there is such a sector. */
static status_t info_read(struct fat *fat, uint8_t sector[FAT_BOOT_BYTES], bool *valid)
{
    struct bytes info = { sector, FAT_BOOT_BYTES };
    uint64_t address = fat->geometry.info_address;
    *valid = false;
    if (!address)
        return 0;
    status_t status = fat_read(fat, address, sector, FAT_BOOT_BYTES);
    *valid = !status && bytes_le32(info, INFO_LEAD) == INFO_LEAD_SIGNATURE &&
             bytes_le32(info, INFO_STRUCTURE) == INFO_STRUCTURE_SIGNATURE;
    return status;
}

status_t fat_marks_read(struct fat *fat, struct fat_marks *marks)
{
    uint8_t state = 0, sector[FAT_BOOT_BYTES];
    uint32_t entry = ENTRY_CLEAN | ENTRY_NO_ERRORS;
    bool valid = false;
    status_t status = 0;
    if (fat->geometry.state_address)
        status = fat_read(fat, fat->geometry.state_address, &state, 1);
    if (!status && fat->geometry.bits != 12)
        status = fat_entry_read(fat, 1, &entry);
    if (!status)
        status = info_read(fat, sector, &valid);
    if (status)
        return status;

    bool wide = fat->geometry.bits != 12;
    struct bytes info = { sector, sizeof(sector) };
    marks->dirty = state & BOOT_STATE_DIRTY || (wide && !(entry & entry_bits(fat, ENTRY_CLEAN)));
    marks->errors = state & BOOT_STATE_ERRORS ||
                    (wide && !(entry & entry_bits(fat, ENTRY_NO_ERRORS)));
    marks->free = valid ? bytes_le32(info, INFO_FREE_CLUSTERS) : INFO_UNKNOWN;
    return 0;
}

static status_t entry_mark(struct fat *fat, const struct fat_marks *marks)
{
    uint32_t entry, set = (marks->dirty ? 0 : ENTRY_CLEAN) | (marks->errors ? 0 : ENTRY_NO_ERRORS);
    if (fat->geometry.bits == 12)
        return 0;
    status_t status = fat_entry_read(fat, 1, &entry);
    if (status)
        return status;
    if (fat->geometry.bits == 16 && fat->geometry.state_address)
        return fat_entry_write(fat, CHANGE_MARK, 1, entry | entry_bits(fat, set));
    entry &= ~entry_bits(fat, ENTRY_CLEAN | ENTRY_NO_ERRORS);
    return fat_entry_write(fat, CHANGE_MARK, 1, entry | entry_bits(fat, set));
}

static status_t state_mark(struct fat *fat, const struct fat_marks *marks)
{
    uint8_t state, bits = BOOT_STATE_DIRTY | BOOT_STATE_ERRORS;
    if (!fat->geometry.state_address)
        return 0;
    status_t status = fat_read(fat, fat->geometry.state_address, &state, 1);
    if (status)
        return status;
    state = (uint8_t)((state & ~bits) | (marks->dirty ? BOOT_STATE_DIRTY : 0) |
                      (marks->errors ? BOOT_STATE_ERRORS : 0));
    return changes_write(fat->changes, CHANGE_MARK, fat->geometry.state_address, &state, 1);
}

static status_t info_mark(struct fat *fat, const struct fat_marks *marks)
{
    uint8_t sector[FAT_BOOT_BYTES];
    bool valid;
    status_t status = info_read(fat, sector, &valid);
    if (status || !valid)
        return status;
    bytes_put_le32(sector, marks->free);
    return changes_write(fat->changes, CHANGE_MARK, fat->geometry.info_address + INFO_FREE_CLUSTERS,
                         sector, 4);
}

/* For changes_commit_mark(). A volume that stays writable is in use. */
static status_t marks_put(struct fsd *fsd, bool former)
{
    struct fat *fat = fat_of(fsd);
    struct fat_marks marks = fat->marks_next;
    if (former)
        marks = (struct fat_marks){ .dirty = true, .errors = fat->marks.errors,
                                    .free = INFO_UNKNOWN };
    status_t status = state_mark(fat, &marks);
    if (!status)
        status = entry_mark(fat, &marks);
    return status ? status : info_mark(fat, &marks);
}

status_t fat_marks_write(struct fat *fat, const struct fat_marks *marks)
{
    fat->marks_next = *marks;
    return changes_commit_mark(fat->changes, marks_put);
}

status_t fat_marks_in_use(struct fat *fat)
{
    const struct fat_marks marks = { .dirty = true, .errors = fat->marks.errors,
                                     .free = INFO_UNKNOWN };
    return fat_marks_write(fat, &marks);
}
