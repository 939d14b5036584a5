#!/usr/bin/env python3
"""An independent reader of ISO 9660, Rock Ridge and Joliet, which predicts what `manifest` prints.

It is written from the standards, uses only Python's standard library, and shares no code with the
kernel:
ECMA-119 (descriptors §8, directory records §9.1), SUSP 1.12 (SP, CE, ST), RRIP 1.12 (PX, SL, NM,
CL, PL, RE, TF, SF), the Joliet specification, and zisofs's ZF entry.

    python3 tests/images/decoder.py [--view rr|joliet|iso] IMAGE      prints the manifest
    Volume(path).manifest()                                           the same, as bytes

The default view is Rock Ridge if the root's "." has a valid SP entry, else Joliet, else the plain
names. Chapter 6 of the Book has the format and its escapes.
"""
import argparse
import datetime
import hashlib
import heapq
import re
import struct
import sys
import zlib

import sessions
from naming import CODECS, clean, decoded, escape, escape_path, joliet_name, strip_version

SECTOR = 2048
FLAG_DIRECTORY, FLAG_ASSOCIATED, FLAG_MULTI_EXTENT = 0x02, 0x04, 0x80
S_IFMT, S_IFREG, S_IFLNK, S_IFDIR = 0o170000, 0o100000, 0o120000, 0o040000
CE_HOPS_MAX = 32
DEPTH_MAX = 256
NAME_BYTES_MAX, PATH_BYTES_MAX = 1023, 4095  # longer names and link targets are cut
ZISOFS_LOG2 = range(10, 21)  # blocks of 1 KiB to 1 MiB
JOLIET_ESCAPES = (b"%/@", b"%/C", b"%/E")
DESCRIPTORS_MAX = 256
# zisofs versions: magic, type of a block pointer, offset and type of the unpacked size.
ZISOFS = {b"pz": (bytes.fromhex("37E45396C9DBD607"), "I", 8, "<I"),
          b"PZ": (bytes.fromhex("EF2255A1BC1B95A0"), "Q", 12, "<Q")}


class NotIso(Exception):
    """Raised if the image contains no readable volume; the text is the reason."""


class ReadError(Exception):
    """Raised for missing or undecodable bytes; the text is the name of an errno."""


def le16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def le32(data, at):
    return struct.unpack_from("<I", data, at)[0]


# ---------------------------------------------------------------- times

def gmt_seconds(offset):
    """Converts the recorded quarter hours from GMT; values outside -48..52 count as 0."""
    signed = offset - 256 if offset > 127 else offset
    return signed * 900 if -48 <= signed <= 52 else 0


def utc(year, month, day, hour, minute, second, offset):
    """Returns the time in UTC as a naive datetime, or None if the fields are not a valid time."""
    try:
        local = datetime.datetime(year, month, day, hour, minute, second)
        return local - datetime.timedelta(seconds=gmt_seconds(offset))
    except (ValueError, OverflowError):
        return None


def time_short(data):
    """ECMA-119 9.1.5: seven bytes."""
    return utc(1900 + data[0], *data[1:7])


def time_long(data):
    """ECMA-119 8.4.26.1: sixteen digits and an offset."""
    if not data[:16].isdigit():
        return None
    digits = data[:16].decode("ascii")
    parts = [int(digits[0:4])] + [int(digits[i:i + 2]) for i in range(4, 14, 2)]
    return utc(*parts, data[16])


# ---------------------------------------------------------------- records

class Record:
    """A directory record (ECMA-119 9.1), its later sections, and its system use entries."""

    def __init__(self, data):
        self.length = data[0]
        self.xar = data[1]
        self.extent = le32(data, 2)
        self.size = le32(data, 10)
        self.time = time_short(data[18:25])
        self.flags = data[25]
        self.unit, self.gap = data[26], data[27]
        self.volume = le16(data, 28)
        end = 33 + data[32]
        self.identifier = bytes(data[33:end])
        self.system_use = bytes(data[end + (1 - data[32] % 2):self.length])
        self.sections = [self]
        self.complete = True
        self.name = None
        self.version = -1
        self.rock = None

    @property
    def is_directory(self):
        return bool(self.flags & FLAG_DIRECTORY)

    @property
    def is_dot(self):
        return self.identifier in (b"\0", b"\1")


