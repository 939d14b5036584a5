/*
 * identify.c - the table of signatures, and the search through it.
 */
#include "lib/identify/checks.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* A signature, and its length without the string's NUL. */
#define MAGIC(text) .magic = text, .length = sizeof(text) - 1

/* One signature. Several entries of one name are one format. Without a magic the check alone
 * decides; with a magic it is called only if the magic matches. A check returns the name itself. */
static const struct signature {
    uint64_t offset;
    const char *magic;
    size_t length;
    enum identity_kind kind;
    const char *name, *mime; /* NULL: application/octet-stream */
    identify_check *check;
} signatures[] = {
    /* volumes, those of discs first */
    { 32769, MAGIC("CD001"), IDENTITY_VOLUME, "ISO 9660 file system",
      "application/x-iso9660-image", NULL },
    { 32777, MAGIC("CDROM"), IDENTITY_VOLUME, "High Sierra file system",
      "application/x-iso9660-image", NULL },
    { 32769, MAGIC("CD-I "), IDENTITY_VOLUME, "CD-i file system", NULL, NULL },
    { 32768, NULL, 0, IDENTITY_VOLUME, NULL, NULL, identify_udf },
    { 65536, MAGIC("MICROSOFT*XBOX*MEDIA"), IDENTITY_VOLUME, "XDVDFS file system", NULL, NULL },
    { 0, MAGIC("\1ZZZZZ\1"), IDENTITY_VOLUME, "3DO file system", NULL, NULL },
    { 3, MAGIC("NTFS    "), IDENTITY_VOLUME, "NTFS file system", NULL, NULL },
    { 3, MAGIC("EXFAT   "), IDENTITY_VOLUME, "exFAT file system", NULL, NULL },
    { 3, MAGIC("-FVE-FS-"), IDENTITY_VOLUME, "BitLocker volume", NULL, NULL },
    { 0, NULL, 0, IDENTITY_VOLUME, NULL, NULL, identify_fat },
    { 1080, MAGIC("\x53\xef"), IDENTITY_VOLUME, NULL, NULL, identify_ext },
    { 0, MAGIC("XFSB"), IDENTITY_VOLUME, "XFS file system", NULL, NULL },
    { 65600, MAGIC("_BHRfS_M"), IDENTITY_VOLUME, "Btrfs file system", NULL, NULL },
    { 4120, MAGIC("\xc6\x85\x73\xf6\x4e\x1a\x45\xca"), IDENTITY_VOLUME, "bcachefs file system",
      NULL, NULL },
    { 4120, MAGIC("\xc6\x85\x73\xf6\x66\xce\x90\xa9"), IDENTITY_VOLUME, "bcachefs file system",
      NULL, NULL },
    { 1024, MAGIC("\x10\x20\xf5\xf2"), IDENTITY_VOLUME, "F2FS file system", NULL, NULL },
    { 1024, MAGIC("\xe2\xe1\xf5\xe0"), IDENTITY_VOLUME, "EROFS file system", NULL, NULL },
    { 65588, MAGIC("ReIsErFs"), IDENTITY_VOLUME, "ReiserFS file system", NULL, NULL },
    { 65588, MAGIC("ReIsEr2Fs"), IDENTITY_VOLUME, "ReiserFS file system", NULL, NULL },
    { 65588, MAGIC("ReIsEr3Fs"), IDENTITY_VOLUME, "ReiserFS file system", NULL, NULL },
    { 65536, MAGIC("ReIsEr4"), IDENTITY_VOLUME, "Reiser4 file system", NULL, NULL },
    { 32768, MAGIC("JFS1"), IDENTITY_VOLUME, "JFS file system", NULL, NULL },
    { 0, NULL, 0, IDENTITY_VOLUME, NULL, NULL, identify_minix },
    { 0, MAGIC("hsqs"), IDENTITY_VOLUME, NULL, NULL, identify_squashfs },
    { 0, MAGIC("sqsh"), IDENTITY_VOLUME, NULL, NULL, identify_squashfs },
    { 0, MAGIC("\x45\x3d\xcd\x28"), IDENTITY_VOLUME, "cramfs file system", NULL, NULL },
    { 0, MAGIC("\x28\xcd\x3d\x45"), IDENTITY_VOLUME, "cramfs file system", NULL, NULL },
    { 0, MAGIC("-rom1fs-"), IDENTITY_VOLUME, "romfs file system", NULL, NULL },
    { 1024, MAGIC("H+\0"), IDENTITY_VOLUME, "HFS+ file system", NULL, NULL },
    { 1024, MAGIC("HX\0"), IDENTITY_VOLUME, "HFSX file system", NULL, NULL },
    { 1024, MAGIC("BD"), IDENTITY_VOLUME, NULL, NULL, identify_hfs },
    { 32, MAGIC("NXSB"), IDENTITY_VOLUME, "APFS container", NULL, NULL },
    { 9564, MAGIC("\x54\x19\x01\0"), IDENTITY_VOLUME, "UFS1 file system", NULL, NULL },
    { 66908, MAGIC("\x19\x01\x54\x19"), IDENTITY_VOLUME, "UFS2 file system", NULL, NULL },
    { 16404, MAGIC("\0\0\0\7version"), IDENTITY_VOLUME, "ZFS pool member", NULL, NULL },
    { 544, MAGIC("1SFB"), IDENTITY_VOLUME, "BFS file system", NULL, NULL },
    { 8192, MAGIC("\x49\xe8\x95\xf9"), IDENTITY_VOLUME, "HPFS file system", NULL, NULL },
    { 0, MAGIC("LUKS\xba\xbe"), IDENTITY_VOLUME, "LUKS encrypted volume", NULL, NULL },
    { 0, NULL, 0, IDENTITY_VOLUME, NULL, NULL, identify_lvm },
    { 4096, MAGIC("\xfc\x4e\x2b\xa9"), IDENTITY_VOLUME, "Linux RAID member", NULL, NULL },
    { 4086, MAGIC("SWAPSPACE2"), IDENTITY_VOLUME, "Linux swap area", NULL, NULL },
    { 4086, MAGIC("SWAP-SPACE"), IDENTITY_VOLUME, "Linux swap area", NULL, NULL },

    /* partition tables */
    { 0, NULL, 0, IDENTITY_PARTITIONS, NULL, NULL, identify_gpt },
    { 512, MAGIC("PM\0\0"), IDENTITY_PARTITIONS, "Apple partition map", NULL, NULL },
    { 2048, MAGIC("PM\0\0"), IDENTITY_PARTITIONS, "Apple partition map", NULL, NULL },
    { 510, MAGIC("\x55\xaa"), IDENTITY_PARTITIONS, NULL, NULL, identify_mbr },

    /* images */
    { 0, MAGIC("QFI\xfb"), IDENTITY_IMAGE, "QCOW disk image", "application/x-qemu-disk", NULL },
    { 0, MAGIC("KDMV"), IDENTITY_IMAGE, "VMDK disk image", NULL, NULL },
    { 0, MAGIC("# Disk DescriptorFile"), IDENTITY_IMAGE, "VMDK disk image descriptor", NULL,
      NULL },
    { 0, MAGIC("vhdxfile"), IDENTITY_IMAGE, "VHDX disk image", NULL, NULL },
    { 0, MAGIC("conectix"), IDENTITY_IMAGE, "VHD disk image", NULL, NULL },
    { 0, NULL, 0, IDENTITY_IMAGE, NULL, NULL, identify_vhd_fixed },
    { 64, MAGIC("\x7f\x10\xda\xbe"), IDENTITY_IMAGE, "VDI disk image", NULL, NULL },
    { 0, NULL, 0, IDENTITY_IMAGE, NULL, "application/x-apple-diskimage", identify_dmg },
    { 0, MAGIC("MComprHD"), IDENTITY_IMAGE, "CHD disc image", NULL, NULL },
    { 0, MAGIC("CISO"), IDENTITY_IMAGE, "CISO disc image", NULL, NULL },
    { 0, MAGIC("ECM\0"), IDENTITY_IMAGE, "ECM disc image", NULL, NULL },
    { 0, MAGIC("MEDIA DESCRIPTOR"), IDENTITY_IMAGE, "Media Descriptor disc image", NULL, NULL },
    { 0, NULL, 0, IDENTITY_IMAGE, NULL, NULL, identify_nrg },
    { 0, MAGIC("MSWIM\0\0\0"), IDENTITY_IMAGE, "Windows imaging image", NULL, NULL },
    { 0, MAGIC("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"), IDENTITY_IMAGE, NULL, NULL,
      identify_raw_cd },

    /* archives and compressed data */
    { 0, MAGIC("7z\xbc\xaf\x27\x1c"), IDENTITY_ARCHIVE, "7-zip archive data",
      "application/x-7z-compressed", NULL },
    { 0, MAGIC("PK\3\4"), IDENTITY_ARCHIVE, "Zip archive data", "application/zip", NULL },
    { 0, MAGIC("PK\5\6"), IDENTITY_ARCHIVE, "Zip archive data (empty)", "application/zip", NULL },
    { 0, MAGIC("Rar!\x1a\7"), IDENTITY_ARCHIVE, "RAR archive data", "application/x-rar", NULL },
    { 257, MAGIC("ustar\0"), IDENTITY_ARCHIVE, "POSIX tar archive", "application/x-tar", NULL },
    { 257, MAGIC("ustar  \0"), IDENTITY_ARCHIVE, "POSIX tar archive (GNU)", "application/x-tar",
      NULL },
    { 0, MAGIC("070701"), IDENTITY_ARCHIVE, "ASCII cpio archive (SVR4 with no CRC)",
      "application/x-cpio", NULL },
    { 0, MAGIC("070702"), IDENTITY_ARCHIVE, "ASCII cpio archive (SVR4 with CRC)",
      "application/x-cpio", NULL },
    { 0, MAGIC("070707"), IDENTITY_ARCHIVE, "ASCII cpio archive (pre-SVR4 or odc)",
      "application/x-cpio", NULL },
    { 0, MAGIC("\xc7\x71"), IDENTITY_ARCHIVE, "cpio archive", "application/x-cpio", NULL },
    { 0, MAGIC("!<arch>\ndebian"), IDENTITY_ARCHIVE, "Debian binary package",
      "application/vnd.debian.binary-package", NULL },
    { 0, MAGIC("!<arch>\n"), IDENTITY_ARCHIVE, "current ar archive", "application/x-archive",
      NULL },
    { 0, MAGIC("\xed\xab\xee\xdb"), IDENTITY_ARCHIVE, "RPM package", "application/x-rpm", NULL },
    { 0, MAGIC("MSCF\0\0\0\0"), IDENTITY_ARCHIVE, "Microsoft Cabinet archive data",
      "application/vnd.ms-cab-compressed", NULL },
    { 0, MAGIC("\x37\xe4\x53\x96\xc9\xdb\xd6\7"), IDENTITY_ARCHIVE, "zisofs compressed data",
      NULL, NULL },
    { 0, MAGIC("\x1f\x8b"), IDENTITY_ARCHIVE, "gzip compressed data", "application/gzip", NULL },
    { 0, MAGIC("\x1f\x9d"), IDENTITY_ARCHIVE, "compress'd data", "application/x-compress", NULL },
    { 0, MAGIC("BZh"), IDENTITY_ARCHIVE, "bzip2 compressed data", "application/x-bzip2", NULL },
    { 0, MAGIC("\xfd" "7zXZ\0"), IDENTITY_ARCHIVE, "XZ compressed data", "application/x-xz",
      NULL },
    { 0, MAGIC("LZIP"), IDENTITY_ARCHIVE, "lzip compressed data", "application/x-lzip", NULL },
    { 0, MAGIC("\x28\xb5\x2f\xfd"), IDENTITY_ARCHIVE, "Zstandard compressed data",
      "application/zstd", NULL },
    { 0, MAGIC("\x04\x22\x4d\x18"), IDENTITY_ARCHIVE, "LZ4 compressed data", "application/x-lz4",
      NULL },

    /* files */
    { 0, MAGIC("\x7f" "ELF"), IDENTITY_FILE, NULL, "application/x-executable", identify_elf },
    { 514, MAGIC("HdrS"), IDENTITY_FILE, "Linux kernel x86 boot executable", NULL, NULL },
    { 0, MAGIC("MZ"), IDENTITY_FILE, NULL, "application/x-dosexec", identify_mz },
    { 0, MAGIC("\xca\xfe\xba\xbe"), IDENTITY_FILE, NULL, NULL, identify_macho },
    { 0, MAGIC("\xcf\xfa\xed\xfe"), IDENTITY_FILE, "Mach-O 64-bit binary", NULL, NULL },
    { 0, MAGIC("\xce\xfa\xed\xfe"), IDENTITY_FILE, "Mach-O 32-bit binary", NULL, NULL },
    { 0, MAGIC("\0asm"), IDENTITY_FILE, "WebAssembly binary module", "application/wasm", NULL },
    { 0, MAGIC("\x89PNG\r\n\x1a\n"), IDENTITY_FILE, "PNG image data", "image/png", NULL },
    { 0, MAGIC("\xff\xd8\xff"), IDENTITY_FILE, "JPEG image data", "image/jpeg", NULL },
    { 0, MAGIC("GIF87a"), IDENTITY_FILE, "GIF image data", "image/gif", NULL },
    { 0, MAGIC("GIF89a"), IDENTITY_FILE, "GIF image data", "image/gif", NULL },
    { 0, MAGIC("II*\0"), IDENTITY_FILE, "TIFF image data", "image/tiff", NULL },
    { 0, MAGIC("MM\0*"), IDENTITY_FILE, "TIFF image data", "image/tiff", NULL },
    { 0, MAGIC("%PDF-"), IDENTITY_FILE, "PDF document", "application/pdf", NULL },
    { 0, MAGIC("%!PS"), IDENTITY_FILE, "PostScript document text", "application/postscript",
      NULL },
    { 0, MAGIC("RIFF"), IDENTITY_FILE, NULL, NULL, identify_riff },
    { 0, MAGIC("OggS"), IDENTITY_FILE, "Ogg data", "application/ogg", NULL },
    { 0, MAGIC("fLaC"), IDENTITY_FILE, "FLAC audio bitstream data", "audio/flac", NULL },
    { 0, MAGIC("ID3"), IDENTITY_FILE, "Audio file with ID3", "audio/mpeg", NULL },
    { 4, MAGIC("ftyp"), IDENTITY_FILE, "ISO Media", "video/mp4", NULL },
    { 0, MAGIC("\0\0\1\xba"), IDENTITY_FILE, "MPEG sequence", "video/mpeg", NULL },
    { 0, MAGIC("\x1a\x45\xdf\xa3"), IDENTITY_FILE, "Matroska data", "video/x-matroska", NULL },
    { 0, MAGIC("SQLite format 3\0"), IDENTITY_FILE, "SQLite 3.x database",
      "application/vnd.sqlite3", NULL },
    { 0, MAGIC("\x36\4"), IDENTITY_FILE, "PC screen font", NULL, NULL },
    { 0, MAGIC("\x72\xb5\x4a\x86"), IDENTITY_FILE, "PC screen font", NULL, NULL },
};

