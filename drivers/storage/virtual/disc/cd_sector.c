/*
 * cd_sector.c - the EDC, the two codes P and Q, and the verdict on each kind of sector; see
 * cd_sector.h for their layout.
 */
#include "drivers/storage/virtual/disc/cd_sector.h"
#include "lib/bytes.h"
#include "lib/string.h"

enum {
    MINUTE = 12, /* the address, in BCD */
    SECOND = 13,
    FRAME = 14,
    MODE = 15,
    MODE_1_DATA = 16,
    MODE_1_EDC = MODE_1_DATA + CD_DATA_BYTES,
    SUBHEADER = 16, /* file, channel, submode, coding; then all four again */
    SUBMODE_FIRST = 18,
    SUBMODE_SECOND = 22,
    SUBMODE_FORM_2 = 0x20,
    MODE_2_DATA = 24,
    MODE_2_EDC = MODE_2_DATA + CD_DATA_BYTES,
    EDC_POLYNOMIAL = 0xD8018001, /* ECMA-130 14.3, bits reversed: the lowest comes first */
    EDC_SLICES = 8,

    /* Annex A: P and Q protect words, and each code treats their two bytes separately. */
    CODED = 12, /* the first of these words */
    P_COLUMNS = 43,
    P_LENGTH = 26, /* the two last are parity */
    Q_DIAGONALS = 26,
    Q_LENGTH = 45,
    Q_DATA_LENGTH = 43,
    Q_STEP = 44,
    Q_WORDS = P_COLUMNS * P_LENGTH, /* that a diagonal runs through; Q's parity follows */
    FIELD_POLYNOMIAL = 0x11D,
    FIELD_ORDER = 255,
    ROUNDS_MAX = 10,
    ECC_ORDERS = 4, /* of the two codes, see ecc_correct() */
};

static uint32_t edc_table[EDC_SLICES][256];
static uint8_t field_log[256], field_power[FIELD_ORDER];
static uint16_t p_words[P_COLUMNS * P_LENGTH], q_words[Q_DIAGONALS * Q_LENGTH];

static const uint8_t sync_mark[CD_SYNC_BYTES] = { 0,    0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0 };

static uint8_t field_double(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? FIELD_POLYNOMIAL & 0xff : 0));
}

static void edc_start(void)
{
    /* The usual table of a reflected CRC, a byte at a time. */
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? EDC_POLYNOMIAL : 0);
        edc_table[0][i] = crc;
    }

    /* Table n holds the CRC of a byte that n zeroes follow: one zero more than table n - 1. */
    for (unsigned slice = 1; slice < EDC_SLICES; slice++)
        for (unsigned i = 0; i < 256; i++) {
            uint32_t crc = edc_table[slice - 1][i];
            edc_table[slice][i] = crc >> 8 ^ edc_table[0][crc & 0xff];
        }
}

/* Fills the tables of codewords (annex A). P goes down the columns of 26 rows of 43 words. Q goes
 * right and down at once, and comes in at the top again; its own parity follows the rows. */
static void words_start(void)
{
    for (unsigned n = 0; n < P_COLUMNS; n++)
        for (unsigned i = 0; i < P_LENGTH; i++)
            p_words[n * P_LENGTH + i] = (uint16_t)(P_COLUMNS * i + n);

    for (unsigned n = 0; n < Q_DIAGONALS; n++)
        for (unsigned i = 0; i < Q_LENGTH; i++)
            q_words[n * Q_LENGTH + i] =
                (uint16_t)(i < Q_DATA_LENGTH
                               ? (P_COLUMNS * n + Q_STEP * i) % Q_WORDS
                               : Q_WORDS + Q_DIAGONALS * (i - Q_DATA_LENGTH) + n);
}

void cd_sector_start(void)
{
    edc_start();
    words_start();

    /* 2 generates the field: its powers are all values except 0. */
    uint8_t power = 1;
    for (uint8_t i = 0; i < FIELD_ORDER; i++, power = field_double(power)) {
        field_power[i] = power;
        field_log[power] = i;
    }
}

/* ---- EDC ---------------------------------------------------------------------------------- */

