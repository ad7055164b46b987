"""What the click server knows by heart: links, offers, programs and who is approved in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from programs.domains import allowed_url, ascii_url
from tracking.clickserver.visits import around_click_id

CREDITED, LINK_PAUSED, NOT_ENROLLED, OFFER_CLOSED = range(4)  # tracking.models.ClickOutcome

# Each table's rows as the memory keeps them: the id first. A condition follows.
QUERIES = {
    "tracking_link": "SELECT id, code, affiliate_id, offer_id, destination_url, status = 'active' FROM tracking_link WHERE ",
    "programs_offer": "SELECT id, program_id, status = 'active', landing_url, allowed_domains FROM programs_offer WHERE ",
    "programs_program": "SELECT id, status = 'active', fallback_url, attribution_window_days FROM programs_program WHERE ",
    "affiliates_enrollment": "SELECT id, affiliate_id, program_id FROM affiliates_enrollment WHERE status = 'approved' AND ",
}


class Link(NamedTuple):
    id: int
    code: str
    affiliate_id: int
    offer_id: int
    destination_url: str
    active: bool


class Offer(NamedTuple):
    id: int
    program_id: int
    active: bool
    landing_url: str
    allowed_domains: Sequence[str]


class Program(NamedTuple):
    id: int
    active: bool
    fallback_url: str
    window_days: int


class Enrollment(NamedTuple):
    id: int
    affiliate_id: int
    program_id: int


class Decision(NamedTuple):
    """Where visitors of a link go and what is written down about it."""

    link: Link
    offer: Offer
    program: Program
    outcome: int
    url: str
    before: str  # of the click id
    after: str
    facts: tuple[int, int, int, int, int]  # of every such click: link, affiliate, offer, program, outcome


KINDS: dict[str, Any] = {
    "tracking_link": Link,
    "programs_offer": Offer,
    "programs_program": Program,
    "affiliates_enrollment": Enrollment,
}


class LinkTable:
    """Rows by id, links by code too. What was decided for a code is remembered until anything at all changes."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Any]] = {table: {} for table in QUERIES}
        self._links: dict[str, Link] = {}
        self._approved: set[tuple[int, int]] = set()
        self._decisions: dict[str, Decision] = {}

    def __len__(self) -> int:
        return len(self._links)

    def replace(self, table: str, ids: Iterable[int], rows: Iterable[Sequence[Any]]) -> None:
        """The rows with these ids are now these; an id without a row is gone (an enrollment: not approved)."""
        self._decisions.clear()
        known = self.rows[table]
        for pk in ids:
            old = known.pop(pk, None)
            if isinstance(old, Link) and self._links.get(old.code) is old:
                del self._links[old.code]
            elif isinstance(old, Enrollment):
                self._approved.discard(old[1:])
        for values in rows:
            row = known[values[0]] = KINDS[table](*values)
            if isinstance(row, Link):
                self._links[row.code] = row
            elif isinstance(row, Enrollment):
                self._approved.add(row[1:])

    def decide(self, code: str) -> Decision | None:
        """None for a code that is not known here (nor, then, all that it needs)."""
        decision = self._decisions.get(code)
        if decision is None and (link := self._links.get(code)):
            offer = self.rows["programs_offer"].get(link.offer_id)
            program = self.rows["programs_program"].get(offer.program_id) if offer else None
            if offer and program:
                approved = (link.affiliate_id, program.id) in self._approved
                decision = self._decisions[code] = decide(link, offer, program, approved)
        return decision


def decide(link: Link, offer: Offer, program: Program, approved: bool) -> Decision:
    """A credited visitor goes to the link's destination, if the offer allows it (still), else to the landing page. An uncredited
    one goes to the program's fallback, or, where it has none, to the landing page all the same: the visitor is not to blame."""
    if not link.active:
        outcome = LINK_PAUSED
    elif not approved:
        outcome = NOT_ENROLLED
    elif not (offer.active and program.active):
        outcome = OFFER_CLOSED
    else:
        outcome = CREDITED
    landing = ascii_url(offer.landing_url)
    if outcome == CREDITED:
        url = (allowed_url(link.destination_url, *offer[3:]) if link.destination_url else None) or landing
    else:
        url = ascii_url(program.fallback_url) or landing
    facts = (link.id, link.affiliate_id, offer.id, program.id, outcome)
    return Decision(link, offer, program, outcome, url, *around_click_id(url), facts)
