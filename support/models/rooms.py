"""Rooms: where the team talks among itself. Nothing here hangs on an affiliate, and no page of theirs reads it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access import is_team
from core.ids import PublicId
from core.models import TimestampedModel
from support.models.tickets import Ticket


class RoomQuerySet(models.QuerySet["Room"]):
    def visible_to(self, user: Any) -> RoomQuerySet:
        """Those of which the user is a member, while they belong to the team. Nobody else, whatever their role."""
        if not is_team(user):
            return self.none()
        return self.filter(models.Exists(RoomMember.objects.filter(room=models.OuterRef("pk"), user=user, left_at__isnull=True)))


class Room(PublicId, TimestampedModel):
    """A place to talk for some of the team: a program's people, the in-house media buyers, the night shift."""

    prefix = "rom"

    name = models.CharField(_("name"), max_length=80, unique=True)
    about = models.CharField(_("what it is for"), max_length=300, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(default=timezone.now)  # the last post

    objects = RoomQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="room_has_a_name")]

    def __str__(self) -> str:
        return self.name


class RoomMember(TimestampedModel):
    """Somebody of the team in a room, and up to where they have read."""

    room = models.ForeignKey(Room, models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    left_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "user"], condition=Q(left_at__isnull=True), name="room_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.room})"


class RoomPost(PublicId, models.Model):
    """What somebody said in a room, about a ticket or not, and whom they named."""

    prefix = "pst"

    room = models.ForeignKey(Room, models.PROTECT, related_name="posts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField(_("text"), max_length=10_000)
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="room_posts")
    mentioned = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="room_post_says_something")]
        indexes = [
            models.Index(fields=["room", "-created_at"], name="room_post_room"),
            models.Index(fields=["ticket", "created_at"], condition=Q(ticket__isnull=False), name="room_post_ticket"),
        ]

    def __str__(self) -> str:
        return self.text[:80]
