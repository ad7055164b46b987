"""Mara's vacation: her accounts go to colleagues, what is asked finds them there, and all of it comes back with her."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine

from affiliates.models import Cover
from affiliates.queries import manager_at, timeline_of
from affiliates.services import spread_accounts
from channels.inbound import take_in
from channels.mail import provider_id_of
from core.access import Can, rights_of
from core.events import deliver_due
from core.models import Event
from core.ui import moment
from support.models import Message, Ticket
from support.queries.care import care_of
from support.services.assignment import assign_waiting
from support.tasks import assign_waiting_tickets, sweep_all_tickets
from team.services import ask_absence, decide_absence
from tests.factories import assign, event_names, make_affiliate, make_enrollment, make_user
from tests.factories_support import make_channel
from tests.factories_team import make_shift
from tests.journeys.test_mail_threads import written

pytestmark = pytest.mark.django_db
BEFORE = datetime(2026, 11, 23, 10, tzinfo=UTC)
DURING = datetime(2026, 12, 2, 10, tzinfo=UTC)
AFTER = datetime(2026, 12, 15, 10, tzinfo=UTC)
AWAY = (date(2026, 11, 30), date(2026, 12, 13))


@pytest.fixture
def mailbox(music):
    return make_channel(music, settings={"address": "help@music.example"})


@pytest.fixture
def lena(books):
    """Speaks German, and manages another program: what Mara may do in hers is lent to her."""
    return assign(make_user("lena@tributary.example", "Lena", language="de"), "manager", books)


@pytest.fixture
def otis(music):
    return assign(make_user("otis@tributary.example", "Otis"), "manager", music)


@pytest.fixture
def accounts(music, mara):
    """A German and an English one."""
    found = []
    for name, language in (("Ana", "de"), ("Ella", "en")):
        affiliate = make_affiliate(f"{name.lower()}@blog.example", name, owner=True, manager=mara, language=language)
        make_enrollment(affiliate, music)
        found.append(affiliate)
    return found


def asked(mailbox, sender: str, text: str) -> Ticket:
    """By mail, with its owner found as the workers do it."""
    raw = written(sender, text, f"{text}. Please look into my commission claim.")
    item = take_in(mailbox, raw, provider_id_of(raw))
    ticket = Message.objects.get(inbound=item).ticket
    Ticket.objects.filter(pk=ticket.pk, assignee=None).update(type="claim")
    assign_waiting()
    return Ticket.objects.get(pk=ticket.pk)


def minute_passes() -> None:
    """What the workers do in it."""
    sweep_all_tickets()
    deliver_due()
    assign_waiting_tickets()


def sentences(affiliate, reader) -> list[str]:
    """What the account's page tells of it, in the order in which it was."""
    events = timeline_of(affiliate, reader).filter(name__startswith="cover.").order_by("pk")
    return [moment(event)["sentence"] for event in events]


def reasons(ticket: Ticket) -> list[tuple[str, str]]:
    """To whom the request was given, and why, in the order in which it was."""
    given = Event.objects.about(ticket).filter(name="ticket.assigned").order_by("pk")
    return [(event.data["person"], event.reason) for event in given]


def test_her_accounts_go_to_colleagues_and_come_back(music, mailbox, accounts, mara, otis, hana, sofia):
    ana, ella = accounts
    for person in (mara, otis):
        make_shift(person, "manager")
    make_shift(sofia, "support")
    with time_machine.travel(BEFORE, tick=False):
        vacation = decide_absence(ask_absence(mara, "vacation", *AWAY, by=mara), True, by=hana)
        assert {cover.to_person for cover in spread_accounts(vacation, by=hana)} == {otis}
        started = asked(mailbox, "ana@blog.example", "Before she leaves")
        assert (started.assignee, care_of(ana).person) == (mara, mara)

    with time_machine.travel(DURING, tick=False):
        minute_passes()
        assert [manager_at(each, DURING) for each in accounts] == [otis, otis]
        assert care_of(ella).person == otis and "Mara" in care_of(ella).sentence
        found = asked(mailbox, "ella@blog.example", "While she is away")
        assert found.assignee == otis
        started.refresh_from_db()
        assert started.assignee != mara

    with time_machine.travel(AFTER, tick=False):
        minute_passes()
        assert [manager_at(each, AFTER) for each in accounts] == [mara, mara]
        found.refresh_from_db()
        assert found.assignee == mara
        assert asked(mailbox, "ana@blog.example", "She is back").assignee == mara
    steps = ["cover.planned", "cover.started", "cover.ended"]
    assert [name for name in event_names(ana) if name.startswith("cover.")] == steps
    days = [name for name in event_names(vacation) if name.startswith(("absence.", "cover."))]
    assert days == ["absence.asked", "absence.approved", *(step for step in steps for _account in accounts)]
    assert sentences(ana, hana) == [
        "Otis will look after Ana for Mara, until Dec 13, 2026",
        "Otis looks after Ana for Mara, until Dec 13, 2026",
        "Mara looks after Ana again; Otis gave it back",
    ]
    assert [who for who, _why in reasons(started)] == ["Mara", "Otis", "Mara"]
    away, back = (why for _who, why in reasons(started)[1:])
    assert away.startswith("Mara is away until Mon, Dec 14") and away.endswith("Otis looks after this affiliate.")
    assert back == "Mara looks after this affiliate."
    assert "Mara looks after Ella again." in Event.objects.about(found).values_list("reason", flat=True)


def test_a_named_deputy_takes_all_of_them_with_the_rights_for_that_time(music, mailbox, accounts, mara, lena, otis, hana):
    def may(person) -> bool:
        return rights_of(type(person).objects.get(pk=person.pk)).has(Can.ANSWER_TICKETS, music.pk)

    for person in (mara, lena, otis):
        make_shift(person, "manager")
    with time_machine.travel(BEFORE, tick=False):
        vacation = decide_absence(ask_absence(mara, "vacation", *AWAY, by=mara, deputy=lena), True, by=hana)
        assert {cover.to_person for cover in spread_accounts(vacation, by=hana)} == {lena}
        assert not may(lena)

    with time_machine.travel(DURING, tick=False):
        minute_passes()
        assert may(lena)
        assert asked(mailbox, "ana@blog.example", "While she is away").assignee == lena

    with time_machine.travel(AFTER, tick=False):
        minute_passes()
        assert not may(lena) and Cover.objects.filter(ended_at=None).count() == 0
    steps = [name for name in event_names(lena) if name.startswith(("role.", "cover."))]
    taken = ["cover.planned"] * 2 + ["role.granted"] + ["cover.started"] * 2
    assert steps == [*taken, "role.revoked", "cover.ended", "cover.ended"]