/* Handles eight bytes a step: each table holds the CRC of a byte followed by 0 to 7 zeroes. */
static uint32_t edc_of(const uint8_t *data, size_t bytes)
{
    uint32_t crc = 0;
    for (; bytes >= 8; data += 8, bytes -= 8) {
        struct bytes b = { data, 8 };
        uint32_t low = crc ^ bytes_le32(b, 0), high = bytes_le32(b, 4);
        crc = edc_table[7][low & 0xff] ^ edc_table[6][low >> 8 & 0xff] ^
              edc_table[5][low >> 16 & 0xff] ^ edc_table[4][low >> 24] ^
              edc_table[3][high & 0xff] ^ edc_table[2][high >> 8 & 0xff] ^
              edc_table[1][high >> 16 & 0xff] ^ edc_table[0][high >> 24];
    }

    /* The rest, a byte at a time. */
    for (; bytes; data++, bytes--)
        crc = crc >> 8 ^ edc_table[0][(crc ^ *data) & 0xff];
    return crc;
}

static bool edc_matches(const uint8_t *sector, unsigned mode)
{
    unsigned from = mode == 1 ? 0 : SUBHEADER, to = mode == 1 ? MODE_1_EDC : MODE_2_EDC;

    return edc_of(sector + from, to - from) ==
           bytes_le32((struct bytes){ sector, CD_SECTOR_BYTES }, to);
}

/* ---- P and Q: one codeword ----------------------------------------------------------------- */

/* Returns value * 2^power in GF(256). */
static uint8_t field_shift(uint8_t value, unsigned power)
{
    return value ? field_power[(field_log[value] + power) % FIELD_ORDER] : 0;
}

static uint8_t field_divide(uint8_t value, uint8_t divisor)
{
    return field_shift(value, FIELD_ORDER - field_log[divisor]);
}

/* One of the two bytes of each of these words, and the places that are known to be wrong. A place
 * is counted from the end of the codeword, as the exponents of annex A's matrices are. */
struct codeword {
    uint8_t *coded;
    const uint16_t *words;
    unsigned length, plane;
    unsigned erasures[2], erasure_count; /* the count may be higher */
};

enum codeword_state { CODEWORD_CLEAN, CODEWORD_CHANGED, CODEWORD_BAD };

static void codeword_add(const struct codeword *word, unsigned place, uint8_t value)
{
    word->coded[2 * word->words[word->length - 1 - place] + word->plane] ^= value;
}

/* Of all errors in a codeword: their sum, and the sum of each times 2 to the power of its place. */
struct syndromes {
    uint8_t sum, weighted;
};

static bool codeword_is_clean(const struct codeword *word, struct syndromes *syndromes)
{
    uint8_t sum = 0, weighted = 0;

    /* Horner's rule: doubling the sum at each step gives a byte the weight 2^place, with the places
     * counted from the end. */
    for (unsigned i = 0; i < word->length; i++) {
        uint8_t byte = word->coded[2 * word->words[i] + word->plane];
        sum ^= byte;
        weighted = field_double(weighted) ^ byte;
    }

    *syndromes = (struct syndromes){ sum, weighted };
    return !sum && !weighted;
}

/* Corrects a codeword: two equations find one error and its place, or two errors whose places are
 * known. */
static enum codeword_state codeword_correct(const struct codeword *word)
{
    const unsigned *erasures = word->erasures;
    struct syndromes syndromes;
    if (codeword_is_clean(word, &syndromes))
        return CODEWORD_CLEAN;

    uint8_t sum = syndromes.sum, weighted = syndromes.weighted;

    /* One error, unless its place contradicts the erasures. */
    if (sum && weighted) {
        /* For one error e at place p the syndromes are e and e * 2^p. A place outside of the word
         * means that there are more errors. */
        unsigned place = (field_log[weighted] + FIELD_ORDER - field_log[sum]) % FIELD_ORDER;
        if (place < word->length && (word->erasure_count != 2 || place == erasures[0] ||
                                     place == erasures[1])) {
            codeword_add(word, place, sum);
            return CODEWORD_CHANGED;
        }
    }

    if (word->erasure_count != 2)
        return CODEWORD_BAD;

    /* Two errors a and b at known places p and q: sum = a + b and weighted = a * 2^p + b * 2^q. So
     * b = (weighted + sum * 2^p) / (2^p + 2^q), where + is XOR. */
    uint8_t second = field_divide(weighted ^ field_shift(sum, erasures[0]),
                                  field_power[erasures[0]] ^ field_power[erasures[1]]);
    codeword_add(word, erasures[0], sum ^ second);
    codeword_add(word, erasures[1], second);
    return CODEWORD_CHANGED;
}

/* ---- P and Q: all codewords ---------------------------------------------------------------- */

enum { NO_CODEWORD = P_COLUMNS };

