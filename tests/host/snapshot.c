/*
 * snapshot.c - images that are copied very often: see snapshot.h.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/port.h"
#include "tests/host/snapshot.h"

void snapshot_of_file(struct snapshot *snapshot, int file)
{
    struct stat info;
    kassert(!fstat(file, &info) && info.st_size > 0);
    *snapshot = (struct snapshot){ .file = file, .bytes = (size_t)info.st_size };
}

void snapshot_of_zeroes(struct snapshot *snapshot, size_t bytes)
{
    char path[] = "/tmp/spindle_snapshot.XXXXXX";
    int file = mkstemp(path);
    kassert(file >= 0 && !unlink(path) && !ftruncate(file, (off_t)bytes));
    snapshot_of_file(snapshot, file);
}

void snapshot_destroy(struct snapshot *snapshot)
{
    close(snapshot->file);
}

uint8_t *snapshot_map(const struct snapshot *snapshot)
{
    void *copy = mmap(NULL, snapshot->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, snapshot->file,
                      0);
    if (copy == MAP_FAILED)
        panic("the host's memory is exhausted");
    return copy;
}

void snapshot_unmap(const struct snapshot *snapshot, uint8_t *copy)
{
    munmap(copy, snapshot->bytes);
}
