/*
 * functions.c - a list of functions, the last defined first; see functions.h.
 */
#include "shell/language/functions.h"
#include "lib/macros.h"
#include "lib/text.h"

const struct function *function_table_find(const struct functions *functions, const char *name)
{
    const struct function *at = functions->first;
    while (at && !text_equal(at->name, name))
        at = at->next;
    return at;
}

status_t function_table_set(struct functions *functions, const char *name, struct tree *tree,
                       const struct node *body)
{
    struct function *function = mem_alloc(sizeof(*function));
    if (!function)
        return -ENOMEM;
    *function = (struct function){ .name = name, .tree = tree_get(tree), .body = body };

    IGNORE(function_table_unset(functions, name)); /* usually there is none of this name */
    function->next = functions->first;
    functions->first = function;
    return 0;
}

bool function_table_unset(struct functions *functions, const char *name)
{
    struct function **link = &functions->first;
    while (*link && !text_equal((*link)->name, name))
        link = &(*link)->next;

    struct function *function = *link;
    if (!function)
        return false;
    *link = function->next;
    tree_put(function->tree);
    mem_free(function);
    return true;
}

status_t function_table_copy(const struct functions *from, struct functions *to)
{
    struct function **end = &to->first;
    *end = NULL;
    for (const struct function *at = from->first; at; at = at->next) {
        if (!(*end = mem_alloc(sizeof(**end)))) {
            function_table_free(to);
            return -ENOMEM;
        }
        **end = (struct function){ .name = at->name, .tree = tree_get(at->tree), .body = at->body };
        end = &(*end)->next;
    }
    return 0;
}

void function_table_free(struct functions *functions)
{
    for (struct function *at = functions->first, *next; at; at = next) {
        next = at->next;
        tree_put(at->tree);
        mem_free(at);
    }
    functions->first = NULL;
}
