/*
 * cache_model.h - a cache over a faulty disk, and a flat array of what it must contain, for the
 * tests of writing.
 */
#ifndef TESTS_HOST_CACHE_MODEL_H
#define TESTS_HOST_CACHE_MODEL_H

#include "tests/host/cache_source.h"

extern uint8_t model[DISK_BYTES];

/* Set up a cache over the first `size` bytes of the disk, of which the model is a copy; the second
 * one chooses block and unit at random. */
void cached_start(struct source *source, uint32_t block, uint32_t unit, uint64_t size);
void cached_start_random(struct source *source, uint64_t size);
/* Writes random bytes into the cache, and as many of them as it accepted into the model. */
ssize_t cached_put(struct source *source, uint64_t offset, size_t bytes);
void cached_put_whole(struct source *source, uint64_t offset, size_t bytes);
/* Reads, and compares the bytes up to the end of the cache with the model. */
void cached_check(struct source *source, uint64_t offset, size_t bytes);
/* Flushes; nothing may be dirty then. */
void cached_flush(struct source *source);
/* Flushes, compares the disk and, without cached pages, the cache with the model; tears down. */
void cached_finish(struct source *source);

#endif
