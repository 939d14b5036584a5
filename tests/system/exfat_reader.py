"""Reads exFAT volumes: a decoder of its own, from the specification."""
import struct

FIRST_CLUSTER, END = 2, 0xffffffff
DIRECTORY, CONSECUTIVE = 0x10, 2


class Reader:
    def __init__(self, path):
        with open(path, "rb") as image:
            self.data = image.read()
        table, _, heap, self.clusters, self.root = struct.unpack_from("<5I", self.data, 80)
        self.sector = 1 << self.data[108]
        self.cluster = self.sector << self.data[109]
        self.table, self.heap = table * self.sector, heap * self.sector
        self.dirty = bool(self.data[106] & 2)
        self.used = set()

    def content(self, cluster):
        at = self.heap + (cluster - FIRST_CLUSTER) * self.cluster
        return self.data[at:at + self.cluster]

    def chain(self, cluster, count, consecutive):
        """Returns the clusters; count None: up to the end of the chain."""
        found = []
        while cluster != END if count is None else len(found) < count:
            assert FIRST_CLUSTER <= cluster < FIRST_CLUSTER + self.clusters, hex(cluster)
            assert cluster not in self.used, f"cluster {cluster} is used twice"
            self.used.add(cluster)
            found.append(cluster)
            if consecutive:
                cluster += 1
            else:
                cluster, = struct.unpack_from("<I", self.data, self.table + 4 * cluster)
        assert count is None or consecutive or not count or cluster == END, "a chain is too long"
        return found

    def read(self, cluster, size, valid, flags):
        clusters = self.chain(cluster, -(-size // self.cluster), flags & CONSECUTIVE)
        data = b"".join(map(self.content, clusters))
        return data[:valid] + bytes(size - valid)

    def tree(self):
        """Returns {path: bytes, or None for a directory}, and checks that the bitmap is true."""
        self.used.clear()
        found = {}
        self.directory("", b"".join(map(self.content, self.chain(self.root, None, False))), found)
        bits = {FIRST_CLUSTER + i for i in range(self.clusters)
                if self.bitmap[i // 8] >> i % 8 & 1}
        assert bits == self.used
        return found

    def directory(self, path, data, found):
        at = 0
        while at < len(data) and data[at]:
            kind, count = data[at], data[at + 1]
            if kind in (0x81, 0x82):
                cluster, size = struct.unpack_from("<IQ", data, at + 20)
                content = self.read(cluster, size, size, 0)
                if kind == 0x81:
                    self.bitmap = content
            if kind == 0x85:
                self.set(path, data[at:at + 32 * (count + 1)], found)
                at += 32 * count
            else:
                assert kind in (0x81, 0x82, 0x83) or not kind & 0x80, hex(kind)
            at += 32

    def set(self, path, entries, found):
        total = 0
        for i, byte in enumerate(entries):
            if i not in (2, 3):
                total = (((total << 15) | (total >> 1)) + byte) & 0xffff
        assert total == struct.unpack_from("<H", entries, 2)[0], "a checksum is wrong"
        attributes, = struct.unpack_from("<H", entries, 4)
        flags, units = entries[33], entries[35]
        valid, _, cluster, size = struct.unpack_from("<QIIQ", entries, 40)
        raw = b"".join(entries[i + 2:i + 32] for i in range(64, len(entries), 32))
        name = f"{path}{raw[:2 * units].decode('utf-16-le')}"
        data = self.read(cluster, size, valid, flags)
        found[name] = None if attributes & DIRECTORY else data
        if attributes & DIRECTORY:
            self.directory(name + "/", data, found)
