"""What was written in a ticket, by whom, and what came with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchConfig, SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, F, Func, Q, When
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from channels.models import Contact, InboundItem, Outgoing, StoredFile
from core.ids import PublicId
from core.models import TimestampedModel
from core.writing import insert
from knowledge.languages import CONFIGURATIONS, language_of
from programs.models import Program
from support.models.tickets import Ticket

LONGEST_NAME = (
    400  # characters of a Message-ID by which messages are found: an index holds 2,704 bytes, and a character has up to four
)


class Direction(models.TextChoices):
    IN = "in", _("From the affiliate")
    OUT = "out", _("To the affiliate")
    NOTE = "note", _("Internal note")
    AUTO = "auto", _("Automatic")  # sent to the affiliate by the system: stops no clock


def _searched() -> Func:
    """What a message is found by: its words as they are written, with their places; the stems of its language, where it has some;
    and two marks that no text holds, "#7" for its program and "@de" for its language, so that one index answers for one program.
    A tsvector holds a megabyte: what is found is found in the first 100,000 characters. Literals alone, as the column is generated.
    """
    words = Left("body_text", 100_000)
    config = Case(
        *(When(language=code, then=SearchConfig(name)) for code, name in CONFIGURATIONS.items() if name != "simple"),
        default=SearchConfig("simple"),
        output_field=models.TextField(),
    )
    return Func(
        SearchVector(words, config="simple"),
        Func(SearchVector(words, config=config), function="strip"),
        Func(
            F("program"), F("language"), template="array_to_tsvector(ARRAY['#' || %(expressions)s])", arg_joiner="::text, '@' || "
        ),
        template="%(expressions)s",
        arg_joiner=" || ",
        output_field=SearchVectorField(),
    )


class MessageQuerySet(models.QuerySet["Message"]):
    def named(self, provider_ids: Collection[str]) -> MessageQuerySet:
        """By the provider's names. That none is empty is said besides: of more than a hundred PostgreSQL would not see it, and read every
        message instead of the index, which holds no empty ones."""
        return self.filter(provider_id__in=provider_ids).exclude(provider_id="")

    def write(self, ticket: Ticket, **fields: Any) -> Message:
        """One of this ticket: of its program, in the language that it tells by its words, else the ticket's."""
        language = language_of(fields.get("body_text", ""), ticket.language)
        return insert(self.model(ticket=ticket, program_id=ticket.program_id, language=language, **fields))


class Message(PublicId, TimestampedModel):
    """One message. What came in is kept raw in `inbound`; HTML is kept as it came and cleaned wherever it is shown."""

    prefix = "msg"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="messages")
    program = models.ForeignKey(Program, models.PROTECT, related_name="+", db_index=False)  # its ticket's, which never changes
    direction = models.CharField(max_length=4, choices=Direction)
    author = models.ForeignKey(  # of the team, or the affiliate's member who wrote in the portal
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="messages"
    )
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="messages")
    language = models.CharField(max_length=10, blank=True)  # that it is written in, as far as that is known
    body_text = models.TextField(blank=True)
    body_html = models.TextField(blank=True)  # untrusted
    quoted_text = models.TextField(blank=True)  # what of an earlier message was quoted: folded away
    is_answer = models.BooleanField(default=True)  # of `out`: a professional answer, or only a first word
    inbound = models.OneToOneField(InboundItem, models.PROTECT, null=True, blank=True, related_name="message")
    outgoing = models.ForeignKey(Outgoing, models.PROTECT, null=True, blank=True, related_name="messages")
    reply_to = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replies")
    # Mail: Message-ID without angle brackets. Telegram: "<chat's row>:<message_id>". What later ones refer to.
    provider_id = models.CharField(max_length=998, blank=True)
    # Of `in`: why no person wrote it (channels.parsed.Automatic). It starts no clock, reopens nothing and is never answered.
    automatic = models.CharField(max_length=10, blank=True)
    # Of a mail that came in: whether it is from whom it says (channels.parsed.Authenticity); "" where nobody doubts it.
    authenticity = models.CharField(max_length=10, blank=True)
    topic = models.CharField(max_length=20, blank=True, db_default="")  # of a Telegram group with topics: in which it was written
    notify_at = models.DateTimeField(null=True, blank=True)  # in the portal: told by mail then, unless it was read before
    remarks = models.TextField(blank=True)  # what its reader should know of how it came: a broken part, a file left out
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)  # by its writer, in a messenger: it stays here
    search = models.GeneratedField(expression=_searched(), output_field=SearchVectorField(), db_persist=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                # Written in a company account on a device of its own, by whoever holds it: then `inbound` is the proof.
                condition=~Q(direction__in=["out", "note"]) | Q(author__isnull=False) | Q(direction="out", inbound__isnull=False),
                name="message_of_ours_has_an_author",
            ),
            models.CheckConstraint(condition=Q(automatic="") | Q(direction="in"), name="message_automatic_came_in"),
        ]
        indexes = [
            models.Index(fields=["ticket", "created_at", "id"], name="message_ticket"),
            models.Index(fields=["provider_id"], condition=~Q(provider_id=""), name="message_provider_id"),
            models.Index(fields=["author", "created_at"], condition=Q(direction="out"), name="message_author"),
            models.Index(fields=["created_at"], name="message_created"),
            models.Index(fields=["program", "id"], name="message_program"),
            models.Index(fields=["notify_at"], condition=Q(notify_at__isnull=False), name="message_to_notify"),
            GinIndex(fields=["search"], name="message_search"),
        ]

    def __str__(self) -> str:
        return self.body_text[:80]

    @property
    def sender(self) -> str:
        """Who wrote it, by name."""
        return str(self.author or self.contact or self.ticket.party)


class MessageVersion(models.Model):
    """What a message said before its writer edited it."""

    message = models.ForeignKey(Message, models.PROTECT, related_name="versions")
    body_text = models.TextField(blank=True)
    replaced_at = models.DateTimeField()
    inbound = models.ForeignKey(InboundItem, models.PROTECT, null=True, blank=True, related_name="+")  # the edit as it came

    class Meta:
        ordering = ["replaced_at", "pk"]

    def __str__(self) -> str:
        return self.body_text[:80]


class Attachment(PublicId, TimestampedModel):
    """A file that came with a message, or went with one. Its name is the sender's, made safe; its type is told by content."""

    prefix = "att"

    message = models.ForeignKey(Message, models.PROTECT, related_name="attachments")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    content_id = models.CharField(max_length=255, blank=True)  # of a picture inside an HTML mail

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """What somebody has begun to write in a ticket: kept as they type."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    body = models.TextField()
    note = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="draft_once")]

    def __str__(self) -> str:
        return self.body[:80]
