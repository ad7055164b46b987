"""The demo's story on the first customers of the file: the same chapters, the same checks."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from affiliates.models import Affiliate, Enrollment
from commissions.models import Commission
from core.models import Event
from demo.models import Chapter
from demo.story import Story
from demo.totals import totals_of_file, totals_of_tables
from payouts.models import Payout, PayoutBatch
from payouts.verification import verify_ledger
from support.models import ClaimDecision, Ticket
from tracking.models import Click, Conversion

YESTERDAY = timezone.now().date() - timedelta(days=1)


def test_the_whole_file_is_what_its_source_says():
    totals = totals_of_file(YESTERDAY)

    assert (totals.orders, totals.amount) == (69_659, Decimal("2500315.63"))
    assert 0.018 < totals.refunds / totals.orders < 0.022


@pytest.mark.django_db
def test_the_story_matches_its_file_to_the_cent_and_leaves_work_for_today():
    story = Story(YESTERDAY, customers=400, worker=False)
    story.tell()

    assert totals_of_tables(story.program.pk) == totals_of_file(YESTERDAY, customers=400)
    assert verify_ledger() == []
    assert Affiliate.objects.count() == 40
    assert Enrollment.objects.filter(status="pending").count() == 4
    assert not Enrollment.objects.filter(terms=None).exists()
    [waiting] = PayoutBatch.objects.filter(status="draft")
    assert waiting.payouts.filter(status="ready").exists() and waiting.created_at.date() == timezone.now().date()
    assert PayoutBatch.objects.filter(status="done").count() > 10
    assert Payout.objects.filter(status="paid").exists()
    assert Commission.objects.pending().exists()
    assert sorted(ClaimDecision.objects.values_list("kind", flat=True)) == ["correct", "uphold"]
    assert Ticket.objects.undecided().filter(type="claim").count() == 1
    for commission in Commission.objects.filter(decision="approved").order_by("pk")[:5]:
        assert [event.name for event in Event.objects.about(commission)][-2:] == ["commission.approved", "conversion.recorded"]
    assert Event.objects.about(story.program).order_by("at", "pk")[0].name == "program.created"
    began = story.program.created_at
    assert set(Event.objects.filter(name__in=["program.created", "offer.created"]).values_list("at", flat=True)) == {began}
    for enrollment in Enrollment.objects.select_related("affiliate"):
        told = Event.objects.about(enrollment.affiliate).order_by("at", "pk")
        wanted = {"affiliate.created", f"enrollment.{'applied' if enrollment.status == 'pending' else 'approved'}"}
        assert {event.name for event in told if event.at == enrollment.created_at} >= wanted
        assert told[0].at == enrollment.created_at
    clicked = Conversion.objects.filter(source="click").values_list("click_id", flat=True)
    assert clicked and Click.objects.filter(pk__in=list(clicked)).count() == len(clicked)


@pytest.mark.django_db
def test_a_story_that_was_cut_off_goes_on_and_tells_nothing_twice(monkeypatch):
    story = Story(YESTERDAY, customers=60, worker=False)
    month = Story._month

    def cut_off(self, end: date) -> None:
        month(self, end)
        if end.month == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr("demo.story.tell_the_inbox", lambda program: None)  # one chapter of many, and the longest
    monkeypatch.setattr("demo.story.fill_the_desk", lambda program: None)  # goes on with what that tells
    monkeypatch.setattr(Story, "_month", cut_off)
    with pytest.raises(KeyboardInterrupt):
        story.tell()
    monkeypatch.setattr(Story, "_month", month)
    told = []
    Story(YESTERDAY, customers=60, worker=False, say=told.append).tell()

    assert "69,659 orders" not in " ".join(told)
    assert Chapter.objects.count() == len(set(Chapter.objects.values_list("name", flat=True)))
    assert totals_of_tables(story.program.pk) == totals_of_file(YESTERDAY, customers=60)
    assert verify_ledger() == []
