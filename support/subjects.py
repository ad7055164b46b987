"""Subjects as people and their programs write them."""

from __future__ import annotations

import re

# How mail programs of the world begin an answer or a forwarded mail; also numbered ("Re[2]:") and with the full-width colon.
_PREFIX = re.compile(
    r"\s*(re|aw|antw|antwort|sv|vs|rv|res|rif|ref|odp|ynt|ha|bls|balas|tr|fw|fwd|wg|vb|enc|i|pd|doorst|ilt|itl|"
    r"отв|ответ|на|回复|回覆|答复|答覆|转发|轉寄|返信|회신|전달|رد)\s*(\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*",
    re.IGNORECASE,
)
LONGEST_TITLE = 120


def bare_subject(subject: str) -> str:
    """Without what answering and forwarding put before it."""
    bare = " ".join(subject.split())
    while (match := _PREFIX.match(bare)) and match.end() < len(bare):
        bare = bare[match.end() :]
    return bare if not _PREFIX.fullmatch(bare) else ""


def subject_key(subject: str) -> str:
    """The same for the same conversation, however its mails write it; "" where there is nothing to go by."""
    return bare_subject(subject).casefold()


def title_of(text: str) -> str:
    """The first words of a message, as the subject of what has none."""
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")
    if len(line) <= LONGEST_TITLE:
        return line
    return (
        line[:LONGEST_TITLE].rpartition(" ")[0].rstrip(".,;:–- ") + "…"
        if " " in line[:LONGEST_TITLE]
        else line[:LONGEST_TITLE] + "…"
    )