struct code {
    unsigned codewords, length;
    const uint16_t *words; /* of each codeword in turn */
    /* The codeword of the other code that has the same word; NO_CODEWORD: there is none. */
    unsigned (*crossing)(unsigned number, unsigned i);
};

/* Returns the diagonal through row i of a column. A diagonal begins in column 0 and moves down a
 * row with each column. */
static unsigned p_crossing(unsigned number, unsigned i)
{
    return (i + 2 * P_LENGTH - number) % P_LENGTH;
}

static unsigned q_crossing(unsigned number, unsigned i)
{
    (void)number;
    return i < Q_DATA_LENGTH ? i : NO_CODEWORD; /* its own parity is in no column */
}

static const struct code p_code = { P_COLUMNS, P_LENGTH, p_words, p_crossing };
static const struct code q_code = { Q_DIAGONALS, Q_LENGTH, q_words, q_crossing };

/* The codewords of one code that are not right, in each plane. */
struct failures {
    bool is[P_COLUMNS + 1][2]; /* the last: NO_CODEWORD, which never is */
};

static void codeword_take(const struct code *code, unsigned number, unsigned plane,
                          const struct failures *erased, uint8_t *coded, struct codeword *word)
{
    word->coded = coded;
    word->length = code->length;
    word->plane = plane;
    word->words = code->words + number * code->length;
    word->erasure_count = 0;

    /* An erasure is a word that the other code could not correct. Two of them can be used; more are
     * only counted, so that the caller sees that there are too many. */
    for (unsigned i = 0; erased && i < code->length; i++) {
        if (!erased->is[code->crossing(number, i)][plane])
            continue;

        if (word->erasure_count < 2)
            word->erasures[word->erasure_count] = code->length - 1 - i;
        word->erasure_count++;
    }
}

/* Corrects the codewords of one code where possible; returns whether anything changed. The bytes of
 * the other code's codewords in `erased`, if not NULL, are taken for wrong. *failed: the codewords
 * that could not be corrected. */
static bool code_correct(uint8_t *coded, const struct code *code, const struct failures *erased,
                         struct failures *failed)
{
    struct codeword word;
    bool changed = false;
    *failed = (struct failures){ 0 };
    for (unsigned number = 0; number < code->codewords; number++)
        for (unsigned plane = 0; plane < 2; plane++) {
            codeword_take(code, number, plane, erased, coded, &word);
            enum codeword_state state = codeword_correct(&word);
            changed |= state == CODEWORD_CHANGED;
            failed->is[number][plane] = state == CODEWORD_BAD;
        }
    return changed;
}

/* Finds the codewords that are not right, and changes none. */
static void code_find_wrong(uint8_t *coded, const struct code *code, struct failures *wrong)
{
    struct codeword word;
    struct syndromes syndromes;
    *wrong = (struct failures){ 0 };
    for (unsigned number = 0; number < code->codewords; number++)
        for (unsigned plane = 0; plane < 2; plane++) {
            codeword_take(code, number, plane, NULL, coded, &word);
            wrong->is[number][plane] = !codeword_is_clean(&word, &syndromes);
        }
}

/* Corrects the sector until its EDC matches or nothing changes any more. A wrong correction in one
 * code is one more error for the other, so the order of the two matters: `order` is from 0 to
 * ECC_ORDERS - 1.
 *
 * Where both are stuck, the codewords that one could not correct are erasures for the other: each
 * column of P meets each diagonal of Q in one word, so two bad columns are two erasures in each
 * diagonal, and the other way round. A codeword with many errors may be taken for one with a single
 * error, and be "corrected"; the orders 2 and 3 begin with erasures, before that can happen. */
static bool ecc_correct(uint8_t *sector, unsigned mode, unsigned order)
{
    const struct code *first = order % 2 ? &q_code : &p_code;
    const struct code *second = order % 2 ? &p_code : &q_code;
    struct failures first_failed, second_failed;
    uint8_t *coded = sector + CODED;

    /* Only the codewords that are wrong now are erasures: nothing has been "corrected" yet. */
    if (order >= 2) {
        code_find_wrong(coded, first, &first_failed);
        (void)code_correct(coded, second, &first_failed, &second_failed);
        if (edc_matches(sector, mode))
            return true;
    }

    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        /* One code after the other. What one corrects may leave few enough errors for the other. */
        bool changed = code_correct(coded, first, NULL, &first_failed);
        if (edc_matches(sector, mode))
            return true;
        changed |= code_correct(coded, second, NULL, &second_failed);
        if (edc_matches(sector, mode))
            return true;

        /* Something changed, so the next round may get further. */
        if (changed)
            continue;

        /* Both are stuck. The failures of each are erasures for the other. */
        struct failures ignored;
        if (!code_correct(coded, second, &first_failed, &ignored) &&
            !code_correct(coded, first, &second_failed, &ignored))
            return false;
        if (edc_matches(sector, mode))
            return true;
    }
    return false;
}

