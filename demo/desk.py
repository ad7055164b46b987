"""What the team of the demo has in hand today, beside the queue: questions, rooms, calls, days off, what could not be filed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from affiliates.models import Affiliate
from channels.inbound import process_item, store_raw
from channels.models import Channel
from commissions.models import Commission
from demo.conversations import NAMELESS
from demo.inbox import claimed, date_ticket, person
from payouts.models import Payout
from programs.models import Program
from support.models import Level, ManagerRule, PhoneCall, Ticket
from support.services import mark_read, reply
from support.services.calls import log_call
from support.services.claims import decide_claim, raise_claim
from support.services.clocks import refresh_clocks
from support.services.escalations import accept_escalation, escalate
from support.services.improvements import raise_improvement
from support.services.promises import make_commitment
from support.services.ratings import ask_rating, give_rating
from support.services.rooms import create_room, post_in_room
from support.services.terms import ask_for_terms, set_terms_limit
from team.models import Absence, Calendar, Duty, Shift
from team.services import write_handover
from team.services.absences import ask_absence, set_capacity
from team.services.calendars import save_calendar
from team.services.shifts import propose_swap


def fill_the_desk(program: Program) -> None:
    _talk_about(program)
    _decide_about(program)
    _plan_ahead(program)
    mailbox = Channel.objects.get(slug="partners")
    process_item(claimed(store_raw(mailbox, NAMELESS, "nameless-1@relay.example")))


def _ticket(program: Program, who: str, subject: str) -> Ticket:
    return Ticket.objects.filter(program=program, affiliate__email=who, subject=subject).latest("pk")


def _talk_about(program: Program) -> None:
    mara, sofia, jun, hana = person("mara"), person("sofia"), person("jun"), person("hana")
    now = timezone.now()
    postback = _ticket(program, "traffic@clickfoundry.example", "Postback does not fire")
    question = escalate(
        postback,
        Level.ENGINEER,
        "Did we stop calling https://track.clickfoundry.example/pb? Our log has no call since 06:00. I have checked that their "
        "address answers, and that no order of theirs came in since.",
        by=sofia,
    )
    accept_escalation(question, by=jun)
    room = create_room(
        by=mara, name="Video partners", about="Bao and the other channels: what they need, what works", people=[sofia, jun, hana]
    )
    post_in_room(room, "Two of the channels ask for longer cookies. Have we ever measured what 60 days would change?", by=sofia)
    bao = _ticket(program, "bao@tributary.example", "Better rate for the video channel")
    post_in_room(room, "@Hana here is Bao’s request. His orders are returned half as often as others’.", by=mara, ticket=bao)
    make_commitment(bao, text="An answer about 14 %", due_at=now + timedelta(hours=20), owner=mara, by=mara)
    ask_twice = Ticket.objects.filter(program=program, subject__startswith="Is there a way to be paid twice").first()
    if ask_twice is not None:
        raise_improvement(
            ask_twice, by=sofia, title="Payouts twice a month", text="Small partners ask for it: the month is long for them."
        )
    tom = Affiliate.objects.get(email="tom@turntabletalk.example")
    log_call(
        program,
        by=sofia,
        kind=PhoneCall.Kind.INCOMING,
        started_at=now - timedelta(hours=5),
        minutes=6,
        affiliate=tom,
        number="+1 416 555 0134",
        said="He records tomorrow and wants two minutes with somebody who knows the spring sale.",
        follow_up="Call Tom back about the spring sale",
        follow_up_due=now + timedelta(hours=14),
        follow_up_owner=mara,
    )
    write_handover(
        sofia,
        Duty.SUPPORT,
        "Click Foundry is losing money by the hour: Jun looks at it, tell them every hour how it stands.",
        tickets=[postback.pk],
        promises=[],
        at=now - timedelta(minutes=2),
    )


def _decide_about(program: Program) -> None:
    hana = person("hana")
    set_terms_limit(program, by=hana, percentage=Decimal(12), flat=None, days=90)
    citra = Affiliate.objects.get(email="citra@tributary.example")
    owner = citra.members.select_related("user").earliest("pk").user
    ask_for_terms(
        citra,
        program,
        by=owner,
        wanted="12 % until the end of January",
        why="We would put the shop on top of our Christmas page.",
    )
    _decided_before(program)
    rejected = Commission.objects.filter(conversion__program=program, decision="rejected").select_related("affiliate")
    refused = rejected.exclude(affiliate__members=None).order_by("-occurred_at").first()
    if refused is not None:
        asker = refused.affiliate.members.select_related("user").earliest("pk").user
        raise_claim(
            refused.affiliate,
            by=asker,
            commission=refused,
            text="This was a reader of ours, not me. Please look at it again: her order has another address.",
        )
    ManagerRule.objects.create(name="Grows by themselves", program=program, revenue=Decimal(1000), days=30)


def _decided_before(program: Program) -> None:
    """A commission on hold that was the affiliate's all the same, and a payout of which something was still owed."""
    now, mara = timezone.now(), person("mara")
    held = Commission.objects.filter(conversion__program=program, decision="on_hold").select_related("affiliate", "conversion")
    commission = held.exclude(affiliate__members=None).order_by("amount", "pk").first()
    if commission is not None:
        _claimed_and_decided(
            commission.affiliate,
            "This order stands on hold. A collector bought it, he wrote to me before; I can send you his mail.",
            "The shop has the customer’s mail too: a real order, paid and delivered. It is approved.",
            asked=now - timedelta(days=6),
            by=mara,
            kind="uphold",
            commission=commission,
        )
    paid = Payout.objects.filter(batch__program=program, status="paid").exclude(affiliate__members=None)
    payout = paid.select_related("affiliate", "batch").order_by("-paid_at", "-amount", "pk").first()
    if payout is not None:
        _claimed_and_decided(
            payout.affiliate,
            "My bank took 15 USD from this payout as a fee. The terms say that you carry it.",
            "They do: transfers are at our cost. The 15 USD come with your next payout.",
            asked=now - timedelta(days=12),
            by=mara,
            kind="correct",
            amount=Decimal(15),
            payout=payout,
        )


