/*
 * tree.h - what the parser makes of a complete command, and the evaluator runs.
 *
 * Model       A node is a command; a word is a list of parts, each of which expands by itself.
 *             Texts are copies, so a tree does not need the text that it was parsed from. Nodes and
 *             words are never changed once they are parsed: any number of threads may evaluate a
 *             tree.
 * Ownership   All memory of a complete command belongs to its tree and is freed as a whole,
 *             when its last user has gone: the evaluator, the functions that it defines, a
 *             background job.
 * References  POSIX.1-2017, Shell Command Language, 2.9 Shell Commands and 2.10 Shell Grammar.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_TREE_H
#define SHELL_LANGUAGE_SYNTAX_TREE_H

#include "kernel/port.h"

/* ---- words -------------------------------------------------------------------------------- */

enum part_kind {
    PART_TEXT,       /* unquoted text: may be a pattern, or a ~ */
    PART_QUOTED,     /* text from quotes or after a backslash; of length 0: only makes a field */
    PART_PARAMETER,  /* $NAME, ${NAME...} */
    PART_COMMAND,    /* $(...) and `...` */
    PART_ARITHMETIC, /* $((...)) */
};

enum parameter_operator {
    PARAMETER_VALUE,
    PARAMETER_LENGTH,       /* ${#x} */
    PARAMETER_DEFAULT,      /* ${x-word} */
    PARAMETER_ASSIGN,       /* ${x=word} */
    PARAMETER_ERROR,        /* ${x?word} */
    PARAMETER_ALTERNATIVE,  /* ${x+word} */
    PARAMETER_PREFIX,       /* ${x#word} */
    PARAMETER_LONG_PREFIX,  /* ${x##word} */
    PARAMETER_SUFFIX,       /* ${x%word} */
    PARAMETER_LONG_SUFFIX,  /* ${x%%word} */
    PARAMETER_BAD,          /* refused when it is expanded, as in other shells */
};

struct node;

struct part {
    struct part *next;
    enum part_kind kind;
    enum parameter_operator operator;
    bool quoted; /* in double quotes: neither split nor matched */
    bool colon;  /* ${x:-word}: an empty value counts as none */
    const char *text; /* terminated; PART_PARAMETER: the name */
    size_t length;
    struct word *word;    /* the operand of an operator, the expression; NULL: none */
    struct node *command; /* PART_COMMAND; NULL: an empty one */
};

struct word {
    struct word *next;
    struct part *parts;
    bool substitutes; /* expanding it may run commands: $(...), also in an operand */
    bool plain; /* one PART_TEXT without ~ and pattern characters: expands to itself */
};

struct assignment {
    struct assignment *next;
    const char *name;
    size_t length;
    struct word *value;
};

/* ---- commands ----------------------------------------------------------------------------- */

enum redirection_kind {
    REDIRECT_READ,       /* < */
    REDIRECT_WRITE,      /* > */
    REDIRECT_CLOBBER,    /* >| */
    REDIRECT_APPEND,     /* >> */
    REDIRECT_READ_WRITE, /* <> */
    REDIRECT_JOIN,       /* <& and >& */
    REDIRECT_HERE,       /* << and <<- */
};

struct redirection {
    struct redirection *next;
    enum redirection_kind kind;
    int number; /* the file descriptor */
    struct word *word; /* the file, the other descriptor, or the document */
};

enum node_kind {
    NODE_SIMPLE,   /* assignments, words */
    NODE_PIPELINE, /* first: stages */
    NODE_AND_OR,   /* first: commands, each with `join` */
    NODE_LIST,     /* first: commands */
    NODE_GROUP,    /* { first } */
    NODE_SUBSHELL, /* ( first ) */
    NODE_IF,       /* first: condition, second: then, third: else or another NODE_IF */
    NODE_WHILE,    /* first: condition, second: body */
    NODE_UNTIL,
    NODE_FOR,      /* name, words, second: body */
    NODE_CASE,     /* words: the one word, items */
    NODE_FUNCTION, /* name, first: body */
};

enum { PIPE_STAGES_MAX = 16 };

enum join { JOIN_NONE, JOIN_AND, JOIN_OR };

struct case_item {
    struct case_item *next;
    struct word *patterns;
    struct node *body; /* NULL: empty */
};

struct shell_command;

struct node {
    enum node_kind kind;
    enum join join;
    unsigned line;
    struct node *next; /* of the list that contains this node */
    struct node *first, *second, *third;
    struct assignment *assignments;
    struct word *words;
    struct redirection *redirections;
    struct case_item *items;
    const char *name;
    bool negated, timed;  /* NODE_PIPELINE */
    bool background;      /* & follows */
    bool has_words;       /* NODE_FOR: `in` was given */
    _Atomic(const struct shell_command *) command; /* the kernel's own, once it was looked up */
};

/* ---- memory ------------------------------------------------------------------------------- */

struct tree_chunk;

struct tree {
    _Atomic unsigned users;
    struct tree_chunk *chunks;
    size_t room; /* bytes left in the first chunk */
    struct node *root;
};

/* Returns an empty tree with one user, or NULL if memory is exhausted. */
struct tree *tree_create(void);
struct tree *tree_get(struct tree *tree);
void tree_put(struct tree *tree); /* NULL does nothing */
/* Returns zeroed memory that is freed with the tree, or NULL. */
void *tree_alloc(struct tree *tree, size_t bytes) MUST_CHECK;
/* Copies a text, terminated; NULL if memory is exhausted. */
char *tree_copy(struct tree *tree, const char *text, size_t length) MUST_CHECK;

/* Returns whether a word is exactly this unquoted text. */
bool word_is(const struct word *word, const char *text);

#endif
