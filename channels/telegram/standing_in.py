"""Who writes under a company account while its person is away or gone: nobody's chats stay without a voice.

Away: the deputy, or the one colleague who covers the accounts, until the person is back. Gone: whoever stands in already keeps it.
Where nobody can be told from the plans the home page asks for a name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from affiliates.models import Cover
from channels.models import BusinessConnection
from channels.telegram.business import BusinessError, rename, say_who_writes
from core.access import Can, rights_of
from team.models import Absence
from team.queries import absence_at, current_absences


def look_after_accounts() -> int:
    """Go through all accounts; returns how many changed hands."""
    now, changed = timezone.now(), 0
    for pk in BusinessConnection.objects.exclude(person=None).values_list("pk", flat=True):
        with transaction.atomic():
            rows = BusinessConnection.objects.select_for_update(of=("self",), skip_locked=True)
            account = rows.select_related("channel", "person", "stands_in_for").filter(pk=pk).first()
            if account is not None and account.person is not None:
                changed += _look_after(account, now)
    return changed


def _look_after(account: BusinessConnection, now: datetime) -> bool:
    former, owner = account.person, account.stands_in_for or account.person
    assert owner is not None
    person: User | None = owner
    stands_in_for: User | None = None
    if not may_write(account, owner):
        person = former if former != owner and may_write(account, former) else None
    elif (absence := absence_at(owner, now)) is not None:
        person = former if former != owner and is_able(account, former, now) else _deputy(account, absence, now) or owner
        stands_in_for = owner if person != owner else None
    account.stands_in_for = stands_in_for
    account.save(update_fields=["stands_in_for"])
    if person == former:
        return False
    say_who_writes(account, person, by=None)
    _rename(account, former, person)
    return True


def may_write(account: BusinessConnection, person: User | None) -> bool:
    if person is None or not person.is_active:
        return False
    return rights_of(person).has(Can.ANSWER_TICKETS, account.channel.program_id)


def is_able(account: BusinessConnection, person: User | None, at: datetime) -> bool:
    return person is not None and may_write(account, person) and absence_at(person, at) is None


def _deputy(account: BusinessConnection, absence: Absence, now: datetime) -> User | None:
    """The one who is named, else the only one who covers; nobody where the accounts are with several."""
    if absence.deputy is not None:
        return absence.deputy if is_able(account, absence.deputy, now) else None
    covers = Cover.objects.current(now).filter(absence=absence).order_by().values_list("to_person", flat=True).distinct()
    people = list(User.objects.filter(pk__in=covers)[:2])
    return people[0] if len(people) == 1 and is_able(account, people[0], now) else None


def _rename(account: BusinessConnection, former: User | None, person: User | None) -> None:
    """Where the account shows its person's name, and lets the bot change it, it shows the new one's."""
    if person is None or former is None or not account.can_edit_name:
        return
    name = account.shown_name.replace(former.get_short_name(), person.get_short_name())
    if name != account.shown_name:
        try:
            rename(account, name)
        except BusinessError:
            return  # Telegram is away or refuses: who writes is told in the chat all the same


def without_a_writer(user: Any, at: datetime) -> QuerySet[BusinessConnection]:
    """Accounts in whose name nobody can write now, of those that the reader can give to somebody; who is away, to the day of UTC."""
    day = at.astimezone(UTC).date()
    away = current_absences(at).filter(first_day__lte=day, last_day__gte=day)
    accounts = BusinessConnection.objects.visible_to(user, Can.MANAGE_CHANNELS).filter(is_enabled=True)
    return accounts.filter(Q(person=None) | Q(person__in=away.values("person")))
