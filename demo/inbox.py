"""The demo's inbox: two months of requests, told by the services and dated as they happened."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import User
from affiliates.models import Affiliate
from channels.contacts import find_or_make_contact, match_contact
from channels.inbound import process_item, store_raw
from channels.models import Channel, InboundItem
from demo.conversations import ARTICLES, MACROS, NOTES_FOR_US, STRANGER, TALKS, THEMES, Step, Talk
from demo.profiles import PROFILES
from knowledge.models import Article
from knowledge.services import create_article, publish_article
from programs.models import Program
from support.models import Ticket
from support.services import add_note, assign, change_status, mark_read, open_ticket, portal_channel, receive, reply
from support.services.clocks import refresh_clocks
from support.services.macros import Words, create_macro
from support.services.ratings import ask_rating, give_rating
from team.models import Duty
from team.services.shifts import ask_coverage, plan_shift

DAYS = 60
REQUESTS = 70  # of the usual ones, spread over those days

# Whatever a step wrote stands at the step's time in the story: the same statement for every table that it may have touched.
DATED = [
    "UPDATE support_message SET created_at = %(at)s WHERE ticket_id = %(ticket)s AND created_at >= %(since)s",
    "UPDATE support_statuschange SET at = %(at)s WHERE ticket_id = %(ticket)s AND at >= %(since)s",
    "UPDATE support_rating SET created_at = %(at)s, rated_at = %(at)s WHERE ticket_id = %(ticket)s AND created_at >= %(since)s",
    "UPDATE support_claimdecision SET created_at = %(at)s WHERE ticket_id = %(ticket)s AND created_at >= %(since)s",
    "UPDATE core_event SET at = %(at)s WHERE about @> ARRAY[%(about)s]::varchar[] AND at >= %(since)s",
    "UPDATE core_mail SET created_at = %(at)s WHERE about @> ARRAY[%(about)s]::varchar[] AND created_at >= %(since)s",
    """UPDATE support_ticket SET last_at = %(at)s, created_at = LEAST(created_at, %(at)s),
           last_in_at = CASE WHEN last_in_at >= %(since)s THEN %(at)s ELSE last_in_at END,
           last_out_at = CASE WHEN last_out_at >= %(since)s THEN %(at)s ELSE last_out_at END,
           assigned_at = CASE WHEN assigned_at >= %(since)s THEN %(at)s ELSE assigned_at END,
           resolved_at = CASE WHEN resolved_at >= %(since)s THEN %(at)s ELSE resolved_at END
       WHERE id = %(ticket)s""",
    # What was answered by mail was sent then: nothing of the story waits for a mail server, nor goes out once there is one.
    """UPDATE channels_outgoing o SET status = 'sent', attempts = 1, created_at = %(at)s, due_at = %(at)s, claimed_at = %(at)s,
           settled_at = %(at)s
       FROM support_message m WHERE m.outgoing_id = o.id AND m.ticket_id = %(ticket)s AND o.status = 'queued'""",
]


def person(name: str) -> User:
    return User.objects.get(email=f"{name}@tributary.example")


def plan_the_team(program: Program) -> None:
    """Somebody of support is there around the clock, a manager on working days."""
    hana, today = person("hana"), timezone.now().date()
    weekdays = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    for name, duty, start, hours, rule in [
        ("mara", Duty.MANAGER, time(8), 9, weekdays),
        ("hana", Duty.MANAGER, time(9), 8, weekdays),
        ("sofia", Duty.SUPPORT, time(18), 12, "FREQ=DAILY"),
        ("mara", Duty.SUPPORT, time(6), 12, weekdays),
        ("jun", Duty.ENGINEER, time(9), 8, weekdays),
    ]:
        by = person("ada") if name == "hana" else hana
        plan_shift(
            person(name), duty, by=by, first_day=today - timedelta(days=DAYS), start_time=start, minutes=hours * 60, rule=rule
        )
    ask_coverage(Duty.SUPPORT, by=hana, program=program)


def write_what_is_known(program: Program) -> None:
    mara = person("mara")
    for topic, public, title, text in ARTICLES:
        publish_article(create_article(by=mara, title=title, text=text, topic=topic, is_public=public, program=program), by=mara)
    for topic, title, text in NOTES_FOR_US:
        review_by = timezone.now().date() + timedelta(days=90)
        article = create_article(
            by=mara, title=title, text=text, topic=topic, audience=Article.Audience.TEAM, program=program, review_by=review_by
        )
        publish_article(article, by=mara)
    for name, text in MACROS:
        create_macro(by=mara, name=name, program=program, variants=[Words(text)])


def tell_the_inbox(program: Program) -> None:
    now = timezone.now()
    mailbox = Channel(
        kind="email", name="Partners’ mailbox", slug="partners", program=program, settings={"address": "partners@cdnow.example"}
    )
    mailbox.keep_secrets({"hook_secret": "".join(random.SystemRandom().choices("abcdefghjkmnpqrstuvwxyz23456789", k=32))})
    mailbox.save()
    doors = {"portal": portal_channel(program), "email": mailbox}
    for talk in [*_usual(), *TALKS]:
        _tell(talk, program, doors[talk.door], now - timedelta(days=talk.days_ago))
    process_item(claimed(store_raw(mailbox, STRANGER, "cooperation-1@northernpost.example")))
    for affiliate in Affiliate.objects.filter(tickets__program=program).distinct():
        mark_read(affiliate, program)


def claimed(item: InboundItem) -> InboundItem:
    item.attempts = 1
    return item


def _usual() -> Iterator[Talk]:
    """The same ones in every demo: who asked what, when, and how soon they were answered (mostly in time)."""
    chance = random.Random(17)
    writers = [profile.email for profile in PROFILES if profile.share]
    for number in range(REQUESTS):
        theme = chance.choice(THEMES)
        place = chance.randrange(len(theme.asks))
        first = chance.choice([1, 2, 2, 3, 3, 4, 4, 9, 16])
        answered = chance.choice([4, 8, 12, 15, 20, 26, 48])
        steps = [Step(0, "in", "", theme.asks[place])]
        if first + answered > 10:
            steps.append(Step(first, "word", theme.person, "Thank you, I am looking at it."))
        steps += [
            Step(answered, "out", theme.person, theme.answers[place]),
            Step(chance.choice([30, 200, 900]), "resolved", theme.person),
        ]
        days_ago = DAYS * (1 - number / REQUESTS) - chance.random() * 0.5 + 2.5
        score = chance.choice([0, 0, 0, 5, 5, 4, 5, 4, 3, 2])
        door = chance.choice(["portal", "portal", "email"])
        yield Talk(chance.choice(writers), days_ago, theme.asks[place], steps, door, theme.type, (theme.tag,), score)


def _tell(talk: Talk, program: Program, door: Channel, began: datetime) -> None:
    affiliate = Affiliate.objects.get(email=talk.who)
    contact = None
    if door.kind == "email":
        contact = find_or_make_contact("email", talk.who, affiliate.name, program)
        if contact.affiliate_id is None:
            match_contact(contact, affiliate, by=person("mara"))
    since, at = timezone.now(), began
    ticket = open_ticket(
        program=program, channel=door, subject=talk.subject, affiliate=affiliate, contact=contact, type=talk.type, tags=talk.tags
    )
    for step in talk.steps:
        at += timedelta(minutes=step.after)
        _do(ticket, step)
        if step is talk.steps[0] and len(talk.steps) > 1:
            owner = next(each.by for each in talk.steps if each.by)
            assign(ticket, person(owner), by=person("hana"), reason="On duty for this when it came in.")
        date_ticket(ticket, since, at)
        since = timezone.now()
    ticket.refresh_from_db()
    if talk.score and (rating := ask_rating(ticket)):
        give_rating(rating, talk.score, via="portal", reason=talk.why)
        date_ticket(ticket, since, at + timedelta(minutes=40))
    refresh_clocks(Ticket.objects.select_related("channel", "affiliate").get(pk=ticket.pk))


def _do(ticket: Ticket, step: Step) -> None:
    match step.does:
        case "in":
            author = User.objects.filter(memberships__affiliate=ticket.affiliate_id).order_by("pk").first()
            receive(ticket, text=step.text, contact=ticket.contact, author=author)
        case "word" | "out":
            reply(ticket, step.text, by=person(step.by), is_answer=step.does == "out")
        case "note":
            add_note(ticket, step.text, by=person(step.by))
        case status:
            change_status(ticket, status, by=person(step.by))


def date_ticket(ticket: Ticket, since: datetime, at: datetime) -> None:
    with connection.cursor() as cursor:
        for statement in DATED:
            cursor.execute(statement, {"at": at, "since": since, "ticket": ticket.pk, "about": f"ticket:{ticket.pk}"})
