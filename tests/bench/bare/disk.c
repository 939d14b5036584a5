/* disk.c - a disk's limits, and the IDE disk. See bare.h. */
#include "kernel/port.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "tests/bench/bare/bare.h"

enum {
    WRITTEN_BYTES = 128 << 20,
    WINDOW = 1 << 20,

    CHANNEL = 0,
    UNIT_LBA = 0x40,
    READ_DMA_EXT = 0x25,
    WRITE_DMA_EXT = 0x35,
    FLUSH_CACHE = 0xe7,
};

/* ---- an IDE disk, by 48-bit addresses (ATA/ATAPI-6, 8.25 and 8.62) ------------------------- */

static void ide_start(void)
{
    channel_start(CHANNEL);
    channel_write(IDE_UNIT, UNIT_LBA);
}

/* Each register takes two bytes: the higher one first. */
static void write_address(uint32_t sector, uint32_t sectors)
{
    channel_write(IDE_COUNT, (uint8_t)(sectors >> 8));
    channel_write(IDE_ADDRESS, (uint8_t)(sector >> 24));
    channel_write(IDE_ADDRESS + 1, 0);
    channel_write(IDE_ADDRESS + 2, 0);
    channel_write(IDE_COUNT, (uint8_t)sectors);
    for (unsigned i = 0; i < 3; i++)
        channel_write(IDE_ADDRESS + i, (uint8_t)(sector >> 8 * i));
}

static void ide_transfer(uint32_t sector, uint32_t physical, uint32_t bytes, bool writing)
{
    channel_wait(0);
    channel_prepare(physical, bytes, !writing);
    write_address(sector, bytes / SECTOR_BYTES);
    channel_write(IDE_COMMAND, writing ? WRITE_DMA_EXT : READ_DMA_EXT);
    if (channel_transfer(!writing) & IDE_STATUS_ERROR)
        panic("disk: cannot transfer sector %u", sector);
}

static void ide_flush(void)
{
    channel_write(IDE_COMMAND, FLUSH_CACHE);
    if (channel_finish() & IDE_STATUS_ERROR)
        panic("disk: cannot flush");
}

const struct disk ide_disk = { "ide", ide_start, ide_transfer, ide_flush };

/* ---- the measurements --------------------------------------------------------------------- */

#define DISK_WORD "disk="

/* A file system copies the bytes of an application into its cache, in pieces; so does the loop. */
static void write_all(const struct disk *disk)
{
    begin();
    for (uint32_t at = 0; at < WRITTEN_BYTES; at += WINDOW) {
        for (uint32_t done = 0; done < WINDOW; done += COPY_BYTES)
            memcpy(memory(DMA_AT + done), memory(COPY_TO), COPY_BYTES);
        disk->transfer(at / SECTOR_BYTES, DMA_AT, WINDOW, true);
    }
    disk->flush();
    end("disk_write", WRITTEN_BYTES, "MiB", true);
}

static void read_all(const struct disk *disk)
{
    begin();
    for (uint32_t at = 0; at < WRITTEN_BYTES; at += WINDOW)
        disk->transfer(at / SECTOR_BYTES, DMA_AT, WINDOW, false);
    end("disk_read", WRITTEN_BYTES, "MiB", true);
    if (memcmp(memory(DMA_AT), memory(COPY_TO), COPY_BYTES))
        panic("disk: other bytes than those that were written");
}

void measure_disk(const char *command_line)
{
    static const struct disk *const disks[] = { &ide_disk, &ahci_disk, &virtio_disk };
    const char *word = command_line + strlen(DISK_WORD);
    if (strncmp(command_line, DISK_WORD, strlen(DISK_WORD)))
        return;

    for (size_t i = 0; i < ARRAY_LENGTH(disks); i++) {
        if (strcmp(word, disks[i]->name))
            continue;
        memset(memory(COPY_TO), 0x5a, COPY_BYTES);
        disks[i]->start();
        write_all(disks[i]);
        read_all(disks[i]);
        machine_end(0);
    }
    panic("%s: not ide, ahci or virtio", word);
}