def _claimed_and_decided(affiliate: Affiliate, text: str, reason: str, *, asked: datetime, by: User, **rest: Any) -> None:
    about = {name: rest.pop(name) for name in ("commission", "payout") if name in rest}
    since = timezone.now()
    ticket = raise_claim(affiliate, by=affiliate.members.select_related("user").earliest("pk").user, text=text, **about)
    date_ticket(ticket, since, asked)
    since = timezone.now()
    reply(ticket, "Thank you, I look at it with finance and tell you by tomorrow.", by=by, is_answer=False)
    date_ticket(ticket, since, asked + timedelta(minutes=3))
    since = timezone.now()
    decide_claim(ticket, rest.pop("kind"), by=by, reason=reason, **rest)
    date_ticket(ticket, since, asked + timedelta(hours=20))
    since = timezone.now()
    if rating := ask_rating(ticket):
        give_rating(rating, 5, via="portal")
    date_ticket(ticket, since, asked + timedelta(hours=22))
    mark_read(affiliate, ticket.program)
    refresh_clocks(Ticket.objects.select_related("channel", "affiliate").get(pk=ticket.pk))


def _plan_ahead(program: Program) -> None:
    mara, sofia, jun, ada = person("mara"), person("sofia"), person("jun"), person("ada")
    set_capacity(person("hana"), by=ada, accounts=30, open_tickets=25, languages=["en", "de"])
    today = timezone.now().date()
    monday = today + timedelta(days=21 - today.weekday())
    ask_absence(mara, Absence.Kind.VACATION, monday, monday + timedelta(days=11), by=mara, note="Two weeks by the sea")
    friday = _coming(today, 4)
    ask_absence(jun, Absence.Kind.OTHER, friday, friday, by=jun, note="Moving house")
    night = Shift.objects.get(person=sofia, duty=Duty.SUPPORT)
    propose_swap(night, _coming(today, 5), mara, by=sofia, note="My sister’s wedding")
    save_calendar(
        Calendar(),
        by=ada,
        name="Office, Berlin",
        time_zone="Europe/Berlin",
        weekly_hours=[[[540, 1080]]] * 5 + [[], []],
        holidays_country="DE",
        holidays_subdivision="BE",
    )


def _coming(today: date, weekday: int) -> date:
    """The next such day (Monday 0) that lies ahead."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
