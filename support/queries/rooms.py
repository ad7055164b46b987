"""Rooms as pages read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from support.models import Room, RoomMember, RoomPost, Ticket

SHOWN = 100  # posts


def rooms_of(user: Any) -> QuerySet[Room]:
    """The user's rooms, the last spoken in first: `unread`, `called` (unread ones that name the user), `people`."""
    own = Q(members__user=user, members__left_at=None)
    later = Q(posts__created_at__gt=F("members__read_at")) & ~Q(posts__author=user)
    rooms = Room.objects.visible_to(user).filter(own)
    return rooms.annotate(
        unread=Count("posts", filter=later, distinct=True),
        called=Count("posts", filter=later & Q(posts__mentioned=user), distinct=True),
    ).order_by(F("closed_at").desc(nulls_first=True), "-last_at")


def posts_of(room: Room, user: Any, *, after: int = 0) -> Sequence[RoomPost]:
    """The newest ones in their order; `sees_ticket`: whether the reader may open the ticket that a post is about."""
    tickets = Ticket.objects.visible_to(user).filter(pk=OuterRef("ticket"))
    posts = (
        RoomPost.objects.filter(room=room, pk__gt=after).select_related("author", "ticket").annotate(sees_ticket=Exists(tickets))
    )
    return list(posts.order_by("-created_at", "-pk")[:SHOWN])[::-1]


def people_of(room: Room) -> list[User]:
    inside = RoomMember.objects.filter(room=room, left_at=None).values("user")
    return list(User.objects.filter(pk__in=inside).order_by("name", "email"))
