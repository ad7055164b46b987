"""The team's rooms. A reader is in the room or it is not there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.queries import people_who
from core.access import Can, manager_required
from core.ui import redirect_back, refusals_as_errors, refusals_as_messages
from support.forms_rooms import RoomForm
from support.models import Room, RoomPost, Ticket
from support.queries.rooms import people_of, posts_of, rooms_of
from support.services.rooms import add_people, close_room, create_room, leave_room, mark_room_read, post_in_room


def _room(request: HttpRequest, public_id: str) -> Room:
    return get_object_or_404(Room.objects.visible_to(request.user), pk=Room.pk_from(public_id))


@manager_required(Can.SEE)
def room_list(request: HttpRequest) -> HttpResponse:
    return render(request, "support/manager/room_list.html", {"rooms": list(rooms_of(request.user))})


@manager_required(Can.SEE)
def room_create(request: HttpRequest) -> HttpResponse:
    form = RoomForm(request.POST or None, by=request.user)
    if form.is_valid():
        with refusals_as_errors(form):
            room = create_room(by=request.user, **form.cleaned_data)
            return redirect("manage:room_detail", room.public_id)
    return render(request, "support/manager/room_create.html", {"form": form})


@manager_required(Can.SEE)
@require_safe
def room_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    room = _room(request, public_id)
    people = people_of(room)
    context = {
        "room": room,
        "posts": posts_of(room, request.user),
        "people": people,
        "others": people_who(Can.SEE).exclude(pk__in=[person.pk for person in people]),
        "own": room.created_by_id == request.user.pk,
    }
    mark_room_read(room, by=request.user)
    return render(request, "support/manager/room_detail.html", context)


@manager_required(Can.SEE)
@require_safe
def room_news(request: HttpRequest, public_id: str) -> HttpResponse:
    """What was said after the post `after`, for pages that are open; 204 where nothing was."""
    room = _room(request, public_id)
    posts = posts_of(room, request.user, after=RoomPost.pk_from(request.GET.get("after", "")) or 0)
    if not posts:
        return HttpResponse(status=204)
    mark_room_read(room, by=request.user)
    return render(request, "support/manager/_room_posts.html", {"room": room, "posts": posts})


@manager_required(Can.SEE)
@require_POST
def room_post(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say something; `ticket`: what it is about."""
    room, ticket = _room(request, public_id), None
    if named := request.POST.get("ticket"):
        ticket = get_object_or_404(Ticket.objects.visible_to(request.user), pk=Ticket.pk_from(named))
    with refusals_as_messages(request):
        post_in_room(room, request.POST.get("text", ""), by=request.user, ticket=ticket)
    return redirect_back(request, "manage:room_detail", public_id)


@manager_required(Can.SEE)
@require_POST
def room_people(request: HttpRequest, public_id: str) -> HttpResponse:
    """Bring somebody in (`add`), or take somebody or oneself out (`remove`)."""
    room = _room(request, public_id)
    with refusals_as_messages(request):
        if "add" in request.POST:
            add_people(room, [get_object_or_404(people_who(Can.SEE), pk=User.pk_from(request.POST["add"]))], by=request.user)
        elif "remove" in request.POST:
            person = get_object_or_404(User, pk=User.pk_from(request.POST["remove"]))
            leave_room(room, person, by=request.user)
            if person == request.user:
                messages.success(request, _("You have left “%(room)s”.") % {"room": room})
                return redirect("manage:room_list")
    return redirect("manage:room_detail", public_id)


@manager_required(Can.SEE)
@require_POST
def room_close(request: HttpRequest, public_id: str) -> HttpResponse:
    with refusals_as_messages(request):
        close_room(_room(request, public_id), by=request.user)
    return redirect("manage:room_detail", public_id)


def ticket_card(request: HttpRequest, ticket: Ticket) -> dict[str, Any] | None:
    """Beside a ticket: what was said about it in the reader's rooms, and a line to ask in one."""
    rooms = list(Room.objects.visible_to(request.user).filter(closed_at=None).order_by("name"))
    if not rooms:
        return None
    posts = RoomPost.objects.filter(ticket=ticket, room__in=Room.objects.visible_to(request.user))
    said = posts.select_related("author", "room").order_by("created_at")[:20] if ticket.around.posts else []  # type: ignore[attr-defined]
    return {"ticket": ticket, "rooms": rooms, "posts": said}
