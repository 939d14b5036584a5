/*
 * picture.c - the pictures kept for the screen: see picture.h.
 */
#include "drivers/video/picture.h"
#include "kernel/sched/sync.h"
#include "lib/string.h"

struct kept {
    unsigned side;
    uint8_t pixels[CONSOLE_PICTURE_SIDE_MAX * CONSOLE_PICTURE_SIDE_MAX];
};

static struct spin lock = SPIN_INIT(RANK_LOG); /* of the next two; reading pixels takes no lock */
static struct kept *_Atomic pictures[PICTURES_MAX]; /* allocated when first used, never freed */
static unsigned next;

static bool is_same(const struct kept *kept, const struct console_picture *picture)
{
    return kept && kept->side == picture->side &&
           memcmp(kept->pixels, picture->pixels, kept->side * kept->side) == 0;
}

/* Returns the slot of a picture with the same pixels, or PICTURES_MAX. */
static unsigned picture_find(const struct console_picture *picture)
{
    unsigned n = 0;

    kassert(spin_is_held(&lock));
    while (n < PICTURES_MAX && !is_same(pictures[n], picture))
        n++;
    return n;
}

uint32_t picture_keep(const struct console_picture *picture)
{
    /* Allocated before the lock is taken, whose rank is above the heap's; perhaps not needed. */
    struct kept *spare = mem_zalloc(sizeof(*spare));

    /* A picture that is shown again gets the same code points, so that its cells do not change. */
    spin_lock(&lock);
    unsigned n = picture_find(picture);
    if (n == PICTURES_MAX) {
        n = next % PICTURES_MAX;
        if (!pictures[n]) {
            pictures[n] = spare;
            spare = NULL;
        }

        /* A slot that is reused keeps its memory, since a thread may be drawing from it. At worst
         * that drawing shows parts of both pictures. */
        struct kept *kept = pictures[n];
        if (kept) {
            kept->side = picture->side;
            memcpy(kept->pixels, picture->pixels, picture->side * picture->side);
            next++;
        }
    }
    bool is_kept = pictures[n];
    spin_unlock(&lock);

    mem_free(spare);
    return is_kept ? PICTURE_CODE_FIRST + n * PICTURE_TILES : 0;
}

unsigned picture_pixel(uint32_t code, unsigned x, unsigned y)
{
    const struct kept *kept = pictures[(code - PICTURE_CODE_FIRST) / PICTURE_TILES];
    unsigned tile = (code - PICTURE_CODE_FIRST) % PICTURE_TILES;
    unsigned columns = kept ? kept->side / CONSOLE_PICTURE_COLUMN : 1;

    /* Text may contain such a code point without a picture, or one outside the picture. */
    x += tile % columns * CONSOLE_PICTURE_COLUMN;
    y += tile / columns * CONSOLE_PICTURE_ROW;
    return kept && x < kept->side && y < kept->side ? kept->pixels[y * kept->side + x] : 0;
}
