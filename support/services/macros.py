"""Macros: written, filled for one affiliate, sent, and judged by how they are used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from rapidfuzz.distance import Levenshtein

from accounts.models import User
from core.access import AccessError, Can, check, rights_of
from core.errors import Refusal
from core.events import record
from knowledge.languages import known_language
from programs.models import Program
from support import events
from support.models import Message, Ticket
from support.models.macros import Macro, MacroFile, MacroUse, MacroVariant
from support.placeholders import Subject, fill, unknown_placeholders
from support.services.messages import NamedFile, reply
from support.services.tickets import change_ticket

COMPARED = 20_000  # characters of each text that are compared


class MacroError(Refusal):
    """A macro that cannot stand or be sent so."""


@dataclass(frozen=True)
class Words:
    """One variant as it is written: for whom, in which language, what."""

    text: str
    segment: str = ""
    language: str = ""


@dataclass(frozen=True)
class Filled:
    """A macro for one affiliate. `missing`: placeholders without a value, which stand in the text by their names."""

    macro: Macro
    variant: MacroVariant
    text: str
    missing: list[str]


@transaction.atomic
def create_macro(
    *,
    by: User,
    name: str,
    variants: Collection[Words],
    program: Program | None = None,
    files: Iterable[NamedFile] = (),
    is_active: bool = True,
    **actions: Any,
) -> Macro:
    """A new macro; `actions` are set_status, set_type, set_level, set_priority, add_tags."""
    macro = Macro(name=name.strip(), program=program, created_by=by, is_active=is_active, **_known(actions))
    _check_writes(by, program)
    _save(macro, variants)
    _attach(macro, files)
    record(events.MACRO_CHANGED, macro, by=by, data={"name": macro.name})
    return macro


@transaction.atomic
def update_macro(
    macro: Macro,
    *,
    by: User,
    variants: Collection[Words],
    files: Iterable[NamedFile] = (),
    without: Collection[int] = (),
    **fields: Any,
) -> Macro:
    """Change it; `variants` are all that it has from now on, `files` come to those it has, `without` (their rows) go."""
    macro = Macro.objects.select_for_update(of=("self",)).select_related("program").get(pk=macro.pk)
    _check_writes(by, macro.program)
    for name, value in _known(fields, "name", "program", "is_active").items():
        setattr(macro, name, value)
    _check_writes(by, macro.program)
    _save(macro, variants)
    macro.files.filter(pk__in=list(without)).delete()
    _attach(macro, files)
    record(events.MACRO_CHANGED, macro, by=by, data={"name": macro.name})
    return macro


def choose_variant(variants: Iterable[MacroVariant], tags: Sequence[str], language: str) -> MacroVariant | None:
    """The words for an affiliate with these tags: in their language before any other, for their segment before everybody's;
    what is for another segment never. Without their language: words that are for every language, then English, then what is there."""
    language = known_language(language) if language else ""
    order = {language: 0, "": 1, "en": 2} if language else {"": 0, "en": 1}
    held = {tag.lower() for tag in tags}
    fitting = [variant for variant in variants if not variant.segment or variant.segment in held]
    return min(fitting, key=lambda v: (order.get(v.language, 3), not v.segment, v.pk), default=None)


def fill_macro(macro: Macro, subject: Subject, *, language: str = "") -> Filled:
    """The macro for one affiliate. MacroError where it has no words for them; what is missing is listed, not refused yet."""
    affiliate = subject.affiliate
    variant = choose_variant(macro.variants.all(), affiliate.tags if affiliate else (), language or subject.language)
    if variant is None:
        raise MacroError(_("“%(macro)s” has no words for this segment.") % {"macro": macro}, code="no_variant")
    text, missing = fill(variant.text, subject)
    return Filled(macro, variant, text, missing)


def subject_of(ticket: Ticket, writer: User | None) -> Subject:
    name = ticket.contact.name if ticket.contact else ""
    return Subject(ticket.program, ticket.affiliate, name, writer, ticket.subject)


def fill_for_ticket(macro: Macro, ticket: Ticket, *, by: User) -> Filled:
    """As it would be sent in the ticket; MacroError where values are missing, with their names."""
    filled = fill_macro(macro, subject_of(ticket, by), language=ticket.language)
    if filled.missing:
        raise MacroError(
            _("There is no value for: %(names)s. Choose another macro, or write it yourself.")
            % {"names": ", ".join(filled.missing)},
            code="missing_values",
            field="macro",
        )
    return filled


@transaction.atomic
def reply_with_macro(
    ticket: Ticket,
    macro: Macro,
    *,
    by: User,
    text: str = "",
    files: Sequence[NamedFile] = (),
    is_answer: bool = True,
    reply_to: Message | None = None,
    status: str | None = None,
) -> Message:
    """Send a macro, in its own words or as the writer changed them (`text`), with its files; then do what it says with the ticket
    (`status` where it says nothing about that).

    How far it was changed is kept, so that good ones are seen.
    """
    check(by, Can.ANSWER_TICKETS, ticket.program_id)
    if not Macro.objects.visible_to(by).usable_in(ticket.program_id).filter(pk=macro.pk).exists():
        raise MacroError(_("This macro is not in use in this program."), code="not_usable", field="macro")
    own_words = fill_macro(macro, subject_of(ticket, by), language=ticket.language)
    if not text.strip():
        text = fill_for_ticket(macro, ticket, by=by).text
    elif left := [name for name in own_words.missing if f"{{{{{name}}}}}" in "".join(text.split())]:
        raise MacroError(
            _("Fill these in before you send: %(names)s.") % {"names": ", ".join(left)}, code="missing_values", field="body"
        )
    sent = [*(NamedFile(each.file, each.name) for each in macro.files.select_related("file")), *files]
    status = macro.set_status or status
    message = reply(ticket, text, by=by, files=sent, is_answer=is_answer, reply_to=reply_to, status=status)
    _act(message.ticket, macro, by)
    distance = Levenshtein.normalized_distance(own_words.text.strip()[:COMPARED], text.strip()[:COMPARED])
    MacroUse.objects.create(
        macro=macro, variant=own_words.variant, message=message, user=by, distance=distance, created_at=message.created_at
    )
    return message


def _act(ticket: Ticket, macro: Macro, by: User) -> None:
    changes: dict[str, Any] = {
        name: value
        for name, value in (("type", macro.set_type), ("priority", macro.set_priority), ("level", macro.set_level))
        if value
    }
    if macro.add_tags:
        changes["tags"] = [*ticket.tags, *macro.add_tags]
    if changes:
        change_ticket(ticket, by=by, **changes)


def _check_writes(by: User, program: Program | None) -> None:
    if program is not None:
        check(by, Can.ANSWER_TICKETS, program.pk)
    elif not rights_of(by).everywhere(Can.ANSWER_TICKETS):
        raise AccessError(
            _("A macro for every program is written by those who answer in every one. Choose your program."),
            code="forbidden",
            field="program",
        )


ACTIONS = frozenset({"set_status", "set_type", "set_level", "set_priority", "add_tags"})


def _known(fields: dict[str, Any], *also: str) -> dict[str, Any]:
    if unknown := fields.keys() - ACTIONS - set(also):
        raise TypeError(f"a macro has no {', '.join(sorted(unknown))}")
    return fields


def _save(macro: Macro, variants: Collection[Words]) -> None:
    if not variants:
        raise MacroError(_("Write at least one variant."), code="required", field="variants")
    for words in variants:
        if unknown := unknown_placeholders(words.text):
            raise MacroError(
                _("There is no such placeholder: %(names)s.") % {"names": ", ".join(unknown)}, code="unknown", field="variants"
            )
    try:
        macro.full_clean(exclude=["created_by", "program"])
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise MacroError(problems[0], code="invalid", field=None if field == "__all__" else field) from None
    macro.save()
    _write_variants(macro, variants)


def _write_variants(macro: Macro, variants: Collection[Words]) -> None:
    """Those that stay keep their row, which their uses point to."""
    placed = {(words.segment.strip().lower(), words.language): words.text.strip() for words in variants}
    if len(placed) < len(variants):
        raise MacroError(_("Two variants are for the same segment and language."), code="twice", field="variants")
    known = {(variant.segment, variant.language): variant for variant in macro.variants.all()}
    for (segment, language), text in placed.items():
        variant = known.pop((segment, language), None) or MacroVariant(macro=macro, segment=segment, language=language)
        variant.text = text
        try:
            variant.full_clean(exclude=["macro"])
        except ValidationError as error:
            raise MacroError(error.messages[0], code="invalid", field="variants") from None
        variant.save()
    for gone in known.values():
        gone.delete()


def _attach(macro: Macro, files: Iterable[NamedFile]) -> None:
    MacroFile.objects.bulk_create([MacroFile(macro=macro, file=each.file, name=each.name[:200]) for each in files])
