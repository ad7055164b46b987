"""What the items of one set are about, read with one statement each and held by its transaction: nobody else changes it meanwhile.

What is not found here is looked for as it is for a single item.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from affiliates.models import AffiliateMember
from channels.models import Chat, Contact, ContactAddress
from core.rows import update_rows
from programs.models import Program


@dataclass
class Together:
    contacts: dict[int, Contact] = field(default_factory=dict)  # one object for each, whichever address leads to it
    # By kind, value in small letters, and the program in which they write.
    addresses: dict[tuple[str, str, int], ContactAddress] = field(default_factory=dict)
    proved: dict[str, list[AffiliateMember]] = field(default_factory=dict)  # by verified sign-in address; none is known too
    members: dict[tuple[int, int], bool] = field(default_factory=dict)  # affiliate, user: whether they still sign in for it
    chats: dict[tuple[int, int], Chat] = field(default_factory=dict)  # a bot's own: by channel, and Telegram's id
    heard: dict[int, Chat] = field(default_factory=dict)  # whose `last_in_at` is not stored yet

    def keep(self, address: ContactAddress, program: Program) -> None:
        address.contact = self.contacts.setdefault(address.contact_id, address.contact)
        self.addresses[address.kind, address.value.lower(), program.pk] = address

    def address(self, kind: str, value: str, program: Program | None) -> ContactAddress | None:
        return self.addresses.get((kind, value.lower(), program.pk)) if program is not None else None


current: ContextVar[Together | None] = ContextVar("channels_together", default=None)


@contextmanager
def looked_up_together() -> Iterator[Together]:
    """In one transaction."""
    together = Together()
    token = current.set(together)
    try:
        yield together
    finally:
        current.reset(token)
    update_rows(
        Chat._meta.db_table, {"last_in_at": "timestamptz"}, [(pk, chat.last_in_at) for pk, chat in sorted(together.heard.items())]
    )


def is_held(contact: Contact) -> bool:
    together = current.get()
    return together is not None and contact.pk in together.contacts
