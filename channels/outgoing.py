"""What goes out: a row in the caller's transaction, claimed in a committed step before the provider hears of it, settled after it
answered. One sender a channel at a time, held by an advisory lock of PostgreSQL.

    queued ──► sending ──► sent | failed | unknown        a person decides about failed and unknown: it arrived, send again, give up

A sender that dies leaves its row "sending". Whoever holds the channel's lock next knows that nobody sends it any more and calls it
unknown: it may have arrived, so it is never sent again by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels.events import OUTGOING_DECIDED, OUTGOING_FAILED, OUTGOING_SENT, OUTGOING_UNKNOWN
from channels.models import Channel, Chat, Outgoing
from channels.trouble import SENDING, note_trouble, trouble_over
from core.access import Can, check
from core.alone import alone
from core.errors import Refusal
from core.events import record
from core.tasks import stopping

GIVE_UP_AFTER = 10  # attempts that the provider put off without saying until when; the last wait is about four hours
Status = Outgoing.Status


class OutgoingError(Refusal):
    """Why nothing is done about this message."""


class Refused(Exception):
    """The provider will never take this message."""


class Later(Exception):
    """Not now: after `after` seconds, where the provider says so; `everything` where it takes nothing at all until then."""

    def __init__(self, text: str, *, after: float | None = None, everything: bool = False) -> None:
        super().__init__(text)
        self.after = after
        self.everything = everything


class Lost(Exception):
    """The provider did not answer after the message was on its way: it may have taken it."""


class Away(Exception):
    """The provider cannot be reached, or does not let us in: nothing can be sent through this channel now."""


Send = Callable[[Outgoing], str]  # returns the provider's id; raises Refused, Later, Lost or Away. What else it raises is Lost.


@dataclass(frozen=True)
class Sender:
    """How one kind of channel sends. `door(channel)` stays open for a round of messages and raises Away.

    `per_second`: of the whole channel. `pause(outgoing)`: seconds until the same address may get its next one.
    """

    door: Callable[[Channel], AbstractContextManager[Send]]
    per_second: float = 0.0
    pause: Callable[[Outgoing], float] = lambda outgoing: 0.0
    longest_pause: float = 0.0


_senders: dict[str, Sender] = {}


def register_sender(kind: str, sender: Sender) -> None:
    _senders[kind] = sender


def queue(channel: Channel, to: str, payload: dict[str, Any], *, key: str, about: str = "", chat: Chat | None = None) -> Outgoing:
    """One message to one address, in the caller's transaction. The same `key` again is the same message, sent once."""
    outgoing, new = Outgoing.objects.get_or_create(
        key=key, defaults={"channel": channel, "to": to, "payload": payload, "about": about, "chat": chat}
    )
    if new:
        _send_after_commit(channel)
    return outgoing


def _send_after_commit(channel: Channel) -> None:
    from channels.tasks import send_channel
    from core.tasks import send_soon

    transaction.on_commit(lambda: send_soon(send_channel, channel.pk), robust=True)


def channels_with_work() -> list[int]:
    """Channels that have something to send now, or something that a dead sender left."""
    waiting = Outgoing.objects.filter(status=Status.QUEUED, due_at__lte=timezone.now(), channel__status=Channel.Status.ACTIVE)
    left = Outgoing.objects.filter(status=Status.SENDING)
    return sorted({*waiting.values_list("channel", flat=True), *left.values_list("channel", flat=True)})


def send_due(channel_pk: int, *, seconds: float = 10.0) -> int:
    """Send what is due in this channel, for about so long; returns how many were sent. Nothing where somebody else does."""
    until = time.monotonic() + seconds
    sent = 0
    while True:
        with alone("outgoing", channel_pk) as held:
            if not held:
                return sent
            channel = Channel.objects.get(pk=channel_pk)
            _call_unknown(channel)
            if channel.status != Channel.Status.ACTIVE or channel.kind not in _senders:
                return sent
            round = _Round(channel, _senders[channel.kind], until)
            sent += round.run()
        # The lock is free again: whoever was asked to send what was queued while it was held has gone away.
        if round.away or stopping() or time.monotonic() >= until or not _due(channel, ()).exists():
            return sent


