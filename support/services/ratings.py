"""CSAT: asked once a request is resolved, given by one click, changed and explained while it is open."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import AffiliateMember
from channels.models import Contact, ContactAddress
from core.events import record
from core.mail import write_mail
from support import events
from support.errors import NotNow, TicketError
from support.languages import written_language
from support.models import Rating, Ticket, TicketStatus
from support.models.messages import Direction
from support.services.following import follow
from support.services.tickets import lock_ticket, set_status

SALT = "support.rating"
LONGEST_REASON = 2000


@transaction.atomic
def ask_rating(ticket: Ticket) -> Rating | None:
    """Ask whoever was helped. None where nobody of ours wrote, where it went into another one, or where they are asked already."""
    ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related("affiliate", "channel").get(pk=ticket.pk)
    if ticket.status != TicketStatus.RESOLVED or ticket.merged_into_id is not None:
        return None
    if not ticket.messages.filter(direction=Direction.OUT).exists():
        return None
    if Rating.objects.filter(ticket=ticket, rated_at__isnull=True).exists():
        return None
    rating = Rating.objects.create(ticket=ticket, program_id=ticket.program_id, channel=ticket.channel, person=ticket.assignee)
    record(events.RATING_ASKED, rating, ticket)
    return rating


def rating_token(rating: Rating, score: int | None = None) -> str:
    """What the link in a mail says: which rating, and, where one of the five was clicked, which score."""
    return signing.dumps([rating.pk, score], salt=SALT, compress=False)


def rating_of(token: str) -> tuple[Rating, int | None]:
    """Raises TicketError where the link is not ours."""
    try:
        pk, score = signing.loads(token, salt=SALT)
        return Rating.objects.select_related("ticket__program", "person").get(pk=pk), score
    except (signing.BadSignature, Rating.DoesNotExist, TypeError, ValueError):
        raise TicketError(_("This link is not complete. Open it from the mail once more."), code="invalid") from None


def check_still_theirs(rating: Rating) -> None:
    """NotNow where whoever was asked belongs no more to whose request it was: they left the account, or their address did."""
    ticket = rating.ticket
    contacts = Contact.objects.filter(affiliate=ticket.affiliate_id)
    if ticket.chat is not None:
        contacts = contacts.filter(chats=ticket.chat)
    elif rating.sent_to:
        contacts = contacts.filter(addresses__kind=ContactAddress.Kind.EMAIL, addresses__value__iexact=rating.sent_to)
    else:
        return  # asked in the portal alone, to which they sign in
    members = AffiliateMember.objects.filter(affiliate=ticket.affiliate_id, removed_at=None, user__is_active=True)
    writes = contacts.filter(Q(user=None) | Q(user__in=members.values("user"))).exists()
    signs_in = bool(rating.sent_to) and members.filter(user__email__iexact=rating.sent_to).exists()
    if not (writes or signs_in):
        raise NotNow(
            _(
                "This request does not belong to you any more, so there is nothing to rate here. If you need something, write to us."
            ),
            code="left",
        )


def rating_link(rating: Rating, score: int | None = None) -> str:
    return f"{settings.BASE_URL}{reverse('rating_page', args=[rating_token(rating, score)])}"


@transaction.atomic
def give_rating(rating: Rating, score: int | None, *, via: str, reason: str | None = None, by: Any = None) -> Rating:
    """The score, or only its reason. The same again changes nothing; another one replaces it while the asking is open."""
    rating = Rating.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=rating.pk)
    check_still_theirs(rating)
    if timezone.now() >= rating.closes_at:
        raise NotNow(_("Two weeks have passed: this can no longer be rated. Write to us, we read everything."), code="closed")
    if score is not None and score not in Rating.Score.values:
        raise TicketError(_("Choose one of the five."), code="invalid_choice", field="score")
    if reason is not None:
        rating.reason = reason.replace("\x00", "").strip()[:LONGEST_REASON]
    if score is not None and score != rating.score:
        rating.score, rating.rated_at, rating.via = score, timezone.now(), via
        data = {"score": str(Rating.Score(score).label), "value": score}
        record(events.TICKET_RATED, rating, rating.ticket, rating.ticket.affiliate, by=by, data=data, reason=rating.reason)
    if rating.score is None:
        raise TicketError(_("Choose one of the five."), code="required", field="score")
    rating.save()
    return rating


@transaction.atomic
def reopen_from_rating(rating: Rating, *, by: Any = None) -> Ticket:
    """ "This is not solved": it is our turn again, once however often it is clicked."""
    rating = Rating.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=rating.pk)
    check_still_theirs(rating)
    if timezone.now() >= rating.closes_at:
        raise NotNow(_("Two weeks have passed. Write to us, and it goes on."), code="closed")
    ticket = lock_ticket(rating.ticket)
    if rating.reopened_at is None:
        rating.reopened_at = timezone.now()
        rating.save(update_fields=["reopened_at"])
        if ticket.status == TicketStatus.RESOLVED:
            set_status(ticket, TicketStatus.OPEN, by=None, reason=_("The affiliate says that it is not solved."))
            ticket.save()
            follow(ticket)
    return ticket


def mail_rating(rating: Rating, to: str) -> None:
    """The five links, and one for what is not solved."""
    rating.sent_to = to
    rating.save(update_fields=["sent_to"])
    links = [(score.label, rating_link(rating, score)) for score in reversed(Rating.Score)]
    context = {"rating": rating, "ticket": rating.ticket, "links": links}
    # About nothing, so that those who are rated do not find the links among the mails.
    write_mail(to, "support/mails/rating", context, language=written_language(rating.ticket))
