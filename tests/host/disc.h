/*
 * disc.h - what the tests of fs/cdfs share: images, mounting one, and a walk that sees every node.
 *
 * A walk checks what must hold of any disc: names are usable, what is listed is found, what a
 * listing tells is what the node says, a file is as long as it says. It keeps what it saw.
 */
#ifndef TESTS_HOST_DISC_H
#define TESTS_HOST_DISC_H

#include "kernel/vfs/internal.h"
#include "tests/host/rig.h"

enum { NODES_MAX = 4000 };

struct image {
    char path[512];
    uint8_t *bytes;
    size_t length;
    bool refused, hostile; /* as the builder expects */
};

/* The builder's, and a few by genisoimage and xorriso. */
extern struct image images[];
extern unsigned image_count;
void images_load(void);
void images_free(void);
struct image *image_named(const char *name);

/* A node as a walk saw it. */
struct seen {
    vnode_id_t id;
    uint64_t name, place, size, digest; /* hashes: of its name, of its directory's place */
    enum node_type type;
    status_t status;                    /* why its content or listing could not be had whole */
};

struct walk {
    struct fsd *fsd;
    struct path *mounted;
    struct seen nodes[NODES_MAX];
    unsigned count, next; /* directories before `next` were entered */
    uint64_t aliases[NODES_MAX];
    unsigned alias_count;
};

/* The stack with the image as "disk0" and an empty /m; and all of it stopped again. */
struct faulty *disc_begin(const struct image *image);
void disc_end(struct faulty *faulty);
/* Mounts disk0 at /m. */
status_t disc_mount(struct walk *walk, const char *options);
void disc_unmount(struct walk *walk);
/* Looks at one node by its id alone; at all, from the root on. */
void see_node(struct walk *walk, struct seen *node);
void walk_all(struct walk *walk);

#endif
