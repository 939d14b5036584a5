"""Wraps an image of 2048-byte blocks in whole CD sectors, as in raw dumps.

The sectors are of mode 1 or mode 2 form 1, with a correct EDC, and with P and Q parity on request
(ECMA-130 14 and annex A).
"""

BLOCK = 2048
SYNC = bytes([0] + [255] * 10 + [0])
SUBHEADER = bytes([0, 0, 8, 0]) * 2


def _edc_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xD8018001 if value & 1 else 0)
        yield value


EDC_TABLE = list(_edc_table())
DOUBLE = [value << 1 ^ (0x11D if value & 128 else 0) for value in range(256)]
THIRD = {DOUBLE[value] ^ value: value for value in range(256)}  # divides by x + 1


def edc(data):
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ EDC_TABLE[(crc ^ byte) & 255]
    return crc.to_bytes(4, "little")


def bcd(value):
    return value // 10 * 16 + value % 10


def header(block, mode):
    frame = block + 150
    return SYNC + bytes([bcd(frame // 4500), bcd(frame // 75 % 60), bcd(frame % 75), mode])


def parity(coded, words):
    """Returns the two parity bytes that make a codeword's plain and weighted sums 0."""
    plain = weighted = 0
    for word in words:
        plain ^= coded[word]
        weighted = DOUBLE[weighted] ^ coded[word]
    first = THIRD[DOUBLE[DOUBLE[weighted]] ^ plain]
    return first, first ^ plain


def put_ecc(sector, header_counts):
    coded = bytearray(sector[12:] if header_counts else bytes(4) + sector[16:])
    for column in range(86):
        coded[2064 + column], coded[2150 + column] = parity(
            coded, range(column, 86 * 24, 86))
    for diagonal in range(26):
        for plane in range(2):
            place = 2236 + 2 * diagonal + plane
            coded[place], coded[place + 52] = parity(
                coded, [(44 * i + 43 * diagonal) % 1118 * 2 + plane for i in range(43)])
    return sector[:16] + bytes(coded[4:])


def sector(block, data, mode, ecc=False):
    if mode == 1:
        whole = header(block, 1) + data
        whole += edc(whole) + bytes(284)
    else:
        body = SUBHEADER + data
        whole = header(block, 2) + body + edc(body) + bytes(276)
    return put_ecc(whole, mode == 1) if ecc else whole


def whole_sectors(data, mode, bare=False, first=0, ecc=False):
    """Yields a sector of 2352 bytes (2336 if bare) for each block; the first has address `first`."""
    for number, at in enumerate(range(0, len(data), BLOCK)):
        whole = sector(first + number, data[at:at + BLOCK].ljust(BLOCK, b"\0"), mode, ecc)
        yield whole[16:] if bare else whole
