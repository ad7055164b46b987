"""The inbox: the queue, the conversation that is open, and whom it is with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.queries import people_who
from affiliates.models import Affiliate, Enrollment
from affiliates.queries import timeline_of
from commissions.performance import performance
from core.access import Can, manager_required, programs_of, rights_of
from core.choices import country_name
from core.components import moment_text
from core.ui import refusals_as_messages
from payouts.queries import balances
from support import live
from support.forms import MessageForm, snooze_presets
from support.forms_promises import PromiseForm
from support.mentions import see_mentions, see_ticket
from support.models import Commitment, Draft, Escalation, Mention, Ticket, TicketStatus
from support.queries.macros import macro_named
from support.queries.queue import counts_of
from support.queries.ticket import (
    BESIDE,
    Around,
    around,
    conversation,
    history_of,
    links_of,
    moves_of,
    next_clock,
    tasks_of,
    tickets_beside,
)
from support.services import add_note, reply
from support.services.doors import answer_through
from support.services.macros import reply_with_macro
from support.services.notices import see_notices, visible_notices
from support.views.keys import SHORTCUTS
from support.views.queue import Queue, lateness

LONGEST_DRAFT = 100_000
DAYS = 30  # of the numbers beside the conversation
STEPS = 15  # of the history, below the conversation


def visible_ticket(request: HttpRequest, public_id: str, can: Can = Can.SEE_TICKETS) -> Ticket:
    """The ticket, where the reader's role reaches it in its program; otherwise there is none."""
    # What most tickets have; planning a join of all that some have takes longer than reading that when it is there.
    rows = Ticket.objects.visible_to(request.user, can).select_related("program", "affiliate", "channel", "assignee")
    ticket = rows.filter(pk=Ticket.pk_from(public_id) or 0).first()
    if ticket is None:
        raise Http404
    return ticket


@manager_required(Can.SEE_TICKETS)
@require_safe
def ticket_list(request: HttpRequest) -> HttpResponse:
    """The queue alone; htmx asks for it beside an open ticket, and for its rows when something has changed."""
    queue = Queue(request)
    for target, template in (("queue-rows", "_queue_rows.html"), ("queue", "_queue.html")):
        if asked_for(request, target):
            return part(request, f"support/manager/{template}", _queue_context(request, queue))
    return render(request, "support/manager/ticket_list.html", {**_queue_context(request, queue), "ticket": None})