def _call_unknown(channel: Channel) -> None:
    """With the lock held: what still stands as "sending" was begun by a sender that is no more."""
    for outgoing in Outgoing.objects.filter(channel=channel, status=Status.SENDING):
        _settle(outgoing, Status.UNKNOWN, error=_("The sender was ended while this was on its way: it may have arrived."))


class _Round:
    """Sending through one channel while its lock is held."""

    def __init__(self, channel: Channel, sender: Sender, until: float) -> None:
        self.channel, self.sender, self.until = channel, sender, until
        self.resting: dict[str, float] = {}  # address → when (monotonic) it may get its next one
        self.next_at = 0.0
        self.away = False

    def run(self) -> int:
        self._remember()
        sent = 0
        with ExitStack() as stack:
            send: Send | None = None
            while time.monotonic() < self.until and not stopping():
                self._wait(self.next_at)
                if not _due(self.channel, ()).exists():
                    break
                if send is None:
                    try:
                        send = stack.enter_context(self.sender.door(self.channel))
                    except Away as error:
                        self._go_away(error)
                        break
                outgoing = _claim(self.channel, self._at_rest())
                if outgoing is None:
                    self._wait(min(self.resting.values(), default=time.monotonic() + 0.05))
                    continue
                try:
                    sent += self._send(outgoing, send)
                except Away as error:
                    self._go_away(error)
                    break
        if sent:
            trouble_over(self.channel, SENDING)
        return sent

    def _go_away(self, error: Away) -> None:
        self.away = True
        note_trouble(self.channel, SENDING, str(error))

    def _send(self, outgoing: Outgoing, send: Send) -> int:
        now = time.monotonic()
        self.resting[outgoing.to] = now + self.sender.pause(outgoing)
        self.next_at = now + (1 / self.sender.per_second if self.sender.per_second else 0)
        try:
            provider_id = send(outgoing)
        except Refused as error:
            _settle(outgoing, Status.FAILED, error=str(error))
        except Later as error:
            _put_back(outgoing, error)
        except Away as error:
            _put_back(outgoing, Later(str(error), after=30))
            raise
        except Exception as error:  # Lost, and whatever a sender did not foresee: nobody knows whether it went
            _settle(outgoing, Status.UNKNOWN, error=f"{type(error).__name__}: {error}")
        else:
            _settle(outgoing, Status.SENT, provider_id=provider_id)
            return 1
        return 0

    def _remember(self) -> None:
        """Who got something a moment ago, from a sender before this one."""
        pause = self.sender.longest_pause
        if not pause:
            return
        recent = Outgoing.objects.filter(
            channel=self.channel,
            status__in=[Status.SENT, Status.UNKNOWN],
            settled_at__gte=timezone.now() - timedelta(seconds=pause),
        )
        for outgoing in recent:
            age = (timezone.now() - (outgoing.claimed_at or outgoing.settled_at or timezone.now())).total_seconds()
            until = time.monotonic() + self.sender.pause(outgoing) - age
            self.resting[outgoing.to] = max(self.resting.get(outgoing.to, 0), until)

    def _at_rest(self) -> list[str]:
        now = time.monotonic()
        self.resting = {to: at for to, at in self.resting.items() if at > now}
        return list(self.resting)

    def _wait(self, at: float) -> None:
        time.sleep(max(0.0, min(at, self.until) - time.monotonic()))


def _due(channel: Channel, resting: Any) -> Any:
    """What may go now: of each address the oldest first, so that nothing overtakes what was said before it."""
    earlier = Outgoing.objects.filter(
        channel=channel, to=OuterRef("to"), status=Status.QUEUED, pk__lt=OuterRef("pk"), due_at__gt=timezone.now()
    )
    due = Outgoing.objects.filter(channel=channel, status=Status.QUEUED, due_at__lte=timezone.now()).exclude(Exists(earlier))
    return due.exclude(to__in=resting) if resting else due


