"""What a step must be told before it is done: in the dialog of an open ticket, where the script fetches it, or as a page of its own."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse

from support.models import Ticket
from support.views.queue import Queue
from support.views.tickets import asked_for, part


def ask(request: HttpRequest, ticket: Ticket, heading: str, form: BaseForm, verb: str, **more: Any) -> HttpResponse:
    """`lead`: what it means; `beside`: other tickets to choose from; `message`: what it is about; `swaps`: beside the queue, the ticket
    is shown anew without loading the page."""
    queue, here = Queue(request), asked_for(request, "dialog")
    context = {
        "layout": "support/manager/_dialog.html" if here else "layouts/manager.html",
        "ticket": ticket,
        "heading": heading,
        "form": form,
        "verb": verb,
        "place": queue.place,
        "back": queue.url_of(ticket),
        **more,
    }
    return part(request, "support/manager/ticket_step.html", context | {"here": here and more.get("swaps")})