class Rock:
    """The system use entries of one record."""

    def __init__(self):
        self.name = None
        self.mode = None
        self.links = []
        self.modify = None
        self.has_modify = False
        self.child = None
        self.moved = False
        self.relocated = False
        self.sparse = False
        self.zisofs = None
        self.stopped = False

    def entry_px(self, body):
        if len(body) >= 8:
            self.mode = le32(body, 0)

    def entry_nm(self, body):
        if body and not body[0] & 0x06:
            self.name = ((self.name or b"") + body[1:])[:NAME_BYTES_MAX]

    def entry_sl(self, body):
        at = 1
        while at + 2 <= len(body):
            end = at + 2 + body[at + 1]
            if end > len(body):
                break
            self.links.append((body[at], body[at + 2:end]))
            at = end

    def entry_tf(self, body):
        if not body or not body[0] & 0x02:
            return
        width, parse = (17, time_long) if body[0] & 0x80 else (7, time_short)
        at = 1 + width * (body[0] & 0x01)
        if at + width <= len(body):
            self.has_modify = True
            self.modify = parse(body[at:at + width])

    def entry_cl(self, body):
        if len(body) >= 8:
            self.child = le32(body, 0)

    def entry_pl(self, body):
        self.moved = len(body) >= 8

    def entry_re(self, _):
        self.relocated = True

    def entry_sf(self, _):
        self.sparse = True

    def entry_zf(self, body):
        if len(body) >= 12 and body[:2] in ZISOFS:
            size = struct.unpack_from(ZISOFS[body[:2]][3], body, 4)[0]
            self.zisofs = (body[:2], body[2] * 4, body[3], size)

    HANDLERS = {b"PX": entry_px, b"PL": entry_pl, b"NM": entry_nm, b"SL": entry_sl, b"TF": entry_tf,
                b"CL": entry_cl, b"RE": entry_re, b"SF": entry_sf, b"ZF": entry_zf}

    def area(self, data):
        """Parses a system use area. Returns where it continues, (block, offset, length), or None."""
        at, following = 0, None
        while at + 4 <= len(data):
            tag, length = data[at:at + 2], data[at + 2]
            if length < 4 or at + length > len(data) or tag == b"ST":
                break
            body = data[at + 4:at + length]
            if tag == b"CE" and len(body) >= 24:
                following = (le32(body, 0), le32(body, 8), le32(body, 16))
            elif tag in self.HANDLERS:
                self.HANDLERS[tag](self, body)
            at += length
        return following

    def target(self):
        """Returns the target of a symbolic link. A root component is empty, so `/` joins all."""
        fixed = {0x02: b".", 0x04: b"..", 0x08: b""}
        parts, joined = [], False
        for flags, text in self.links:
            piece = fixed.get(flags & 0x0E, text)
            if joined:
                parts[-1] += piece
            else:
                parts.append(piece)
            joined = bool(flags & 0x01)
        text = b"/" if parts == [b""] else b"/".join(parts)
        return text.replace(b"\0", b"_")[:PATH_BYTES_MAX]


class Node:
    """One line of the manifest."""

    def __init__(self, kind, path, time):
        self.kind, self.path, self.time = kind, path, time
        self.size, self.digest, self.target = 0, "-", None

    def line(self):
        time = self.time.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0") if self.time else "-"
        fields = [self.kind, str(self.size), self.digest, time]
        text = "\t".join(fields).encode() + b"\t" + escape_path(self.path)
        if self.target is not None:
            text += b" -> " + escape(self.target)
        return text + b"\n"


# ---------------------------------------------------------------- the volume

