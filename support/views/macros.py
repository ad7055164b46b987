"""Macros: the list that shows the good ones, writing them with a preview as any affiliate, and the picker of the composer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Avg, Count, F, Max, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from affiliates.models import Affiliate
from channels.files import keep_file, safe_name
from core.access import Can, manager_required
from core.errors import Refusal
from core.listing import BooleanFilter, Column, Empty, Listing, NumberColumn, PercentColumn, RelatedFilter, TimeColumn
from core.models import Event
from core.ui import refusals_as_errors
from programs.models import Program
from programs.queries import several_programs, visible_programs
from support.drafts import draft_answer
from support.forms_macros import MacroForm, VariantFormSet
from support.models import Macro, MacroUse, MacroVariant, Ticket
from support.placeholders import PLACEHOLDERS, Subject, fill
from support.services import NamedFile
from support.services.macros import MacroError, Words, choose_variant, create_macro, fill_macro, subject_of, update_macro

PICKED = 12
PREVIEWED = 8  # affiliates among whom one chooses


def _measured(macros: Any) -> Any:
    """`used`, `changed` (the mean share of a text that was changed before sending) and `last_used`."""
    return macros.annotate(used=Count("uses"), changed=Avg("uses__distance"), last_used=Max("uses__created_at"))


@manager_required(Can.ANSWER_TICKETS)
def macro_list(request: HttpRequest) -> HttpResponse:
    return Listing(
        request,
        _measured(Macro.objects.visible_to(request.user)).select_related("program"),
        name="macros",
        caption=_("Macros"),
        columns=[
            Column("name", gettext_lazy("Macro"), sort=True),
            Column(
                "program",
                gettext_lazy("Program"),
                value=lambda m: m.program or _("Every program"),
                sort="program__name",
                shown=several_programs(request.user),
            ),
            NumberColumn("used", gettext_lazy("Used"), sort=F("used")),
            PercentColumn("changed", gettext_lazy("Changed before sending"), sort=F("changed")),
            TimeColumn("last_used", gettext_lazy("Last used"), sort=F("last_used")),
            Column("is_active", gettext_lazy("In use"), value=lambda m: _("Yes") if m.is_active else _("No"), sort=True),
        ],
        filters=[
            RelatedFilter("program", gettext_lazy("Program"), rows=lambda: visible_programs(request.user), param="slug"),
            BooleanFilter("is_active", gettext_lazy("In use")),
        ],
        search=["name", lambda word: Q(pk__in=MacroVariant.objects.filter(text__icontains=word).values("macro"))],
        search_hint=_("Name or words"),
        default_sort="-used",
        row_url=lambda m: reverse("manage:macro_detail", args=[m.public_id]),
        empty=Empty(
            _("No macros yet"),
            _(
                "What you write every day, once: “Your payout of {{payable}} is on its way.” Each affiliate gets it with their own data."
            ),
            reverse("manage:macro_create"),
            _("Write the first macro"),
            icon="message-2-bolt",
        ),
    ).response("support/manager/macro_list.html")


@manager_required(Can.ANSWER_TICKETS)
def macro_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """The macro as any affiliate would get it, and how it fared."""
    macro = get_object_or_404(
        _measured(Macro.objects.visible_to(request.user)).select_related("program", "created_by"), pk=Macro.pk_from(public_id)
    )
    variants = list(macro.variants.annotate(used=Count("uses"), changed=Avg("uses__distance")))
    asked = request.GET.get("as", "").strip()[:160]
    affiliate, program = _affiliate_and_program(request, macro, asked)
    context: dict[str, Any] = {
        "macro": macro,
        "variants": variants,
        "writes": Macro.objects.written_by(request.user).filter(pk=macro.pk).exists(),
        "files": list(macro.files.all()),
        "asked": asked,
        "affiliate": affiliate,
        "program": program,
        "uses": macro.uses.select_related("user", "message__ticket").order_by("-created_at")[:10],
        "events": Event.objects.about(macro),
    }
    if affiliate is not None and program is not None:
        subject = Subject(program, affiliate, writer=request.user, subject=_("What they asked"))
        chosen = choose_variant(variants, affiliate.tags, affiliate.language)
        context["chosen"] = chosen
        if chosen is not None:
            context["preview"], context["missing"] = fill(chosen.text, subject)
    elif asked:
        context["found"] = _affiliates(request).filter(Q(name__icontains=asked) | Q(email__icontains=asked))[:PREVIEWED]
    return render(request, "support/manager/macro_detail.html", context)


def _affiliates(request: HttpRequest) -> Any:
    """Whose money and links a member of the team may see in a preview: those known to them, who see money."""
    return Affiliate.objects.known_to(request.user, Can.SEE_MONEY).order_by("name")


def _affiliate_and_program(request: HttpRequest, macro: Macro, asked: str) -> tuple[Affiliate | None, Program | None]:
    """The one that is asked for by id, or the only one whom the words fit; in the macro's program, else in one of theirs."""
    if not asked:
        return None, None
    affiliates = _affiliates(request)
    found = list(affiliates.filter(pk=Affiliate.pk_from(asked) or 0)) or list(
        affiliates.filter(Q(name__icontains=asked) | Q(email__icontains=asked))[:2]
    )
    if len(found) != 1:
        return None, None
    programs = visible_programs(request.user, Can.SEE_MONEY).filter(enrollments__affiliate=found[0])
    if macro.program_id is not None:
        programs = programs.filter(pk=macro.program_id)
    program = programs.order_by("name").first()
    return (found[0], program) if program else (None, None)


