"""Promise: sessions are found on a medium without a table of contents (E13)."""
from builder import (DIRECTORY, DOT, SECTOR, Disc, hostile, record, terminator,
                     volume_descriptor)
from edge import Sparse, digest, dots, file_record, mount_with

OLD, NEW = b"of the first session\n", b"of a later session\n"


def manifest_of(*files):
    """Returns the manifest of a root with these files: (name, content)."""
    seen = Disc()
    for name, text in files:
        seen.see("f", name, len(text), digest(text))
    return seen.manifest()


def descriptors(start, root, end):
    """Returns a session's descriptors. Its size counts from its own start, addresses from the start
    of the medium."""
    return volume_descriptor(1, record(DOT, *root, DIRECTORY), end - start, (10, 19, 20)) + \
        terminator()


def first_session(disc):
    """Adds a session with one file, OLD. Returns (lba, size) of its content."""
    lba = disc.place(OLD)
    item = record(b"OLD.;1", lba, len(OLD))
    disc.finish(disc.directory([item]))
    disc.pad()
    return lba, len(OLD)


def add_session(disc, start, name, old):
    """Adds a session here, with the first session's file and a new one. Returns its end."""
    lba = start + 24
    root = (lba + 1, SECTOR)
    items = record(b"OLD.;1", *old) + record(name + b".;1", lba, len(NEW))
    parts = ((start + 16, descriptors(start, root, lba + 2)), (lba, NEW),
             (lba + 1, (dots(*root) + items).ljust(SECTOR, b"\0")))
    for where, data in parts:
        disc.write(where, data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0"))
    return lba + 2


def sees(disc, *files):
    disc.lines = {}
    for name, text in files:
        disc.see("f", name, len(text), digest(text))
    return disc


def two_sessions(unit):
    disc = Disc()
    old = first_session(disc)
    add_session(disc, -(-disc.next // unit) * unit, b"NEW", old)
    sees(disc, (b"NEW", NEW), (b"OLD", OLD))
    mount_with(disc, "session=1", manifest_of((b"OLD", OLD)))
    mount_with(disc, "session=2", disc.manifest())
    mount_with(disc, "session=2,names=iso", disc.manifest())
    return mount_with(disc, "session=3", None)


def two_sessions_without_a_gap():
    """E13: the second begins where the first ends."""
    return two_sessions(1)


def two_sessions_at_16():
    """E13: where a DVD's next session begins."""
    return two_sessions(16)


def three_sessions_at_32():
    """E13: where xorriso's next session begins; the last of three is shown."""
    disc = Disc()
    old = first_session(disc)
    end = add_session(disc, -(-disc.next // 32) * 32, b"SECOND", old)
    add_session(disc, -(-end // 32) * 32, b"THIRD", old)
    sees(disc, (b"OLD", OLD), (b"THIRD", NEW))
    mount_with(disc, "session=1", manifest_of((b"OLD", OLD)))
    mount_with(disc, "session=2", manifest_of((b"OLD", OLD), (b"SECOND", NEW)))
    mount_with(disc, "session=3", disc.manifest())
    return mount_with(disc, "session=99", None)


def sessions_of_a_cd():
    """E13: a copy of a CD: 11,402 sectors between the first session and the second, 6,902 between
    the second and the third."""
    disc, inner = Sparse(), Disc()
    old = first_session(disc)
    start, end = disc.next + 11402, disc.next
    for name in (b"SECOND", b"THIRD"):
        end = add_session(inner, start, name, old)
        disc.place_far(start, bytes(inner.data[start * SECTOR:]))
        start = end + 6902
    return sees(disc, (b"OLD", OLD), (b"THIRD", NEW))


def descriptors_copied_to_the_front():
    """E13: xorriso, when it adds to an image, also copies the newest descriptors to sector 16; the
    sessions begin at sector 32."""
    disc = Disc(first=32 + 24)
    lba = disc.place(OLD)
    root = disc.directory([record(b"OLD.;1", lba, len(OLD))])
    disc.pad()
    disc.write(32 + 16, descriptors(32, root, disc.next))
    end = add_session(disc, 64, b"NEW", (lba, len(OLD)))
    disc.write(16, descriptors(0, (end - 1, SECTOR), end))
    sees(disc, (b"NEW", NEW), (b"OLD", OLD))
    mount_with(disc, "session=1", manifest_of((b"OLD", OLD)))
    mount_with(disc, "session=2", disc.manifest())
    return mount_with(disc, "session=3", None)


def one_session():
    """E13: an ordinary disc has a first session and no second."""
    disc = Disc()
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    mount_with(disc, "session=1", disc.manifest())
    mount_with(disc, "session=2", None)
    return mount_with(disc, "names=joliet", None)


def another_volume_behind():
    """E13: an image appended to another is not a session of it, since its sectors count from its own
    start."""
    disc, other = Disc(), Disc()
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    disc.pad()
    other.finish(other.directory([file_record(other, b"OTHER.;1")]))
    disc.write(disc.next, bytes(other.data))
    return mount_with(disc, "session=2", None)


def descriptors_behind_that_lead_back():
    """E13: descriptors after the end that point to the first session's root are not a session."""
    disc = Disc()
    root = disc.directory([file_record(disc, b"FILE.;1")])
    disc.finish(root)
    disc.pad()
    disc.write(disc.next + 16, descriptors(disc.next, root, disc.next + 20))
    return mount_with(disc, "session=2", None)


def session_whose_root_is_gone():
    """E13: the second session's root is beyond the end of the device: the first is shown."""
    disc = Disc()
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    disc.pad()
    disc.write(disc.next + 16, descriptors(disc.next, (0x00FFFFFF, SECTOR), disc.next + 20))
    return mount_with(disc, "session=2", None)


def sessions_without_end():
    """E13: 200 sessions: the 99th is shown, since a table of contents can list no more."""
    disc = Disc()
    old = first_session(disc)
    end = disc.next
    for i in range(2, 201):
        end = add_session(disc, end, b"S%03d" % i, old)
    sees(disc, (b"OLD", OLD), (b"S099", NEW))
    mount_with(disc, "session=100", None)
    return hostile(disc, "mount")


CASES = [two_sessions_without_a_gap, two_sessions_at_16, three_sessions_at_32, sessions_of_a_cd,
         descriptors_copied_to_the_front, one_session, another_volume_behind,
         descriptors_behind_that_lead_back, session_whose_root_is_gone, sessions_without_end]
