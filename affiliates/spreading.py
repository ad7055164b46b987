"""Who takes which account while its manager is away: by program, language and load. Pure, without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Account:
    affiliate: int
    language: str
    programs: frozenset[int]


@dataclass(frozen=True)
class Colleague:
    """Somebody who is there all the time. `programs`: where they may look after affiliates (None: everywhere)."""

    person: int
    programs: frozenset[int] | None
    languages: Collection[str]
    accounts: int  # that they look after already
    limit: int

    def knows(self, account: Account) -> bool:
        return self.programs is None or account.programs <= self.programs

    def speaks(self, account: Account) -> bool:
        return not account.language or account.language.partition("-")[0] in {each.partition("-")[0] for each in self.languages}


@dataclass(frozen=True)
class Share:
    affiliate: int
    person: int | None  # None: nobody who is there may
    reason: str


def spread(accounts: Sequence[Account], colleagues: Sequence[Colleague]) -> list[Share]:
    """Each account goes to one colleague who knows all of its programs; who speaks its language comes before who does not, who
    has room before who is full, and then whoever carries the smallest part of what they can. Accounts with the fewest who fit
    choose first. In the order of `accounts`."""
    load = {colleague.person: colleague.accounts for colleague in colleagues}

    def rank(account: Account, colleague: Colleague) -> tuple[bool, bool, float, int, int]:
        carried = load[colleague.person]
        share = carried / colleague.limit if colleague.limit else float("inf")
        return (not colleague.speaks(account), carried >= colleague.limit, share, carried, colleague.person)

    def fitting(account: Account) -> list[Colleague]:
        return [colleague for colleague in colleagues if colleague.knows(account)]

    def choices(account: Account) -> int:
        found = fitting(account)
        return sum(colleague.speaks(account) for colleague in found) or len(found)

    found: dict[int, Share] = {}
    for account in sorted(accounts, key=lambda each: (choices(each), each.affiliate)):
        able = sorted(fitting(account), key=lambda colleague: rank(account, colleague))
        if not able:
            found[account.affiliate] = Share(account.affiliate, None, _("Nobody who is there works in all of its programs."))
            continue
        chosen = able[0]
        found[account.affiliate] = Share(account.affiliate, chosen.person, _why(account, chosen, load[chosen.person]))
        load[chosen.person] += 1
    return [found[account.affiliate] for account in accounts]


def _why(account: Account, chosen: Colleague, carried: int) -> str:
    told = {"carried": carried, "limit": chosen.limit, "language": account.language}
    if not chosen.speaks(account):
        return _("Works in its programs, carries %(carried)s of %(limit)s; nobody who is there speaks %(language)s.") % told
    if carried >= chosen.limit:
        return _("Works in its programs; everybody is full, they carry %(carried)s of %(limit)s.") % told
    if account.language:
        return _("Works in its programs, speaks %(language)s, carries %(carried)s of %(limit)s.") % told
    return _("Works in its programs, carries %(carried)s of %(limit)s.") % told
