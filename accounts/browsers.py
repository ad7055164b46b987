"""What a browser calls itself, in words that people know."""

from __future__ import annotations

from django.utils.translation import gettext as _
from ua_parser import parse

NAMES = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox iOS": "Firefox",
    "Firefox Mobile": "Firefox",
    "HeadlessChrome": "Chrome",
    "Mac OS X": "macOS",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera Mobile": "Opera",
}


def browser_in_words(user_agent: str) -> str:
    """Such as "Firefox on Linux"; as much of it as is told. What names itself is the visitor's own claim, never proof."""
    told = parse(user_agent[:500])
    names = {
        what: NAMES.get(part.family, part.family)
        for what, part in (("browser", told.user_agent), ("system", told.os))
        if part is not None and part.family != "Other"
    }
    if len(names) == 2:
        return _("%(browser)s on %(system)s") % names
    return next(iter(names.values()), "") or _("An unknown browser")
