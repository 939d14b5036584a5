/*
 * multiboot2.c - reads the tags of a multiboot2 loader.
 *
 * A tag consists of its type, its size and a body; the next one starts at the next multiple of 8.
 * Only that alignment is guaranteed, so fields are read with memcpy().
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
    TAG_EFI_SYSTEM_TABLE_32 = 11,
    TAG_EFI_SYSTEM_TABLE_64 = 12,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,

    INFORMATION_BYTES_MAX = 16 << 20,
    INFORMATION_HEADER_BYTES = 8, /* total size, reserved */
    TAG_SIZE = 4,
    TAG_HEADER_BYTES = 8,
    TAG_ALIGNMENT = 8,

    /* Offsets in the tags' bodies. */
    MODULE_START = 0,
    MODULE_END = 4,
    MODULE_NAME = 8,

    MAP_ENTRY_BYTES = 0,
    MAP_ENTRIES = 8,
    ENTRY_START = 0,
    ENTRY_BYTES = 8,
    ENTRY_TYPE = 16,
    ENTRY_BYTES_MIN = 20,

    FB_ADDRESS = 0,
    FB_PITCH = 8,
    FB_WIDTH = 12,
    FB_HEIGHT = 16,
    FB_BITS = 20,
    FB_KIND = 21,
    FB_HEADER_BYTES = 24,
    FB_COLORS = 24, /* position and size of red, green and blue, a byte each */
    FB_RGB_BYTES = 30,
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
    /* The name is the text after the two addresses: its length is the rest of the tag. */
    if (bytes < MODULE_NAME)
        return;
    boot_add_module(r->info, get32(body + MODULE_START), get32(body + MODULE_END),
                    (const char *)body + MODULE_NAME, bytes - MODULE_NAME);
}

static void read_memory_map(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    if (bytes < MAP_ENTRIES)
        return;

    /* The tag contains the size of its entries, which later versions may extend at the end. The
     * minimum also keeps the loop below from running endlessly on 0. */
    uint32_t entry_bytes = get32(body + MAP_ENTRY_BYTES);
    if (entry_bytes < ENTRY_BYTES_MIN)
        return;

    /* An incomplete entry at the end is ignored. */
    r->have_map = true;
    for (uint32_t at = MAP_ENTRIES; entry_bytes <= bytes - at; at += entry_bytes) {
        const uint8_t *entry = body + at;
        if (!boot_map_add(r->map, get64(entry + ENTRY_START), get64(entry + ENTRY_BYTES),
                          boot_memory_from_e820(get32(entry + ENTRY_TYPE))))
            r->map_overflow = true;
    }
}

static void read_framebuffer(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    enum { INDEXED = 0, RGB = 1, TEXT = 2 };
    struct framebuffer *fb = &r->info->framebuffer;

    if (bytes < FB_HEADER_BYTES)
        return;

    /* Indexed colours are not supported: the screen stays unused. */
    uint8_t kind = get8(body + FB_KIND);
    if (kind == INDEXED || (kind == RGB && bytes < FB_RGB_BYTES))
        return;

    /* The values are not checked here: the video driver does, before it maps the pixels. */
    fb->address = get64(body + FB_ADDRESS);
    fb->pitch_bytes = get32(body + FB_PITCH);
    fb->width = get32(body + FB_WIDTH);
    fb->height = get32(body + FB_HEIGHT);
    fb->bits = get8(body + FB_BITS);
    fb->text = kind == TEXT;
    if (kind != RGB)
        return;

    /* Where each component is in a pixel. In text mode there are no such fields. */
    const uint8_t *colors = body + FB_COLORS;
    fb->red_shift = get8(colors);
    fb->red_bits = get8(colors + 1);
    fb->green_shift = get8(colors + 2);
    fb->green_bits = get8(colors + 3);
    fb->blue_shift = get8(colors + 4);
    fb->blue_bits = get8(colors + 5);
}

static void read_rsdp(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    /* The older tag has only the first 20 bytes. The rest is cleared, so that it does not keep
     * fields of another copy. */
    bytes = min(bytes, sizeof(r->info->rsdp));
    memset(r->info->rsdp, 0, sizeof(r->info->rsdp));
    memcpy(r->info->rsdp, body, bytes);
}

static void read_efi(struct reading *r, const uint8_t *body, uint32_t bytes)
{
    (void)body, (void)bytes;
    r->info->efi = true;
}

/* The tag for newer ACPI has the higher number, so its copy replaces the older one's. */
static const struct {
    uint32_t type;
    void (*read)(struct reading *r, const uint8_t *body, uint32_t bytes);
} readers[] = {
    { TAG_COMMAND_LINE, read_command_line }, { TAG_LOADER_NAME, read_loader_name },
    { TAG_MODULE, read_module },             { TAG_MEMORY_MAP, read_memory_map },
    { TAG_FRAMEBUFFER, read_framebuffer },   { TAG_ACPI_OLD, read_rsdp },
    { TAG_ACPI_NEW, read_rsdp },
    { TAG_EFI_SYSTEM_TABLE_32, read_efi },   { TAG_EFI_SYSTEM_TABLE_64, read_efi },
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
    const uint8_t *base = boot_physical(information, INFORMATION_HEADER_BYTES);
    uint32_t total = base ? get32(base) : 0;

    /* The length is known only after the header was read, so the range is checked twice. */
    info->protocol = "multiboot2";
    if (total < INFORMATION_HEADER_BYTES + TAG_HEADER_BYTES || total > INFORMATION_BYTES_MAX ||
        !boot_physical(information, total))
        return "multiboot2: invalid length of the information";

    for (uint32_t at = INFORMATION_HEADER_BYTES; total - at >= TAG_HEADER_BYTES;) {
        uint32_t type = get32(base + at), bytes = get32(base + at + TAG_SIZE);
        if (type == TAG_END)
            break;

        /* A tag's size includes its header. A smaller one would repeat the tag endlessly. */
        if (bytes < TAG_HEADER_BYTES || bytes > total - at)
            return "multiboot2: invalid length of a tag";
        read_tag(&r, type, base + at + TAG_HEADER_BYTES, bytes - TAG_HEADER_BYTES);

        /* The last tag may lack its padding, and the end tag may be missing: both are accepted. */
        uint32_t step = (bytes + TAG_ALIGNMENT - 1) & ~(TAG_ALIGNMENT - 1u);
        if (step > total - at)
            break;
        at += step;
    }

    /* Part of a map would be dangerous: a missing entry may be the one that reserves memory. */
    if (!r.have_map)
        return "multiboot2: no memory map";
    return r.map_overflow ? "multiboot2: too many entries in the memory map" : NULL;
}
