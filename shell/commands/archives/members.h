/*
 * members.h - what tar and cpio do alike when they make the members of an archive.
 *
 * Names are relative to `directory`.
 */
#ifndef SHELL_COMMANDS_ARCHIVES_MEMBERS_H
#define SHELL_COMMANDS_ARCHIVES_MEMBERS_H

#include "kernel/vfs/vfs.h"

/* Creates the directories that lead to a name. One that fails is reported by its member. */
void member_make_parents(struct path *directory, const char *name);
/* Sets the time of a node, not of what it leads to, if the file system has times. */
void member_set_time(struct path *directory, const char *name, int64_t modified_s);
/* Copies a file that was made before: it stands for a hard link, since file systems here have one
 * name for a file. */
status_t member_copy(struct path *directory, const char *from, const char *to) MUST_CHECK;

#endif
