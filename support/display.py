"""HTML that strangers wrote, made safe to look at.

It is kept as it came and cleaned each time it is shown: an allow-list of tags, attributes and styles (nh3), nothing loaded
from anywhere unless the reader asks for remote pictures, and then pictures alone. What comes out is the whole document of a
sandboxed frame with a policy of its own (`FRAME_POLICY`): neither half relies on the other.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import nh3
from django.template.loader import render_to_string
from django.utils.html import escape, urlize
from django.utils.safestring import SafeString, mark_safe

from support.models import Message

MOST_HTML = 1_000_000  # characters that are shown; the whole stays one click away, as a file
MOST_DEPTH = 300  # elements within each other: parsing takes the square of it
MOST_ATTRIBUTES = 200  # of one element, likewise
MOST_INLINE = 6_000_000  # bytes of a mail's own pictures that are shown inside it; more are attachments only
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")  # none of these can hold a script


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _words(
    "a abbr address article b big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small "
    "span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
GONE_WITH_CONTENT = _words(
    "script style title head svg math template noscript noembed noframes iframe object applet select textarea xmp"
)
_CELL = {"width", "height", "align", "valign", "bgcolor", "background", "colspan", "rowspan", "nowrap"}
ATTRIBUTES = {
    "*": {"style", "dir", "lang", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border"},
    "font": {"color", "size", "face"},
    "table": {"width", "height", "align", "bgcolor", "background", "border", "cellpadding", "cellspacing"},
    "tr": {"align", "valign", "bgcolor", "background"},
    "td": _CELL,
    "th": _CELL,
    "col": {"width", "span"},
    "colgroup": {"width", "span"},
    "ol": {"start", "type"},
    "li": {"value"},
    "time": {"datetime"},
}
STYLES = _words(
    "background-color border border-bottom border-collapse border-color border-left border-radius border-right border-spacing "
    "border-style border-top border-width color direction display font font-family font-size font-style font-weight height "
    "letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width "
    "min-height min-width overflow padding padding-bottom padding-left padding-right padding-top table-layout text-align "
    "text-decoration text-indent text-transform vertical-align white-space width word-break word-wrap"
)
BACKGROUNDS = frozenset({"background", "background-image"})
# Colours are the only functions; no escapes (\), no url(), no expression(), no comments.
PLAIN_VALUE = re.compile(r"(?:[\w\s#.,%!+\-\"']|(?:rgba?|hsla?)\([\d\s.,%/]*\))*", re.IGNORECASE | re.ASCII)
CSS_URL = re.compile(r"url\(\s*['\"]?([^'\"()\\\s<>]*)['\"]?\s*\)", re.IGNORECASE)
OWN_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
LINKS = ("http://", "https://", "mailto:", "tel:")
REMOTE = ("http://", "https://")


MAY_BE_LINK = re.compile(r"[.:@]\S")
TAG = re.compile(r"(/?)([a-zA-Z][^\s/>]*)")
# Closed by what follows them, or never open: they do not lie within each other.
SHALLOW = _words(
    "p li dt dd tr td th tbody thead tfoot col option area base br embed hr img input link meta param source track wbr html "
    "head body"
)


@dataclass(frozen=True)
class Displayed:
    html: str  # the cleaned fragment
    remote: int = 0  # pictures elsewhere that are not loaded
    cut: bool = False  # only the beginning is shown
    refused: bool = False  # built to exhaust whoever reads it: shown as text


def is_sane(html: str) -> bool:
    """Whether parsing it takes about as long as it is."""
    open_now: Counter[str] = Counter()
    depth = 0
    for part in html.split("<")[1:]:
        found = TAG.match(part)
        if found is None:
            continue
        closing, name = found[1], found[2].lower()
        if name in SHALLOW:
            pass
        elif not closing:
            open_now[name] += 1
            depth += 1
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
        if depth > MOST_DEPTH or (len(part) > MOST_ATTRIBUTES and _attributes(part) > MOST_ATTRIBUTES):
            return False
    return True


def _attributes(part: str) -> int:
    """Not less than a third of what there are: names up to the first ">", and values, which may hold one, up to the next tag."""
    return max(len(re.findall(r"[^\s/\"'=]+", part.partition(">")[0])) // 3, part.count("="))


def clean_html(html: str, *, remote_images: bool = False, own: Mapping[str, str] | None = None) -> Displayed:
    """The fragment that may be shown. `own` are the mail's own pictures: Content-ID to data: URI."""
    beginning = html[:MOST_HTML]
    if not is_sane(beginning):
        return Displayed("", refused=True)
    cleaner = _Cleaner(remote_images, own or {})
    cleaned = nh3.clean(
        beginning,
        tags=set(TAGS),
        clean_content_tags=set(GONE_WITH_CONTENT),
        attributes=ATTRIBUTES,
        attribute_filter=cleaner.filter,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},  # which of them where: the filter says
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Displayed(cleaned, cleaner.remote, cut=len(html) > MOST_HTML)


