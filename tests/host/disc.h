/*
 * disc.h - for the tests of fs/cdfs: images, mounting one, and a walk that visits every node.
 *
 * A walk checks what must be true on any disc: names are valid, each listed name can be looked up,
 * a listing and the node agree about its attributes, and a file is as long as its size. It records
 * what it found.
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
    bool refused, hostile; /* as tests/images/builder.py expects */
};

/* The images of builder.py, and a few made with genisoimage and xorriso. */
extern struct image images[];
extern unsigned image_count;
void images_load(void);
void images_free(void);
struct image *image_named(const char *name);

/* A node as a walk found it. */
struct seen {
    vnode_id_t id;
    uint64_t name, place; /* hashes of its name and of the path of its directory */
    uint64_t size, digest;
    enum node_type type;
    status_t status; /* 0, or why its content or listing is incomplete */
};

struct walk {
    struct fsd *fsd;
    struct path *mounted;
    struct seen nodes[NODES_MAX];
    unsigned count, next; /* directories before `next` were entered */
    uint64_t aliases[NODES_MAX];
    unsigned alias_count;
};

/* Start the stack with the image as "disk0" and an empty directory /m, and stop it. */
struct faulty *disc_begin(const struct image *image);
void disc_end(struct faulty *faulty);
/* Mounts disk0 at /m. */
status_t disc_mount(struct walk *walk, const char *options);
void disc_unmount(struct walk *walk);
/* Visits one node by its id. */
void see_node(struct walk *walk, struct seen *node);
/* Visits all nodes, beginning with the root. */
void walk_all(struct walk *walk);

#endif
