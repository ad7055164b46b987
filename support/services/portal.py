"""The portal's live chat: one stream for an affiliate in a program, whose messages find their tickets by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from affiliates.access import holds
from affiliates.models import Affiliate, AffiliateMember, Function
from channels.models import Channel
from core.mail import write_mail
from programs.models import Program
from support.models import Message, StartRule, Ticket
from support.services.joining import link_tickets
from support.services.messages import NamedFile, clean_text, receive
from support.services.tickets import open_ticket, portal_channel
from support.starting import Words, rules_of, why_it_starts
from support.subjects import title_of
from support.threads import Place, may_go_on, place_among, target_of

MOST_IN_A_MAIL = 10  # messages
SEE_PAYOUTS = (Function.FINANCE, Function.LEADER)


@transaction.atomic
def write_in_portal(
    affiliate: Affiliate,
    program: Program,
    text: str,
    *,
    author: User,
    files: Sequence[NamedFile] = (),
    reply_to: Message | None = None,
) -> Message:
    """What a member of the affiliate writes: into the ticket of the message that they answer, else the open one, else a new one.

    The affiliate is held meanwhile, so that two tabs that write at once write into one ticket.
    """
    text = clean_text(text, files)
    Affiliate.objects.select_for_update(no_key=True).filter(pk=affiliate.pk).values("pk").get()
    ticket = target_of(reply_to.ticket) if reply_to else None
    if ticket is not None and ((ticket.affiliate_id, ticket.program_id) != (affiliate.pk, program.pk) or not may_go_on(ticket)):
        ticket, reply_to = None, None
    refused: Place | None = None
    channel = portal_channel(program)
    rules, said = rules_of(channel), Words(text, timezone.now())
    if ticket is not None and (
        why := why_it_starts([rule for rule in rules if rule.kind == StartRule.Kind.RESOLVED], said, ticket)
    ):
        ticket, reply_to, refused = None, None, Place(beside=ticket, why=why)
    elif ticket is None:
        joined, refused = place_among(_open_ones(affiliate, program, author), rules, said)
        ticket = joined.ticket if joined else None
    if ticket is None:
        subject = title_of(text) or (files[0].name if files else "")
        ticket = open_ticket(
            program=program,
            channel=channel,
            affiliate=affiliate,
            subject=subject,
            by=author,
            because=refused.why if refused else "",
        )
        if refused is not None and refused.beside is not None:
            link_tickets(refused.beside, ticket, by=None)
    return receive(ticket, text=text, author=author, files=files, reply_to=reply_to)


def _open_ones(affiliate: Affiliate, program: Program, author: User) -> Iterable[Ticket]:
    """The open tickets of the portal's stream that the author sees, the one last written in first."""
    rows = Ticket.objects.unresolved().filter(affiliate=affiliate, program=program, channel__kind=Channel.Kind.PORTAL)
    member = AffiliateMember.objects.filter(affiliate=affiliate, user=author, removed_at=None).first()
    if member is None or not holds(member, *SEE_PAYOUTS):
        rows = rows.filter(about_payout=None)
    return rows.order_by("-last_at", "-pk")


def mark_read(affiliate: Affiliate, program: Program) -> int:
    """A member of the affiliate has the stream before their eyes: nobody is told by mail any more."""
    unread = Message.objects.filter(notify_at__isnull=False, ticket__affiliate=affiliate, ticket__program=program)
    return unread.update(notify_at=None)


def notify_unread() -> int:
    """Tell each affiliate's people by one mail what waits for them unread in the portal; returns how many affiliates were told."""
    told = 0
    due = Message.objects.filter(notify_at__lte=timezone.now()).order_by("ticket__affiliate", "ticket__program")
    for affiliate, program in set(due.values_list("ticket__affiliate", "ticket__program")[:500]):
        with transaction.atomic():
            waiting = list(
                Message.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("author", "ticket")
                .filter(notify_at__isnull=False, ticket__affiliate=affiliate, ticket__program=program)
                .order_by("created_at", "pk")
            )
            if not waiting:
                continue
            Message.objects.filter(pk__in=[message.pk for message in waiting]).update(notify_at=None)
            if affiliate is not None:
                _write(affiliate, Program.objects.get(pk=program), waiting)
                told += 1
    return told


def _write(affiliate: int, program: Program, messages: list[Message]) -> None:
    """To each of the affiliate's people what they may read: what is about a payout goes to those who see to its money."""
    members = AffiliateMember.objects.filter(affiliate=affiliate, removed_at=None, user__is_active=True).select_related("user")
    for member in members:
        seen = [each for each in messages if each.ticket.about_payout_id is None or holds(member, *SEE_PAYOUTS)]
        if not seen:
            continue
        context = {
            "program": program,
            "messages": seen[-MOST_IN_A_MAIL:],
            "more": max(0, len(seen) - MOST_IN_A_MAIL),
            "person": member.user,
        }
        write_mail(member.user.email, "support/mails/unread", context, about=[seen[0].ticket])
