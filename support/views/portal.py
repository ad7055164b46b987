"""Help: the affiliate's chat with each of their programs. One box to write into; no form, no number, nothing to choose."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as flash
from django.db.models import F, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import affiliate_required
from affiliates.models import Affiliate
from core.errors import Refusal
from programs.models import Program
from support.live import chat_mark
from support.models import Attachment, Message, PhoneCall, Rating
from support.models.messages import Direction
from support.portal import (
    FILE_LIMITS,
    MOST,
    chat_programs,
    expectation,
    open_ticket_of,
    sees_money,
    unread_by_program,
    visible_messages,
    visible_tickets,
)
from support.services.chats import mark_chat_read, write_in_chat

READ = (
    *("direction", "created_at", "body_text", "quoted_text", "edited_at", "deleted_at", "reply_to"),
    *("author__name", "author__email", "contact__name"),
)
MOST_AT_ONCE = 300  # messages that an open page is sent anew when something changes


@affiliate_required()
@require_safe
def help_home(request: HttpRequest) -> HttpResponseBase:
    """The chat with something unread in it, else the first."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    programs = chat_programs(affiliate)
    if not programs:
        return render(request, "support/portal/help_chat.html", {"programs": []})
    unread = _unread(request, programs)
    return _chat(request, next((program for program in programs if unread.get(program.pk)), programs[0]), programs, unread)


@affiliate_required()
@require_safe
def help_chat(request: HttpRequest, slug: str) -> HttpResponse:
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    programs = chat_programs(affiliate)
    return _chat(request, _program(programs, slug), programs, _unread(request, programs))


def _program(programs: list[Program], slug: str) -> Program:
    found = next((program for program in programs if program.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _unread(request: HttpRequest, programs: list[Program]) -> dict[int, int]:
    """What stands unread in each of several chats: beside one alone, nothing tells it."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    return unread_by_program(affiliate, request.user, money=sees_money(request)) if len(programs) > 1 else {}


def _chat(request: HttpRequest, program: Program, programs: list[Program], unread: dict[int, int]) -> HttpResponse:
    mark = chat_mark(request.affiliate.pk)  # type: ignore[attr-defined]  # before the messages: what comes between is seen by the next look
    before = Message.pk_from(request.GET.get("before", ""))
    shown = _stream(request, program, before=before)
    context = {
        "programs": programs,
        "tabs": [(each, unread.get(each.pk, 0)) for each in programs],
        "program": program,
        "mark": mark,
        "stream": shown,
        "older": shown[0] if len(shown) == MOST else None,
        "newer": before is not None,
        "limits": FILE_LIMITS,
        **_standing(request, program),
    }
    return render(request, "support/portal/help_chat.html", context)


def _stream(request: HttpRequest, program: Program, *, before: int | None = None, since: int | None = None) -> list[Message]:
    """Messages in their order: the last ones, those before one, or all since one."""
    rows = (
        visible_messages(request)
        .filter(ticket__program=program)
        .annotate(door=F("ticket__channel__kind"))
        .select_related("author", "contact")
        .only(*READ)
        .prefetch_related(
            Prefetch("reply_to", Message.objects.only("body_text")),
            Prefetch("attachments", Attachment.objects.select_related("file"), to_attr="files"),
        )
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if since is not None:
        rows = rows.filter(pk__gte=since)
    found = list(rows.order_by("-pk")[: MOST_AT_ONCE if since is not None else MOST])
    found.sort(key=lambda message: (message.created_at, message.pk))
    calls = _calls(found)
    for previous, message in zip([None, *found], found, strict=False):
        shown: Any = message
        shown.phone = calls.get(message.pk)
        shown.mine = message.direction == Direction.IN and message.author_id == request.user.pk
        shown.new_day = previous is None or timezone.localdate(previous.created_at) != timezone.localdate(message.created_at)
    return found


def _calls(messages: list[Message]) -> dict[int, PhoneCall]:
    """Which of these were said on the phone."""
    said = Q(said__in=messages) | Q(answered__in=messages)
    rows = PhoneCall.objects.filter(said).only("kind", "minutes", "said", "answered").order_by() if messages else []
    return {pk: call for call in rows for pk in (call.said_id, call.answered_id) if pk is not None}


def _standing(request: HttpRequest, program: Program) -> dict[str, Any]:
    """Who answers and by when; what is asked about an answer."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    tickets = visible_tickets(request)
    now = timezone.now()
    rating = Rating.objects.filter(ticket__in=tickets.filter(program=program), closes_at__gt=now).order_by("-asked_at").first()
    return {
        "expected": expectation(affiliate, program, open_ticket_of(tickets, program)),
        "rating": rating if rating is not None and rating.rated_at is None else None,
        "now": now,
    }


@affiliate_required()
@require_safe
@never_cache
def help_news(request: HttpRequest, slug: str) -> HttpResponse:
    """Asked by open pages every two seconds: 204 while nothing has changed since `mark`, else the stream since `since`."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    mark = chat_mark(affiliate.pk)
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    program = _program(chat_programs(affiliate), slug)
    return _news(request, program, mark, Message.pk_from(request.GET.get("since", "")))


def _news(request: HttpRequest, program: Program, mark: str, since: int | None) -> JsonResponse:
    context = {"stream": _stream(request, program, since=since or 0), "program": program, **_standing(request, program)}
    return JsonResponse(
        {
            "mark": mark,
            "stream": render_to_string("support/portal/_stream.html", context, request=request),
            "standing": render_to_string("support/portal/_standing.html", context, request=request),
        }
    )


@affiliate_required()
@require_POST
def help_write(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One message. A page with its script is answered with what is new, one without goes back to the chat."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    program = _program(chat_programs(affiliate), slug)
    by_script = request.headers.get("X-Requested-With") == "fetch"
    reply_to = Message.pk_from(request.POST.get("reply_to", ""))
    try:
        write_in_chat(
            affiliate,
            program,
            by=request.user,
            text=request.POST.get("text", ""),
            files=request.FILES.getlist("files"),
            reply_to=visible_messages(request).filter(pk=reply_to, ticket__program=program).first() if reply_to else None,
            key=_uuid(request.POST.get("key", "")),
        )
    except Refusal as refusal:
        if by_script:
            return JsonResponse({"refused": refusal.message}, status=422)
        flash.error(request, refusal.message)
        return redirect("portal:help_chat", slug=program.slug)
    mark_chat_read(affiliate, program, by=request.user)
    if not by_script:
        return redirect(f"{reverse('portal:help_chat', args=[program.slug])}#write")
    return _news(request, program, chat_mark(affiliate.pk), Message.pk_from(request.POST.get("since", "")))


@affiliate_required()
@require_POST
def help_read(request: HttpRequest, slug: str) -> HttpResponse:
    """The page was looked at, up to the time of its newest message."""
    affiliate: Affiliate = request.affiliate  # type: ignore[attr-defined]
    program = _program(chat_programs(affiliate), slug)
    mark_chat_read(affiliate, program, by=request.user, until=_time(request.POST.get("until", "")))
    return HttpResponse(status=204)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _time(text: str) -> Any:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and timezone.is_aware(found) else None
