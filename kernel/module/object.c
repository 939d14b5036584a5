/*
 * object.c - checks ELF64 relocatable objects and decodes their tables. See object.h.
 */
#include "kernel/module/object.h"
#include <stdarg.h>
#include "lib/format.h"
#include "lib/string.h"

/* gABI, "ELF header": offsets of the fields that matter here. */
enum {
    HEADER_CLASS = 4,
    HEADER_DATA = 5,
    HEADER_TYPE = 16,
    HEADER_MACHINE = 18,
    HEADER_VERSION = 20,
    HEADER_SECTIONS = 40, /* e_shoff */
    HEADER_SECTION_BYTES = 58,
    HEADER_SECTION_COUNT = 60,
    HEADER_NAMES = 62, /* e_shstrndx */
    HEADER_BYTES = 64,

    CLASS_64 = 2,
    DATA_LITTLE_ENDIAN = 1,
    TYPE_RELOCATABLE = 1,
    MACHINE_X86_64 = 62,
};

/* "Section header". */
enum {
    SECTION_NAME = 0,
    SECTION_TYPE = 4,
    SECTION_FLAGS = 8,
    SECTION_OFFSET = 24,
    SECTION_SIZE = 32,
    SECTION_LINK = 40,
    SECTION_INFO = 44,
    SECTION_ALIGNMENT = 48,
    SECTION_ENTRY_SIZE = 56,
    SECTION_HEADER_BYTES = 64,
    SECTION_INDEX_RESERVED = 0xff00, /* SHN_LORESERVE */
};

/* "Symbol table" and "Relocation": entries with addends. */
enum {
    SYMBOL_NAME = 0,
    SYMBOL_INFO = 4,
    SYMBOL_SECTION = 6,
    SYMBOL_VALUE = 8,
    SYMBOL_SIZE = 16,
    SYMBOL_ENTRY_BYTES = 24,

    RELOCATION_OFFSET = 0,
    RELOCATION_TYPE = 8,
    RELOCATION_SYMBOL = 12,
    RELOCATION_ADDEND = 16,
    RELOCATION_ENTRY_BYTES = 24,
};

status_t object_refuse(struct object_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_text_v(error->why, sizeof(error->why), format, arguments);
    va_end(arguments);

    /* Names in the object may hold anything, and the text is shown on a terminal. */
    for (char *at = error->why; *at; at++)
        if ((uint8_t)*at < ' ' || *at == 0x7f)
            *at = '?';
    return -ENOEXEC;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static struct bytes section_header(const struct object *object, uint32_t index)
{
    return bytes_slice(object->file,
                       object->sections_offset + (uint64_t)index * SECTION_HEADER_BYTES,
                       SECTION_HEADER_BYTES);
}

struct object_section object_section(const struct object *object, uint32_t index)
{
    /* Any index below section_count is safe: check_sections() has found all headers and names
     * inside the file. */
    struct bytes header = section_header(object, index);
    return (struct object_section){
        .name = (const char *)object->section_names.data + bytes_le32(header, SECTION_NAME),
        .type = bytes_le32(header, SECTION_TYPE),
        .flags = bytes_le64(header, SECTION_FLAGS),
        .offset = bytes_le64(header, SECTION_OFFSET),
        .bytes = bytes_le64(header, SECTION_SIZE),
        .link = bytes_le32(header, SECTION_LINK),
        .info = bytes_le32(header, SECTION_INFO),
        .alignment = bytes_le64(header, SECTION_ALIGNMENT),
        .entry_bytes = bytes_le64(header, SECTION_ENTRY_SIZE),
    };
}

struct object_symbol object_symbol(const struct object *object, uint32_t index)
{
    /* The low four bits of st_info are the type, the high ones the binding (gABI, "Symbol
     * Table"). */
    struct bytes entry = bytes_slice(object->file,
                                     object->symbols_offset + (uint64_t)index * SYMBOL_ENTRY_BYTES,
                                     SYMBOL_ENTRY_BYTES);
    uint8_t info = bytes_u8(entry, SYMBOL_INFO);
    return (struct object_symbol){
        .name = (const char *)object->symbol_names.data + bytes_le32(entry, SYMBOL_NAME),
        .value = bytes_le64(entry, SYMBOL_VALUE),
        .bytes = bytes_le64(entry, SYMBOL_SIZE),
        .section = bytes_le16(entry, SYMBOL_SECTION),
        .type = info & 0xf,
        .binding = info >> 4,
    };
}

struct bytes object_contents(const struct object *object, const struct object_section *section)
{
    if (section->type == SECTION_NOBITS)
        return (struct bytes){ object->file.data, 0 };
    return bytes_slice(object->file, section->offset, section->bytes);
}

uint64_t object_relocation_count(const struct object_section *table)
{
    return table->bytes / RELOCATION_ENTRY_BYTES;
}

struct object_relocation object_relocation(const struct object *object,
                                           const struct object_section *table, uint64_t index)
{
    struct bytes entry = bytes_slice(object->file, table->offset + index * RELOCATION_ENTRY_BYTES,
                                     RELOCATION_ENTRY_BYTES);
    return (struct object_relocation){
        .offset = bytes_le64(entry, RELOCATION_OFFSET),
        .type = bytes_le32(entry, RELOCATION_TYPE),
        .symbol = bytes_le32(entry, RELOCATION_SYMBOL),
        .addend = (int64_t)bytes_le64(entry, RELOCATION_ADDEND),
    };
}

uint32_t object_section_named(const struct object *object, const char *name)
{
    for (uint32_t i = 1; i < object->section_count; i++)
        if (!strcmp(object_section(object, i).name, name))
            return i;
    return 0;
}

/* ---- checks -------------------------------------------------------------------------------- */

static status_t check_header(struct bytes file, struct object_error *error)
{
    static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };

    if (file.length > OBJECT_BYTES_MAX)
        return object_refuse(error, "larger than %u MiB", OBJECT_BYTES_MAX >> 20);
    if (file.length < HEADER_BYTES || memcmp(file.data, magic, sizeof(magic)))
        return object_refuse(error, "not an ELF file");

    /* The class decides the layout of everything after e_ident, so it is checked before the rest
     * is read. */
    if (bytes_u8(file, HEADER_CLASS) != CLASS_64 ||
        bytes_u8(file, HEADER_DATA) != DATA_LITTLE_ENDIAN ||
        bytes_le16(file, HEADER_MACHINE) != MACHINE_X86_64)
        return object_refuse(error, "not an object for x86-64");
    if (bytes_le16(file, HEADER_TYPE) != TYPE_RELOCATABLE || bytes_le32(file, HEADER_VERSION) != 1)
        return object_refuse(error, "not a relocatable object");

    /* The tables are read with fixed steps. The format would allow larger entries; no toolchain
     * makes them. */
    if (bytes_le16(file, HEADER_SECTION_BYTES) != SECTION_HEADER_BYTES)
        return object_refuse(error, "invalid size of section headers");
    return 0;
}

