/*
 * info.c - reads the texts of a driver object. See info.h.
 */
#include "kernel/module/info.h"
#include "lib/string.h"
#include "lib/text.h"

/* Printable UTF-8 is shown as it is, so control characters are refused. */
static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((uint8_t)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* The name is part of paths and messages. */
bool driver_name_is_valid(const char *text)
{
    size_t length = strlen(text);
    if (!length || length > DRIVER_NAME_BYTES_MAX)
        return false;

    for (; *text; text++)
        if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') &&
            !(*text >= '0' && *text <= '9') && *text != '-' && *text != '_')
            return false;
    return true;
}

static const char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    return !strncmp(text, key, length) && text[length] == '=' ? text + length + 1 : NULL;
}

const char *driver_info_next(const struct driver_info *info, const char *key,
                             const char *previous)
{
    const char *at = (const char *)info->texts.data, *end = at + info->texts.length;

    /* Continue after the text that `previous` is the value of: all texts end with a NUL (checked
     * once). */
    if (previous)
        at = previous + strlen(previous) + 1;

    for (; at < end; at += strlen(at) + 1) {
        const char *value = value_of(at, key);
        if (value)
            return value;
    }
    return NULL;
}

/* A key that must be there exactly once. */
static status_t read_once(const struct driver_info *info, const char *key, const char **value,
                          struct object_error *error)
{
    *value = driver_info_next(info, key, NULL);
    if (!*value)
        return object_refuse(error, "driver_info: no %s", key);
    if (driver_info_next(info, key, *value))
        return object_refuse(error, "driver_info: more than one %s", key);
    return 0;
}

static status_t read_section(const struct object *object, const char *name, struct bytes *bytes,
                             struct object_error *error)
{
    uint32_t index = object_section_named(object, name);
    if (!index)
        return object_refuse(error, "not a driver object: no section %s", name);

    /* object_open() has checked that the contents are inside the file. */
    struct object_section section = object_section(object, index);
    *bytes = object_contents(object, &section);
    return 0;
}

static status_t check_needs(const struct driver_info *info, struct object_error *error)
{
    unsigned count = 0;
    for (const char *need = NULL; (need = driver_info_next(info, "needs", need));) {
        if (!driver_name_is_valid(need))
            return object_refuse(error, "driver_info: invalid name of a driver that it needs");

        /* The module's array of needs has this many entries. */
        if (count++ == DRIVER_NEEDS_MAX)
            return object_refuse(error, "driver_info: needs more than %d drivers",
                                 DRIVER_NEEDS_MAX);
    }
    return 0;
}

status_t driver_info_read(const struct object *object, struct driver_info *info,
                          struct object_error *error)
{
    *info = (struct driver_info){ 0 };
    status_t status = read_section(object, "driver_info", &info->texts, error);
    if (!status)
        status = read_section(object, "driver_abi", &info->abi, error);
    if (status)
        return status;

    /* Each text ends inside the section, and may be shown. */
    struct bytes texts = info->texts;
    if (!texts.length || texts.data[texts.length - 1])
        return object_refuse(error, "driver_info: text does not end");
    for (const char *at = (const char *)texts.data, *end = at + texts.length; at < end;
         at += strlen(at) + 1)
        if (!is_printable(at))
            return object_refuse(error, "driver_info: control characters");

    /* From here on the texts can be searched. Each of these is shown in lists, so a second one
     * would be ambiguous. */
    status = read_once(info, "name", &info->name, error);
    if (!status)
        status = read_once(info, "version", &info->version, error);
    if (!status)
        status = read_once(info, "licence", &info->licence, error);
    if (!status)
        status = read_once(info, "description", &info->description, error);

    /* A name with a slash or a blank would break paths and the columns of the index. */
    if (!status && !driver_name_is_valid(info->name))
        return object_refuse(error, "driver_info: invalid name");
    if (!status && info->abi.length < DRIVER_ABI_BYTES)
        return object_refuse(error, "driver_abi: too short");
    return status ? status : check_needs(info, error);
}
