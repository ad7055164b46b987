"""Every address of the project, with every role, and with objects of another program and another affiliate.

What is expected stands in `access_table`; an address without a row there fails. Three kinds of no: what one may not do is 403
(a page) or 401/403 (the API), what one may not see is 404, and whoever is not signed in is sent to the sign-in page.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from http.cookies import SimpleCookie
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from accounts.models import ApiKey, Role, User
from accounts.services.keys import PREFIX, _hash
from affiliates.models import Affiliate, Function
from affiliates.services import invite_member
from channels.files import keep_file
from core.models import Mail, SavedView
from programs.models import Program
from support.models import (
    Escalation,
    Improvement,
    ManagerProposal,
    ManagerRule,
    Move,
    Rating,
    SlaPolicy,
    StartRule,
    Task,
    TermsRequest,
)
from team.models import Calendar, Coverage, HandoverNote, ShiftChange
from tests.access_table import TABLE
from tests.factories import (
    assign,
    make_affiliate,
    make_batch,
    make_commission,
    make_conversion,
    make_coupon,
    make_enrollment,
    make_link,
    make_member,
    make_offer,
    make_payout,
    make_payout_method,
    make_program,
    make_rule,
    make_user,
    owner_of,
)
from tests.factories_knowledge import make_article, make_macro, make_room
from tests.factories_support import (
    make_attachment,
    make_business_connection,
    make_channel,
    make_chat,
    make_contact,
    make_conversation,
    make_inbound,
    make_message,
    make_outgoing,
    make_ticket,
)
from tests.factories_team import make_absence, make_cover, make_shift

SIDES = ("music", "books")


@dataclass
class World:
    """Two programs with one object of every kind in each; the people; what each of them holds."""

    body: str = ""  # of the last answer
    client: Client = field(default_factory=Client)  # one for all: each new one would load the middleware again
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # by side
    shared: dict[str, str] = field(default_factory=dict)  # the affiliate of both sides
    cookies: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    role: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)  # of the team: role, sides
    function: dict[str, tuple[str, str]] = field(default_factory=dict)  # of affiliates: function, side

    @property
    def people(self) -> dict[str, list[str]]:
        """Who is asked at each audience's door: everybody of it, and of the others somebody with as much as they can have."""
        nobody = ["anonymous", "otto"]
        return {"manage": [*nobody, *self.role, "ana_owner"], "portal": [*nobody, *self.function, "ada", "mara"]}

    def ask(self, method: str, path: str, *, person: str = "anonymous", key: str = "", body: Any = None) -> HttpResponseBase:
        """One request, whose effects are undone."""
        self.client.cookies = SimpleCookie(self.cookies.get(person, ""))
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with transaction.atomic():
            if path.startswith("/api/") and method != "GET":
                answer = self.client.generic(
                    method, path, json.dumps(body or {}), content_type="application/json", headers=headers
                )
            else:
                answer = self.client.generic(method, path, headers=headers)
            self.body = (b"".join(answer) if answer.streaming else answer.content).decode(errors="replace")
            transaction.set_rollback(True)
        return answer


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield _make_world()
        transaction.set_rollback(True)


def _make_world() -> World:
    world = World()
    programs = {side: make_program(side, name=f"only-in-{side}") for side in SIDES}
    ada = assign(make_user("ada@tributary.example"), Role.ADMIN)
    team = {"ada": (Role.ADMIN, SIDES), "hana": (Role.HEAD, SIDES), "nils": (Role.MANAGER, ("books",))}
    for name, role in (("mara", "manager"), ("felix", "finance"), ("sofia", "support"), ("jun", "engineer"), ("vera", "quality")):
        team[name] = (Role(role), ("music",))
    users = {"ada": ada, "otto": make_user("otto@tributary.example")}
    for name, (role, sides) in team.items():
        if name != "ada":
            scope = () if sides == SIDES else [programs[side] for side in sides]
            users[name] = assign(make_user(f"{name}@tributary.example"), role, *scope)
    world.role = {name: (str(role), sides) for name, (role, sides) in team.items()}
    for side in SIDES:
        world.things[side] = _things(programs[side], {"music": "ana", "books": "bao"}[side], ada)
    _share(programs, world)
    for function in Function.values:
        member = make_member(Affiliate.objects.get(email="ana@tributary.example"), make_user(), function).user
        users[f"ana_{function}"], world.function[f"ana_{function}"] = member, (function, "music")
    users["bao"], world.function["bao"] = owner_of(Affiliate.objects.get(email="bao@tributary.example")), ("owner", "books")
    for name, user in users.items():
        client = Client()
        client.force_login(user)
        session = client.session
        session["seen"] = time.time() + 3600  # else every request would write it, as all their effects are undone
        session.save()
        world.cookies[name] = client.cookies.output(header="", sep=";")
    for name, (role, sides) in team.items():
        text = f"{PREFIX}{name}"
        program = programs[sides[0]] if sides != SIDES else None
        ApiKey.objects.create(user=users[name], name=name, role=role, program=program, start="trb_", hash=_hash(text))
        world.keys[name] = text
    return world


