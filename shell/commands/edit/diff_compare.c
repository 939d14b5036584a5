/*
 * diff_compare.c - finds the lines that two files do not have in common; see diff.h.
 *
 * A diagonal d holds the places (x, y) with x - y = d. With each step, the furthest place that can
 * be reached on each diagonal moves on, from the start forwards and from the end backwards. Where
 * both meet is the middle of a shortest edit; the halves before and after it are compared in the
 * same way.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/edit/diff.h"
#include "shell/words.h"

enum { COST_MAX = 4096, HALVES_MAX = 128 };

struct compare {
    const unsigned *a, *b;
    bool *a_changed, *b_changed;
    long *forward, *backward; /* by diagonal: the furthest x */
};

/* A rectangle of places that is still to be compared. */
struct part {
    long a, a_end, b, b_end;
};

static long follow_forward(const struct compare *c, const struct part *part, long x, long y)
{
    while (x < part->a_end && y < part->b_end && c->a[x] == c->b[y])
        x++, y++;
    return x;
}

static long follow_backward(const struct compare *c, const struct part *part, long x, long y)
{
    while (x > part->a && y > part->b && c->a[x - 1] == c->b[y - 1])
        x--, y--;
    return x;
}

/* The diagonals that one direction has reached. */
struct reach {
    long low, high;
};

/* Widens the range of diagonals by one on each side, or narrows it at the edges of the part, so
 * that it keeps its parity. `outside` is the value of a diagonal that was not reached. */
static void widen(struct reach *reach, long *furthest, long low, long high, long outside)
{
    if (reach->low > low)
        furthest[--reach->low - 1] = outside;
    else
        reach->low++;
    if (reach->high < high)
        furthest[++reach->high + 1] = outside;
    else
        reach->high--;
}

/* Finds the middle of an edit of the part. */
static void find_middle(const struct compare *c, const struct part *part, long *x_out, long *y_out)
{
    long low = part->a - part->b_end, high = part->a_end - part->b;
    long from = part->a - part->b, to = part->a_end - part->b_end;
    struct reach forward = { from, from }, backward = { to, to };
    bool odd = (from - to) & 1;
    long *f = c->forward, *b = c->backward;
    f[from] = part->a;
    b[to] = part->a_end;

    for (long cost = 1;; cost++) {
        widen(&forward, f, low, high, -1);
        for (long d = forward.high; d >= forward.low; d -= 2) {
            long less = f[d - 1], more = f[d + 1];
            long x = less < more ? more : less + 1;
            f[d] = x = follow_forward(c, part, x, x - d);
            if (odd && backward.low <= d && d <= backward.high && b[d] <= x) {
                *x_out = x;
                *y_out = x - d;
                return;
            }
        }
        widen(&backward, b, low, high, part->a_end + part->b_end + 1);
        for (long d = backward.high; d >= backward.low; d -= 2) {
            long less = b[d - 1], more = b[d + 1];
            long x = less < more ? less : more - 1;
            b[d] = x = follow_backward(c, part, x, x - d);
            if (!odd && forward.low <= d && d <= forward.high && x <= f[d]) {
                *x_out = x;
                *y_out = x - d;
                return;
            }
        }

        /* The files differ much: divide at the place that is furthest from the start. */
        if (cost >= COST_MAX) {
            long best = -1;
            for (long d = forward.high; d >= forward.low; d -= 2) {
                long x = min(f[d], part->a_end), y = x - d;
                if (y > part->b_end) {
                    y = part->b_end;
                    x = y + d;
                }
                if (x >= part->a && y >= part->b && x + y > best) {
                    best = x + y;
                    *x_out = x;
                    *y_out = y;
                }
            }
            return;
        }
    }
}

static void compare_parts(const struct compare *c, struct part *parts)
{
    unsigned count = 1;
    while (count && !thread_interrupted()) {
        struct part part = parts[--count];

        /* Equal lines at both ends belong to the common subsequence. */
        while (part.a < part.a_end && part.b < part.b_end && c->a[part.a] == c->b[part.b])
            part.a++, part.b++;
        while (part.a < part.a_end && part.b < part.b_end &&
               c->a[part.a_end - 1] == c->b[part.b_end - 1])
            part.a_end--, part.b_end--;

        if (part.a == part.a_end || part.b == part.b_end || count + 2 > HALVES_MAX) {
            for (long i = part.a; i < part.a_end; i++)
                c->a_changed[i] = true;
            for (long i = part.b; i < part.b_end; i++)
                c->b_changed[i] = true;
            continue;
        }

        /* The larger half first, on the stack, so that the depth stays logarithmic. */
        long x = part.a, y = part.b;
        find_middle(c, &part, &x, &y);
        struct part first = { part.a, x, part.b, y }, second = { x, part.a_end, y, part.b_end };
        bool first_is_larger = x - part.a + y - part.b > part.a_end - x + part.b_end - y;
        parts[count++] = first_is_larger ? first : second;
        parts[count++] = first_is_larger ? second : first;
    }
}

/* Moves each run of changed lines to the end of where it can be: to the lines that follow it, as
 * long as they equal its first ones; and back, if it then is beside a change of the other file. */
static void shift(struct diff_side *side, struct diff_side *other)
{
    long i = 0, j = 0;
    for (;;) {
        /* Find the next run, and the place in the other file that corresponds to its start. */
        while (i < side->count && !side->changed[i]) {
            while (other->changed[j])
                j++;
            i++, j++;
        }
        if (i == side->count)
            break;
        long start = i;
        while (i < side->count && side->changed[i])
            i++;
        while (other->changed[j])
            j++;

        long length, corresponding;
        do {
            length = i - start;

            /* Upwards, which may join it with the run before. */
            while (start && side->lines[start - 1] == side->lines[i - 1]) {
                side->changed[--start] = true;
                side->changed[--i] = false;
                while (start && side->changed[start - 1])
                    start--;
                while (j && other->changed[--j])
                    continue;
            }
            corresponding = j && other->changed[j - 1] ? i : side->count;

            /* Downwards, which may join it with the run after. */
            while (i < side->count && side->lines[start] == side->lines[i]) {
                side->changed[start++] = false;
                side->changed[i++] = true;
                while (i < side->count && side->changed[i])
                    i++;
                while (other->changed[++j])
                    corresponding = i;
            }
        } while (length != i - start);

        /* Beside a change of the other file, both are one change. */
        while (corresponding < i) {
            side->changed[--start] = true;
            side->changed[--i] = false;
            while (j && other->changed[--j])
                continue;
        }
    }
}

status_t diff_compare(struct diff_side sides[2])
{
    long diagonals = sides[0].count + sides[1].count + 5;
    size_t bytes = (size_t)diagonals * sizeof(long) * 2, unchecked = 0;
    struct part *parts = mem_alloc(HALVES_MAX * sizeof(*parts));
    long *memory = list_may_grow(&unchecked, bytes) ? mem_alloc(bytes) : NULL;
    status_t status = -ENOMEM;

    if (parts && memory) {
        long zero = sides[1].count + 2;
        struct compare c = {
            .a = sides[0].lines, .b = sides[1].lines,
            .a_changed = sides[0].changed, .b_changed = sides[1].changed,
            .forward = memory + zero, .backward = memory + diagonals + zero,
        };
        parts[0] = (struct part){ 0, sides[0].count, 0, sides[1].count };
        compare_parts(&c, parts);
        shift(&sides[0], &sides[1]);
        shift(&sides[1], &sides[0]);
        status = thread_interrupted() ? -EINTR : 0;
    }
    mem_free(parts);
    mem_free(memory);
    return status;
}