/* ---- the search --------------------------------------------------------------------------- */

static const char *signature_name(struct identify *identify, const struct signature *signature)
{
    struct bytes b = identify_bytes(identify, signature->offset, signature->length);

    /* Without a magic, both lengths are 0. */
    if (b.length != signature->length ||
        (b.length && memcmp(b.data, signature->magic, b.length) != 0))
        return NULL;
    return signature->check ? signature->check(identify) : signature->name;
}

/* Inserts a format in the order of the table, once. If there are too many, the last is dropped. */
static void found_add(struct identify *identify, const struct signature *signature,
                      const char *name)
{
    unsigned order = (unsigned)(signature - signatures), at = 0;

    /* Several signatures have one name. */
    for (unsigned i = 0; i < identify->count; i++)
        if (text_equal(identify->found[i].name, name))
            return;

    /* The order of the table is that of the report: volumes first. */
    while (at < identify->count && identify->found[at].order < order)
        at++;
    if (at == IDENTITIES_MAX)
        return;

    /* Move the later ones up. If all places are taken, the last one is lost. */
    unsigned kept = identify->count < IDENTITIES_MAX ? identify->count++ : IDENTITIES_MAX - 1;
    for (; kept > at; kept--)
        identify->found[kept] = identify->found[kept - 1];
    identify->found[at] = (struct identity){
        .kind = signature->kind,
        .name = name,
        .mime = signature->mime ? signature->mime : "application/octet-stream",
        .order = order,
    };
}