def _share(programs: dict[str, Program], world: World) -> None:
    """One affiliate is in both programs: whoever sees it sees of it what is in their own program."""
    shared = make_affiliate("shared@tributary.example", "Shared", external_id="shared")
    for side, program in programs.items():
        make_enrollment(shared, program, pitch=f"only-in-{side} pitch")
        offer = make_offer(program, f"only-in-{side}-shared-offer")
        make_link(shared, offer, code=f"only-in-{side}-shared-link")
        make_coupon(shared, program, code=f"only-in-{side}-shared-coupon")
        order = make_conversion(program, shared, offer=offer, external_id=f"only-in-{side}-shared-order")
        make_commission(order, decision="approved")
        make_ticket(shared, program, subject=f"only-in-{side}-shared-ticket")
    world.shared = {"public_id": shared.public_id, "id": shared.public_id}


def _things(program: Program, name: str, ada: User) -> dict[str, dict[str, Any]]:
    """One object of every kind, all of one program and one affiliate, as the parts of addresses that name it."""
    only = f"only-in-{program.slug}"
    affiliate = make_affiliate(f"{name}@tributary.example", f"{only} {name}", owner=True)
    offer = make_offer(program, f"{only}-offer")
    conversion = make_conversion(program, affiliate, offer=offer, external_id=f"{only}-order")
    batch = make_batch(program, by=make_user())
    make_payout_method(affiliate, currency=program.currency)
    colleague = assign(make_user(), Role.SUPPORT, program)
    invitation = invite_member(affiliate, f"friend-of-{name}@tributary.example", ["marketing"], by=ada)
    person = make_member(affiliate, make_user(name=f"{only} friend"), Function.MARKETING).user
    program.terms.create(number=1, text="Terms", published_at=program.created_at)
    channel = make_channel(program, slug=f"{only}-channel", name=f"{only} channel", secrets={"hook_secret": "x"})
    contact = make_contact(name=f"{only} contact")
    contact.programs.add(program)
    rows = {
        "offer": offer,
        "rule": make_rule(program, name=f"{only} rule"),
        "affiliate": affiliate,
        "enrollment": make_enrollment(make_affiliate(f"{only}-pending@tributary.example"), program, "pending"),
        "link": make_link(affiliate, offer, code=f"{only}-link"),
        "coupon": make_coupon(affiliate, program, code=f"{only}-coupon"),
        "conversion": conversion,
        "commission": make_commission(conversion),
        "batch": batch,
        "approved_batch": make_batch(program, by=make_user(), status="approved"),
        "payout": make_payout(batch, affiliate),
        "paid_payout": make_payout(make_batch(program, status="done"), affiliate, status="paid"),
        "mail": Mail.objects.get(about=[f"invitation:{invitation.pk}"]),
        "person": person,
        "member": colleague,
        "channel": channel,
        "item": make_inbound(channel, status="quarantined", reason=f"{only} reason"),
        "outgoing": make_outgoing(channel, status="unknown", to=f"{only}@blog.example"),
        "contact": contact,
        "calendar": Calendar.objects.create(name=f"{only} hours"),
        "policy": SlaPolicy.objects.create(name=f"{only} level", program=program),
        "start_rule": StartRule.objects.create(program=program, kind="contains", words=f"{only} words"),
        "improvement": Improvement.objects.create(program=program, title=f"{only} improvement", created_by=colleague),
        "ticket": (ticket := make_conversation(make_ticket(affiliate, program, subject=f"{only} ticket"), turns=1)),
        "message": (message := make_message(ticket, f"{only} words")),
        "promise": ticket.commitments.create(
            text=f"{only} promise", owner=colleague, created_by=colleague, due_at=program.created_at
        ),
        "move": Move.objects.create(
            kind="split", source=ticket, target=make_ticket(affiliate, program), by=colleague, moved={"messages": []}
        ),
        "task": Task.objects.create(
            ticket=ticket, message=message, title=f"{only} task", owner=colleague, due_at=program.created_at
        ),
        "macro": make_macro(program, name=f"{only} macro"),
        "room": make_room(name=f"{only} room"),
        "article": make_article(program, title=f"{only} article", is_public=True),
        **_inbox(program, affiliate, only),
        **_of_the_team(colleague, ada),
        "manager_proposal": ManagerProposal.objects.create(affiliate=affiliate, rule=_manager_rule(program, only)),
    }
    bot = make_channel(program, "telegram", name=f"{only} bot")
    rows |= {
        "bot": bot,
        "telegram_contact": make_contact(affiliate, telegram=bot.pk, name=f"{only} contact", user=owner_of(affiliate)),
        "telegram_account": make_business_connection(bot, shown_name=f"{only} account"),
        "telegram_group": make_chat(bot, kind="group", title=f"{only} group"),
    }
    parts: dict[str, dict[str, Any]] = {
        kind: {"public_id": row.public_id, "id": row.public_id, "slug": getattr(row, "slug", "")} for kind, row in rows.items()
    }
    return parts | {
        "program": {"slug": program.slug, "id": program.public_id},
        "terms": {"slug": program.slug, "number": 1},
        "turn": {"public_id": rows["shift"].public_id, "day": "2026-01-01"},
        "manager_rule": {"number": ManagerRule.objects.get(program=program).pk},
        "coverage": {"number": rows["asked_for"].pk},
        "cover": {"number": make_cover(affiliate, rows["absence"]).pk},
        "invitation": {"public_id": affiliate.public_id, "number": invitation.pk},
        "affiliate_person": {"public_id": affiliate.public_id, "user_id": person.public_id},
        "role": {"public_id": colleague.public_id, "number": colleague.assignments.get().pk},
        "authenticator": {"pk": Authenticator.objects.create(user=colleague, type="webauthn", data={}).pk},
        "token": {"token": "no-such-token"},
        "qr": {"public_id": rows["link"].public_id, "kind": "svg"},
        "file": {"id": rows["approved_batch"].public_id, "public_id": rows["approved_batch"].public_id, "format": "csv"},
        "method_type": {"type": "bank_transfer"},
        "channel_kind": {"kind": "email"},
        "saved_view": {
            "public_id": SavedView.objects.create(owner=ada, page="manage:link_list", name=only, query="q=x").public_id
        },
        "article_version": {"public_id": rows["article"].public_id, "number": 1},
        "public_article": {"public_id": rows["article"].public_id, "slug": program.slug},
        "reset": {"uidb36": "1", "key": "x-y"},
        "confirmation": {"key": "x"},
        "session": {"number": UserSession.objects.create(user=colleague, ip="127.0.0.1", session_key=f"of-{colleague.pk}").pk},
    }


