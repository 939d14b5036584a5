/* cd_sector.c - see cd_sector.h. */
#include "drivers/storage/virtual/disc/cd_sector.h"
#include "lib/bytes.h"
#include "lib/string.h"

enum {
    MODE = 15,
    MODE_1_DATA = 16,
    MODE_1_EDC = MODE_1_DATA + CD_DATA_BYTES,
    SUBHEADER = 16, /* file, channel, submode, coding; and all four once more */
    SUBMODE_FIRST = 18,
    SUBMODE_SECOND = 22,
    SUBMODE_FORM_2 = 0x20,
    MODE_2_DATA = 24,
    MODE_2_EDC = MODE_2_DATA + CD_DATA_BYTES,
    EDC_POLYNOMIAL = 0xD8018001, /* with its bits reversed: the lowest comes first */
    EDC_SLICES = 8,

    /* Annex A: what P and Q protect are words, and each code treats their two bytes apart. */
    CODED = 12, /* where they begin in the sector */
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
};

static uint32_t edc_table[EDC_SLICES][256];
static uint8_t field_log[256];

static const uint8_t sync_mark[CD_SYNC_BYTES] = { 0,    0xff, 0xff, 0xff, 0xff, 0xff,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0 };

static uint8_t field_double(uint8_t value)
{
    return (uint8_t)(value << 1 ^ (value & 0x80 ? FIELD_POLYNOMIAL & 0xff : 0));
}

void cd_sector_start(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? EDC_POLYNOMIAL : 0);
        edc_table[0][i] = crc;
    }
    for (unsigned slice = 1; slice < EDC_SLICES; slice++)
        for (unsigned i = 0; i < 256; i++) {
            uint32_t crc = edc_table[slice - 1][i];
            edc_table[slice][i] = crc >> 8 ^ edc_table[0][crc & 0xff];
        }
    uint8_t power = 1;
    for (uint8_t i = 0; i < FIELD_ORDER; i++, power = field_double(power))
        field_log[power] = i;
}

/* ---- EDC ---------------------------------------------------------------------------------- */

/* Eight bytes a step: each table carries a byte past those that follow it. */
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

/* ---- P and Q ------------------------------------------------------------------------------ */

/* The words of codeword `number` in their order. */
static void p_words(unsigned number, uint16_t *words)
{
    for (unsigned i = 0; i < P_LENGTH; i++)
        words[i] = (uint16_t)(P_COLUMNS * i + number);
}

static void q_words(unsigned number, uint16_t *words)
{
    unsigned word = P_COLUMNS * number;
    for (unsigned i = 0; i < Q_DATA_LENGTH; i++, word = (word + Q_STEP) % Q_WORDS)
        words[i] = (uint16_t)word;
    words[Q_DATA_LENGTH] = (uint16_t)(Q_WORDS + number);
    words[Q_DATA_LENGTH + 1] = (uint16_t)(Q_WORDS + Q_DIAGONALS + number);
}

enum codeword { CODEWORD_CLEAN, CODEWORD_CHANGED, CODEWORD_BAD };

/* Corrects one byte of a codeword. The first syndrome is the error's value, the second that value
 * times the power of 2 of its place, counted from the end. */
static enum codeword codeword_correct(uint8_t *coded, const uint16_t *words, unsigned length,
                                      unsigned plane)
{
    uint8_t value = 0, weighted = 0;
    for (unsigned i = 0; i < length; i++) {
        uint8_t byte = coded[2 * words[i] + plane];
        value ^= byte;
        weighted = field_double(weighted) ^ byte;
    }
    if (!value && !weighted)
        return CODEWORD_CLEAN;
    if (!value || !weighted)
        return CODEWORD_BAD;
    unsigned place = (field_log[weighted] + FIELD_ORDER - field_log[value]) % FIELD_ORDER;
    if (place >= length)
        return CODEWORD_BAD;
    coded[2 * words[length - 1 - place] + plane] ^= value;
    return CODEWORD_CHANGED;
}

struct code {
    unsigned codewords, length;
    void (*words)(unsigned number, uint16_t *words);
};

static const struct code p_code = { P_COLUMNS, P_LENGTH, p_words };
static const struct code q_code = { Q_DIAGONALS, Q_LENGTH, q_words };

/* Corrects what it can of one code; returns whether anything changed. */
static bool code_correct(uint8_t *coded, const struct code *code)
{
    uint16_t words[Q_LENGTH];
    bool changed = false;
    for (unsigned number = 0; number < code->codewords; number++) {
        code->words(number, words);
        for (unsigned plane = 0; plane < 2; plane++)
            if (codeword_correct(coded, words, code->length, plane) == CODEWORD_CHANGED)
                changed = true;
    }
    return changed;
}

