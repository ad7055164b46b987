"""What everybody may read: the programs that take applications."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core.access import public_page
from programs.models import Program
from programs.queries import open_programs


@public_page
def home(request: HttpRequest) -> HttpResponse:
    """All open programs; the only one where there is just one."""
    programs = list(open_programs().order_by("name")[:100])
    if len(programs) == 1:
        return _program_page(request, programs[0], alone=True)
    return render(request, "programs/public/home.html", {"programs": programs})


@public_page
def program_public(request: HttpRequest, slug: str) -> HttpResponse:
    return _program_page(request, get_object_or_404(open_programs(), slug=slug), alone=False)


def _program_page(request: HttpRequest, program: Program, *, alone: bool) -> HttpResponse:
    context = {"program": program, "terms": program.terms.order_by("-number").first(), "alone": alone}
    return render(request, "programs/public/program_public.html", context)