class _Cleaner:
    """What nh3 asks about each attribute that the allow-list lets through: the value to keep, or None."""

    def __init__(self, remote_images: bool, own: Mapping[str, str]) -> None:
        self.remote_images = remote_images
        self.own = own
        self.remote = 0

    def filter(self, tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return value if value.strip().lower().startswith(LINKS) else None
        if attribute in ("src", "background"):
            return self._picture(value.strip())
        if attribute == "style":
            return "; ".join(kept for part in value.split(";") if (kept := self._style(part))) or None
        return value

    def _picture(self, address: str) -> str | None:
        lowered = address.lower()
        if lowered.startswith("cid:"):
            return self.own.get(unquote(address[4:]).strip("<>"))
        if OWN_PICTURE.fullmatch(address):
            return address
        if not lowered.startswith(REMOTE):
            return None
        if self.remote_images:
            return address
        self.remote += 1
        return None

    def _style(self, declaration: str) -> str:
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name in STYLES and PLAIN_VALUE.fullmatch(value):
            return f"{name}: {value}"
        if name in BACKGROUNDS:
            return self._background(name, value)
        return ""

    def _background(self, name: str, value: str) -> str:
        """Without its picture, unless that may be loaded; `url(https://a;b)` was split above and does not match any more."""
        found = CSS_URL.search(value)
        if found is None:
            return f"{name}: {value}" if PLAIN_VALUE.fullmatch(value) else ""
        picture = self._picture(found[1])
        rest = value[: found.start()] + value[found.end() :]
        if not PLAIN_VALUE.fullmatch(rest):
            return ""
        return f'{name}: url("{picture}") {rest}'.strip() if picture else (f"{name}: {rest}".strip() if rest.strip() else "")


def frame_policy(*, remote_images: bool) -> str:
    """Content-Security-Policy of the frame's document: no script, no form, no font, no frame; framed by our own pages alone.
    Links may open a window, which is free of the sandbox."""
    pictures = "data: https:" if remote_images else "data:"
    upgrade = "; upgrade-insecure-requests" if remote_images else ""
    return (
        f"default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox{upgrade}"
    )


FILE_POLICY = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"


def own_pictures(message: Message) -> dict[str, str]:
    """The pictures that a mail brings along for its text, by Content-ID. They stand inside the document: a sandboxed frame
    has no cookies with which to fetch anything of ours."""
    from channels.files import read_file

    pictures, total = {}, 0
    for attachment in message.attachments.select_related("file"):
        if attachment.content_id and attachment.file.type in PICTURES and total + attachment.file.size <= MOST_INLINE:
            total += attachment.file.size
            content = b64encode(read_file(attachment.file)).decode()
            pictures[attachment.content_id.strip("<>")] = f"data:{attachment.file.type};base64,{content}"
    return pictures


def frame_document(message: Message, *, remote_images: bool) -> str:
    """The document that shows a message's HTML in its frame."""
    shown = clean_html(message.body_html, remote_images=remote_images, own=own_pictures(message))
    return render_to_string(
        "support/mail_frame.html", {"shown": shown, "fragment": mark_safe(shown.html), "text": message.body_text}
    )


def shown_text(text: str) -> SafeString:
    """Plain text with its line breaks; addresses become links that tell nobody where they were clicked."""
    links = len(text) <= 50_000 and MAY_BE_LINK.search(text)
    linked = urlize(text, nofollow=True, autoescape=True) if links else escape(text)
    return mark_safe(linked.replace('rel="nofollow"', 'rel="noopener noreferrer nofollow" target="_blank"').replace("\n", "<br>"))
