"""Fills exFAT volumes for tests: an encoder that follows the specification, and is checked by
fsck.exfat."""
import struct
import subprocess

FIRST_CLUSTER, END = 2, 0xffffffff


class Volume:
    """A volume that mkfs.exfat made, in memory."""

    def __init__(self, path, size, *options):
        with open(path, "wb") as image:
            image.truncate(size)
        subprocess.run(["mkfs.exfat", "-L", "LABEL", *options, str(path)], check=True,
                       capture_output=True, timeout=60)
        with open(path, "rb") as image:
            self.data = bytearray(image.read())
        self.path = path
        (table, _, heap, self.clusters, self.root) = struct.unpack_from("<5I", self.data, 80)
        self.sector = 1 << self.data[108]
        self.cluster = self.sector << self.data[109]
        self.table, self.heap = table * self.sector, heap * self.sector
        entries = {self.data[at]: at for at in range(self.at(self.root), self.at(self.root) + 96, 32)}
        self.bitmap = self.at(struct.unpack_from("<I", self.data, entries[0x81] + 20)[0])
        self.next = self.root + 1
        self.ends = {self.root: self.at(self.root) + 96}  # where a directory's entries end

    def at(self, cluster):
        return self.heap + (cluster - FIRST_CLUSTER) * self.cluster

    def link(self, cluster, following):
        struct.pack_into("<I", self.data, self.table + 4 * cluster, following)

    def allocate(self, count, gap=0):
        """Returns the clusters, `gap` free ones between two of them."""
        found = [self.next + i * (gap + 1) for i in range(count)]
        self.next = found[-1] + 1
        for cluster in found:
            bit = cluster - FIRST_CLUSTER
            self.data[self.bitmap + bit // 8] |= 1 << bit % 8
        return found

    def chain(self, clusters):
        for cluster, following in zip(clusters, clusters[1:] + [END]):
            self.link(cluster, following)

    def store(self, content, gap):
        """Writes the content, and returns its clusters."""
        if not content:
            return []
        clusters = self.allocate(-(-len(content) // self.cluster), gap)
        for i, cluster in enumerate(clusters):
            piece = content[i * self.cluster:(i + 1) * self.cluster]
            self.data[self.at(cluster):self.at(cluster) + len(piece)] = piece
        if gap:
            self.chain(clusters)
        return clusters

    def add(self, directory, name, content=None, gap=0, valid=None, stamp=None, zone=0x80):
        """Adds a file, or without content a directory of one cluster; returns its first cluster."""
        is_directory = content is None
        if is_directory:
            clusters = self.allocate(1)
            self.chain(clusters)
            size = self.cluster
            self.ends[clusters[0]] = self.at(clusters[0])
        else:
            clusters, size = self.store(content, gap), len(content)
        valid = size if valid is None else valid
        units = name.encode("utf-16-le")
        parts = -(-len(units) // 30)
        stamp = stamp or ((2001 - 1980) << 25 | 9 << 21 | 9 << 16 | 1 << 11 | 46 << 5 | 20)
        entries = bytearray(32 * (2 + parts))
        struct.pack_into("<BBHHHIIIBBBBB", entries, 0, 0x85, 1 + parts, 0,
                         0x10 if is_directory else 0x20, 0, stamp, stamp, stamp, 0, 0, zone, zone, zone)
        flags = 1 | (0 if gap or is_directory else 2) if clusters else 0
        struct.pack_into("<BBBBHHQIIQ", entries, 32, 0xc0, flags, 0, len(units) // 2,
                         name_hash(name), 0, valid, 0, clusters[0] if clusters else 0, size)
        for part in range(parts):
            piece = units[part * 30:part * 30 + 30]
            entries[64 + 32 * part:66 + 32 * part + len(piece)] = b"\xc1\0" + piece
        struct.pack_into("<H", entries, 2, set_checksum(entries))
        self.put(directory, entries)
        return clusters[0] if clusters else 0

    def put(self, directory, entries):
        """Appends entries to a directory, which gets another cluster when the last one is full."""
        for i in range(0, len(entries), 32):
            end = self.ends[directory]
            if end > self.at(directory) and (end - self.heap) % self.cluster == 0:
                more, = self.allocate(1, 0)
                last = (end - self.heap) // self.cluster - 1 + FIRST_CLUSTER
                self.link(last, more)
                self.link(more, END)
                end = self.at(more)
            self.data[end:end + 32] = entries[i:i + 32]
            self.ends[directory] = end + 32

    def write(self):
        with open(self.path, "wb") as image:
            image.write(self.data)

    def check(self):
        """An independent program must find nothing wrong."""
        done = subprocess.run(["fsck.exfat", "-n", str(self.path)], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def set_checksum(entries):
    total = 0
    for i, byte in enumerate(entries):
        if i not in (2, 3):
            total = ((total << 15 | total >> 1) + byte) & 0xffff
    return total


def name_hash(name):
    """Of the name in upper case, as far as single letters have one."""
    total = 0
    upper = "".join(c.upper() if len(c.upper()) == 1 else c for c in name)
    for byte in upper.encode("utf-16-le"):
        total = ((total << 15 | total >> 1) + byte) & 0xffff
    return total