def _claim(channel: Channel, resting: list[str]) -> Outgoing | None:
    with transaction.atomic():
        outgoing = _due(channel, resting).select_for_update(of=("self",)).select_related("chat").order_by("pk").first()
        if outgoing is not None:
            outgoing.status, outgoing.claimed_at = Status.SENDING, timezone.now()
            outgoing.attempts += 1
            outgoing.channel = channel
            outgoing.save(update_fields=["status", "claimed_at", "attempts"])
    found: Outgoing | None = outgoing
    return found


_FACTS = {Status.SENT: OUTGOING_SENT, Status.FAILED: OUTGOING_FAILED, Status.UNKNOWN: OUTGOING_UNKNOWN}


def _settle(outgoing: Outgoing, status: str, *, provider_id: str = "", error: str = "") -> None:
    """What became of it. An answer that comes after the message was called unknown (the lock was lost with its connection) still
    counts; what a person has decided since stands."""
    error = error.replace("\x00", "")[:2000]
    with transaction.atomic():
        settled = Outgoing.objects.filter(
            pk=outgoing.pk, claimed_at=outgoing.claimed_at, status__in=[Status.SENDING, Status.UNKNOWN]
        ).update(status=status, provider_id=provider_id[:255], error=error, settled_at=timezone.now())
        if settled:
            about = [outgoing, outgoing.about] if outgoing.about else [outgoing]
            data = {
                "outgoing": outgoing.pk,
                "about": outgoing.about,
                "to": outgoing.to,
                "provider_id": provider_id,
                "error": error,
            }
            record(_FACTS[Status(status)], *about, data=data)
    outgoing.status, outgoing.provider_id, outgoing.error = status, provider_id, error


def _put_back(outgoing: Outgoing, error: Later) -> None:
    """Later again: when the provider says, else each time after a longer while, but not for ever."""
    if error.after is None and outgoing.attempts >= GIVE_UP_AFTER:
        _settle(outgoing, Status.FAILED, error=str(error))
        return
    wait = error.after if error.after is not None else 15 * 2**outgoing.attempts
    due = timezone.now() + timedelta(seconds=wait)
    ours = Outgoing.objects.filter(pk=outgoing.pk, claimed_at=outgoing.claimed_at, status=Status.SENDING)
    ours.update(status=Status.QUEUED, due_at=due, error=str(error)[:2000])
    if error.everything:
        Outgoing.objects.filter(channel=outgoing.channel_id, status=Status.QUEUED).update(due_at=Greatest("due_at", due))


# A person decides.


@transaction.atomic
def _decide(outgoing: Outgoing, becomes: str, *, of: tuple[str, ...], by: Any, decision: str) -> Outgoing:
    outgoing = Outgoing.objects.select_for_update(of=("self",)).select_related("channel").get(pk=outgoing.pk)
    check(by, Can.ANSWER_TICKETS, outgoing.channel.program_id)
    if outgoing.status not in of:
        raise OutgoingError(_("Somebody else decided this in the meantime, or it went by itself. Reload and look again."))
    outgoing.status = becomes
    if becomes == Status.QUEUED:
        outgoing.due_at, outgoing.attempts, outgoing.settled_at = timezone.now(), 0, None
    else:
        outgoing.settled_at = timezone.now()
    outgoing.save()
    about = [outgoing, outgoing.about] if outgoing.about else [outgoing]
    record(OUTGOING_DECIDED, *about, by=by, data={"decision": decision, "to": outgoing.to, "about": outgoing.about})
    return outgoing


def confirm_arrival(outgoing: Outgoing, *, by: Any) -> Outgoing:
    """A person has found out that it arrived."""
    return _decide(outgoing, Status.SENT, of=(Status.UNKNOWN,), by=by, decision="arrived")


def send_again(outgoing: Outgoing, *, by: Any) -> Outgoing:
    """A person has found out that it did not arrive, or has mended why it could not."""
    outgoing = _decide(outgoing, Status.QUEUED, of=(Status.UNKNOWN, Status.FAILED), by=by, decision="again")
    _send_after_commit(outgoing.channel)
    return outgoing


def give_up(outgoing: Outgoing, *, by: Any) -> Outgoing:
    """It is not sent, or not again."""
    return _decide(outgoing, Status.CANCELLED, of=(Status.QUEUED, Status.UNKNOWN, Status.FAILED), by=by, decision="given up")
