/*
 * links.h - "links", a file system for tests of paths: ramfs with symbolic links.
 *
 * It has the operations of ramfs. A file that links_put() created is a link from the next time that
 * its vnode is loaded.
 */
#ifndef TESTS_HOST_LINKS_H
#define TESTS_HOST_LINKS_H

/* Creates a link in a mounted "links". */
void links_put(const char *path, const char *target);

#endif
