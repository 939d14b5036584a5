/*
 * write_rig.h - what tests of write-back need: a write_fs, mounted at /m from a faulty disk.
 */
#ifndef TESTS_HOST_WRITE_RIG_H
#define TESTS_HOST_WRITE_RIG_H

#include "tests/host/rig.h"
#include "tests/host/write_fs.h"

enum { DISK_BYTES = 2 << 20, FILE_BYTES = 300000 };

extern uint8_t write_image[DISK_BYTES];         /* the medium of write_disk */
extern uint8_t write_content[FILE_BYTES + 4096]; /* random bytes */
extern uint8_t got[FILE_BYTES + 4096];    /* overwritten by medium_has() and file_has() */
extern struct faulty *write_disk;

/* Start everything, with an empty file system. */
void begin_with(enum faulty_manner manner);
void begin(void);
/* Unmounts it, and stops everything. Resets `write_fs`. */
void end(void);

struct fsd *fsd_at(const char *path);
struct file *open_file(const char *path, unsigned flags);
void write_at(struct file *file, uint64_t offset, const void *bytes, size_t count);
status_t sync_all(void);
/* Panic unless the medium, or the file, has exactly these bytes. */
void medium_has(const char *name, const void *bytes, size_t count);
void file_has(const char *path, const void *bytes, size_t count);

/* Makes the image an empty file system. */
void write_fs_format(void);
/* Returns the size of a file as the medium has it, and copies its content; -ENOENT. */
ssize_t write_fs_read_medium(const char *name, void *to, size_t bytes);

#endif
