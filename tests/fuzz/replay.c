/*
 * replay.c - feeds files to LLVMFuzzerTestOneInput(), without libFuzzer: the corpus as a test.
 *
 *     fuzz_mount.replay PATH...     files, or folders of files
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static unsigned fed;

static void feed(const char *path)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        exit(1);
    }
    fseek(stream, 0, SEEK_END);
    size_t bytes = (size_t)ftell(stream);
    rewind(stream);
    uint8_t *data = malloc(bytes + 1);
    if (data == NULL || fread(data, 1, bytes, stream) != bytes)
        abort();
    fclose(stream);
    fprintf(stderr, "%s\n", path); /* the last line names the input that failed */
    LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    fed++;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void feed_all(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        feed(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char text[4096];
        snprintf(text, sizeof(text), "%s/%s", path, entries[i]->d_name);
        feed(text);
        free(entries[i]);
    }
    free(entries);
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++)
        feed_all(words[i]);
    printf("%u inputs\n", fed);
    return fed == 0;
}
