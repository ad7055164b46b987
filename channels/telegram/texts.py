"""Texts as Telegram measures and takes them."""

from __future__ import annotations

MOST = 4096  # UTF-16 code units of a message ("sendMessage")
MOST_CAPTION = 1024
_BORDERS = ("\n\n", "\n", " ")


def length(text: str) -> int:
    """In UTF-16 code units: what lies outside the basic plane counts twice ("MessageEntity")."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def split_text(text: str, most: int = MOST) -> list[str]:
    """The text in parts of at most `most` units, cut between paragraphs, else lines, else words, and through a word only where
    that is longer than a part. Nothing but the space at a cut is lost."""
    parts: list[str] = []
    rest = text.strip()
    while length(rest) > most:
        cut = _cut(rest, most)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def _cut(text: str, most: int) -> int:
    """After how many characters to cut: at a border in the part's second half where there is one."""
    fits, units = 0, 0
    for letter in text:
        units += 2 if letter > "\uffff" else 1
        if units > most:
            break
        fits += 1
    for border in _BORDERS:
        at = text.rfind(border, fits // 2, fits + 1)
        if at > 0:
            return at
    at = text.rfind(" ", 0, fits + 1)
    return at if at > 0 else max(fits, 1)
