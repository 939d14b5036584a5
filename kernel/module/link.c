/*
 * link.c - places and relocates the sections of an object. See link.h.
 */
#include "kernel/module/link.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    SECTION_ALIGNMENT_MAX = PAGE_BYTES, /* runs are page aligned, no more */
    GOT_SLOT_BYTES = 8,
    MISSING_SHOWN_MAX = 3, /* names of missing symbols in one message */
};

struct link_place {
    bool placed;
    enum link_kind kind;
    uint64_t offset; /* in the run */
};

/* AMD64 psABI, table 4.9. */
enum {
    R_X86_64_NONE = 0,
    R_X86_64_64 = 1,
    R_X86_64_PC32 = 2,
    R_X86_64_PLT32 = 4,
    R_X86_64_GOTPCREL = 9,
    R_X86_64_32 = 10,
    R_X86_64_32S = 11,
    R_X86_64_PC64 = 24,
    R_X86_64_GOTPCRELX = 41,
    R_X86_64_REX_GOTPCRELX = 42,
};

/* What a relocation's value is measured from, and how it is stored. */
enum relocation_base { FROM_ZERO, FROM_PLACE, FROM_PLACE_TO_GOT };
enum relocation_field { FIELD_NONE, FIELD_64, FIELD_UNSIGNED_32, FIELD_SIGNED_32 };

struct relocation_rule {
    uint32_t type;
    enum relocation_field field;
    enum relocation_base base;
    const char *name;
};

/* A call through the PLT needs no PLT here: every target is within 2 GiB. The relaxable forms of
 * GOTPCREL are treated as the plain one: the instruction stays as it is. */
static const struct relocation_rule rules[] = {
    { R_X86_64_NONE, FIELD_NONE, FROM_ZERO, "R_X86_64_NONE" },
    { R_X86_64_64, FIELD_64, FROM_ZERO, "R_X86_64_64" },
    { R_X86_64_PC32, FIELD_SIGNED_32, FROM_PLACE, "R_X86_64_PC32" },
    { R_X86_64_PLT32, FIELD_SIGNED_32, FROM_PLACE, "R_X86_64_PLT32" },
    { R_X86_64_32, FIELD_UNSIGNED_32, FROM_ZERO, "R_X86_64_32" },
    { R_X86_64_32S, FIELD_SIGNED_32, FROM_ZERO, "R_X86_64_32S" },
    { R_X86_64_PC64, FIELD_64, FROM_PLACE, "R_X86_64_PC64" },
    { R_X86_64_GOTPCREL, FIELD_SIGNED_32, FROM_PLACE_TO_GOT, "R_X86_64_GOTPCREL" },
    { R_X86_64_GOTPCRELX, FIELD_SIGNED_32, FROM_PLACE_TO_GOT, "R_X86_64_GOTPCRELX" },
    { R_X86_64_REX_GOTPCRELX, FIELD_SIGNED_32, FROM_PLACE_TO_GOT, "R_X86_64_REX_GOTPCRELX" },
};

static const struct relocation_rule *rule_of(uint32_t type)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

static size_t field_bytes(const struct relocation_rule *rule)
{
    return rule->field == FIELD_NONE ? 0 : rule->field == FIELD_64 ? 8 : 4;
}

/* ---- the plan ------------------------------------------------------------------------------ */

static status_t check_kind(const struct object_section *section, struct object_error *error)
{
    switch (section->type) {
    case SECTION_INIT_ARRAY:
    case SECTION_FINI_ARRAY:
    case SECTION_PREINIT_ARRAY:
        return object_refuse(error, "section %s: constructors are not run", section->name);
    case SECTION_PROGBITS:
    case SECTION_NOBITS:
    case SECTION_NOTE:
        break;
    default:
        return object_refuse(error, "section %s: unknown type %u", section->name, section->type);
    }

    /* Drivers need none of these: the kernel's toolchain emits them only after a mistake in the
     * flags. */
    if (section->flags & SECTION_TLS)
        return object_refuse(error, "section %s: thread-local", section->name);
    if (section->flags & SECTION_COMPRESSED)
        return object_refuse(error, "section %s: compressed", section->name);
    if ((section->flags & SECTION_WRITE) && (section->flags & SECTION_EXECUTE))
        return object_refuse(error, "section %s: writable and executable", section->name);
    if (section->type == SECTION_NOBITS && !(section->flags & SECTION_WRITE))
        return object_refuse(error, "section %s: constants without contents", section->name);

    /* Runs begin at a page, so a larger alignment could not be kept. */
    if (section->alignment > SECTION_ALIGNMENT_MAX)
        return object_refuse(error, "section %s: alignment above %u", section->name,
                             SECTION_ALIGNMENT_MAX);
    return 0;
}

