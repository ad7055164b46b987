"""Rooms of the team: who is in them, and what is said. Whoever is not in one neither reads nor writes there."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, is_team, rights_of
from core.errors import NotVisible, Refusal
from core.events import record
from support import events
from support.mentions import mentioned
from support.models import Room, RoomMember, RoomPost, Ticket

LONGEST = 10_000  # characters


class RoomError(Refusal):
    """What is not done in a room."""


@transaction.atomic
def create_room(*, by: User, name: str, about: str = "", people: Iterable[User] = ()) -> Room:
    """A room with its maker and these of the team in it."""
    if not is_team(by):
        raise RoomError(_("Rooms are the team’s."), code="not_team")
    name = " ".join(name.split())[:80]
    if not name:
        raise RoomError(_("Give the room a name."), code="required", field="name")
    if Room.objects.filter(name__iexact=name).exists():
        raise RoomError(_("There is a room of this name. Choose another one."), code="taken", field="name")
    room = Room.objects.create(name=name, about=about.strip()[:300], created_by=by)
    RoomMember.objects.create(room=room, user=by, added_by=by)
    add_people(room, [person for person in people if person != by], by=by)
    return room


@transaction.atomic
def add_people(room: Room, people: Iterable[User], *, by: User) -> int:
    """Bring colleagues in; returns how many were not in it. Only members of the team, whatever they do in it: never an affiliate."""
    _check_inside(room, by)
    added = 0
    for person in people:
        if not is_team(person) or person.is_service:
            raise RoomError(_("%(person)s does not belong to the team.") % {"person": person}, code="not_team", field="people")
        _member, created = RoomMember.objects.get_or_create(
            room=room, user=person, left_at=None, defaults={"added_by": by, "read_at": timezone.now()}
        )
        added += created
    return added


@transaction.atomic
def leave_room(room: Room, person: User, *, by: User) -> None:
    """Oneself; somebody else only by whoever made the room."""
    _check_inside(room, by)
    if person != by and room.created_by_id != by.pk:
        raise RoomError(_("Only who made the room takes others out of it."), code="forbidden")
    RoomMember.objects.filter(room=room, user=person, left_at=None).update(left_at=timezone.now())


@transaction.atomic
def post_in_room(room: Room, text: str, *, by: User, ticket: Ticket | None = None) -> RoomPost:
    """Say something, about a ticket or not. Names after an @ are of those in the room. Who brings a ticket must see it themselves;
    the others see of it what their own rights give."""
    _check_inside(room, by)
    room = Room.objects.select_for_update().get(pk=room.pk)
    if room.closed_at is not None:
        raise RoomError(_("This room is closed."), code="closed")
    text = text.replace("\x00", "").strip()
    if not text:
        raise RoomError(_("Write something."), code="required", field="text")
    if len(text) > LONGEST:
        raise RoomError(_("Write at most %(most)d characters.") % {"most": LONGEST}, code="max_length", field="text")
    if ticket is not None and not rights_of(by).has(Can.SEE_TICKETS, ticket.program_id):
        raise NotVisible(_("There is no such ticket."), code="unknown", field="ticket")
    now = timezone.now()
    post = RoomPost.objects.create(room=room, author=by, text=text, ticket=ticket, created_at=now)
    inside = User.objects.filter(pk__in=room.members.filter(left_at=None).values("user")).exclude(pk=by.pk)
    post.mentioned.set(mentioned(text, list(inside)) if "@" in text else [])
    room.last_at = now
    room.save(update_fields=["last_at"])
    if ticket is not None:
        record(events.TICKET_DISCUSSED, ticket, by=by)
    mark_room_read(room, by=by)
    return post


def mark_room_read(room: Room, *, by: User) -> None:
    RoomMember.objects.filter(room=room, user=by, left_at=None).update(read_at=timezone.now())


@transaction.atomic
def close_room(room: Room, *, by: User) -> Room:
    """What was said stays readable for those in it."""
    _check_inside(room, by)
    if room.created_by_id != by.pk:
        raise RoomError(_("Only who made the room closes it."), code="forbidden")
    room.closed_at = room.closed_at or timezone.now()
    room.save(update_fields=["closed_at"])
    return room


def _check_inside(room: Room, by: User) -> None:
    if not Room.objects.visible_to(by).filter(pk=room.pk).exists():
        raise NotVisible(_("There is no such room."), code="unknown")
