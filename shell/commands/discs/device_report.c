/*
 * device_report.c - shows what a device answers, as text and as icons; see device_report.h.
 *
 * Each line is a name, right-aligned in ten columns, and a value. An operation that the device does
 * not support is left out.
 */
#include "shell/commands/discs/device_report.h"

#include "kernel/console.h"
#include "kernel/dev/control.h"
#include "kernel/dev/driver.h"
#include "lib/text.h"

/* ---- lines -------------------------------------------------------------------------------- */

static void report_head(struct stream *out, struct device *device)
{
    char text[256] = "";
    stream_format(out, "    device %s\n", device_label(device));

    /* The label may be an alias that another device gets later; the path is unique. */
    device_path(device, text, sizeof(text));
    stream_format(out, "      path %s\n", text);
    if (device_driver(device))
        stream_format(out, "    driver %s\n", device_driver(device)->name);

    /* The description may contain an INQUIRY string: bytes of the device's choice. */
    text[0] = '\0';
    device_describe(device, text, sizeof(text));
    if (!text[0])
        return;
    stream_text(out, "        is ");
    stream_escaped(out, text, false);
    stream_text(out, "\n");
}

static void report_medium(struct stream *out, const struct device_status *status)
{
    stream_format(out, "    medium %s\n", status->medium == -ENOMEDIUM ? "none"
                                          : status->medium ? status_text(status->medium)
                                                           : "present");
    stream_format(out, "    access %s\n", status->writable   ? "read and write"
                                          : status->readable ? "read-only"
                                                             : "none");
}

/* Without a medium there is no geometry, and no line. */
static void report_geometry(struct stream *out, struct device *device, const char *what,
                            unsigned operation)
{
    struct device_geometry of;
    if (!device_control(device, operation, &of, sizeof(of)))
        stream_format(out, "%10s %u,%u,%u,%u\n", what, of.cylinders, of.heads, of.sectors,
                      of.sector_bytes);
}

void device_report_medium(struct stream *out, struct path *path)
{
    struct device_size size;
    struct device_status status;

    /* An operation that fails leaves its lines out, and the others are still shown. */
    if (!path_control(path, DEVICE_CONTROL_GET_SIZE, &size, sizeof(size)))
        stream_format(out, "     block %u\n", size.block_bytes);
    if (!path_control(path, DEVICE_CONTROL_GET_STATUS, &status, sizeof(status)))
        report_medium(out, &status);
}

void device_report(struct stream *out, struct device *device)
{
    struct device_flags flags;
    struct device_status status;
    struct device_size size;
    struct device_bios_drive bios;
    report_head(out, device);

    /* A bus or a controller has nothing more to report. */
    if (!device_has_data(device))
        return;

    /* The drive itself, which answers without a medium, too. */
    if (!device_control(device, DEVICE_CONTROL_GET_FLAGS, &flags, sizeof(flags)))
        stream_format(out, "      kind %s%s%s%s%s\n", flags.device_class->name,
                      flags.is_virtual && flags.device_class != &class_virtual ? ", virtual" : "",
                      flags.removable ? ", removable" : "", flags.read_only ? ", read-only" : "",
                      flags.write_once ? ", write-once" : "");
    if (!device_control(device, DEVICE_CONTROL_GET_STATUS, &status, sizeof(status))) {
        report_medium(out, &status);
        stream_format(out, "generation %u\n      open %u\n", status.generation, status.handles);
    }

    /* The medium. */
    if (!device_control(device, DEVICE_CONTROL_GET_SIZE, &size, sizeof(size)) &&
        size.block_bytes) {
        uint64_t blocks = size.size_bytes / size.block_bytes;
        stream_format(out, "      size %llu bytes, %llu block%s of %u\n",
                      (unsigned long long)size.size_bytes, (unsigned long long)blocks,
                      text_plural(blocks), size.block_bytes);
    }
    report_geometry(out, device, "geometry", DEVICE_CONTROL_GET_GEOMETRY);

    /* What software that talks to a BIOS would see of the drive. */
    report_geometry(out, device, "BIOS CHS", DEVICE_CONTROL_GET_BIOS_GEOMETRY);
    if (!device_control(device, DEVICE_CONTROL_GET_BIOS_DRIVE, &bios, sizeof(bios)))
        stream_format(out, "BIOS drive 0x%02x\n", bios.drive);
}

/* ---- icons -------------------------------------------------------------------------------- */

/* Draws one text row's slice of the icons. Pictures go to the screen directly, so earlier text is
 * flushed first. A clear picture replaces the small icon in the second row, and is the gap before
 * the text. */
static status_t show_row(struct stream *out, const struct device_icon icons[2], unsigned row)
{
    static const uint8_t clear[ICON_SMALL * ICON_SMALL];
    const struct console_picture large = { ICON_LARGE, icons[0].pixels },
                                 small = { ICON_SMALL, row ? clear : icons[1].pixels },
                                 gap = { ICON_SMALL, clear };
    status_t status = stream_flush(out);
    if (!status)
        status = console_write_picture(&large, row);
    if (!status)
        status = console_write_picture(&small, 0);
    return status ? status : console_write_picture(&gap, 0);
}

status_t device_show_icons(struct stream *out, struct device *device)
{
    static const uint32_t sides[] = { ICON_LARGE, ICON_SMALL };
    struct device_icon *icons = mem_zalloc(2 * sizeof(*icons));
    char text[160] = "";
    status_t status = icons ? 0 : -ENOMEM;

    /* Get both pictures first: an error must not leave half an icon on the screen. */
    for (unsigned i = 0; !status && i < 2; i++) {
        icons[i].side = sides[i];
        status = device_control(device, DEVICE_CONTROL_GET_ICON, &icons[i], sizeof(icons[i]));
    }

    /* Two rows of text, as high as the large icon: the alias, and the description. */
    if (!status)
        status = show_row(out, icons, 0);
    if (!status) {
        stream_format(out, "%s\n", device_alias(device));
        status = show_row(out, icons, 1);
    }
    if (!status) {
        device_describe(device, text, sizeof(text));
        stream_escaped(out, text, false);
        stream_text(out, "\n");
    }
    mem_free(icons);
    return status;
}
