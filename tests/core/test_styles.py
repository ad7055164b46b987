"""Our stylesheets stand on Tabler's: a name that both have means the same thing in both."""

import re

from config.env import CHECKOUT

MEANT = {
    "btn", "btn-danger", "btn-primary", "card", "card-body", "chart", "empty-title", "form-check", "form-check-input",
    "form-control", "form-select", "h1", "h2", "h3", "is-invalid", "page", "prose", "skip-link", "sparkline", "visually-hidden",
}  # fmt: skip


def classes(*stylesheets: str) -> set[str]:
    rules = "".join((CHECKOUT / path).read_text() for path in stylesheets)
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", rules, flags=re.DOTALL)
    return set(re.findall(r"\.([a-z][\w-]*)", selectors))


def test_no_name_of_ours_is_something_else_to_tabler():
    tablers = classes("node_modules/@tabler/core/dist/css/tabler.min.css")
    assert "steps" in tablers  # its own, with numbers of its own

    assert classes("static/tributary.css", "static/pages.css") & tablers <= MEANT
