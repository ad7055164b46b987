"""JSON as RFC 8259 and RFC 7493 (I-JSON) want it: what two readers could understand in two ways is refused."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

LARGEST_BODY = 8 * 1024 * 1024
DEEPEST = 32
READ_AND_DROPPED = 8 * LARGEST_BODY


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"


class WrittenNumber(float):
    """A JSON number with a fraction or an exponent. Read as a double it may have lost digits: what is exact reads its `text`."""

    def __init__(self, text: str) -> None:
        self.text = text


class StrictJSONParser(BaseParser):
    """Reads at most 8 MB of UTF-8 JSON. Refused: NaN and Infinity, numbers beyond a double, names given twice, NUL characters and
    half surrogate pairs (PostgreSQL keeps neither), more than 32 levels."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        length = stream.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > LARGEST_BODY:
            raise _too_large()
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise _too_large()
        return read_json(body)


def read_json(body: bytes) -> Any:
    """The value that the bytes stand for, or ParseError with the reason."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(_("The body is not UTF-8 (byte %(place)d).") % {"place": error.start}) from None
    try:
        value = json.loads(text, parse_float=_number, parse_int=_whole, parse_constant=_no_constant, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        raise _unreadable(_("The body is not JSON: %(problem)s.") % {"problem": error}) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # an integer of thousands of digits
        raise _unreadable(_("A number in the body has too many digits.")) from None
    _check(value)
    return value


def content_hash(value: Any) -> str:
    """The same for bodies that say the same: blanks and the order of names do not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _number(text: str) -> WrittenNumber:
    number = WrittenNumber(text)
    if math.isinf(number):
        raise _unreadable(_("The number %(number)s is beyond what can be kept.") % {"number": text[:40]})
    return number


def _whole(text: str) -> int | WrittenNumber:
    """-0 keeps its sign: where no sign is allowed, it is none of the numbers."""
    return WrittenNumber(text) if text == "-0" else int(text)


def _no_constant(text: str) -> None:
    raise _unreadable(_("%(text)s is not a JSON number.") % {"text": text})


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, part in pairs:
        if name in value:
            raise _unreadable(_("The name “%(name)s” is given twice.") % {"name": name[:80].encode("utf-8", "replace").decode()})
        value[name] = part
    return value


def _check(value: Any) -> None:
    """Depth and characters, without recursion: whoever sends a deep body wants us to recurse."""
    level = [value]
    for _depth in range(DEEPEST + 1):
        below: list[Any] = []
        for part in level:
            if isinstance(part, str):
                _check_text(part)
            elif isinstance(part, dict):
                below += part.keys()
                below += part.values()
            elif isinstance(part, list):
                below += part
        if not below:
            return
        level = below
    raise _too_deep()


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise _unreadable(_("A text in the body holds a NUL character."))
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise _unreadable(_("A text in the body holds half of a surrogate pair.")) from None


def require_length(request: Any) -> None:
    """Refuse a body that comes in chunks without its length: the server hands such a body on as an empty one."""
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired(_("Send a Content-Length: bodies in chunks are not read."))


def read_to_the_end(request: HttpRequest) -> None:
    """Take in what nobody has read of the body, within reason: a caller who is still sending when the connection closes sees
    a broken pipe instead of the answer (RFC 9112, 9.6)."""
    try:
        for _part in range(READ_AND_DROPPED // LARGEST_BODY):
            if len(request.read(LARGEST_BODY)) < LARGEST_BODY:
                return
    except OSError:  # the caller has gone
        return


def _unreadable(message: str) -> ParseError:
    return ParseError(message, code="unreadable")


def _too_deep() -> ParseError:
    return _unreadable(_("The body is nested deeper than %(levels)d levels.") % {"levels": DEEPEST})


def _too_large() -> TooLarge:
    return TooLarge(_("The body is larger than 8 MB. Send it in parts."))
