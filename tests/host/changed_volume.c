/*
 * changed_volume.c - a volume for the tests of kernel/vfs/layout/changes.h: see changed_volume.h.
 */
#include <string.h>

#include "tests/host/changed_volume.h"

void volume_attach(struct volume *volume, struct device *device)
{
    memset(&volume->fsd, 0, sizeof(volume->fsd));
    list_init(&volume->fsd.held);
    volume->fsd.device = (struct device_handle){
        .device = device, .generation = device_medium(device).generation
    };
    device_cache_init(&volume->cache, &volume->fsd, volume->block);
    volume->changes = changes_create(&volume->fsd, &volume->cache, volume->block);
    kassert(volume->changes);
}

void volume_detach(struct volume *volume)
{
    changes_destroy(volume->changes);
    cache_destroy(&volume->cache);
}

void volume_begin(struct volume *volume, uint32_t block)
{
    rig_start();
    volume->block = block;
    snapshot_of_zeroes(&volume->empty, VOLUME_BLOCKS * block);
    volume->recorder = recorder_create(0, &volume->empty, block);
    volume_attach(volume, volume->recorder->device);
}

void volume_end(struct volume *volume)
{
    volume_detach(volume);
    recorder_destroy(volume->recorder);
    rig_stop();
    snapshot_destroy(&volume->empty);
}