def _inbox(program: Program, affiliate: Affiliate, only: str) -> dict[str, Any]:
    """A mail with a file in it, as filed, and what was asked about its answer."""
    ticket = make_ticket(affiliate, program, channel=make_channel(program), subject=f"{only} subject", status="resolved")
    inbound = make_inbound(ticket.channel, only.encode(), status="filed", filed_as="message")
    message = make_message(ticket, f"{only} words", body_html=f"<p>{only} words</p>", inbound=inbound)
    return {
        "mail_message": message,
        "claim": make_ticket(affiliate, program, type="claim", subject=f"{only} claim"),
        "terms_request": TermsRequest.objects.create(
            ticket=make_ticket(affiliate, program, type="terms", subject=f"{only} terms"), wanted=only
        ).ticket,
        "escalation": Escalation.objects.create(
            ticket=ticket, level="engineer", question=f"{only} question", asked_by=make_user(), accept_due=program.created_at
        ),
        "attachment": make_attachment(message, file=keep_file(f"{only} file".encode())),
        "rating": Rating.objects.create(ticket=ticket, program=program, channel=ticket.channel),
    }


def _manager_rule(program: Program, only: str) -> ManagerRule:
    return ManagerRule.objects.create(name=f"{only} rule", program=program, conversions=1)


def _of_the_team(colleague: User, ada: User) -> dict[str, Any]:
    shift = make_shift(colleague, "engineer", last_day=date(2026, 1, 31))
    change = ShiftChange.objects.create(shift=shift, day=date(2026, 1, 1), taken_by=ada, asked_by=colleague)
    return {
        "shift": shift,
        "shift_change": change,
        "absence": make_absence(colleague, state="asked"),
        "handover_note": HandoverNote.objects.create(person=colleague, duty="support", text="All quiet"),
        "asked_for": Coverage.objects.create(duty="engineer", program=colleague.assignments.get().program),
    }


