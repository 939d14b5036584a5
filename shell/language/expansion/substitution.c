/*
 * substitution.c - collects what the commands of $(...) write; see substitution.h.
 */
#include "shell/language/expansion/substitution.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/language/descriptor.h"
#include "shell/language/state.h"

/* Collects the output of commands. No word can contain a NUL, so NULs are left out. */
static status_t collect(struct stream *stream, const char *text, size_t bytes)
{
    struct buffer *buffer = stream->context;
    while (bytes) {
        const char *nul = memchr(text, 0, bytes);
        size_t run = nul ? (size_t)(nul - text) : bytes;
        buffer_put(buffer, text, run);
        text += run + (nul != NULL);
        bytes -= run + (nul != NULL);
    }
    return buffer->status;
}

status_t substitution_run(struct shell *shell, const struct node *node, struct buffer *output)
{
    struct shell *copy = mem_alloc(sizeof(*copy));
    struct descriptor *descriptor = descriptor_create();
    status_t status = copy && descriptor ? descriptor_set_sink(descriptor, collect, output, false)
                                         : -ENOMEM;
    if (!status)
        status = shell_copy(shell, copy);
    if (status) {
        IGNORE(descriptor_put(shell, descriptor, NULL, true, 0));
        mem_free(copy);
        return status;
    }

    /* The commands run in a subshell whose output is collected. */
    IGNORE(descriptor_put(copy, shell_set_descriptor(copy, 1, descriptor), NULL, false, 0));
    copy->command = NULL;
    copy->status = shell->status;

    /* Its status is not tested where it stands: `set -e` applies in it, as in dash. */
    copy->language->tested = 0;
    shell->language->substituted = copy->language->run_subshell(copy, node);
    IGNORE(stream_flush(copy->out));
    jobs_adopt(shell_jobs(shell), shell_jobs(copy));
    shell->language->depth.handled = copy->language->depth.handled;
    shell_destroy(copy);
    mem_free(copy);
    return shell_interrupted() ? -EINTR : output->status;
}
