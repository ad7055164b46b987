"""Whether a mail is from whom it says: what the mailbox's own mail server found out about it (Authentication-Results, RFC 8601).

Anybody can write such a line into a mail. The mailbox's own server puts its own above all others, so that only the first one
counts, and only where it bears that server's name (authserv-id). What stands below it, other servers' results and what ARC carries
along are not read. The name is the channel's setting, or learned: the one that stands first in each of the last mails.

A domain is vouched for by DMARC, or by a DKIM or SPF that passed for it or its parent or child (RFC 7489, "relaxed" alignment).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32

from django.db.models import BinaryField, F, Func, JSONField, Value

from channels.models import Channel, InboundItem
from channels.parsed import Authenticity

HEADER = "Authentication-Results"
UNNAMED = "none"  # the name to set for a server that gives none (Microsoft 365)
LEARNED_FROM = 10  # mails, one after another
HEAD = 65_536  # bytes of a mail in which the line is looked for when a name is learned

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RESULT = re.compile(r"([a-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)")
_PROPERTY = re.compile(r"([a-z]+\.[a-z0-9_.-]+)\s*=\s*([^\s;]+)")
_DOMAINS = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}
_BAD = frozenset({"fail", "hardfail", "softfail", "policy", "permerror"})


@dataclass(frozen=True)
class Result:
    method: str  # dmarc, dkim or spf
    result: str
    domain: str  # whom it is about; "" where that is not told


@dataclass(frozen=True)
class Results:
    server: str  # the authserv-id, in small letters
    results: list[Result]

    def __str__(self) -> str:
        told = (f"{each.method}={each.result}{f' ({each.domain})' if each.domain else ''}" for each in self.results)
        return f"{self.server}: {', '.join(told)}"


def read_results(header: str) -> Results | None:
    """None where there is nothing to read."""
    plain = _QUOTED.sub(lambda quoted: re.sub(r"[;\s]", "_", quoted[1]), _without_comments(header[:20_000]))
    first, *rest = plain.lower().split(";")
    name = first.split()[0] if first.split() else ""
    if "=" in name:
        name, rest = UNNAMED, [first, *rest]
    if not name:
        return None
    found = [(_RESULT.match(part.strip()), dict(_PROPERTY.findall(part))) for part in rest]
    return Results(
        name[:255], [Result(m[1], m[2], _domain(m[1], properties)) for m, properties in found if m and m[1] in _DOMAINS]
    )


def _without_comments(text: str) -> str:
    """Comments in brackets, which may lie within each other, say nothing (RFC 5322, 3.2.2)."""
    kept, depth = [], 0
    for letter in text:
        depth += letter == "("
        if not depth:
            kept.append(letter)
        depth -= letter == ")" and depth > 0
    return "".join(kept)


def _domain(method: str, properties: dict[str, str]) -> str:
    value = next((properties[name] for name in _DOMAINS[method] if name in properties), "")
    return value.rpartition("@")[2].strip("<>.")[:255]


def judge(results: Results | None, server: str, domain: str) -> Authenticity:
    """What the results of `server` say of a mail that says it is from this domain."""
    domain = domain.lower().strip(".")
    if results is None or not server or results.server != server.lower():
        return Authenticity.UNPROVED
    if any(each.method == "dmarc" and each.result == "fail" for each in results.results):
        return Authenticity.DOUBTFUL
    passed = [each for each in results.results if each.result == "pass"]
    if any(_is_aligned(each, domain) for each in passed):
        return Authenticity.PROVED
    # It passed for somebody else, or failed. What was only not checked, or not announced by its domain, proves nothing.
    doubtful = any(each.domain for each in passed) or any(each.result in _BAD for each in results.results)
    return Authenticity.DOUBTFUL if doubtful else Authenticity.UNPROVED


def _is_aligned(result: Result, domain: str) -> bool:
    if result.method == "dmarc":  # the server names the domain whose policy it asked for
        return result.domain == domain
    about = result.domain
    return about == domain or ("." in about and domain.endswith(f".{about}")) or ("." in domain and about.endswith(f".{domain}"))


def own_server(channel: Channel, results: Results | None) -> str:
    """Whose results count for this mailbox; "" while nobody knows. `results` are the first of the mail that is just being read."""
    if name := str(channel.settings.get("authserv_id") or ""):
        return name
    learned = str(channel.settings.get("authserv_learned") or "")
    if results is not None and results.server != learned and _stands_first(channel, results.server):
        learned = channel.settings["authserv_learned"] = results.server
        added = Func(
            F("settings"), Value({"authserv_learned": learned}, JSONField()), arg_joiner=" || ", template="%(expressions)s"
        )
        Channel.objects.filter(pk=channel.pk).update(settings=added)
    return learned


def _stands_first(channel: Channel, name: str) -> bool:
    """Whether each of the last mails bears this name first."""
    heads = InboundItem.objects.filter(channel=channel, raw__isnull=False).order_by("-pk")
    heads = heads.annotate(head=Func(F("raw"), Value(1), Value(HEAD), function="substring", output_field=BinaryField()))
    named = [
        read_results(str(BytesHeaderParser(policy=compat32).parsebytes(bytes(head)).get(HEADER, "")))
        for head in heads.values_list("head", flat=True)[:LEARNED_FROM]
    ]
    return len(named) == LEARNED_FROM and all(each is not None and each.server == name for each in named)