/* Corrects the sector until its EDC matches or nothing changes any more. A wrong correction in one
 * code is one more error for the other, so which one begins can matter. */
static bool ecc_correct(uint8_t *sector, unsigned mode, const struct code *first,
                        const struct code *second)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        bool changed = code_correct(sector + CODED, first);
        if (edc_matches(sector, mode))
            return true;
        if (!code_correct(sector + CODED, second) && !changed)
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

/* Two decimal digits; 100 when they are none. */
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
    unsigned minute = bcd_decode(sector[12]), second = bcd_decode(sector[13]),
             frame = bcd_decode(sector[14]);
    if (minute >= 100 || second >= 60 || frame >= 75)
        return UINT32_MAX;
    return (minute * 60 + second) * 75 + frame;
}

/* Writes sync and header as they should be. */
static void header_put(uint8_t *sector, uint32_t frame, unsigned mode)
{
    memcpy(sector, sync_mark, CD_SYNC_BYTES);
    sector[12] = bcd_encode(frame / (60 * 75));
    sector[13] = bcd_encode(frame / 75 % 60);
    sector[14] = bcd_encode(frame % 75);
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

/* Corrects a copy of the body. The codes of form 1 take the header for zeroes. */
static bool body_correct(struct cd_check *check, const uint8_t *body)
{
    uint8_t *work = check->work;
    for (unsigned turn = 0; turn < 2; turn++) {
        memset(work, 0, CD_HEADER_BYTES);
        memcpy(work + SUBHEADER, body, CD_BARE_BYTES);
        if (ecc_correct(work, 2, turn ? &q_code : &p_code, turn ? &p_code : &q_code))
            return is_zero(work, CD_HEADER_BYTES) &&
                   !(work[SUBMODE_FIRST] & SUBMODE_FORM_2);
    }
    return false;
}

static enum cd_verdict verify_body(struct cd_check *check, uint8_t *body, const uint8_t **data)
{
    unsigned both = body[BODY_SUBMODE] & body[BODY_SUBMODE_AGAIN];
    unsigned either = body[BODY_SUBMODE] | body[BODY_SUBMODE_AGAIN];
    if (both & SUBMODE_FORM_2)
        return CD_FORM_2;
    *data = body + BODY_DATA;
    if (!(either & SUBMODE_FORM_2) &&
        edc_of(body, BODY_EDC) == bytes_le32((struct bytes){ body, CD_BARE_BYTES }, BODY_EDC))
        return CD_GOOD;
    if (!body_correct(check, body))
        return CD_DAMAGED;
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

/* Corrects a copy that has the sync and header of mode 1 that it should have: if the EDC matches
 * then, the sector was made with them. */
static bool mode_1_correct(struct cd_check *check, const uint8_t *sector)
{
    uint8_t *work = check->work;
    for (unsigned turn = 0; turn < 2; turn++) {
        memcpy(work, sector, CD_SECTOR_BYTES);
        header_put(work, check->frame, 1);
        if (edc_matches(work, 1) ||
            ecc_correct(work, 1, turn ? &q_code : &p_code, turn ? &p_code : &q_code))
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

/* Sync or header are not as they should be. Mode 1 can prove that it is the right sector all the
 * same; else: why it is refused. */
static enum cd_verdict verify_misframed(struct cd_check *check, uint8_t *sector,
                                        const uint8_t **data)
{
    bool sync = cd_sector_has_sync(sector);
    bool other = cd_sector_frame(sector) != check->frame;
    if (is_zero(sector, CD_HEADER_BYTES) || is_zero(sector + CD_HEADER_BYTES, CD_BARE_BYTES))
        return CD_EMPTY;
    if (sync && other && sector[MODE] == 1 && edc_matches(sector, 1))
        return CD_OTHER_ADDRESS;
    if ((sector[MODE] == 1 || check->mode == 1) &&
        correct_mode_1(check, sector, data) == CD_CORRECTED)
        return CD_CORRECTED;
    return !sync ? CD_NO_SYNC : other ? CD_OTHER_ADDRESS : CD_OTHER_MODE;
}

enum cd_verdict cd_sector_verify(struct cd_check *check, uint8_t *sector, const uint8_t **data)
{
    unsigned mode = sector[MODE];
    if (!cd_sector_has_sync(sector) || cd_sector_frame(sector) != check->frame ||
        (mode != 1 && mode != 2))
        return verify_misframed(check, sector, data);
    if (mode == 2) {
        enum cd_verdict verdict = verify_body(check, sector + SUBHEADER, data);
        bool refused = verdict != CD_GOOD && verdict != CD_CORRECTED;
        if (refused && check->mode == 1 && /* it may be the mode that is damaged */
            correct_mode_1(check, sector, data) == CD_CORRECTED)
            verdict = CD_CORRECTED;
        return verdict;
    }
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
