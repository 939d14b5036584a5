/*
 * crash_model.c - what must be on a volume after a power failure: see crash_model.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/crash_model.h"

enum { WORD = 4 };

struct name {
    int parent, node;
    char text[MODEL_NAME_BYTES];
};

struct tree {
    struct name names[MODEL_NAMES];
    unsigned count;
};

struct version {
    struct version *older;
    unsigned time; /* the first tree that has it */
    uint32_t bytes, most; /* of it and of all older ones */
    uint8_t content[];
};

static struct {
    struct tree trees[MODEL_TIMES]; /* the last one is being made */
    unsigned time;
    enum node_type types[MODEL_NODES];
    struct version *versions[MODEL_NODES]; /* the newest */
    int nodes;
} model;

/* ---- the history -------------------------------------------------------------------------- */

static struct tree *last_tree(void)
{
    return &model.trees[model.time];
}

void model_free(void)
{
    for (int node = 0; node < model.nodes; node++)
        while (model.versions[node]) {
            struct version *version = model.versions[node];
            model.versions[node] = version->older;
            free(version);
        }
    model.nodes = 0;
}

void model_reset(void)
{
    model_free();
    model.time = 0;
    model.trees[0].count = 0;
    model.types[MODEL_ROOT] = NODE_DIRECTORY;
    model.nodes = 1;
}

unsigned model_step(void)
{
    kassert(model.time + 1 < MODEL_TIMES);
    model.trees[model.time + 1] = model.trees[model.time];
    return model.time++;
}

/* Finds a name in a directory of a tree. */
static struct name *name_in(struct tree *tree, int parent, const char *text)
{
    for (unsigned i = 0; i < tree->count; i++)
        if (tree->names[i].parent == parent && !strcmp(tree->names[i].text, text))
            return &tree->names[i];
    return NULL;
}

/* Returns the directory of a path, and its last element. */
static int parent_of(const char *path, const char **element)
{
    char text[MODEL_NAME_BYTES];
    const char *slash = strchr(path, '/');
    *element = path;
    if (!slash)
        return MODEL_ROOT;
    snprintf(text, sizeof(text), "%.*s", (int)(slash - path), path);
    *element = slash + 1;
    struct name *name = name_in(last_tree(), MODEL_ROOT, text);
    return name && model.types[name->node] == NODE_DIRECTORY ? name->node : MODEL_NONE;
}

static struct name *name_of(const char *path)
{
    const char *element;
    int parent = parent_of(path, &element);
    return parent == MODEL_NONE ? NULL : name_in(last_tree(), parent, element);
}

int model_find(const char *path)
{
    struct name *name = name_of(path);
    return name ? name->node : MODEL_NONE;
}

enum node_type model_type(int node)
{
    return node == MODEL_NONE ? NODE_NONE : model.types[node];
}

bool model_is_empty(int directory)
{
    for (unsigned i = 0; i < last_tree()->count; i++)
        if (last_tree()->names[i].parent == directory)
            return false;
    return true;
}

bool model_is_inside(int node, int directory)
{
    while (node != directory && node != MODEL_ROOT && node != MODEL_NONE) {
        int parent = MODEL_NONE;
        for (unsigned i = 0; i < last_tree()->count; i++)
            if (last_tree()->names[i].node == node)
                parent = last_tree()->names[i].parent;
        node = parent;
    }
    return node == directory;
}

const uint8_t *model_content(int node, uint32_t *bytes)
{
    struct version *version = model.versions[node];
    *bytes = version ? version->bytes : 0;
    return version ? version->content : NULL;
}

static void name_add(int parent, const char *text, int node)
{
    struct tree *tree = last_tree();
    kassert(tree->count < MODEL_NAMES);
    struct name *name = &tree->names[tree->count++];
    name->parent = parent;
    name->node = node;
    snprintf(name->text, sizeof(name->text), "%s", text);
}

void model_change(int node, const uint8_t *content, uint32_t bytes)
{
    struct version *version = malloc(sizeof(*version) + bytes);
    kassert(version);
    *version = (struct version){ .older = model.versions[node], .time = model.time,
                                 .bytes = bytes, .most = bytes };
    if (version->older && version->older->most > bytes)
        version->most = version->older->most;
    if (bytes)
        memcpy(version->content, content, bytes);
    model.versions[node] = version;
}

int model_create(const char *path, enum node_type type)
{
    const char *element;
    int parent = parent_of(path, &element);
    if (parent == MODEL_NONE || name_in(last_tree(), parent, element))
        return MODEL_NONE;
    kassert(model.nodes < MODEL_NODES);
    model.types[model.nodes] = type;
    model.versions[model.nodes] = NULL;
    name_add(parent, element, model.nodes);
    if (type == NODE_FILE)
        model_change(model.nodes, NULL, 0);
    return model.nodes++;
}

void model_remove(const char *path)
{
    struct tree *tree = last_tree();
    struct name *name = name_of(path);
    *name = tree->names[--tree->count];
}

void model_rename(const char *from, const char *to)
{
    const char *element;
    int node = model_find(from), parent = parent_of(to, &element);
    if (name_of(to))
        model_remove(to);
    model_remove(from);
    name_add(parent, element, node);
}