def _walk(
    resolver: Any, spaces: tuple[str, ...] = (), parameters: tuple[str, ...] = ()
) -> Iterator[tuple[str, URLPattern, list[str]]]:
    """Every address: its name, its pattern, the names of its parameters."""
    for pattern in resolver.url_patterns:
        within = (*parameters, *(pattern.pattern.converters or getattr(pattern.pattern.regex, "groupindex", {})))
        if isinstance(pattern, URLPattern):
            yield ":".join([*spaces, pattern.name or ""]), pattern, list(within)
        else:
            yield from _walk(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces, within)


ADDRESSES = {name: (pattern, parameters) for name, pattern, parameters in _walk(get_resolver()) if not name.startswith("admin:")}


def path_of(name: str, things: dict[str, dict[str, Any]]) -> str:
    """The address with the row's object in it."""
    thing = things.get(TABLE[name].thing, {})
    return reverse(name, kwargs={parameter: thing[parameter] for parameter in ADDRESSES[name][1]})


def test_every_address_has_a_row_and_every_row_an_address():
    assert sorted(ADDRESSES) == sorted(TABLE)


def told(answer: HttpResponseBase) -> str:
    """The answer in the words of this test."""
    status = answer.status_code
    if status in (301, 302) and answer["Location"].startswith("/accounts/login/"):
        return "sign in"
    if status >= 500 and status != 503:  # /health/ without workers
        return f"broken ({status})"
    return {401: "no key", 403: "forbidden", 404: "not there", 405: "not so"}.get(status, "open")


def rows(*audiences: str) -> list[str]:
    return [name for name, row in TABLE.items() if row.audience in audiences]


def check_page(world: World, name: str, expected: Callable[[str, str, str], str]) -> None:
    """GET and POST by everybody, with the objects of both sides where the address holds one.

    Whoever passes no guard is asked with one side alone: they never reach the object.
    """
    row = TABLE[name]
    for side in SIDES if row.scoped else SIDES[:1]:
        path = path_of(name, world.things[side])
        for person in world.people[row.audience]:
            for method in ("GET", "POST"):
                wanted = expected(person, side, method)
                if side != SIDES[0] and wanted in ("sign in", "forbidden"):
                    continue
                answer = told(world.ask(method, path, person=person))
                if answer == "not so" and wanted in ("open", "not there"):
                    continue  # the page knows no such method; its guard stands before that
                if row.nothing and answer == "not there" and wanted == "open":
                    continue
                assert answer == wanted, f"{method} {path} by {person}"
                if wanted == "open" and not row.shared:
                    check_nothing_foreign(world, person, f"{method} {path} by {person}")


def check_nothing_foreign(world: World, person: str, where: str) -> None:
    """What was just answered names nothing of a side that is not this person's."""
    _role, sides = world.role.get(person, ("", (world.function.get(person, ("", ""))[1],)))
    for side in SIDES:
        assert side in sides or f"only-in-{side}" not in world.body, f"{where} shows what is of {side} alone"


def test_what_is_ones_own_is_shown(world):
    """Else the search for what is foreign would find nothing on empty pages."""
    for path in ("/manage/affiliates/", "/manage/links/", "/manage/conversions/", "/manage/offers/"):
        world.ask("GET", path, person="mara")
        assert "only-in-music" in world.body, path


@pytest.mark.parametrize("name", rows("manage"))
def test_pages_of_the_team(world, name):
    row = TABLE[name]

    def expected(person: str, side: str, method: str) -> str:
        role, sides = world.role.get(person, ("", ()))
        if role not in row.who.split() or (row.everywhere and sides != SIDES):
            return "sign in" if person == "anonymous" else "forbidden"
        return "open" if side in sides or not row.scoped else "not there"

    check_page(world, name, expected)


@pytest.mark.parametrize("name", rows("portal"))
def test_pages_of_affiliates(world, name):
    row = TABLE[name]

    def expected(person: str, side: str, method: str) -> str:
        function, own = world.function.get(person, ("", ""))
        if function not in (row.writes if method == "POST" and row.writes else row.who).split():
            return "sign in" if person == "anonymous" else "forbidden"
        return "open" if side == own or not row.scoped else "not there"

    check_page(world, name, expected)