/* ---- headers ------------------------------------------------------------------------------ */

bool cd_sector_has_sync(const uint8_t *sector)
{
    return memcmp(sector, sync_mark, CD_SYNC_BYTES) == 0;
}

/* Decodes two decimal digits; 100 if they are invalid. */
static unsigned bcd_decode(uint8_t byte)
{
    unsigned high = byte >> 4, low = byte & 0xf;
    return high <= 9 && low <= 9 ? 10 * high + low : 100;
}

static uint8_t bcd_encode(unsigned value)
{
    return (uint8_t)(value / 10 << 4 | value % 10);
}

uint32_t cd_sector_frame(const uint8_t *sector)
{
    unsigned minute = bcd_decode(sector[MINUTE]), second = bcd_decode(sector[SECOND]),
             frame = bcd_decode(sector[FRAME]);

    if (minute >= 100 || second >= 60 || frame >= 75)
        return UINT32_MAX;
    return (minute * 60 + second) * 75 + frame;
}

/* Writes the sync and header that the sector should have. */
static void header_put(uint8_t *sector, uint32_t frame, unsigned mode)
{
    memcpy(sector, sync_mark, CD_SYNC_BYTES);
    sector[MINUTE] = bcd_encode(frame / (60 * 75));
    sector[SECOND] = bcd_encode(frame / 75 % 60);
    sector[FRAME] = bcd_encode(frame % 75);
    sector[MODE] = (uint8_t)mode;
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
    return !*data && memcmp(data, data + 1, bytes - 1) == 0;
}

/* ---- mode 2: the body is what follows the header ------------------------------------------- */

enum {
    BODY_SUBMODE = SUBMODE_FIRST - SUBHEADER,
    BODY_SUBMODE_AGAIN = SUBMODE_SECOND - SUBHEADER,
    BODY_DATA = MODE_2_DATA - SUBHEADER,
    BODY_EDC = MODE_2_EDC - SUBHEADER,
};

/* Corrects a copy of the body. In form 1 the codes are computed with a header of zeroes (CD-ROM
 * XA). */
static bool body_correct(struct cd_check *check, const uint8_t *body)
{
    uint8_t *work = check->work;
    for (unsigned order = 0; order < ECC_ORDERS; order++) {
        /* Each order begins with the sector as it was read, not with what the
         * last one made of it. */
        memset(work, 0, CD_HEADER_BYTES);
        memcpy(work + SUBHEADER, body, CD_BARE_BYTES);

        /* The codes cover the zeroes and the submode, too. A "correction" that changed the header,
         * or the form, fits another sector. */
        if (ecc_correct(work, 2, order))
            return is_zero(work, CD_HEADER_BYTES) &&
                   !(work[SUBMODE_FIRST] & SUBMODE_FORM_2);
    }
    return false;
}

static enum cd_verdict verify_body(struct cd_check *check, uint8_t *body, const uint8_t **data)
{
    unsigned both = body[BODY_SUBMODE] & body[BODY_SUBMODE_AGAIN];
    unsigned either = body[BODY_SUBMODE] | body[BODY_SUBMODE_AGAIN];

    /* The submode is stored twice. If only one of them has form 2, one is damaged; form 1 can be
     * proved by its EDC. */
    if (both & SUBMODE_FORM_2)
        return CD_FORM_2;

    *data = body + BODY_DATA;
    if (!(either & SUBMODE_FORM_2) &&
        edc_of(body, BODY_EDC) == bytes_le32((struct bytes){ body, CD_BARE_BYTES }, BODY_EDC))
        return CD_GOOD;

    if (!body_correct(check, body))
        return CD_DAMAGED;

    /* The copy is correct. Only its data is put back, since nothing else is used. */
    memcpy(body + BODY_DATA, check->work + MODE_2_DATA, CD_DATA_BYTES);
    return CD_CORRECTED;
}

