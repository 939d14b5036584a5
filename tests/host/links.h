/*
 * links.h - a file system for tests of paths: "links", which is ramfs with symbolic links.
 *
 * Model       It has ramfs's operations. A file whose content was put by links_put() is a link from
 *             the next time that its vnode is loaded.
 */
#ifndef TESTS_HOST_LINKS_H
#define TESTS_HOST_LINKS_H

/* Makes a link in a mounted "links". */
void links_put(const char *path, const char *target);

#endif
