/*
 * mime.c - the MIME type of a file's name, by its extension.
 */
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

static const struct {
    const char *extension, *type;
} mime_types[] = {
    { "txt", "text/plain" },
    { "md", "text/markdown" },
    { "htm", "text/html" },
    { "html", "text/html" },
    { "css", "text/css" },
    { "c", "text/x-c" },
    { "h", "text/x-c" },
    { "s", "text/x-asm" },
    { "sh", "application/x-sh" },
    { "cfg", "text/plain" },
    { "lst", "text/plain" },
    { "xml", "application/xml" },
    { "json", "application/json" },
    { "pdf", "application/pdf" },
    { "gif", "image/gif" },
    { "jpg", "image/jpeg" },
    { "jpeg", "image/jpeg" },
    { "png", "image/png" },
    { "bmp", "image/bmp" },
    { "svg", "image/svg+xml" },
    { "wav", "audio/x-wav" },
    { "mp3", "audio/mpeg" },
    { "ogg", "audio/ogg" },
    { "flac", "audio/flac" },
    { "avi", "video/x-msvideo" },
    { "mpg", "video/mpeg" },
    { "mp4", "video/mp4" },
    { "zip", "application/zip" },
    { "gz", "application/gzip" },
    { "xz", "application/x-xz" },
    { "tar", "application/x-tar" },
    { "iso", "application/x-iso9660-image" },
    { "elf", "application/x-executable" },
    { "exe", "application/x-dosexec" },
    { "mod", "application/octet-stream" },
};

const char *mime_type(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot && dot != name) /* ".profile" has no extension */
        for (size_t i = 0; i < ARRAY_LENGTH(mime_types); i++)
            if (utf8_equal_folded(dot + 1, strlen(dot + 1), mime_types[i].extension,
                                  strlen(mime_types[i].extension)))
                return mime_types[i].type;
    return "application/octet-stream";
}
