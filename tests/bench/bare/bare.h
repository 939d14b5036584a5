/*
 * bare.h - a program without a kernel, which measures the limits of the emulated machine.
 *
 * It boots like Spindle (boot/, by PVH), reads the CD by bus master DMA in a loop that waits for
 * each command, and copies memory. No other program can be much faster, so `make bench` uses its
 * results as limits.
 *
 * Model       One thread; interrupts are on only while it sleeps in drive_read(). Memory is the
 *             direct map of boot/entry.S, by address: see main.c.
 * Errors      Every error ends the program by panic().
 * References  ATA/ATAPI-6; MMC-3 6.15; SFF-8038i; Intel 8254 and 8259A data sheets.
 * Status      The drive must be the master of a PCI controller's second channel, as -cdrom makes
 *             it, at the legacy ports.
 */
#ifndef TESTS_BENCH_BARE_BARE_H
#define TESTS_BENCH_BARE_BARE_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK_BYTES = 2048, TRANSFER_BYTES_MAX = 1 << 20 };

/* ---- machine.c ---------------------------------------------------------------------------- */

void machine_start(void);
uint64_t machine_now_us(void);
void machine_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Sleeps until the drive's next interrupt. */
void machine_wait_drive(void);
_Noreturn void machine_end(int code);

/* ---- drive.c ------------------------------------------------------------------------------ */

void drive_start(void);
/* Reads blocks to physical memory by READ(10). The address must be even, and the length at most
 * TRANSFER_BYTES_MAX. */
void drive_read(uint32_t block, uint32_t blocks, uint32_t physical);

#endif
