/*
 * bare.h - a program without a kernel, which measures the limits of the emulated machine.
 *
 * It boots like Spindle (boot/, by PVH) and transfers by DMA in a loop that waits for each command.
 * No other program can be much faster, so `make bench` uses its results as limits. Without words
 * on its command line it reads the CD and copies memory; `disk=ide`, `disk=ahci` or `disk=virtio`
 * writes the first 128 MiB of that disk, flushes them, and reads them again.
 *
 * Model       One thread; interrupts are on only while it sleeps in machine_wait(). Memory is the
 *             direct map of boot/entry.S, by address: see main.c.
 * Errors      Every error ends the program by panic().
 * References  ATA/ATAPI-6; MMC-3 6.15; SFF-8038i; AHCI 1.3.1; virtio 1.1, 2.4, 2.6 and 4.1.4.8, the
 *             legacy interface; Intel 8254 and 8259A data sheets.
 * Status      An IDE disk must be the master of the first channel, and the CD drive that of the
 *             second, as QEMU's machine `pc` makes them, at the legacy ports. PCI functions are
 *             looked for on bus 0, and their interrupt lines must be those of the firmware.
 */
#ifndef TESTS_BENCH_BARE_BARE_H
#define TESTS_BENCH_BARE_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCK_BYTES = 2048, SECTOR_BYTES = 512, TRANSFER_BYTES_MAX = 1 << 20 };

/* ---- main.c ------------------------------------------------------------------------------- */

enum {
    MIB = 1 << 20,
    DMA_AT = 16 * MIB,  /* the buffer of the drive */
    LIST_AT = 20 * MIB, /* a directory's records */
    COPY_TO = 24 * MIB + 5 * 4096 + 64,
    COPY_FROM = 64 * MIB,
    MEMORY_NEEDED = 192 * MIB,

    COPY_BYTES = 1 << 16, /* the size of an application's read */
};

/* Returns where a physical address below 4 GiB is mapped. */
void *memory(uint32_t physical);
/* Starts the clock of a row. */
void begin(void);
/* Prints a row; `mib`: the amount is in bytes. */
void end(const char *name, uint64_t amount, const char *unit, bool mib);

/* ---- machine.c ---------------------------------------------------------------------------- */

void machine_start(void);
uint64_t machine_now_us(void);
void machine_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Selects the interrupt line that machine_wait() waits for. */
void machine_listen(unsigned line);
/* Sleeps until the next interrupt. A line that stays active until the device is acknowledged may
 * wake the next call, too, so callers look at the device. */
void machine_wait(void);
_Noreturn void machine_end(int code);

/* ---- pci.c -------------------------------------------------------------------------------- */

enum {
    PCI_ID = 0x00,
    PCI_CLASS = 0x08,
    PCI_BAR = 0x10,
    PCI_LINE = 0x3c,
};

/* Finds the first function whose register `offset` has this value above its lowest `shift` bits,
 * and enables its ports, its memory and its bus mastering. Returns its number. */
uint32_t pci_find(uint32_t offset, unsigned shift, uint32_t value, const char *what);
uint32_t pci_read(uint32_t function, uint32_t offset);
/* Returns the address at which a device reads an object of this program. */
uint32_t physical_of(const volatile void *object);

/* ---- channel.c: a channel of an IDE controller -------------------------------------------- */

enum {
    IDE_DATA = 0,
    IDE_FEATURES = 1,
    IDE_COUNT = 2,
    IDE_ADDRESS = 3, /* three bytes */
    IDE_UNIT = 6,
    IDE_COMMAND = 7, /* read: status, which takes the interrupt back */

    IDE_STATUS_ERROR = 1,
    IDE_STATUS_REQUEST = 8,
    IDE_STATUS_BUSY = 0x80,
};

/* Starts channel 0 or 1 with its master. */
void channel_start(unsigned channel);
void channel_write(unsigned where, uint8_t value);
/* Waits until the unit is not busy, and its data request bit is as `wanted`. */
void channel_wait(uint8_t wanted);
/* Sets the bus master's table for a transfer. */
void channel_prepare(uint32_t physical, uint32_t bytes, bool to_memory);
/* Starts the bus master and sleeps until the interrupt. Returns the unit's status. */
uint8_t channel_transfer(bool to_memory);
/* Sends a packet to the unit. */
void channel_send(const uint8_t packet[12]);
/* Sleeps until the end of a command without data. Returns the unit's status. */
uint8_t channel_finish(void);

/* ---- drive.c: the CD drive ---------------------------------------------------------------- */

void drive_start(void);
/* Reads blocks to physical memory by READ(10). The address must be even, and the length at most
 * TRANSFER_BYTES_MAX. */
void drive_read(uint32_t block, uint32_t blocks, uint32_t physical);

/* ---- disk.c ------------------------------------------------------------------------------- */

/* A disk. Lengths are in bytes, at most TRANSFER_BYTES_MAX; each function returns when the disk has
 * finished. */
struct disk {
    const char *name;
    void (*start)(void);
    void (*transfer)(uint32_t sector, uint32_t physical, uint32_t bytes, bool writing);
    void (*flush)(void);
};

extern const struct disk ide_disk, ahci_disk, virtio_disk;

/* Measures the disk that the command line names, if it names one, and ends the program. */
void measure_disk(const char *command_line);

#endif
