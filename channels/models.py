"""Accounts through which people write, what came in through them as it came, who writes, and what goes out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower, Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.access import Can, programs_of
from core.ids import PublicId
from core.models import TimestampedModel
from core.secrets import Unreadable, decrypt, encrypt
from programs.models import Program


class ChannelQuerySet(models.QuerySet["Channel"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> ChannelQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(program__in=programs)

    def in_trouble(self) -> ChannelQuerySet:
        """Open ones through which nothing can be fetched or sent."""
        return self.filter(~Q(receive_error="") | ~Q(send_error=""), status=Channel.Status.ACTIVE)


class Channel(PublicId, TimestampedModel):
    """One door: a mailbox, a Telegram bot, a phone line, or a program's portal (made with its first message)."""

    prefix = "chn"

    class Kind(models.TextChoices):
        PORTAL = "portal", _("Portal")
        EMAIL = "email", _("E-mail")
        TELEGRAM = "telegram", _("Telegram")
        PHONE = "phone", _("Phone")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")  # nothing is fetched and nothing is sent; what comes by a hook is still kept
        CLOSED = "closed", _("Closed")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name in addresses"), max_length=60, unique=True)
    program = models.ForeignKey(Program, models.PROTECT, related_name="channels", verbose_name=_("program"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    # e-mail {address}; telegram {bot_id, username, api_base_url}: what may be shown. What opens a door is in `secrets`.
    settings = models.JSONField(default=dict, blank=True)
    # e-mail {hook_secret, imap_url, smtp_url}; telegram {hook_secret, token}: encrypted (core.secrets)
    secrets = models.BinaryField(null=True)
    hook_secret_hash = models.CharField(max_length=64, blank=True)  # SHA-256: hooks know whoever calls, whatever SECRET_KEY is
    imap_uidvalidity = models.BigIntegerField(null=True, blank=True)
    imap_uid = models.BigIntegerField(default=0)  # everything up to here, in that UIDVALIDITY, is stored
    telegram_offset = models.BigIntegerField(default=0)  # the next update_id to ask for
    polled_at = models.DateTimeField(_("last looked"), null=True, blank=True)
    quiet_until = models.DateTimeField(null=True, blank=True)  # the provider has asked for it: nothing is sent before (429)
    # What is wrong, and since when (channels.trouble).
    receive_error = models.TextField(blank=True)
    receive_error_since = models.DateTimeField(null=True, blank=True)
    send_error = models.TextField(blank=True)
    send_error_since = models.DateTimeField(null=True, blank=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["program"], condition=Q(kind="portal"), name="channel_one_portal_a_program"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """As chips show it: what is wrong comes before what was chosen."""
        wrong = self.status == self.Status.ACTIVE and (self.receive_error or self.send_error)
        return "trouble" if wrong else self.status

    @property
    def trouble_since(self) -> datetime | None:
        return min((at for at in (self.receive_error_since, self.send_error_since) if at), default=None)

    @property
    def shown_address(self) -> str:
        """Where one writes or calls."""
        username = self.settings.get("username")
        return self.settings.get("address") or (f"@{username}" if username else "") or self.settings.get("number", "")

    def read_secrets(self) -> dict[str, Any]:
        """In the clear. Raises core.secrets.Unreadable."""
        return decrypt(self.secrets) if self.secrets else {}

    @property
    def hook_url(self) -> str | None:
        """Where others hand over what comes in; None for a kind that has no such address."""
        from channels.kinds import hook_of

        name = hook_of(self.kind)
        return settings.BASE_URL + reverse(name, args=[self.slug]) if name else None

    def keep_secrets(self, values: dict[str, Any]) -> None:
        """Sets the columns; the caller saves."""
        self.secrets = encrypt(values)
        self.hook_secret_hash = _hash(str(values.get("hook_secret") or ""))

    @property
    def is_locked(self) -> bool:
        """Whether what opens it cannot be read: SECRET_KEY has changed."""
        try:
            self.read_secrets()
        except Unreadable:
            return True
        return False

    def is_hook_secret(self, given: str) -> bool:
        """Raises core.secrets.Unreadable where nobody can tell."""
        known = self.hook_secret_hash or _hash(str(self.read_secrets().get("hook_secret") or ""))
        return bool(known) and constant_time_compare(_hash(given), known)


def _hash(secret: str) -> str:
    """Of a secret of 32 random bytes: it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: Any) -> ContactQuerySet:
        """Those who wrote to a program whose inbox the user sees (through any of its doors)."""
        programs = programs_of(user, Can.SEE_TICKETS)
        return self if programs is None else self.who_wrote_to(programs)

    def who_wrote_to(self, programs: Collection[int]) -> ContactQuerySet:
        """To one of these programs, by whichever door."""
        wrote = Contact.programs.through.objects.filter(contact=OuterRef("pk"), program__in=programs)
        return self.filter(Exists(wrote))


class Contact(PublicId, TimestampedModel):
    """Someone who writes: known as an affiliate's, or not (yet). Matching is a person's decision, or their own by a start link."""

    prefix = "con"

    name = models.CharField(_("name"), max_length=160, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    affiliate = models.ForeignKey(
        Affiliate, models.PROTECT, null=True, blank=True, related_name="contacts", verbose_name=_("affiliate")
    )
    user = models.ForeignKey(  # the member of the affiliate, where it is known which
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="contacts"
    )
    matched_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    matched_at = models.DateTimeField(null=True, blank=True)
    programs = models.ManyToManyField(Program, related_name="+")  # to which they have written
    note = models.TextField(_("note"), blank=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(affiliate__isnull=True) | Q(matched_at__isnull=False), name="contact_matched_at"),
        ]
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="contact_name_search")]

    def __str__(self) -> str:
        return self.name or str(_("Unknown sender"))


class ContactAddress(TimestampedModel):
    """Where someone writes from. One address is one contact's; one that is not proved may be several strangers'."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")
        TELEGRAM = "telegram", _("Telegram")  # value: the person's numeric id; label: their @handle
        PHONE = "phone", _("Phone")  # value: E.164
        UNPROVED = "unproved", _("E-mail, not proved")  # written under by a stranger (channels.authentication)

    contact = models.ForeignKey(Contact, models.PROTECT, related_name="addresses")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=320)
    label = models.CharField(max_length=160, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)  # proved to be theirs: verified sign-in address, start link

    class Meta:
        constraints = [
            models.UniqueConstraint("kind", Lower("value"), condition=~Q(kind="unproved"), name="contact_address_once")
        ]
        indexes = [
            models.Index("kind", Lower("value"), condition=Q(kind="unproved"), name="contact_address_unproved"),
            GinIndex(OpClass(Upper("value"), name="gin_trgm_ops"), name="contact_address_search"),
            GinIndex(OpClass(Upper("label"), name="gin_trgm_ops"), name="contact_label_search"),
        ]

    def __str__(self) -> str:
        return self.label or self.value


class StartLink(TimestampedModel):
    """Ties a Telegram account to an affiliate, once. Only the token's hash is kept."""

    affiliate = models.ForeignKey(Affiliate, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(contact__isnull=False), name="start_link_used_by_someone"
            )
        ]

    def __str__(self) -> str:
        return f"{self.affiliate} → {self.channel}"