/* Exception tables are of no use in the kernel: they stay in the file. */
static bool is_wanted(const struct object_section *section)
{
    return (section->flags & SECTION_ALLOC) && section->type != SECTION_X86_64_UNWIND &&
           strcmp(section->name, ".eh_frame");
}

static void place(struct link *link, uint32_t index, const struct object_section *section)
{
    enum link_kind kind = section->flags & SECTION_EXECUTE ? LINK_TEXT
                          : section->flags & SECTION_WRITE ? LINK_DATA
                                                           : LINK_CONSTANTS;

    /* Alignment 0 means none (gABI, "Section header"). The sum cannot overflow: place_sections()
     * bounds the run after each section, and check_section() each section's size. */
    uint64_t alignment = max(section->alignment, 1);
    uint64_t offset = (link->bytes[kind] + alignment - 1) & ~(alignment - 1);

    link->places[index] = (struct link_place){ true, kind, offset };
    link->bytes[kind] = offset + section->bytes;
}

static status_t place_sections(struct link *link, struct object_error *error)
{
    for (uint32_t i = 1; i < link->object->section_count; i++) {
        struct object_section section = object_section(link->object, i);
        if (!is_wanted(&section))
            continue;

        /* The kind is only checked for sections that are loaded: debugging sections may be of
         * any kind. */
        status_t status = check_kind(&section, error);
        if (status)
            return status;
        place(link, i, &section);

        /* Checked after each section, so that the sum never comes near an overflow. */
        if (link->bytes[link->places[i].kind] > OBJECT_BYTES_MAX)
            return object_refuse(error, "sections are too large together");
    }
    return 0;
}

/* Checks one relocation except for its result, and gives its symbol a slot in the global offset
 * table if it needs one. */
static status_t check_relocation(struct link *link, const struct object_section *target,
                                 const struct object_relocation *relocation,
                                 struct object_error *error)
{
    /* An unknown type cannot be skipped: the code would run with a wrong address in it. */
    const struct relocation_rule *rule = rule_of(relocation->type);
    if (!rule)
        return object_refuse(error, "section %s: unsupported relocation type %u", target->name,
                             relocation->type);
    if (relocation->symbol >= link->object->symbol_count)
        return object_refuse(error, "section %s: relocation's symbol is out of range",
                             target->name);

    /* Nothing may be written outside the target. `bytes` is subtracted from the size, never
     * added to the hostile offset, which could wrap. */
    size_t bytes = field_bytes(rule);
    if (target->type == SECTION_NOBITS || bytes > target->bytes ||
        relocation->offset > target->bytes - bytes)
        return object_refuse(error, "section %s: relocation outside the section", target->name);

    /* One slot for each symbol, however often it is used. Slots count from 1, so that 0 means
     * none. */
    if (rule->base == FROM_PLACE_TO_GOT && !link->got_slots[relocation->symbol])
        link->got_slots[relocation->symbol] = ++link->got_count;
    return 0;
}

static status_t check_relocations(struct link *link, struct object_error *error)
{
    const struct object *object = link->object;

    for (uint32_t i = 1; i < object->section_count; i++) {
        struct object_section table = object_section(object, i);

        /* Relocations of debugging sections, which stay in the file, are not even looked at. */
        if (table.type != SECTION_RELA || !link->places[table.info].placed)
            continue;

        struct object_section target = object_section(object, table.info);
        for (uint64_t j = 0; j < object_relocation_count(&table); j++) {
            struct object_relocation relocation = object_relocation(object, &table, j);
            status_t status = check_relocation(link, &target, &relocation, error);
            if (status)
                return status;
        }
    }
    return 0;
}