/* ---- content ------------------------------------------------------------------------------ */

static unsigned first_of(const struct model_window *window, int node)
{
    unsigned first = window->first_of[node];
    return first > window->first ? first : window->first;
}

/* Returns the newest version that the window may have, skipping those that are newer still. */
static const struct version *newest_of(const struct model_window *window, int node)
{
    const struct version *version = model.versions[node];
    while (version && version->time > window->last)
        version = version->older;
    return version;
}

/* Returns the next older version that the window may have, or NULL. */
static const struct version *older_in(const struct model_window *window, int node,
                                      const struct version *version)
{
    return version->time > first_of(window, node) ? version->older : NULL;
}

/* Returns whether bytes of a word may be those of a version. Where the file was cut, zeroes may be
 * there before its size is. */
static bool bytes_are_of(const struct version *version, const uint8_t *bytes, uint32_t at,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool inside = at + i < version->bytes;
        if (at + i >= version->most || bytes[i] != (inside ? version->content[at + i] : 0))
            return false;
    }
    return true;
}

static bool word_is_of(const struct model_window *window, int node, const uint8_t *content,
                       uint32_t at, uint32_t bytes)
{
    for (const struct version *version = newest_of(window, node); version;
         version = older_in(window, node, version))
        if (bytes_are_of(version, content + at, at, bytes))
            return true;
    return false;
}

/* Returns whether a file's content may be that of the node. */
static bool content_is_of(const struct model_window *window, int node, const uint8_t *content,
                          uint32_t bytes)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (const struct version *version = newest_of(window, node); version;
         version = older_in(window, node, version)) {
        least = version->bytes < least ? version->bytes : least;
        most = version->bytes > most ? version->bytes : most;
    }
    if (bytes < least || bytes > most)
        return false;
    for (uint32_t at = 0; at < bytes; at += WORD)
        if (!word_is_of(window, node, content, at, bytes - at < WORD ? bytes - at : WORD))
            return false;
    return true;
}

/* ---- names -------------------------------------------------------------------------------- */

static bool may_be(const struct model_found *found, int node)
{
    return found->may_be >> node & 1;
}

/* Returns whether a found node's directory may be `parent`. */
static bool is_in(const struct model_found *all, const struct model_found *found, int parent)
{
    return found->parent == MODEL_NONE ? parent == MODEL_ROOT
                                       : may_be(&all[found->parent], parent);
}

/* Sets the nodes that one found name may show. */
static void find_nodes(const struct model_window *window, const struct model_found *all,
                     struct model_found *found)
{
    found->may_be = 0;
    for (unsigned time = window->first; time <= window->last; time++) {
        struct tree *tree = &model.trees[time];
        for (unsigned i = 0; i < tree->count; i++) {
            struct name *name = &tree->names[i];
            if (!strcmp(name->text, found->name) && is_in(all, found, name->parent) &&
                model.types[name->node] == found->type &&
                (found->type == NODE_DIRECTORY ||
                 content_is_of(window, name->node, found->content, found->bytes)))
                found->may_be |= (uint64_t)1 << name->node;
        }
    }
}

/* Returns whether one found node is in a directory and has a name. */
static bool name_is_found(const struct model_found *found, unsigned count, const struct name *name)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(found[i].name, name->text) && is_in(found, &found[i], name->parent))
            return true;
    return false;
}

static bool node_is_found(const struct model_found *found, unsigned count, int node)
{
    for (unsigned i = 0; i < count; i++)
        if (may_be(&found[i], node))
            return true;
    return false;
}

/* Returns whether all trees from `first` on have the name, of any node. */
static bool name_stays(const struct name *name, unsigned first, unsigned last)
{
    for (unsigned time = first; time <= last; time++)
        if (!name_in(&model.trees[time], name->parent, name->text))
            return false;
    return true;
}

static bool node_stays(int node, unsigned first, unsigned last)
{
    for (unsigned time = first; time <= last; time++) {
        bool is_there = false;
        for (unsigned i = 0; i < model.trees[time].count; i++)
            is_there = is_there || model.trees[time].names[i].node == node;
        if (!is_there)
            return false;
    }
    return true;
}

const char *model_check(const struct model_window *window, struct model_found *found,
                        unsigned count)
{
    static char text[160];
    for (unsigned i = 0; i < count; i++) {
        find_nodes(window, found, &found[i]);
        snprintf(text, sizeof(text), "%s (%u bytes) shows what it never had", found[i].name,
                 found[i].bytes);
        if (!found[i].may_be)
            return text;
    }

    struct tree *tree = &model.trees[window->first];
    for (unsigned i = 0; i < tree->count; i++) {
        snprintf(text, sizeof(text), "%s is missing", tree->names[i].text);
        if (name_stays(&tree->names[i], window->first, window->last) &&
            !name_is_found(found, count, &tree->names[i]))
            return text;
    }
    for (int node = 1; node < model.nodes; node++) {
        snprintf(text, sizeof(text), "node %d is lost", node);
        if (node_stays(node, first_of(window, node), window->last) &&
            !node_is_found(found, count, node))
            return text;
    }
    return NULL;
}
