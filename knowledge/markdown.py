"""Markdown as the team writes it, shown as HTML that can do nothing but be read."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# CommonMark with tables and strikethrough; HTML in the source is text (html=False), and nh3 lets nothing else through.
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "strong", "em", "s", "a", "ul", "ol", "li", "blockquote", "code", "pre"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


@lru_cache(maxsize=512)  # articles are read far more often than written
def render_markdown(text: str) -> SafeString:
    """Headings begin at the second level, as a page has one h1. Links lead to web pages and mailboxes only; there are no
    pictures, as one from elsewhere would tell who reads."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 4)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return mark_safe(
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )


_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"(?m)^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+|\d+\.\s+)|[*`]+|(?<!\w)_|_(?!\w)")


def without_marks(text: str) -> str:
    """A passage cut out of Markdown, in plain words on one line: what began or ended elsewhere leaves no lone mark behind."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())