/* A table of names must end with NUL, so that each name ends inside it. */
static status_t check_strings(const struct object *object, uint32_t index, struct bytes *names,
                              struct object_error *error)
{
    if (!index || index >= object->section_count)
        return object_refuse(error, "no table of names");

    /* The section's own name cannot be read yet. */
    struct bytes header = section_header(object, index);
    uint64_t offset = bytes_le64(header, SECTION_OFFSET), bytes = bytes_le64(header, SECTION_SIZE);
    if (bytes_le32(header, SECTION_TYPE) != SECTION_STRINGS || !bytes ||
        !bytes_has(object->file, offset, bytes))
        return object_refuse(error, "invalid table of names");

    *names = bytes_slice(object->file, offset, bytes);
    if (names->data[names->length - 1])
        return object_refuse(error, "names do not end");
    return 0;
}

/* Whether a name begins at this offset; a name that runs on for long is not one. */
static bool has_name(struct bytes names, uint32_t offset)
{
    return offset < names.length &&
           strnlen((const char *)names.data + offset, OBJECT_NAME_BYTES_MAX + 1) <=
               OBJECT_NAME_BYTES_MAX;
}

/* What holds for every section whatever it is for. */
static status_t check_section(const struct object *object, uint32_t index,
                              struct object_error *error)
{
    if (!has_name(object->section_names, bytes_le32(section_header(object, index), SECTION_NAME)))
        return object_refuse(error, "section %u: invalid name", index);

    struct object_section section = object_section(object, index);
    if (section.type != SECTION_NOBITS && section.type != SECTION_NULL &&
        !bytes_has(object->file, section.offset, section.bytes))
        return object_refuse(error, "section %s: beyond the end of the file", section.name);

    /* A NOBITS section has no bytes in the file, so the check above does not bound its size. */
    if (section.bytes > OBJECT_BYTES_MAX)
        return object_refuse(error, "section %s: too large", section.name);
    if (section.alignment & (section.alignment - 1))
        return object_refuse(error, "section %s: alignment is not a power of two", section.name);
    return 0;
}