status_t link_plan(struct link *link, const struct object *object, struct object_error *error)
{
    *link = (struct link){ .object = object };
    link->places = mem_zalloc(object->section_count * sizeof(*link->places));
    link->got_slots = mem_zalloc((object->symbol_count + 1u) * sizeof(*link->got_slots));
    if (!link->places || !link->got_slots)
        return -ENOMEM;

    status_t status = place_sections(link, error);
    if (!status)
        status = check_relocations(link, error);
    if (status)
        return status;

    /* The global offset table follows the last section of constants: it is written once, by the
     * linker. Only now is its size known. */
    uint64_t *constants = &link->bytes[LINK_CONSTANTS];
    link->got_offset = (*constants + GOT_SLOT_BYTES - 1) & ~(GOT_SLOT_BYTES - 1ull);
    if (link->got_count)
        *constants = link->got_offset + (uint64_t)link->got_count * GOT_SLOT_BYTES;
    return 0;
}

void link_free(struct link *link)
{
    mem_free(link->places);
    mem_free(link->got_slots);
    link->places = NULL;
    link->got_slots = NULL;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static uint64_t section_address(const struct link *link, uint32_t index)
{
    const struct link_place *at = &link->places[index];
    return at->placed ? link->runs[at->kind].address + at->offset : 0;
}

uint64_t link_symbol_address(const struct link *link, const struct object_symbol *symbol)
{
    if (symbol->section == SYMBOL_UNDEFINED || symbol->section == SYMBOL_ABSOLUTE ||
        !link->places[symbol->section].placed)
        return 0;
    return section_address(link, symbol->section) + symbol->value;
}

struct resolver {
    link_resolve *resolve;
    void *context;
};

/* The value of a symbol for a relocation. -ENOEXEC if it has none. */
static status_t symbol_value(const struct link *link, uint32_t index,
                             const struct resolver *resolver, uint64_t *value,
                             struct object_error *error)
{
    struct object_symbol symbol = object_symbol(link->object, index);

    /* Symbol 0 stands for "no symbol": its value is 0. */
    *value = 0;
    if (!index)
        return 0;
    if (symbol.type == SYMBOL_TYPE_TLS)
        return object_refuse(error, "symbol %s: thread-local", symbol.name);
    if (symbol.section == SYMBOL_ABSOLUTE) {
        *value = symbol.value;
        return 0;
    }
    if (symbol.section != SYMBOL_UNDEFINED) {
        if (!link->places[symbol.section].placed)
            return object_refuse(error, "symbol %s: in a section that is not loaded", symbol.name);
        *value = link_symbol_address(link, &symbol);
        return 0;
    }

    /* An undefined weak symbol that is not exported is 0, as in a linker. */
    *value = resolver->resolve(resolver->context, symbol.name);
    if (!*value && symbol.binding != BINDING_WEAK)
        return object_refuse(error, "symbol %s: not exported to drivers", symbol.name);
    return 0;
}

/* Whether a symbol must come from the kernel. Position-independent code names the global offset
 * table without using its address. */
static bool is_needed(const struct object_symbol *symbol)
{
    return symbol->section == SYMBOL_UNDEFINED && symbol->binding == BINDING_GLOBAL &&
           strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_");
}

/* Names all undefined symbols that are not exported, in one message. */
static status_t check_missing(const struct link *link, const struct resolver *resolver,
                              struct object_error *error)
{
    unsigned missing = 0;
    size_t used = 0;
    char names[OBJECT_WHY_BYTES] = "";

    for (uint32_t i = 1; i < link->object->symbol_count; i++) {
        /* A message has room for a few names only; the rest are counted. */
        struct object_symbol symbol = object_symbol(link->object, i);
        if (!is_needed(&symbol) || resolver->resolve(resolver->context, symbol.name))
            continue;
        if (missing++ < MISSING_SHOWN_MAX) {
            int length = format_text(names + used, sizeof(names) - used, "%s%.40s",
                                     used ? ", " : "", symbol.name);
            used = min(used + (size_t)length, sizeof(names) - 1);
        }
    }
    if (!missing)
        return 0;
    if (missing > MISSING_SHOWN_MAX)
        return object_refuse(error, "symbols not exported to drivers: %s and %u more", names,
                             missing - MISSING_SHOWN_MAX);
    return object_refuse(error, "symbol%s not exported to drivers: %s", missing > 1 ? "s" : "",
                         names);
}

/* Two global definitions of one name: which one is meant cannot be known. The hash table has at
 * least twice as many slots as there are symbols, so that every search ends. */
static status_t check_duplicates(const struct link *link, struct object_error *error)
{
    const struct object *object = link->object;

    /* Comparing each pair would take minutes for a hostile object with 100000 symbols. */
    size_t slots = 2;
    while (slots < 2 * (size_t)object->symbol_count)
        slots *= 2;
    uint32_t *table = mem_zalloc(slots * sizeof(*table));
    if (!table)
        return -ENOMEM;

    status_t status = 0;
    for (uint32_t i = 1; !status && i < object->symbol_count; i++) {
        struct object_symbol symbol = object_symbol(object, i);
        if (symbol.section == SYMBOL_UNDEFINED || symbol.binding != BINDING_GLOBAL)
            continue;

        /* Slot value 0 means empty: symbol 0 is never in the table. Local symbols may repeat a
         * name. */
        size_t slot = hash_bytes(symbol.name, strlen(symbol.name), 0) & (slots - 1);
        for (; !status && table[slot]; slot = (slot + 1) & (slots - 1))
            if (!strcmp(object_symbol(object, table[slot]).name, symbol.name))
                status = object_refuse(error, "symbol %s: defined twice", symbol.name);
        table[slot] = i;
    }
    mem_free(table);
    return status;
}

/* ---- relocation ---------------------------------------------------------------------------- */

static bool fits(enum relocation_field field, uint64_t value)
{
    switch (field) {
    case FIELD_UNSIGNED_32:
        return value <= UINT32_MAX;
    case FIELD_SIGNED_32:
        return (int64_t)value == (int32_t)value;
    default:
        return true;
    }
}

static uint64_t got_address(const struct link *link, uint32_t symbol)
{
    return link->runs[LINK_CONSTANTS].address + link->got_offset +
           (link->got_slots[symbol] - 1) * (uint64_t)GOT_SLOT_BYTES;
}

static status_t relocate(struct link *link, uint32_t section,
                         const struct object_relocation *relocation,
                         const struct resolver *resolver, struct object_error *error)
{
    const struct relocation_rule *rule = rule_of(relocation->type);
    const struct link_place *at = &link->places[section];
    uint64_t value;

    status_t status = symbol_value(link, relocation->symbol, resolver, &value, error);
    if (status)
        return status;

    /* The psABI's S + A, S + A - P and G + GOT + A - P; sums wrap as addresses do. */
    if (rule->base == FROM_PLACE_TO_GOT)
        value = got_address(link, relocation->symbol);
    value += (uint64_t)relocation->addend;
    if (rule->base != FROM_ZERO)
        value -= section_address(link, section) + relocation->offset;

    /* A truncated address would make the code call or write at a place that is not its own. */
    if (!fits(rule->field, value))
        return object_refuse(error, "symbol %s: out of reach of %s",
                             object_symbol(link->object, relocation->symbol).name, rule->name);
    memcpy(link->runs[at->kind].memory + at->offset + relocation->offset, &value,
           field_bytes(rule));
    return 0;
}

static status_t relocate_section(struct link *link, const struct object_section *table,
                                 const struct resolver *resolver, struct object_error *error)
{
    status_t status = 0;

    for (uint64_t i = 0; !status && i < object_relocation_count(table); i++) {
        struct object_relocation relocation = object_relocation(link->object, table, i);
        status = relocate(link, table->info, &relocation, resolver, error);
    }
    return status;
}

static void copy_sections(struct link *link)
{
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        if (link->bytes[kind])
            memset(link->runs[kind].memory, 0, link->bytes[kind]);

    /* A NOBITS section has no contents: the zeroes above are its value. They also fill the gaps
     * between sections, so that no old memory reaches a driver. */
    for (uint32_t i = 1; i < link->object->section_count; i++) {
        const struct link_place *at = &link->places[i];
        if (!at->placed)
            continue;
        struct object_section section = object_section(link->object, i);
        struct bytes contents = object_contents(link->object, &section);
        if (contents.length)
            memcpy(link->runs[at->kind].memory + at->offset, contents.data, contents.length);
    }
}

static status_t fill_got(struct link *link, const struct resolver *resolver,
                         struct object_error *error)
{
    uint8_t *got = link->runs[LINK_CONSTANTS].memory + link->got_offset;

    for (uint32_t i = 1; i < link->object->symbol_count; i++) {
        uint64_t value;

        /* A symbol whose address is only used by direct relocations has no slot. */
        if (!link->got_slots[i])
            continue;
        status_t status = symbol_value(link, i, resolver, &value, error);
        if (status)
            return status;
        memcpy(got + (link->got_slots[i] - 1) * (size_t)GOT_SLOT_BYTES, &value, sizeof(value));
    }
    return 0;
}

status_t link_apply(struct link *link, const struct link_run runs[LINK_KINDS],
                    link_resolve *resolve, void *context, struct object_error *error)
{
    struct resolver resolver = { resolve, context };

    /* Addresses can be computed from here on. Nothing is written before all symbols are known to
     * exist. */
    memcpy(link->runs, runs, sizeof(link->runs));
    status_t status = check_duplicates(link, error);
    if (!status)
        status = check_missing(link, &resolver, error);
    if (status)
        return status;

    /* The table is filled before relocations refer to it, but any order would do: relocations
     * use the address of a slot, not its content. */
    copy_sections(link);
    if (link->got_count)
        status = fill_got(link, &resolver, error);
    for (uint32_t i = 1; !status && i < link->object->section_count; i++) {
        struct object_section table = object_section(link->object, i);
        if (table.type == SECTION_RELA && link->places[table.info].placed)
            status = relocate_section(link, &table, &resolver, error);
    }
    return status;
}

/* ---- tables -------------------------------------------------------------------------------- */

/* Returns whether this many bytes at the address are within the constants or the data. */
static bool is_inside(const struct link *link, uint64_t address, size_t bytes)
{
    for (enum link_kind kind = LINK_CONSTANTS; kind < LINK_KINDS; kind++) {
        uint64_t offset = address - link->runs[kind].address;
        if (offset <= link->bytes[kind] && bytes <= link->bytes[kind] - offset)
            return true;
    }
    return false;
}

status_t link_table(const struct link *link, const char *name, size_t object_bytes,
                    const uint64_t **table, size_t *count, struct object_error *error)
{
    uint32_t index = object_section_named(link->object, name);
    const struct link_place *at = &link->places[index];

    *table = NULL;
    *count = 0;
    if (!index)
        return 0;

    /* Text is excluded, since pointers in it could not be relocated tables of lib/table.h. */
    struct object_section section = object_section(link->object, index);
    if (!at->placed || at->kind == LINK_TEXT || at->offset % sizeof(uint64_t) ||
        section.bytes % sizeof(uint64_t))
        return object_refuse(error, "section %s: not a table", name);

    *table = (const uint64_t *)(const void *)(link->runs[at->kind].memory + at->offset);
    *count = section.bytes / sizeof(uint64_t);

    /* The kernel will follow these pointers. One that a relocation with a large addend moved
     * elsewhere would make it read any memory as a driver. */
    for (size_t i = 0; i < *count; i++)
        if (!is_inside(link, (*table)[i], object_bytes))
            return object_refuse(error, "section %s: points outside the object", name);
    return 0;
}
