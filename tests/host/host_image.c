/*
 * host_image.c - images in files of the host. See host_image.h.
 */
#include "tests/host/host_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/port/host.h"
#include "kernel/port.h"

void host_image_begin(struct host_image *image, uint64_t size)
{
    const char *folder = getenv("TMPDIR");
    snprintf(image->path, sizeof(image->path), "%s/spindle_image.XXXXXX",
             folder ? folder : "/tmp");
    int fd = mkstemp(image->path);
    kassert(fd >= 0 && !ftruncate(fd, (off_t)size));
    image->size = size;
    image->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    kassert(image->bytes != MAP_FAILED);
    close(fd);
}

void host_image_end(struct host_image *image)
{
    kassert(!munmap(image->bytes, image->size));
    unlink(image->path);
}

bool host_image_run(const struct host_image *image, const char *commands)
{
    enum { AROUND = 1000 };
    size_t bytes = strlen(commands) + AROUND;
    char *text = malloc(bytes);
    kassert(text);
    snprintf(text, bytes,
             "export LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1 V=%s; { %s; } >$V.out 2>&1; status=$?; "
             "[ $status = 0 ] || cat $V.out >&2; rm $V.out; exit $status",
             image->path, commands);
    bool good = !system(text);
    free(text);
    return good;
}

bool host_run(const char *commands, void *bytes, uint64_t size)
{
    struct host_image image;
    host_image_begin(&image, size);
    memcpy(image.bytes, bytes, size);
    bool good = host_image_run(&image, commands);
    memcpy(bytes, image.bytes, size);
    host_image_end(&image);
    return good;
}
