"""The answer to a question, kept as a macro or an article; and, on those, where they came from."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.access import Can, manager_required
from core.events import ref
from core.ui import refusals_as_messages
from support.models import Escalation, Ticket
from support.services.keeping import keep_answer, kept_of, may_keep
from support.views.tickets import back_to


@manager_required(Can.ANSWER_TICKETS)
@require_POST
def escalation_keep(request: HttpRequest, public_id: str) -> HttpResponse:
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS)
    rows = Escalation.objects.filter(ticket__in=tickets).select_related("ticket")
    escalation = get_object_or_404(rows, pk=Escalation.pk_from(public_id))
    with refusals_as_messages(request):
        kept = keep_answer(escalation, request.POST.get("as", ""), by=request.user)
        return redirect(f"manage:{kept._meta.model_name}_{'detail' if escalation.kept_as else 'edit'}", kept.public_id)
    return back_to(request, escalation.ticket)


def keep_card(request: HttpRequest, escalation: Escalation) -> dict[str, Any]:
    """Under an answer: what was made of it, or the buttons that make it."""
    kept = kept_of(escalation)
    url = reverse(f"manage:{kept._meta.model_name}_detail", args=[kept.public_id]) if kept else ""
    return {"kept": kept, "url": url, "may": may_keep(request.user, escalation), "escalation": escalation}


def origin_card(request: HttpRequest, kept: Any) -> dict[str, Any] | None:
    """On a macro or an article: the question that it answered first, for those who see its ticket."""
    asked = Escalation.objects.visible_to(request.user).filter(kept_as=ref(kept)).select_related("ticket").first()
    return {"escalation": asked} if asked else None