enum cd_verdict cd_sector_verify_bare(struct cd_check *check, uint8_t *sector,
                                      const uint8_t **data)
{
    /* the EDC of zeroes matches, and nothing else shows that this is a sector */
    return is_zero(sector, CD_BARE_BYTES) ? CD_EMPTY : verify_body(check, sector, data);
}

/* ---- whole sectors ------------------------------------------------------------------------- */

/* Corrects a copy with the sync and header of mode 1 that the sector should have. If the EDC
 * matches then, the sector was written with them. */
static bool mode_1_correct(struct cd_check *check, const uint8_t *sector)
{
    uint8_t *work = check->work;
    for (unsigned order = 0; order < ECC_ORDERS; order++) {
        /* Each order begins with the sector as it was read, under the header
         * that it should have. */
        memcpy(work, sector, CD_SECTOR_BYTES);
        header_put(work, check->frame, 1);

        /* The codes may have changed the header: then it is another sector after all. */
        if (edc_matches(work, 1) || ecc_correct(work, 1, order))
            return cd_sector_frame(work) == check->frame && work[MODE] == 1;
    }
    return false;
}

static enum cd_verdict correct_mode_1(struct cd_check *check, uint8_t *sector,
                                      const uint8_t **data)
{
    if (!mode_1_correct(check, sector))
        return CD_DAMAGED;

    memcpy(sector + MODE_1_DATA, check->work + MODE_1_DATA, CD_DATA_BYTES);
    *data = sector + MODE_1_DATA;
    return CD_CORRECTED;
}

/* Handles a sector whose sync or header is wrong. The EDC of mode 1 covers both, and can prove that
 * it is the right sector nevertheless. Else returns why it is refused. */
static enum cd_verdict verify_misframed(struct cd_check *check, uint8_t *sector,
                                        const uint8_t **data)
{
    bool sync = cd_sector_has_sync(sector);
    bool other = cd_sector_frame(sector) != check->frame;

    /* Programs that copy a disc write zeroes in place of sectors that they cannot read. */
    if (is_zero(sector, CD_HEADER_BYTES) || is_zero(sector + CD_HEADER_BYTES, CD_BARE_BYTES))
        return CD_EMPTY;

    /* A sector that is intact but belongs elsewhere must not be "corrected" into this one. */
    if (sync && other && sector[MODE] == 1 && edc_matches(sector, 1))
        return CD_OTHER_ADDRESS;

    /* It may be the right sector with a damaged header. */
    if ((sector[MODE] == 1 || check->mode == 1) &&
        correct_mode_1(check, sector, data) == CD_CORRECTED)
        return CD_CORRECTED;

    return !sync ? CD_NO_SYNC : other ? CD_OTHER_ADDRESS : CD_OTHER_MODE;
}

enum cd_verdict cd_sector_verify(struct cd_check *check, uint8_t *sector, const uint8_t **data)
{
    unsigned mode = sector[MODE];

    /* Sync, address and mode first: without them the rest may be any sector. */
    if (!cd_sector_has_sync(sector) || cd_sector_frame(sector) != check->frame ||
        (mode != 1 && mode != 2))
        return verify_misframed(check, sector, data);

    /* In mode 2 the EDC does not cover the header, so both had to be right. */
    if (mode == 2) {
        enum cd_verdict verdict = verify_body(check, sector + SUBHEADER, data);
        bool refused = verdict != CD_GOOD && verdict != CD_CORRECTED;

        /* In a track of mode 1 it may be the mode byte that is damaged. */
        if (refused && check->mode == 1 &&
            correct_mode_1(check, sector, data) == CD_CORRECTED)
            verdict = CD_CORRECTED;
        return verdict;
    }

    /* Mode 1: almost all sectors are intact, and need only the EDC. */
    if (!edc_matches(sector, 1))
        return correct_mode_1(check, sector, data);
    *data = sector + MODE_1_DATA;
    return CD_GOOD;
}

const char *cd_verdict_text(enum cd_verdict verdict)
{
    static const char *const texts[] = {
        [CD_GOOD] = "good",
        [CD_CORRECTED] = "corrected",
        [CD_EMPTY] = "zeroes in place of a sector",
        [CD_NO_SYNC] = "not a data sector",
        [CD_OTHER_ADDRESS] = "the address of another sector",
        [CD_OTHER_MODE] = "not a sector of mode 1 or 2",
        [CD_FORM_2] = "form 2, without 2048 bytes of data",
        [CD_DAMAGED] = "damaged beyond correction",
    };
    return texts[verdict];
}