/* Returns the lowest window from `from` on that the table needs, UINT64_MAX if none is left. */
static uint64_t window_next(uint64_t from)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_LENGTH(signatures); i++) {
        /* The table is not sorted by offset, so look at all of it. */
        uint64_t at = signatures[i].offset / IDENTIFY_WINDOW_BYTES;
        if (at >= from && at < next)
            next = at;
    }
    return next;
}

status_t identify(struct identify *identify, struct identify_source *source)
{
    identify->source = source;
    identify->count = 0;
    identify->status = 0;
    identify->window_at = UINT64_MAX;

    /* In ascending order, so that each window is read once unless a check looks elsewhere. */
    for (uint64_t window = 0; (window = window_next(window)) != UINT64_MAX; window++)
        for (size_t i = 0; i < ARRAY_LENGTH(signatures); i++) {
            if (signatures[i].offset / IDENTIFY_WINDOW_BYTES != window)
                continue;

            /* An unreadable window matches nothing, and the search continues. */
            const char *name = signature_name(identify, &signatures[i]);
            if (identify->status == -EINTR)
                return -EINTR;
            if (name)
                found_add(identify, &signatures[i], name);
        }
    return 0;
}

void identify_text(const struct identify *identify, bool all, char *text, size_t bytes)
{
    size_t length = 0;

    /* An empty text, if no format was found. */
    if (bytes)
        text[0] = '\0';
    for (unsigned i = 0; i < identify->count; i++) {
        /* A disc may hold several volumes, or volumes and partitions. Of the other kinds, one is
         * enough. */
        enum identity_kind first = identify->found[0].kind, kind = identify->found[i].kind;
        bool several = first <= IDENTITY_PARTITIONS &&
                       kind <= (all ? IDENTITY_PARTITIONS : first);
        if (i && !several)
            break;
        length += (size_t)format_text(text + length, bytes - length, "%s%s", i ? ", " : "",
                                      identify->found[i].name);
        if (length >= bytes)
            return;
    }
}