class Volume:
    """An open image with parsed descriptors. Raises NotIso if there is no volume to show."""

    def __init__(self, path, view=None, charset=None):
        self.file = open(path, "rb")
        self.charset = charset
        self.bytes = self.file.seek(0, 2)
        self.skip = 0
        self.block = SECTOR
        self.trees = {}
        self.volume = None
        self.read_descriptors()
        self.view = self.choose_view(view)
        self.block, self.root = self.trees["iso" if self.view == "rr" else self.view]

    def close(self):
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, offset, length):
        if offset + length > self.bytes:
            raise ReadError("EIO")
        self.file.seek(offset)
        return self.file.read(length)

    # ---- descriptors

    def read_descriptors(self):
        first = sessions.last(self.file) + 16
        for sector in range(first, first + DESCRIPTORS_MAX):
            try:
                data = self.read(sector * SECTOR, SECTOR)
            except ReadError:
                break
            if data[1:6] != b"CD001" or data[0] == 255:
                break
            self.take_descriptor(data)
        if not self.trees:
            raise NotIso("no ISO 9660 volume descriptor with a readable root directory")

    def take_descriptor(self, data):
        escapes = data[88:91]
        if data[0] == 1 and data[6] == 1:
            name = "iso"
        elif data[0] == 2 and data[6] == 1 and escapes in JOLIET_ESCAPES:
            name = "joliet"
        elif data[0] == 2 and data[6] == 2:
            name = "enhanced"  # ISO 9660:1999
        else:
            return
        block = le16(data, 128)
        if name == "iso" and self.volume is None:
            self.volume = le16(data, 120), le16(data, 124)  # size of the set, number in it
        if name not in self.trees and block in (512, 1024, 2048) and data[156] >= 34:
            root = Record(data[156:190])
            if root.is_directory and self.root_readable(root, block):
                self.trees[name] = (block, root)

    def root_readable(self, root, block):
        return root.size > 0 and (root.extent + root.xar) * block + SECTOR <= self.bytes

    # ---- views

    def choose_view(self, wanted):
        if wanted in (None, "rr") and "iso" in self.trees and self.find_susp():
            if wanted or "joliet" not in self.trees or not self.root_empty():
                return "rr"
        if wanted in (None, "joliet") and "joliet" in self.trees:
            return "joliet"
        if wanted == "enhanced" and "enhanced" in self.trees or (
                wanted is None and "enhanced" in self.trees and not self.root_empty("enhanced")):
            return "enhanced"
        if wanted in (None, "iso") and "iso" in self.trees:
            return "iso"
        raise NotIso(f"no {wanted} view")

    def find_susp(self):
        """SUSP 5.3: SP is first in the root's "." record, or follows 14 bytes of CD-XA data."""
        self.block, root = self.trees["iso"]
        records = self.scan_directory(root)[0]
        area = next((r.system_use for r in records if r.identifier == b"\0"), b"")
        for at in (0, 14, 15):
            entry = area[at:at + 7]
            if entry[:6] == b"SP\x07\x01\xbe\xef" and len(entry) == 7:
                self.skip = entry[6]
                return True
        return False

    def root_empty(self, tree="iso"):
        self.block, root = self.trees[tree]
        return all(r.is_dot for r in self.scan_directory(root)[0])

    # ---- directories

    def record_offset(self, record):
        return (record.extent + record.xar) * self.block

    def scan_directory(self, directory):
        """Returns (all well-formed records in order, whether every sector could be read)."""
        records, whole, done = [], True, 0
        start = self.record_offset(directory)
        while done < directory.size:
            length = min(SECTOR, directory.size - done)
            try:
                data = self.read(start + done, length)
            except ReadError:
                return records, False
            self.scan_sector(data, records)
            done += length
        return records, whole

    def scan_sector(self, data, records):
        at = 0
        while at < len(data) and data[at] >= 34 and at + data[at] <= len(data):
            if 33 + data[at + 32] > data[at] or data[at + 32] == 0:
                break
            records.append(Record(data[at:at + data[at]]))
            at += data[at]

    def children(self, directory):
        """Returns the records to show, with their names, and whether the listing is complete."""
        records, whole = self.scan_directory(directory)
        shown = []
        for record in self.join_sections(records):
            if record.is_dot or record.flags & FLAG_ASSOCIATED:
                continue
            self.take_names(record)
            if not (record.rock and (record.rock.relocated or self.has_parent_link(record))):
                shown.append(record)
        return self.make_unique(shown), whole

    def has_parent_link(self, record):
        """RRIP 4.1.5.2: PL in the ".." of a directory means that it was relocated here."""
        try:
            data = self.read(self.record_offset(record), SECTOR) if record.is_directory else b""
        except ReadError:
            return False
        found = []
        self.scan_sector(data, found)
        return len(found) > 1 and found[1].identifier == b"\1" and self.read_rock(found[1]).moved

    def join_sections(self, records):
        """ECMA-119 6.5.1: each section of a file has a record; the last one is not flagged."""
        joined, first = [], None
        for record in records:
            if first and record.identifier == first.identifier:
                first.sections.append(record)
            else:
                joined.append(record)
                first = record
            first.complete = not record.flags & FLAG_MULTI_EXTENT
            if first.complete:
                first = None
        return joined

    def take_names(self, record):
        if self.view == "joliet":
            name, record.version = strip_version(joliet_name(record.identifier))
        else:
            name, record.version = strip_version(record.identifier)
        if self.view == "rr":
            record.rock = self.read_rock(record)
        if record.rock and record.rock.name:
            name, record.version = decoded(record.rock.name, self.charset or "utf-8"), -1
        elif self.view != "joliet":
            name = decoded(name, self.charset)
        record.name = clean(name)

    def make_unique(self, records):
        """Returns the records to show: of several versions the highest. Of names that are still
        equal, the first is kept and the others get the suffixes `~2`, `~3` ..."""
        shown, best, counts = [], {}, {}
        for record in records:
            kept = best.setdefault(record.name, record)
            if kept is record or record.version == kept.version or -1 in (kept.version,
                                                                          record.version):
                shown.append(record)
            elif record.version > kept.version:
                shown[shown.index(kept)] = best[record.name] = record
        taken = {r.name for r in shown}
        for record in shown:
            plain, number = record.name, counts.get(record.name, 1)
            if best[plain] is record:
                continue
            while record.name in taken:
                number += 1
                record.name = plain + b"~%d" % number
            counts[plain] = number
            taken.add(record.name)
        return shown

    # ---- system use

    def read_rock(self, record):
        rock = Rock()
        following = rock.area(record.system_use[self.skip:])
        seen = set()
        while following and following not in seen and len(seen) < CE_HOPS_MAX:
            seen.add(following)
            block, offset, length = following
            try:
                following = rock.area(self.read(block * self.block + offset, length))
            except ReadError:
                break
        return rock

    def linked_directory(self, record):
        """RRIP 4.1.5.1: CL contains the block of the relocated directory; its "." describes it."""
        try:
            data = self.read(record.rock.child * self.block, SECTOR)
        except ReadError:
            return None
        found = []
        self.scan_sector(data, found)
        if not found or found[0].identifier != b"\0" or not found[0].is_directory:
            return None
        found[0].rock = self.read_rock(found[0])
        found[0].name = record.name
        return found[0]

    # ---- contents

    def pieces(self, section):
        """Yields the (offset, length) runs of a section: several if interleaved (ECMA-119 6.4.3)."""
        start, left = self.record_offset(section), section.size
        step = section.unit * self.block if section.unit else left
        while left > 0:
            take = min(step, left)
            yield start, take
            start += step + section.gap * self.block
            left -= take

    def chunks(self, record):
        if not record.complete:
            raise ReadError("EIO")  # the last section is missing
        for section in record.sections:
            for offset, length in self.pieces(section):
                while length:
                    take = min(length, 1 << 20)
                    yield self.read(offset, take)
                    offset, length = offset + take, length - take

    def unzip(self, record):
        """Yields the blocks of a zisofs file: a header, block pointers, and each block compressed
        separately; an empty block is zeros."""
        raw = b"".join(self.chunks(record))
        version, header, log2, size = record.rock.zisofs
        magic, pointer, size_at, size_type = ZISOFS[version]
        recorded = raw[12:14] if version == b"pz" else raw[9:12:2]
        if raw[:8] != magic or struct.unpack_from(size_type, raw, size_at)[0] != size or \
                recorded != bytes([header // 4, log2]) or log2 not in ZISOFS_LOG2:
            raise ReadError("EUCLEAN")
        count = (size + (1 << log2) - 1) >> log2
        try:
            at = struct.unpack_from(f"<{count + 1}{pointer}", raw, header)
            for i in range(count):
                if not at[i] <= at[i + 1] <= len(raw):
                    raise ReadError("EUCLEAN")
                want = min(1 << log2, size - (i << log2))
                packed = raw[at[i]:at[i + 1]]
                yield zlib.decompress(packed)[:want] if packed else bytes(want)
        except (struct.error, zlib.error) as error:
            raise ReadError("EUCLEAN") from error

    def digest(self, record):
        state, zipped = hashlib.sha256(), record.rock and record.rock.zisofs
        try:
            if record.rock and record.rock.sparse:
                raise ReadError("EOPNOTSUPP")
            if record.volume != self.volume[1] and self.volume[0] > 1:
                raise ReadError("ENXIO")  # on another disc of the set
            for chunk in self.unzip(record) if zipped else self.chunks(record):
                state.update(chunk)
        except ReadError as error:
            return str(error)
        return state.hexdigest()

    # ---- the walk

    def kind(self, record):
        """Returns the manifest's type: by the directory bit, then by SL, then by PX."""
        if record.is_directory:
            return "d"
        mode = (record.rock.mode or 0) & S_IFMT if record.rock else 0
        if record.rock and record.rock.links or mode == S_IFLNK:
            return "l"
        return "f" if mode in (0, S_IFREG, S_IFDIR) else "o"

    def node(self, record, path):
        rock = record.rock
        time = rock.modify if rock and rock.has_modify else record.time
        node = Node(self.kind(record), path, time)
        if node.kind == "f":
            zipped = rock and rock.zisofs
            node.size = rock.zisofs[3] if zipped else sum(s.size for s in record.sections)
            node.digest = self.digest(record)
        elif node.kind == "l":
            node.target = rock.target()
            node.size = len(node.target)
        return node

    def nodes(self):
        """Returns every node except the root, sorted by path. A directory extent is entered once, by
        the first path that leads to it."""
        found, entered = [], {self.record_offset(self.root)}
        waiting = []
        self.push_children(self.root, b"", 0, waiting)
        while waiting:
            path, _, record, depth = heapq.heappop(waiting)
            if record.rock and record.rock.child is not None:
                record = self.linked_directory(record) or record
            node = self.node(record, path)
            found.append(node)
            if node.kind != "d":
                continue
            offset = self.record_offset(record)
            if offset in entered or depth >= DEPTH_MAX:
                node.digest = "ELOOP"
                continue
            entered.add(offset)
            if not self.push_children(record, path + b"/", depth + 1, waiting):
                node.digest = "EIO"
        return found

    def push_children(self, directory, prefix, depth, waiting):
        records, whole = self.children(directory)
        for record in records:
            heapq.heappush(waiting, (prefix + record.name, len(waiting), record, depth))
        return whole

    def manifest(self):
        return b"".join(node.line() for node in self.nodes())


def manifest(path, view=None, charset=None):
    with Volume(path, view, charset) as volume:
        return volume.manifest()


def main():
    parser = argparse.ArgumentParser(description="print the manifest of an ISO 9660 image")
    parser.add_argument("--view", choices=("rr", "joliet", "enhanced", "iso"))
    parser.add_argument("--charset", choices=CODECS)
    parser.add_argument("image")
    options = parser.parse_args()
    try:
        text = manifest(options.image, options.view, options.charset)
    except (NotIso, OSError) as error:
        print(f"decoder: {options.image}: {error}", file=sys.stderr)
        return 125
    sys.stdout.buffer.write(text)
    return 1 if re.search(rb"^.\t\d+\tE[A-Z]+\t", text, re.M) else 0


if __name__ == "__main__":
    sys.exit(main())
