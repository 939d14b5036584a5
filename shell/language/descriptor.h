/*
 * descriptor.h - what a file descriptor of a shell refers to: a source of bytes, a stream, or both.
 *
 * Model       Descriptors 0 to 9 of a shell refer to these objects; several numbers and several
 *             shells may refer to one (2>&1, subshells). All bytes that are read pass through the
 *             object, so those that `read` has fetched beyond its line are the next reader's: input
 *             is buffered, and still divided exactly between commands.
 *             A stream belongs to one thread. A shell on another thread gets an object of its own
 *             with the same sink, whose reads are passed on to the first (descriptor_share()).
 * Locking     Reading: any thread, one at a time; a waiting reader can be interrupted. Counting
 *             uses is atomic. The stream: its thread only.
 * Ownership   `close` ends what the object refers to, when its last user has gone.
 */
#ifndef SHELL_LANGUAGE_DESCRIPTOR_H
#define SHELL_LANGUAGE_DESCRIPTOR_H

#include "kernel/sched/sync.h"
#include "shell/shell.h"

struct descriptor {
    _Atomic unsigned users;
    struct descriptor *origin; /* reads are passed on to it; NULL: none */

    /* Reads; NULL: it cannot be read. */
    ssize_t (*read)(void *context, void *buffer, size_t bytes);
    void (*close)(void *context); /* NULL: nothing to do */
    void *context;
    struct output_file *output;   /* closed by descriptor_put(), with a result */

    struct stream *out;           /* NULL: it cannot be written */
    struct stream stream;         /* what `out` refers to, unless it is an output file's */
    char *large;                  /* its buffer; NULL: a small one */

    struct spin lock;
    struct wait_queue changed;
    bool busy;                    /* a thread reads */
    char *ahead;                  /* bytes that were read and not taken: [at, got) */
    size_t at, got;
};

/* Returns an object with one user that refers to nothing yet; NULL if memory is exhausted. */
struct descriptor *descriptor_create(void);
/* Makes it writable: its stream writes to a sink. `large`: with a buffer of STREAM_LARGE_BYTES. */
status_t descriptor_set_sink(struct descriptor *descriptor,
                             status_t (*sink)(struct stream *stream, const char *text,
                                              size_t bytes),
                             void *context, bool large) MUST_CHECK;
/* Makes it readable: the bytes are a text, which it owns from now on. */
void descriptor_set_text(struct descriptor *descriptor, char *text, size_t length);

struct descriptor *descriptor_get(struct descriptor *descriptor);
/* Returns an object for another thread with the same source and sink; NULL without memory. */
struct descriptor *descriptor_share(struct descriptor *descriptor);
/* Ends a use; NULL does nothing. If it was the last one of an output file, that is closed
 * (output_file.h): `failed` is whether a command that could have written it has failed; a message
 * names `name`. Returns `result`, or the status of the error. */
int descriptor_put(struct shell *shell, struct descriptor *descriptor, const char *name,
                   bool failed, int result);
/* Ends the last use of an output file that no command has written: it is unchanged. */
void descriptor_abandon(struct descriptor *descriptor);

/* Reads as shell_read() does. -EBADF if it cannot be read. */
ssize_t descriptor_read(struct descriptor *descriptor, void *buffer, size_t bytes) MUST_CHECK;
/* Waits for bytes and shows them; returns how many, 0 at the end, or an errno. After a positive
 * result the caller takes some of them with descriptor_take(). */
ssize_t descriptor_peek(struct descriptor *descriptor, const char **data) MUST_CHECK;
void descriptor_take(struct descriptor *descriptor, size_t bytes);
/* Forgets bytes that were read and not taken. */
void descriptor_forget(struct descriptor *descriptor);

#endif
