/*
 * state.c - the language's part of a shell: made, copied, freed; see state.h.
 */
#include "shell/language/state.h"
#include "lib/string.h"

const struct language_option language_options[] = {
    { 'a', "allexport", FLAG_ALLEXPORT },
    { 'b', "notify", FLAG_NOTIFY },
    { 'C', "noclobber", FLAG_NOCLOBBER },
    { 'e', "errexit", FLAG_ERREXIT },
    { 'f', "noglob", FLAG_NOGLOB },
    { 'i', "interactive", FLAG_INTERACTIVE },
    { 'm', "monitor", FLAG_MONITOR },
    { 'n', "noexec", FLAG_NOEXEC },
    { 'u', "nounset", FLAG_NOUNSET },
    { 'v', "verbose", FLAG_VERBOSE },
    { 'x', "xtrace", FLAG_XTRACE },
    { 0, "ignoreeof", FLAG_IGNOREEOF },
    { 0, "nolog", FLAG_NOLOG },
    { 0, "pipefail", FLAG_PIPEFAIL },
    { 0, NULL, 0 },
};

void language_flags_text(unsigned flags, char text[16])
{
    size_t used = 0;
    for (const struct language_option *option = language_options; option->name; option++)
        if (option->letter && flags & option->flag)
            text[used++] = option->letter;
    text[used] = '\0';
}

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mem_alloc(bytes);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

struct language *language_create(void)
{
    struct language *language = mem_zalloc(sizeof(*language));
    if (!language)
        return NULL;
    language->name = copy_text("spindle");
    if (!language->name) {
        mem_free(language);
        return NULL;
    }
    return language;
}

/* Traps with an action are reset in a subshell; what is ignored stays ignored (POSIX 2.12). */
static status_t copy_traps(const struct traps *from, struct traps *to)
{
    status_t status = 0;
    for (int i = 1; i < SIGNALS && !status; i++)
        if (from->actions[i] && !*from->actions[i] && i != SIGNAL_ERR)
            status = traps_set(to, i, "");
    return status;
}

static status_t copy_parameters(const struct parameters *from, struct parameters *to)
{
    status_t status = 0;
    for (int i = 1; i <= parameters_count(from) && !status; i++) {
        const char *text = parameters_get(from, i);
        status = words_add(&to->words, text, strlen(text));
    }
    to->option_index = from->option_index;
    to->option_at = from->option_at;
    return status;
}

struct language *language_copy(const struct language *language)
{
    struct language *copy = mem_zalloc(sizeof(*copy));
    if (!copy)
        return NULL;

    copy->flags = language->flags;
    copy->loops = language->loops;
    copy->calls = language->calls;
    copy->tested = language->tested;
    copy->subshells = language->subshells + 1;
    copy->substituted = language->substituted;
    copy->last_job = language->last_job;
    copy->depth = language->depth;
    copy->tree = language->tree;
    copy->main = language->main ? language->main : (struct language *)(uintptr_t)language;
    copy->evaluate = language->evaluate;
    copy->run_subshell = language->run_subshell;
    copy->run_text = language->run_text;
    copy->name = copy_text(language->name);

    status_t status = copy->name ? copy_parameters(&language->parameters, &copy->parameters)
                                 : -ENOMEM;
    if (!status)
        status = function_table_copy(&language->functions, &copy->functions);
    if (!status)
        status = aliases_copy(&language->aliases, &copy->aliases);
    if (!status)
        status = copy_traps(&language->traps, &copy->traps);
    if (!status)
        return copy;
    language_free(copy);
    return NULL;
}

void language_free(struct language *language)
{
    if (!language)
        return;
    function_table_free(&language->functions);
    aliases_free(&language->aliases);
    words_free(&language->parameters.words);
    traps_free(&language->traps);
    mem_free(language->name);
    mem_free(language);
}
