/*
 * multiboot2.c - the tags of a multiboot2 loader.
 *
 * A tag is type, size, and a body; the next one starts at the next multiple of 8. Fields are read
 * with memcpy, since the loader promises no more than that alignment.
 *
 * Reference: Multiboot2 specification 2.0, section 3.6.
 */
#include "boot/loader.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,

    INFORMATION_BYTES_MAX = 16 << 20,
};

struct reading {
    struct boot_info *info;
    struct boot_map *map;
    bool have_map, map_overflow;
};

static uint8_t get8(const uint8_t *at)
{
    return *at;
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Each reader gets the tag's body and its length. */

static void read_command_line(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    r->info->command_line_cut = boot_copy_text(r->info->command_line,
                                               sizeof(r->info->command_line), (const char *)body,
                                               bytes);
}

static void read_loader_name(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    boot_copy_text(r->info->loader, sizeof(r->info->loader), (const char *)body, bytes);
}

static void read_module(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    if (bytes < 8)
        return;
    boot_add_module(r->info, get32(body), get32(body + 4), (const char *)body + 8, bytes - 8);
}

static void read_memory_map(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    if (bytes < 8)
        return;
    uint32_t entry_bytes = get32(body);
    if (entry_bytes < 20)
        return;

    r->have_map = true;
    for (uint32_t at = 8; entry_bytes <= bytes - at; at += entry_bytes) {
        const uint8_t *entry = body + at;
        if (!boot_map_add(r->map, get64(entry), get64(entry + 8),
                          boot_memory_from_e820(get32(entry + 16))))
            r->map_overflow = true;
    }
}

static void read_framebuffer(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    enum { INDEXED = 0, RGB = 1, TEXT = 2 };
    struct framebuffer *fb = &r->info->framebuffer;

    if (bytes < 24)
        return;
    uint8_t kind = get8(body + 21);
    if (kind == INDEXED || (kind == RGB && bytes < 30))
        return;
    fb->address = get64(body);
    fb->pitch_bytes = get32(body + 8);
    fb->width = get32(body + 12);
    fb->height = get32(body + 16);
    fb->bits = get8(body + 20);
    fb->text = kind == TEXT;
    if (kind != RGB)
        return;
    fb->red_shift = get8(body + 24);
    fb->red_bits = get8(body + 25);
    fb->green_shift = get8(body + 26);
    fb->green_bits = get8(body + 27);
    fb->blue_shift = get8(body + 28);
    fb->blue_bits = get8(body + 29);
}

static void read_rsdp(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    bytes = min(bytes, sizeof(r->info->rsdp));
    memset(r->info->rsdp, 0, sizeof(r->info->rsdp));
    memcpy(r->info->rsdp, body, bytes);
}

/* The newer ACPI tag has the higher number and comes to overwrite the older one's copy. */
static const struct {
    uint32_t type;
    void (*read)(struct reading *r, const uint8_t *body, uint32_t bytes);
} readers[] = {
    { TAG_COMMAND_LINE, read_command_line }, { TAG_LOADER_NAME, read_loader_name },
    { TAG_MODULE, read_module },             { TAG_MEMORY_MAP, read_memory_map },
    { TAG_FRAMEBUFFER, read_framebuffer },   { TAG_ACPI_OLD, read_rsdp },
    { TAG_ACPI_NEW, read_rsdp },
};

static void read_tag(struct reading *r, uint32_t type, const uint8_t *body, uint32_t bytes)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(readers); i++)
        if (readers[i].type == type)
            readers[i].read(r, body, bytes);
}

const char *boot_read_multiboot2(uint64_t information, struct boot_info *info,
                                 struct boot_map *map)
{
    struct reading r = { .info = info, .map = map };
    const uint8_t *base = boot_physical(information, 8);
    uint32_t total = base ? get32(base) : 0;

    info->protocol = "multiboot2";
    if (total < 16 || total > INFORMATION_BYTES_MAX || !boot_physical(information, total))
        return "the multiboot2 information has a senseless length";

    for (uint32_t at = 8; total - at >= 8;) {
        uint32_t type = get32(base + at), bytes = get32(base + at + 4);
        if (type == TAG_END)
            break;
        if (bytes < 8 || bytes > total - at)
            return "a multiboot2 tag is longer than the information";
        read_tag(&r, type, base + at + 8, bytes - 8);

        uint32_t step = (bytes + 7) & ~7u;
        if (step > total - at)
            break;
        at += step;
    }
    if (!r.have_map)
        return "the multiboot2 loader gave no memory map";
    return r.map_overflow ? "the memory map has too many entries" : NULL;
}