@manager_required(Can.SEE_TICKETS)
@require_safe
def ticket_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page, which loads the queue beside it by itself; the conversation alone where it is opened beside a queue that stands;
    what was said since, while it is open."""
    ticket = visible_ticket(request, public_id)
    if ticket.merged_into is not None and not request.GET.get("stay"):
        messages.info(request, _("“%(subject)s” went into this ticket.") % {"subject": ticket.subject})
        return redirect("manage:ticket_detail", ticket.merged_into.public_id)
    mark, has = live.marks((), request.user.pk, ticket.pk)[1], around(ticket, request.user)  # before the messages are read
    if has.calls:
        see_mentions(request.user, ticket.pk)
    if has.notices:
        see_notices(request.user, ticket.pk)
    queue = Queue(request)
    context = _ticket_context(request, ticket, queue, has) | {"ticket_mark": mark}
    if asked_for(request, "ticket-stream"):
        see_ticket(request.user, ticket.pk)
        return part(request, "support/manager/_ticket_live.html", context)
    if asked_for(request, "ticket"):
        response = part(request, "support/manager/_ticket.html", context)
        if request.htmx.current_url_abs_path != queue.url_of(ticket):  # type: ignore[attr-defined]
            response["HX-Push-Url"] = queue.url_of(ticket)
        return response
    return render(request, "support/manager/ticket_list.html", {"shortcuts": SHORTCUTS, **context})


def asked_for(request: HttpRequest, target: str) -> bool:
    return bool(getattr(request, "htmx", False)) and request.htmx.target == target  # type: ignore[attr-defined]


def part(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    response["Cache-Control"] = "no-store"
    return response


def _queue_context(request: HttpRequest, queue: Queue) -> dict[str, Any]:
    answers = rights_of(request.user).has(Can.ANSWER_TICKETS)
    mark = queue.mark  # before what it stands for is read
    counts_of(request.user)  # before the menu, which would ask Valkey for the number of these that it kept
    return {
        "queue": queue,
        "mark": mark,
        "shortcuts": SHORTCUTS,
        "answers": answers,
        "people": queue.people if answers else [],
        "now": timezone.now(),
        "presets": snooze_presets(timezone.localtime()),
    }


def _ticket_context(request: HttpRequest, ticket: Ticket, queue: Queue, has: Around) -> dict[str, Any]:
    now = timezone.now()
    ticket.around = has  # type: ignore[attr-defined]
    number = request.GET.get("before", "")
    said = conversation(ticket, int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0)
    answers = rights_of(request.user).has(Can.ANSWER_TICKETS, ticket.program_id)
    ticket.late = lateness(ticket, now)  # type: ignore[attr-defined]
    return {
        "ticket": ticket,
        "said": said,
        "clock": next_clock(ticket),
        "around": has,
        "tasks": list(tasks_of(ticket)) if has.tasks else [],
        "links": links_of(ticket, request.user) if has.links else [],
        "now": now,
        "answers_here": answers,
        "draft": Draft.objects.filter(ticket=ticket, user=request.user.pk).first() if answers and has.draft else None,
        "people_here": list(people_who(Can.SEE_TICKETS, ticket.program_id).only("name", "email")),
        "modes": MessageForm.MODES,
        "afters": MessageForm.AFTER,
        "presets": snooze_presets(timezone.localtime()),
        "statuses": [choice for choice in TicketStatus.choices if choice[0] not in (TicketStatus.NEW, ticket.status)],
        "place": queue.place,
        "queue_url": queue.address(),
        "ticket_path": reverse("manage:ticket_detail", args=[ticket.public_id]),
    }


@manager_required(Can.SEE_TICKETS)
@require_safe
def ticket_history(request: HttpRequest, public_id: str) -> HttpResponse:
    """What was done to it, and what of that can be undone: read where somebody opens it below the conversation, or as a page."""
    ticket = visible_ticket(request, public_id)
    answers = rights_of(request.user).has(Can.ANSWER_TICKETS, ticket.program_id)
    return _history(request, ticket, _("History"), history_of(ticket), moves=moves_of(ticket) if answers else [])


def _history(request: HttpRequest, ticket: Ticket, heading: str, events: Any, **more: Any) -> HttpResponse:
    context = {
        "layout": "layouts/part.html" if getattr(request, "htmx", False) else "layouts/manager.html",
        "heading": heading,
        "ticket": ticket,
        "events": events,
        "steps": STEPS,
        "place": Queue(request).place,
        **more,
    }
    return part(request, "support/manager/ticket_history.html", context)


@manager_required(Can.SEE_TICKETS)
@require_safe
def ticket_card(request: HttpRequest, public_id: str) -> HttpResponse:
    """Whom it is with: loaded after the conversation, which waits for none of it, nor for the mark that it is read."""
    ticket = visible_ticket(request, public_id)
    ticket.around = around(ticket, request.user)  # type: ignore[attr-defined]
    see_ticket(request.user, ticket.pk)
    affiliate = ticket.affiliate
    known = affiliate is not None and Affiliate.objects.known_to(request.user).filter(pk=affiliate.pk).exists()
    visible = known or _is_visible(request, ticket)
    beside = list(tickets_beside(ticket, request.user).only("subject", "status", "last_at")[: BESIDE + 1])
    context = {
        "layout": "layouts/part.html" if getattr(request, "htmx", False) else "layouts/manager.html",
        "heading": ticket.party,
        "ticket": ticket,
        "affiliate": affiliate,
        "visible": visible,
        "known": known,
        "enrollments": Enrollment.objects.visible_to(request.user)
        .filter(affiliate=affiliate)
        .select_related("program")
        .only("status", "program__name")
        if visible
        else [],
        "answers_here": rights_of(request.user).has(Can.ANSWER_TICKETS, ticket.program_id),
        "addresses": list(ticket.contact.addresses.order_by("kind", "pk")) if ticket.contact else [],
        "beside": beside[:BESIDE],
        "more_beside": len(beside) > BESIDE,
        "party_id": ticket.party.public_id,
        "country": country_name(affiliate.country) if visible and affiliate.country else "",  # type: ignore[union-attr]
        **(_numbers(request, ticket) if visible else {}),
    }
    return part(request, "support/manager/ticket_card.html", context)


def _is_visible(request: HttpRequest, ticket: Ticket) -> bool:
    """Whether the reader sees the record of the affiliate that it is with."""
    return Affiliate.objects.visible_to(request.user).filter(pk=ticket.affiliate_id or 0).exists()


@manager_required(Can.SEE_TICKETS)
@require_safe
def ticket_past(request: HttpRequest, public_id: str) -> HttpResponse:
    """What happened to the affiliate, as far as the reader may know: read where one comes to it on the card, or as a page."""
    ticket = visible_ticket(request, public_id)
    if ticket.affiliate is None or not _is_visible(request, ticket):
        raise Http404
    return _history(request, ticket, str(ticket.affiliate), timeline_of(ticket.affiliate, request.user))


def _numbers(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """The affiliate's last days in the ticket's program, and their money in every program whose money the reader sees."""
    rights, program, affiliate = rights_of(request.user), ticket.program, ticket.affiliate_id
    assert affiliate is not None
    told: dict[str, Any] = {"money": rights.has(Can.SEE_MONEY, program.pk)}
    if rights.has(Can.SEE_TRACKING, program.pk):
        last = timezone.localdate(timezone=program.zone)
        rows = performance(program, "none", last - timedelta(days=DAYS - 1), last, affiliates=[affiliate])
        told["numbers"] = rows[0] if rows else None
        told["days"] = DAYS
    if rights.has(Can.SEE_MONEY):
        told["balances"] = balances(affiliate, programs=programs_of(request.user, Can.SEE_MONEY))
    return told


@manager_required(Can.SEE_TICKETS)
@require_safe
@never_cache
def ticket_news(request: HttpRequest) -> JsonResponse:
    """What every open page asks each two seconds: short, and answered at once, so that no page holds a worker.

    `queue` and `ticket` are marks: another one, and the page loads what has changed. `here`: who else has the ticket open. Asking
    says that one is here oneself, with `writing=1` that one writes.
    """
    user = request.user
    public_id = request.GET.get("ticket", "")
    pk = Ticket.pk_from(public_id)
    if pk is not None and not Ticket.objects.visible_to(user).filter(pk=pk).exists():
        pk = None
    queue, one = live.marks(programs_of(user, Can.SEE_TICKETS), user.pk, pk)
    left = Ticket.pk_from(request.GET.get("left", ""))
    if left is not None:
        live.leave(left, user)
    here = live.be_here(pk, user, writing=request.GET.get("writing") == "1") if pk is not None else []
    return JsonResponse(
        {
            "queue": queue,
            "ticket": one,
            "here": [{"name": other.name, "writing": other.writing} for other in here],
            "away": live.is_away(),
        }
    )


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def message_create(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send, or note. What cannot be sent stays in the box, as the draft that it is."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    form, promises = MessageForm(request.POST, request.FILES), PromiseForm(request.POST, ticket=ticket)
    if not form.is_valid() or not promises.is_valid():
        wrong = [*form.errors.values(), *promises.errors.values()]
        messages.error(request, " ".join(str(error) for errors in wrong for error in errors))
        return back_to(request, ticket)
    body, mode = form.cleaned_data["body"], form.cleaned_data["mode"]
    with refusals_as_messages(request):
        _keep_draft(ticket, request.user, body, note=mode == "note")
        files = form.kept_files()
        if mode == "note":
            add_note(ticket, body, by=request.user, files=files)
        else:
            after = (form.cleaned_data["after"] or None) if mode == "reply" else None
            said: dict[str, Any] = {"by": request.user, "files": files, "is_answer": mode == "reply", "status": after}
            macro = macro_named(request.user, request.POST.get("macro", ""))
            with transaction.atomic():
                if door := request.POST.get("door", ""):
                    answer_through(ticket, door, by=request.user)
                if macro is None:
                    message = reply(ticket, body, **said)
                else:
                    message = reply_with_macro(ticket, macro, text=body, **said)
                promises.keep(message, by=request.user)
        _keep_draft(ticket, request.user, "")
        live.leave(ticket.pk, request.user)
        if mode == "reply" and form.cleaned_data["after"] == TicketStatus.RESOLVED:
            tell_what_remains(request, ticket)
    return back_to(request, ticket)


def tell_what_remains(request: HttpRequest, ticket: Ticket) -> None:
    """A resolved ticket leaves what was to be done, and what was promised, to their owners; what was asked of others it ends."""
    tell_what_was_withdrawn(request, [ticket.pk])
    left = [(task.title, task.owner, task.due_at) for task in ticket.tasks.filter(done_at=None).select_related("owner")]
    promised = ticket.commitments.filter(status=Commitment.Status.OPEN).select_related("owner")
    left += [(each.text, each.owner, each.due_at) for each in promised]
    if left:
        told = "; ".join(f"{what} ({owner.get_short_name()}, {moment_text(due)})" for what, owner, due in left)
        messages.info(request, _("Resolved. What remains to be done: %(tasks)s") % {"tasks": told})


def tell_what_was_withdrawn(request: HttpRequest, tickets: Collection[int]) -> None:
    """Questions to others that ended because these were resolved."""
    rows = Escalation.objects.filter(ticket__in=tickets, ticket__status=TicketStatus.RESOLVED)
    rows = rows.filter(status=Escalation.Status.WITHDRAWN, closed_at__gte=F("ticket__resolved_at")).select_related("holder")
    told = "; ".join(f"{Truncator(each.question).chars(120)} ({each.held_by or each.get_level_display()})" for each in rows)
    if told:
        messages.info(request, _("Withdrawn, since the ticket is resolved: %(questions)s") % {"questions": told})


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def draft_keep(request: HttpRequest, public_id: str) -> HttpResponse:
    """What somebody types, each time that they pause."""
    ticket = visible_ticket(request, public_id, Can.ANSWER_TICKETS)
    _keep_draft(ticket, request.user, request.POST.get("body", ""), note=request.POST.get("mode") == "note")
    return HttpResponse(status=204)


def _keep_draft(ticket: Ticket, user: Any, body: str, *, note: bool = False) -> None:
    body = body.replace("\x00", "")[:LONGEST_DRAFT]
    if body.strip():
        Draft.objects.update_or_create(ticket=ticket, user=user, defaults={"body": body, "note": note})
    else:
        Draft.objects.filter(ticket=ticket, user=user).delete()


def back_to(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The ticket again, beside the queue that it was opened from."""
    response = redirect("manage:ticket_detail", ticket.public_id)
    place = request.POST.get("place", "")
    if place:
        response["Location"] += f"?{place[:2000]}"
    return response


@manager_required(Can.SEE_TICKETS)
@require_safe
def mention_list(request: HttpRequest) -> HttpResponse:
    """Notes that called the reader by name."""
    rows = Mention.objects.filter(user=request.user.pk, message__ticket__in=Ticket.objects.visible_to(request.user))
    rows = rows.select_related("message__author", "message__ticket__affiliate", "message__ticket__contact").defer(
        "message__search"
    )
    notices = visible_notices(request.user)[:100]
    return render(request, "support/manager/mention_list.html", {"mentions": rows[:100], "notices": notices})