@manager_required(Can.ANSWER_TICKETS)
def macro_create(request: HttpRequest) -> HttpResponse:
    initial = {"name": request.GET.get("name", "")[:120]}
    form = MacroForm(request.POST or None, request.FILES or None, by=request.user, initial=initial)
    given = [{"text": request.GET["text"][:20_000]}] if "text" in request.GET else None
    formset = VariantFormSet(request.POST or None, prefix="variants", initial=given)
    if form.is_valid() and formset.is_valid():
        with refusals_as_errors(form):
            macro = create_macro(by=request.user, variants=_words(formset), files=_files(form), **_fields(form))
            messages.success(request, _("Saved. Look at it as one of your affiliates would get it."))
            return redirect("manage:macro_detail", macro.public_id)
    return _form_page(request, form, formset, None)


@manager_required(Can.ANSWER_TICKETS)
def macro_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    written = Macro.objects.written_by(request.user)
    macro = get_object_or_404(written, pk=Macro.pk_from(public_id))
    form = MacroForm(request.POST or None, request.FILES or None, instance=written.get(pk=macro.pk), by=request.user)
    initial = [{"segment": v.segment, "language": v.language, "text": v.text} for v in macro.variants.all()]
    formset = VariantFormSet(request.POST or None, prefix="variants", initial=initial)
    if form.is_valid() and formset.is_valid():
        without = [int(pk) for pk in request.POST.getlist("without") if pk.isascii() and pk.isdigit() and len(pk) < 19]
        with refusals_as_errors(form):
            update_macro(macro, by=request.user, variants=_words(formset), files=_files(form), without=without, **_fields(form))
            messages.success(request, _("Saved."))
            return redirect("manage:macro_detail", macro.public_id)
    return _form_page(request, form, formset, macro)


def _form_page(request: HttpRequest, form: MacroForm, formset: Any, macro: Macro | None) -> HttpResponse:
    context = {
        "form": form,
        "formset": formset,
        "macro": macro,
        "files": list(macro.files.all()) if macro else [],
        "placeholders": [(name, told) for name, (told, _value) in PLACEHOLDERS.items()],
    }
    return render(request, "support/manager/macro_edit.html", context)


def _words(formset: Any) -> list[Words]:
    given = [form.cleaned_data for form in formset if form.cleaned_data.get("text", "").strip()]
    return [Words(each["text"], each.get("segment", ""), each.get("language", "")) for each in given]


def _files(form: MacroForm) -> list[NamedFile]:
    return [NamedFile(keep_file(file.read()), safe_name(file.name)) for file in form.cleaned_data["files"]]


def _fields(form: MacroForm, *without: str) -> dict[str, Any]:
    return {name: value for name, value in form.cleaned_data.items() if name not in {"files", *without}}


