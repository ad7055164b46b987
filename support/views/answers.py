"""While an affiliate writes: what may answer it at once, from articles and from their own data."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import affiliate_required
from affiliates.models import Affiliate, AffiliateMember, Enrollment
from core.languages import letter_language
from knowledge.languages import known_language
from knowledge.models import Article
from knowledge.queries import suggest
from programs.models import Program
from support.answers import NotForYou, Question, questions_for, recognise
from support.models.answers import AutoAnswer
from support.services.answers import give_answer, settle_answer

ARTICLES = 4


def _member(request: HttpRequest) -> AffiliateMember:
    member: AffiliateMember = request.member  # type: ignore[attr-defined]
    return member


def _program(request: HttpRequest, affiliate: Affiliate, slug: str) -> Program | None:
    """The one that is asked about, where the affiliate works in it or did."""
    working = Enrollment.objects.working().filter(affiliate=affiliate, program__slug=slug.replace("\x00", ""))
    enrollment = working.select_related("program").first()
    return enrollment.program if enrollment else None


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """In the affiliate's language, which the page around it may not speak."""
    with translation.override(_language(_member(request).affiliate)):
        return render(request, template, context)


def _language(affiliate: Affiliate) -> str:
    return letter_language(affiliate.language, get_language())


@affiliate_required()
@require_safe
def answer_suggest(request: HttpRequest) -> HttpResponse:
    """A fragment for the composer: with `q` empty, the questions that answer themselves as buttons; else the one that `q` plainly
    asks, and articles that may answer it. Empty where nothing fits. `program`: its slug."""
    member = _member(request)
    slug, text = request.GET.get("program", ""), request.GET.get("q", "").strip()[:2000]
    program = _program(request, member.affiliate, slug)
    may = questions_for(member.functions)
    if text:
        asked = recognise(text)
        questions = [asked] if asked in may and asked is not None else []
        language = known_language(member.affiliate.language or get_language() or "en")
        found = suggest(text, program.pk if program else None, language, Article.Audience.AFFILIATES, ARTICLES)
    else:
        questions, found = may, []
    context = {"questions": questions, "found": found, "text": text, "program": program}
    return _render(request, "support/portal/_suggested.html", context)


@affiliate_required()
@require_POST
def answer_ask(request: HttpRequest) -> HttpResponse:
    """The answer to `question` as a fragment, with the two buttons beneath it. `text`: what was being typed, if anything."""
    member = _member(request)
    asked = request.POST.get("question", "")
    if asked not in Question.values:
        raise Http404
    program = _program(request, member.affiliate, request.POST.get("program", ""))
    context: dict[str, Any] = {"text": request.POST.get("text", "").strip()[:20_000]}
    with translation.override(_language(member.affiliate)):
        try:
            context["given"], context["answer"] = give_answer(Question(asked), member, program)
        except NotForYou as refusal:
            context["refusal"] = refusal.message
    return _render(request, "support/portal/_answer.html", context)


@affiliate_required()
@require_POST
def answer_settle(request: HttpRequest, public_id: str) -> HttpResponse:
    """“That answers it”, or “I still want a person”: then the question goes to the program's people, and the page is told by the
    event `message-sent`."""
    given = get_object_or_404(
        AutoAnswer.objects.select_related("program"),
        pk=AutoAnswer.pk_from(public_id),
        affiliate=_member(request).affiliate,
        user=request.user.pk,
    )
    outcome = request.POST.get("outcome", "")
    if outcome not in AutoAnswer.Outcome.values:
        raise Http404
    message = settle_answer(given, outcome, text=request.POST.get("text", "")[:20_000])
    context = {"helped": outcome == AutoAnswer.Outcome.HELPED, "message": message}
    response = _render(request, "support/portal/_settled.html", context)
    if message is not None:
        response["HX-Trigger"] = "message-sent"
    return response