@pytest.mark.parametrize("name", rows("api"))
def test_addresses_of_machines(world, name):
    row = TABLE[name]
    served = [method for method in ("GET", "POST", "PATCH", "DELETE") if hasattr(ADDRESSES[name][0].callback.cls, method.lower())]
    assert served
    for side in SIDES if row.scoped else SIDES[:1]:
        path = path_of(name, world.things[side])
        for method in served:
            assert told(world.ask(method, path)) == "no key", f"{method} {path} without a key"
            assert told(world.ask(method, path, key=f"{PREFIX}wrong")) == "no key"
            assert told(world.ask(method, path, person="ada")) == "no key", "a sign-in is no key"
            allowed = row.who if method == "GET" else row.writes
            for person, key in world.keys.items():
                role, sides = world.role[person]
                expected = "open" if side in sides or not row.scoped else "not there"
                if role not in allowed.split() or (row.everywhere and method != "GET" and sides != SIDES):
                    expected = "forbidden"
                answer = told(world.ask(method, path, key=key, body=BODIES.get((name, method), {})))
                assert answer == expected, f"{method} {path} by a key of {person}"
                check_nothing_foreign(world, person, f"{method} {path} by a key of {person}")


# Where what is sent is looked at before what is named, it must be right to tell the one from the other.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("api:program_list", "POST"): {"name": "New", "slug": "new", "currency": "USD"},
    ("api:refund_list", "POST"): {"external_id": "r1", "amount": "1.00"},
    ("api:payout_method_list", "POST"): {"type": "manual", "currency": "USD"},
    ("api:ticket_messages", "POST"): {"body": "Yes."},
    ("api:ticket_status", "POST"): {"status": "open"},
    ("api:ticket_merge", "POST"): {"into": "another"},
    ("api:ticket_assign", "POST"): {"assignee": "me"},
    ("api:ticket_snooze", "POST"): {"until": "2100-01-01T00:00:00Z"},
    ("api:ticket_link", "POST"): {"to": "another"},
    ("api:ticket_task_list", "POST"): {"title": "Look", "due_at": "2100-01-01T00:00:00Z"},
    ("api:escalation_answer", "POST"): {"answer": "The clock of the shop is wrong."},
    ("api:contact_match", "POST"): {"affiliate": "shared", "reason": "She called"},
    ("api:contact_unmatch", "POST"): {"reason": "Another Anna"},
    ("api:ticket_escalate", "POST"): {"level": "engineer", "question": "Why did the postback of order 17 answer 401?"},
}


@pytest.mark.parametrize("name", [name for name in rows("manage", "api") if TABLE[name].thing == "affiliate"])
def test_of_an_affiliate_in_two_programs_each_side_sees_its_own(world, name):
    path = path_of(name, {"affiliate": world.shared})
    for person, (role, sides) in world.role.items():
        if role in TABLE[name].who.split() and sides != SIDES:
            key = world.keys[person] if TABLE[name].audience == "api" else ""
            assert told(world.ask("GET", path, person="" if key else person, key=key)) in ("open", "not so")
            check_nothing_foreign(world, person, f"GET {path} by {person}")


@pytest.mark.parametrize("name", rows("person", "public"))
def test_pages_of_everybody(world, name):
    row = TABLE[name]
    path = path_of(name, world.things["music"])
    for person in ("anonymous", "otto", "ada", "mara", "ana_owner"):
        for method in ("GET", "POST"):
            answer = told(world.ask(method, path, person=person))
            where = f"{method} {path} by {person}"
            if row.audience == "person":
                assert (answer == "sign in") == (person == "anonymous"), where
            assert answer in ("open", "sign in", "not so", *(["not there"] if row.nothing else [])), where


def test_djangos_admin_is_for_admins(world):
    names = [name for name, *_ in _walk(get_resolver()) if name.startswith("admin:") and name.endswith(("_changelist", "index"))]
    assert len(names) > 20
    for name in names:
        for person in ("anonymous", "otto", "hana", "mara", "jun", "nils", "ana_owner", "ada"):
            answer = world.ask("GET", reverse(name), person=person)
            if person == "ada":
                assert told(answer) == "open", name
                continue
            assert answer["Location"].startswith("/admin/login/"), f"{name} by {person}"
            beyond = told(world.ask("GET", answer["Location"], person=person))
            assert beyond == ("sign in" if person == "anonymous" else "forbidden"), f"{name} by {person}"
