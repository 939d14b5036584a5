/*
 * more.c - shows text a screenful at a time, and the Book on the disc: more, book.
 *
 * When standard output is not a terminal, text is copied as by cat.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/text/pager.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"

/* ---- more --------------------------------------------------------------------------------- */

static status_t more_input(struct input *input, void *pager)
{
    return pager_input(pager, input);
}

/* Shows the files words[first..count), or standard input. */
static int show(struct shell *shell, int first, int count, char **words)
{
    struct pager *pager;
    status_t status = pager_begin(shell, &pager);
    if (status)
        return shell_fail(shell, NULL, status);

    /* All inputs share one pager: the end of one and the start of the next may share a screen. */
    int result = input_each(shell, first, count, words, more_input, pager);
    pager_end(pager);
    return result;
}

static int run_more(struct shell *shell, int count, char **words)
{
    return show(shell, 1, count, words);
}

static const struct shell_command command_more = {
    .name = "more",
    .arguments = "[FILE...]",
    .summary = "show text a screenful at a time; the key h lists the keys",
    .arguments_max = -1,
    .run = run_more,
    .group = "Text",
};
SHELL_COMMAND(command_more);

/* ---- book --------------------------------------------------------------------------------- */

static const char book_place[] = "/System/Book";

static bool is_chapter(const char *file)
{
    size_t length = strlen(file);
    return length > 3 && text_equal(file + length - 3, ".md");
}

/* Returns the number of a chapter, 10 of "10-bus.md", and sets *name, to "bus.md". The index has
 * the number 0; files without a number follow the chapters. */
static unsigned chapter_number(const char *file, const char **name)
{
    const char *at = file;
    unsigned number = 0;
    *name = file;
    if (text_equal(file, "index.md"))
        return 0;

    while (*at >= '0' && *at <= '9' && number < 1000)
        number = number * 10 + (unsigned)(*at++ - '0');
    if (at == file || *at != '-')
        return UINT32_MAX;
    *name = at + 1;
    return number;
}

/* Sorts by number: as texts, "10-" precedes "2-". */
static int chapter_order(const struct sortable *a, const struct sortable *b, const void *context)
{
    const char *name;
    unsigned one = chapter_number(container_of(a, const struct name, link)->text, &name);
    unsigned two = chapter_number(container_of(b, const struct name, link)->text, &name);
    return one != two ? (one > two) - (one < two) : names_by_text(a, b, context);
}

/* Lists the files of the chapters in order. */
static status_t book_chapters(struct path *book, struct name **chapters)
{
    struct name *all = NULL, *kept = NULL;
    status_t status = names_collect(book, false, INFO_NONE, &all, NULL);

    /* Keep the chapters and free all other names. This reverses the list, which is sorted next. */
    for (struct name *next; all; all = next) {
        next = names_next(all);
        if (!is_chapter(all->text)) {
            mem_free(all);
            continue;
        }
        all->link.next = kept ? &kept->link : NULL;
        kept = all;
    }

    /* A listing that ends with an error is still sorted; the caller reports the error. */
    struct sortable *sorted = sort_list(kept ? &kept->link : NULL, chapter_order, NULL);
    *chapters = sorted ? container_of(sorted, struct name, link) : NULL;
    return status;
}

/* Reads the title of a chapter: its first line, without the "# " of a heading. */
static void book_title(struct shell *shell, const char *file, char *title, size_t bytes)
{
    struct input *input = mem_alloc(sizeof(*input));
    char *path = join_path(book_place, file), *line;
    size_t length;

    /* A chapter without a readable title is still listed. */
    text_copy(title, bytes, "");

    /* input_close() is also called after a failed input_open(). */
    if (input && path) {
        if (!input_open(shell, path, input) && input_line(input, &line, &length) > 0)
            text_copy(title, bytes, line + (text_starts(line, "# ") ? 2 : 0));
        input_close(input);
    }
    mem_free(path);
    mem_free(input);
}

static int book_list(struct shell *shell, const struct name *chapters)
{
    char title[80], name[40];
    stream_text(shell->out, "Chapters of the Book; read one with `book NAME` or `book NUMBER`:\n");
    for (unsigned n = 0; chapters && !shell_interrupted(); chapters = names_next(chapters), n++) {
        /* "4-driver.md" is shown as "4  driver": its number is that of the line. */
        const char *shown;
        chapter_number(chapters->text, &shown);
        size_t length = strlen(shown) - strlen(".md");
        text_copy(name, min(length + 1, sizeof(name)), shown);
        size_t columns = text_columns(name);
        book_title(shell, chapters->text, title, sizeof(title));

        stream_format(shell->out, "%3u  ", n);
        stream_escaped(shell->out, name, false);

        /* Align the titles. After a name that is too long, one blank must do. */
        stream_format(shell->out, "%*s", columns < 12 ? (int)(12 - columns) : 1, "");
        stream_escaped(shell->out, title, false);
        stream_text(shell->out, "\n");
    }
    return SHELL_DONE;
}

/* Returns true for each name of a chapter: "4", "driver", "4-driver" and "4-driver.md". */
static bool chapter_is(const char *file, const char *word)
{
    const char *name;
    chapter_number(file, &name);
    size_t length = strlen(file) - strlen(".md"), word_length = strlen(word);
    size_t start = (size_t)(name - file); /* of the name, after the dash; 0: there is no number */

    return text_equal(file, word) || text_equal_n(file, length, word, word_length) ||
           text_equal_n(name, length - start, word, word_length) ||
           (start && text_equal_n(file, start - 1, word, word_length)) ||
           (text_equal(word, "0") && text_equal(file, "index.md"));
}

static int book_read(struct shell *shell, const struct name *chapters, const char *word)
{
    while (chapters && !chapter_is(chapters->text, word))
        chapters = names_next(chapters);
    if (!chapters)
        return shell_complain(shell, "%s: no such chapter; `book` lists them", word);

    /* Show the chapter as `more` would. */
    char *path = join_path(book_place, chapters->text);
    char *words[] = { path, NULL };
    int result = path ? show(shell, 0, 1, words) : shell_fail(shell, word, -ENOMEM);
    mem_free(path);
    return result;
}

static int run_book(struct shell *shell, int count, char **words)
{
    struct path *book;
    struct name *chapters = NULL;
    status_t status = path_walk(shell->directory, book_place, 0, &book);
    if (status)
        return shell_fail(shell, book_place, status);

    /* The names outlive the directory's path, so that is put at once. */
    int result;
    status = book_chapters(book, &chapters);
    path_put(book);
    if (status)
        result = shell_fail(shell, book_place, status);
    else
        result = count > 1 ? book_read(shell, chapters, words[1]) : book_list(shell, chapters);

    /* After an error, too: the list contains the names that could be read. */
    names_free(chapters);
    return result;
}

static const struct shell_command command_book = {
    .name = "book",
    .arguments = "[CHAPTER]",
    .summary = "read the Book of Spindle; without CHAPTER, list the chapters",
    .arguments_max = 1,
    .run = run_book,
};
SHELL_COMMAND(command_book);
