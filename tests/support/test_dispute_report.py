"""Nothing that is to be decided is forgotten, and the report tells what all of it came to."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from support.models import ClaimDecision, SlaPolicy, Ticket
from support.queries.disputes import disputes_by_program
from support.services import reply, wake_due
from support.services.claims import decide_claim, raise_claim
from tests.factories import make_commission, make_conversion, make_program, owner_of
from tests.factories_support import make_ticket
from tests.pages import csv_of, text_of


def claim(program, affiliate, days=0, amount="10.00"):
    ticket = raise_claim(
        affiliate,
        by=owner_of(affiliate),
        text="Mine",
        commission=make_commission(make_conversion(program, affiliate), amount=amount),
    )
    Ticket.objects.filter(pk=ticket.pk).update(created_at=timezone.now() - timedelta(days=days))
    return ticket


@pytest.fixture
def decided(music, books, ana, mara):
    """Three decided after one, two and nine days, one that waits, and one of another program."""
    decide_claim(claim(music, ana, 1), "uphold", by=mara, reason="Yes")
    decide_claim(claim(music, ana, 2), "correct", by=mara, reason="More", amount=Decimal("25.50"))
    decide_claim(claim(music, ana, 9), "refuse", by=mara, reason="No")
    make_ticket(ana, music, type="dispute", at=timezone.now() - timedelta(days=4))
    make_ticket(ana, books, type="claim")
    make_ticket(ana, music, type="terms")  # asked for, not disputed


def test_it_counts_by_program_and_outcome_and_tells_how_long_a_decision_took(decided, music):
    lines = disputes_by_program(Ticket.objects.filter(type__in=["claim", "dispute"]))
    line = next(each for each in lines if each.program == music.name)
    assert line.counts == {"waiting": 1, "granted": 1, "corrected": 1, "refused": 1}
    assert (line.amounts, line.median.days) == ({"USD": Decimal("35.50")}, 2)
    assert (timezone.now() - line.oldest).days == 4
    assert sorted(each.waiting for each in lines) == [1, 1]


def test_amounts_of_different_currencies_are_never_added_up(ana, music, mara):
    yen = make_program(currency="JPY")
    decide_claim(claim(music, ana), "uphold", by=mara, reason="Yes")
    for ticket in (claim(yen, ana, amount="500"), claim(music, ana, amount="1.00")):
        ClaimDecision.objects.create(
            ticket=ticket, kind="uphold", reason="x", did="commission:1", decided_by=mara,
            amount=ticket.about_commission.amount, currency=ticket.program.currency,
        )  # fmt: skip
    amounts = {each.program: each.amounts for each in disputes_by_program(Ticket.objects.all())}
    assert amounts == {music.name: {"USD": Decimal(11)}, yen.name: {"JPY": Decimal(500)}}


def test_the_page_and_its_files_tell_the_same(decided, music, books, mara, as_person):
    client = as_person(mara)
    text = text_of(client.get("/manage/disputes/"))
    assert "Time to decision (median)" in text and "35.50" in text
    assert "com_" not in text  # people read orders and amounts; ids stand in files
    heading, *rows = csv_of(client.get("/manage/disputes/?export=summary"))
    found = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
    assert found[music.name]["corrected"] == "1" and Decimal(found[music.name]["amount"]) == Decimal("35.50")
    assert len(csv_of(client.get(f"/manage/disputes/?export=summary&program={music.slug}"))) == 2


def test_what_is_to_be_decided_has_a_time_for_it_and_stands_in_the_queue_until_then(ana, music, mara, as_person):
    SlaPolicy.objects.create(name="Replies alone", resolution_minutes=None)
    ticket = claim(music, ana)
    ticket.refresh_from_db()
    assert ticket.resolution_due is not None

    reply(ticket, "We ask the shop", by=mara)
    page = as_person(mara).get("/manage/inbox/?show=decide").content.decode()
    assert ticket.subject in page
    Ticket.objects.update(status_until=timezone.now() - timedelta(seconds=1))
    assert wake_due() == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution_due is not None) == ("open", True)

    decide_claim(ticket, "refuse", by=mara, reason="No.")
    assert not Ticket.objects.undecided().exists()