def _ticket(request: HttpRequest) -> Ticket:
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS).select_related(
        "program", "affiliate__manager", "contact"
    )
    return get_object_or_404(tickets, pk=Ticket.pk_from(request.GET.get("ticket", "")))


@manager_required(Can.ANSWER_TICKETS)
@require_safe
def macro_pick(request: HttpRequest) -> HttpResponse:
    """A fragment for the composer of `ticket`: macros that hold all words of `q` in name or text, the most used first, each with how far
    it is changed before it is sent. Each button's `data-macro` is the address that fills it."""
    ticket = _ticket(request)
    macros = Macro.objects.visible_to(request.user).usable_in(ticket.program_id)
    for word in request.GET.get("q", "").replace("\x00", "").split()[:8]:
        held = MacroVariant.objects.filter(text__icontains=word).values("macro")
        macros = macros.filter(Q(name__icontains=word) | Q(pk__in=held))
    uses = MacroUse.objects.filter(macro=OuterRef("pk")).order_by().values("macro")
    first = MacroVariant.objects.filter(macro=OuterRef("pk")).order_by("pk")
    macros = macros.annotate(
        used=Subquery(uses.annotate(n=Count("pk")).values("n")),
        changed=Subquery(uses.annotate(share=Avg("distance")).values("share")),
        words=Subquery(first.values("text")[:1]),
    )
    found = list(macros.order_by(F("used").desc(nulls_last=True), "name")[:PICKED])
    return render(request, "support/manager/_macro_picker.html", {"macros": found, "ticket": ticket})


@manager_required(Can.ANSWER_TICKETS)
@require_safe
def answer_draft(request: HttpRequest, public_id: str) -> HttpResponse:
    """The answer that an affiliate's data gives to their mail, as `macro_fill` gives a macro's words; 422 with `error` where it does
    not stand there."""
    tickets = Ticket.objects.visible_to(request.user, Can.ANSWER_TICKETS).select_related("program", "affiliate", "contact__user")
    ticket = get_object_or_404(tickets, pk=Ticket.pk_from(public_id))
    try:
        text = draft_answer(ticket, by=request.user)
    except Refusal as refusal:
        return JsonResponse({"error": refusal.message, "macro": ""}, status=422)
    said = _("From their data of now: read it before you send it.")
    return JsonResponse({"macro": "", "name": said, "text": text, "missing": [], "files": [], "actions": []})


@manager_required(Can.ANSWER_TICKETS)
@require_safe
def macro_fill(request: HttpRequest, public_id: str) -> HttpResponse:
    """The macro's words for the ticket: {macro, name, text, missing, files, actions}. What is `missing` stands in the text by its
    name, and holds up sending until it is filled in; 422 with `error` where the macro has no words for this affiliate."""
    ticket = _ticket(request)
    macro = get_object_or_404(Macro.objects.visible_to(request.user).usable_in(ticket.program_id), pk=Macro.pk_from(public_id))
    try:
        filled = fill_macro(macro, subject_of(ticket, request.user), language=ticket.language)
    except MacroError as refusal:
        return JsonResponse({"error": refusal.message, "macro": macro.public_id}, status=422)
    return JsonResponse(
        {
            "macro": macro.public_id,
            "name": macro.name,
            "text": filled.text,
            "missing": filled.missing,
            "files": [file.name for file in macro.files.all()],
            "actions": told_actions(macro),
        }
    )


def told_actions(macro: Macro) -> list[str]:
    """What happens with the ticket once it is sent, in words."""
    told = [
        (macro.set_status, gettext_lazy("State: %s"), macro.get_set_status_display()),
        (macro.set_type, gettext_lazy("Type: %s"), macro.get_set_type_display()),
        (macro.set_level, gettext_lazy("Level: %s"), macro.get_set_level_display()),
        (macro.set_priority, gettext_lazy("Priority: %s"), macro.get_set_priority_display()),
        (macro.add_tags, gettext_lazy("Tags: %s"), ", ".join(macro.add_tags)),
    ]
    return [str(text) % label for value, text, label in told if value]