class InboundItem(PublicId, models.Model):
    """One thing as it came through a door: stored before anything is made of it, and never changed but for what became of it.

    received = filed + duplicate + quarantined, and what is still being worked on. A duplicate keeps no bytes of its own.
    """

    prefix = "inb"

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        FILED = "filed", _("Filed")
        DUPLICATE = "duplicate", _("Duplicate")
        QUARANTINED = "quarantined", _("Quarantined")

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="inbound")
    provider_id = models.CharField(max_length=255)  # mail: Message-ID and body's hash; Telegram: bot and update_id
    content_hash = models.CharField(max_length=64)  # SHA-256 of the bytes
    raw = models.BinaryField(null=True)
    size = models.PositiveIntegerField()  # bytes
    received_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    reason = models.TextField(blank=True)  # why it is quarantined, in words for a person
    sender = models.CharField(max_length=320, blank=True)  # as read, for the list of what is quarantined
    subject = models.CharField(max_length=500, blank=True)
    duplicate_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="duplicates")
    filed_as = models.CharField(max_length=40, blank=True)  # "message:12", by core.events.ref
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)  # when the sweep tries what is still "received"
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    dismissed_at = models.DateTimeField(null=True, blank=True)  # quarantined, and set aside by a person: out of their list

    said: Any = None  # what its bytes say, once its parser has read them; stored nowhere

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "provider_id"], condition=~Q(status="duplicate"), name="inbound_item_once"
            ),
            models.CheckConstraint(condition=Q(status="duplicate") | Q(raw__isnull=False), name="inbound_item_keeps_its_bytes"),
            models.CheckConstraint(
                condition=~Q(status="quarantined") | ~Q(reason=""), name="inbound_item_quarantined_for_a_reason"
            ),
            models.CheckConstraint(condition=~Q(status="filed") | ~Q(filed_as=""), name="inbound_item_filed_as_something"),
            models.CheckConstraint(
                condition=Q(status="duplicate") ^ Q(duplicate_of__isnull=True), name="inbound_item_duplicate_of_one"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="received"), name="inbound_item_due"),
            models.Index(fields=["channel", "status"], name="inbound_item_channel_status"),
            models.Index(
                fields=["-received_at"],
                condition=Q(status="quarantined", dismissed_at__isnull=True),
                name="inbound_item_quarantined",
            ),
        ]

    def __str__(self) -> str:
        return self.provider_id


