"""Converts names from their recorded form to the form shown; part of decoder.py."""
import re

CODECS = {"latin1": "latin-1", "cp437": "cp437", "cp850": "cp850", "shift-jis": "cp932",
          "utf-8": "utf-8"}


def clean(name):
    """Returns the name as UTF-8, with '_' for NUL, '/' and invalid UTF-8."""
    text = name.decode("utf-8", "surrogateescape")
    text = re.sub("[\0/\ud800-\udfff]", "_", text)
    if text in ("", ".", ".."):
        text = "_" * max(1, len(text))
    return text.encode("utf-8")


def strip_version(name):
    """Returns (name without ';version' and without a bare trailing dot, version or -1)."""
    match = re.fullmatch(rb"(.*?)(?:;([0-9]*))?", name, re.S)
    base, version = match.group(1), match.group(2)
    if base.endswith(b"."):
        base = base[:-1]
    return base, int(version) if version else -1


def joliet_name(raw):
    """Decodes UCS-2 or UTF-16, big-endian; a last odd byte is dropped, a lone surrogate is '_'."""
    text = raw[:len(raw) & ~1].decode("utf-16-be", "surrogatepass")
    text = re.sub("[\ud800-\udfff]", "_", text)
    return text.encode("utf-8")


def escape(text):
    return re.sub(rb"[\x00-\x1f\x7f\\]", lambda m: b"\\x%02X" % m.group()[0], text)


def escape_path(path):
    return escape(path.replace(b" -> ", b" -\0> ")).replace(b" -\\x00> ", b" -\\x3E ")


def decoded(name, charset):
    """Converts bytes to UTF-8 by the charset of a mount. None: UTF-8 if valid, else Latin-1. Invalid
    UTF-8 is kept for clean()."""
    if charset is None:
        try:
            return name.decode("utf-8").encode("utf-8")
        except UnicodeDecodeError:
            charset = "latin1"
    if charset == "utf-8":
        return name
    text, at = b"", 0
    while at < len(name):
        for length in (1, 2):
            try:
                text += name[at:at + length].decode(CODECS[charset]).encode("utf-8")
                break
            except UnicodeDecodeError:
                pass
        else:
            text, length = text + b"_", 1
        at += length
    return text
