"""Files that came with messages or go with them: bytes under the data folder, named by their hash.

Nothing of a sender's is believed: what a file is, is told by its content, and its name is made safe. Whoever serves one does so
as a download, by `StoredFile.type` at most for choosing an icon or for showing a picture of `PICTURES`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

import puremagic
from django.conf import settings
from django.utils.translation import gettext as _

from channels.models import StoredFile
from core.errors import Refusal

MOST_BYTES = 50 * 1024 * 1024  # of one file, whichever door it comes through; a whole mail has the same bound
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # the only types that may be shown in a page

_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)  # and what turns text around
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # names that Windows keeps for itself
_MARKUP = [
    (re.compile(r"<svg[\s>]", re.IGNORECASE), "image/svg+xml"),
    (re.compile(r"<(!doctype html|html|head|body|script|iframe)[\s>]", re.IGNORECASE), "text/html"),
    (re.compile(r"\s*<\?xml"), "application/xml"),
    (re.compile(r"\s*BEGIN:VCALENDAR", re.IGNORECASE), "text/calendar"),
    (re.compile(r"\s*BEGIN:VCARD", re.IGNORECASE), "text/vcard"),
    (re.compile(r"\s*%!PS"), "application/postscript"),
]


class TooLarge(Refusal):
    """More bytes than one file may have."""


def keep_file(content: bytes) -> StoredFile:
    """The row of these bytes, which are on the disk before it is written; the same bytes are kept once. Raises TooLarge.

    A transaction that fails afterwards leaves a file without a row, which the same bytes will use when they come again.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge(_("A file may have %(most)d MB at most.") % {"most": MOST_BYTES // 2**20}, field="files")
    sha256 = hashlib.sha256(content).hexdigest()
    path = path_of(sha256)
    if not path.exists():
        _write(path, content)
    stored, _new = StoredFile.objects.get_or_create(sha256=sha256, defaults={"size": len(content), "type": type_of(content)})
    return stored


def read_file(stored: StoredFile) -> bytes:
    """The bytes; OSError where the data folder has lost them."""
    return path_of(stored.sha256).read_bytes()


def path_of(sha256: str) -> Path:
    folder: Path = settings.DATA_FOLDER
    return folder / "files" / sha256[:2] / sha256


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def type_of(content: bytes) -> str:
    """The media type that the bytes show. Markup that a browser would run is called what it is, wherever it begins."""
    if not content:
        return "application/x-empty"
    head = content[:65536]
    text = _as_text(head)
    if text is not None:
        return next((type for pattern, type in _MARKUP if pattern.search(text)), "text/plain")
    try:
        return str(puremagic.from_string(content, mime=True)) or "application/octet-stream"
    except Exception:  # none of its signatures, or a broken one that its reader trips over: nothing is known
        return "application/octet-stream"


def _as_text(head: bytes) -> str | None:
    """Text, in whatever of the usual ways it is written; None for what is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    if b"\x00" in head or head.startswith(b"%PDF") or sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head[:1024]):
        return None
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(head) - 4:  # a letter cut in two
            return head.decode("utf-8", "ignore")
        return head.decode("latin-1") if b"<" in head[:512] else None


def safe_name(name: str) -> str:
    """A name that is a name everywhere: no folders, no control or turning characters, no device, at most 120 characters, its
    ending kept."""
    name = _UNSEEN.sub("", name).replace("\\", "/").rpartition("/")[2]
    name = re.sub(r'[<>:"|?*]', "_", " ".join(name.split())).strip(" .")
    if _DEVICES.match(name):
        name = f"_{name}"
    if len(name) > 120:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: 119 - len(ending)]}{dot}{ending}" if dot and len(ending) < 20 else name[:120]
    return name or "file"