class BusinessConnectionQuerySet(models.QuerySet["BusinessConnection"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> BusinessConnectionQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(channel__program__in=programs)


class BusinessConnection(PublicId, TimestampedModel):
    """One of the company's own Telegram accounts, connected to a bot (Telegram Business). It belongs to the company;
    `person` is who writes under it now."""

    prefix = "biz"

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="business_connections")
    connection_id = models.CharField(max_length=128)
    provider_user_id = models.BigIntegerField()
    shown_name = models.CharField(_("shown name"), max_length=160)
    username = models.CharField(max_length=64, blank=True)
    can_reply = models.BooleanField(default=False)
    can_edit_name = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    # Whose account it is while `person` writes there in their absence.
    stands_in_for = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    objects = BusinessConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "connection_id"], name="business_connection_once"),
            models.UniqueConstraint(fields=["channel", "provider_user_id"], name="business_account_once"),
        ]

    def __str__(self) -> str:
        return self.shown_name


class ChatQuerySet(models.QuerySet["Chat"]):
    def visible_to(self, user: Any, can: Can = Can.SEE_TICKETS) -> ChatQuerySet:
        programs = programs_of(user, can)
        return self if programs is None else self.filter(channel__program__in=programs)


class Chat(PublicId, TimestampedModel):
    """One stream of messages in a messenger: a person with a bot, a group, or a person with a company account."""

    prefix = "cht"

    class Kind(models.TextChoices):
        PRIVATE = "private", _("Private chat")
        GROUP = "group", _("Group")

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="chats")
    business = models.ForeignKey(BusinessConnection, models.PROTECT, null=True, blank=True, related_name="chats")
    provider_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    title = models.CharField(max_length=200, blank=True)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="chats")
    affiliate = models.ForeignKey(  # of a group: whose group it is, as a person has said
        Affiliate, models.PROTECT, null=True, blank=True, related_name="chats"
    )
    introduced = models.ForeignKey(  # with a company account: who has been told to write there
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    last_in_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)  # why nothing can be sent now: blocked, left, right to reply lapsed

    objects = ChatQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "business", "provider_id"], nulls_distinct=False, name="chat_once"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.provider_id)


class StoredFile(PublicId, TimestampedModel):
    """Bytes under the data folder, once however often they are sent. What it is, is told by its content, not by its name."""

    prefix = "fil"

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()  # bytes
    type = models.CharField(max_length=120)  # media type, detected

    def __str__(self) -> str:
        return self.sha256


class Outgoing(PublicId, models.Model):
    """One message on its way to one address: a row first, claimed before the provider hears of it, settled after it answered.

    A claim whose outcome nobody knows becomes "unknown", for a person to decide; it is never sent again by itself.
    """

    prefix = "out"

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Unknown")
        CANCELLED = "cancelled", _("Cancelled")

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="outgoing")
    to = models.CharField(max_length=320)  # an e-mail address; a Telegram chat's id
    chat = models.ForeignKey(Chat, models.PROTECT, null=True, blank=True, related_name="outgoing")
    # e-mail {subject, text, html?, headers?, files?: [{file, name}]}; telegram {method, …the Bot API's parameters, files?}
    payload = models.JSONField()
    key = models.CharField(max_length=120, unique=True)  # what it is: sending it twice is asking for it twice, and refused
    about = models.CharField(max_length=40, blank=True)  # "message:12"
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=255, blank=True)  # Message-ID; Telegram's message_id
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["channel", "due_at"], condition=Q(status="queued"), name="outgoing_due"),
            models.Index(fields=["claimed_at"], condition=Q(status="sending"), name="outgoing_sending"),
            models.Index(fields=["created_at"], condition=Q(status__in=["failed", "unknown"]), name="outgoing_for_a_person"),
            models.Index(fields=["about"], name="outgoing_about"),
        ]

    def __str__(self) -> str:
        return self.key