static status_t check_sections(struct object *object, struct object_error *error)
{
    uint32_t names = bytes_le16(object->file, HEADER_NAMES);

    /* Counts above SHN_LORESERVE would be in section 0 (gABI, "Sections"); such objects are
     * refused. */
    object->sections_offset = bytes_le64(object->file, HEADER_SECTIONS);
    object->section_count = bytes_le16(object->file, HEADER_SECTION_COUNT);
    if (object->section_count < 2 || object->section_count >= SECTION_INDEX_RESERVED)
        return object_refuse(error, "invalid number of sections");

    /* From here on each section header is inside the file, and only from here on may one be
     * read. */
    if (!bytes_has(object->file, object->sections_offset,
                   (size_t)object->section_count * SECTION_HEADER_BYTES))
        return object_refuse(error, "section headers beyond the end of the file");

    /* The names of sections first: check_section() shows them in its messages. */
    status_t status = check_strings(object, names, &object->section_names, error);
    for (uint32_t i = 0; !status && i < object->section_count; i++)
        status = check_section(object, i, error);
    return status;
}

static status_t check_symbol(const struct object *object, uint32_t index,
                             struct object_error *error)
{
    struct bytes entry = bytes_slice(object->file,
                                     object->symbols_offset + (uint64_t)index * SYMBOL_ENTRY_BYTES,
                                     SYMBOL_ENTRY_BYTES);
    if (!has_name(object->symbol_names, bytes_le32(entry, SYMBOL_NAME)))
        return object_refuse(error, "symbol %u: invalid name", index);

    struct object_symbol symbol = object_symbol(object, index);

    /* The name is bounded now, and may be shown. */
    if (symbol.binding > BINDING_WEAK)
        return object_refuse(error, "symbol %s: unknown binding %u", symbol.name, symbol.binding);
    if (symbol.section == SYMBOL_UNDEFINED || symbol.section == SYMBOL_ABSOLUTE)
        return 0;

    /* A common symbol has no section: a linker would have to allocate it. */
    if (symbol.section == SYMBOL_COMMON)
        return object_refuse(error, "symbol %s: common; compile with -fno-common", symbol.name);
    if (symbol.section >= object->section_count)
        return object_refuse(error, "symbol %s: section out of range", symbol.name);

    /* One past the end is allowed: it is the address of an end. */
    struct object_section section = object_section(object, symbol.section);
    if (symbol.value > section.bytes || symbol.bytes > section.bytes - symbol.value)
        return object_refuse(error, "symbol %s: outside section %s", symbol.name, section.name);
    return 0;
}

/* Exactly one symbol table, with names of its own. */
static status_t check_symbols(struct object *object, struct object_error *error)
{
    uint32_t found = 0;

    for (uint32_t i = 1; i < object->section_count; i++) {
        if (object_section(object, i).type != SECTION_SYMBOLS)
            continue;

        /* The format reserves the right to more than one table. Relocations name one by its
         * section; with exactly one that need not be checked. */
        if (found)
            return object_refuse(error, "more than one symbol table");
        found = i;
    }
    if (!found)
        return object_refuse(error, "no symbol table");

    struct object_section table = object_section(object, found);
    if (table.entry_bytes != SYMBOL_ENTRY_BYTES || table.bytes % SYMBOL_ENTRY_BYTES)
        return object_refuse(error, "invalid size of symbols");

    /* The table is inside the file (check_section), so the count fits its 32 bits:
     * OBJECT_BYTES_MAX is far smaller. */
    object->symbols_offset = table.offset;
    object->symbol_count = (uint32_t)(table.bytes / SYMBOL_ENTRY_BYTES);

    status_t status = check_strings(object, table.link, &object->symbol_names, error);
    for (uint32_t i = 1; !status && i < object->symbol_count; i++)
        status = check_symbol(object, i, error);
    return status;
}

/* Relocations without addends do not occur on x86-64. */
static status_t check_relocations(const struct object *object, struct object_error *error)
{
    for (uint32_t i = 1; i < object->section_count; i++) {
        struct object_section table = object_section(object, i);
        if (table.type == SECTION_REL)
            return object_refuse(error, "section %s: relocations without addends", table.name);
        if (table.type != SECTION_RELA)
            continue;
        if (table.entry_bytes != RELOCATION_ENTRY_BYTES || table.bytes % RELOCATION_ENTRY_BYTES)
            return object_refuse(error, "section %s: invalid size of relocations", table.name);

        /* link.c uses sh_info as an index of its places without another check. */
        if (!table.info || table.info >= object->section_count)
            return object_refuse(error, "section %s: applies to no section", table.name);
    }
    return 0;
}

status_t object_open(struct bytes file, struct object *object, struct object_error *error)
{
    *object = (struct object){ .file = file };

    /* Each check relies on those before it: symbols name sections, and relocations name both. */
    status_t status = check_header(file, error);
    if (!status)
        status = check_sections(object, error);
    if (!status)
        status = check_symbols(object, error);
    if (!status)
        status = check_relocations(object, error);
    return status;
}
