"""The public application to a program. What it answers says nothing about who is known here."""

from __future__ import annotations

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from affiliates.forms import ApplicationForm
from affiliates.services import apply_to_program
from core.access import public_page
from core.ui import refusals_as_errors
from programs.queries import open_programs


@public_page
def apply(request: HttpRequest, slug: str) -> HttpResponse:
    """Whoever fills in the field that nobody sees gets the same thanks, and nothing is kept."""
    program = get_object_or_404(open_programs(), slug=slug)
    terms = program.terms.order_by("-number").first()
    form = ApplicationForm(request.POST or None, with_terms=terms is not None)
    if form.is_valid():
        asked = form.cleaned_data
        if asked["nickname"]:
            return redirect("apply_done", program.slug)
        if not ratelimit.consume(request, action="apply", key=asked["email"].lower()):  # each one sends a mail to a stranger
            return ratelimit.respond_429(request)
        with refusals_as_errors(form):
            told = {name: asked[name] for name in ("email", "name", "website", "kind", "country", "pitch")}
            apply_to_program(program, **told, terms=asked.get("version"))
            return redirect("apply_done", program.slug)
    return render(request, "affiliates/public/apply.html", {"form": form, "program": program, "terms": terms})


@public_page
def apply_done(request: HttpRequest, slug: str) -> HttpResponse:
    program = get_object_or_404(open_programs(), slug=slug)
    return render(request, "affiliates/public/apply_done.html", {"program": program})
