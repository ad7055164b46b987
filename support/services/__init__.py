"""One door: tickets, what is written in them, and what belongs together."""

from support.services.joining import link_tickets, merge_tickets, split_ticket, undo_move
from support.services.messages import (
    NamedFile,
    add_note,
    edit_message,
    mark_deleted,
    may_be_told_automatically,
    receive,
    receive_own,
    reply,
    tell_automatically,
)
from support.services.portal import mark_read, notify_unread, write_in_portal
from support.services.requests import record_request
from support.services.tags import tag_ticket
from support.services.tasks import add_task, finish_task, move_task
from support.services.tickets import (
    assign,
    change_status,
    change_ticket,
    lock_ticket,
    open_ticket,
    portal_channel,
    snooze,
    wake_due,
)

__all__ = [
    "NamedFile",
    "add_note",
    "add_task",
    "assign",
    "change_status",
    "change_ticket",
    "edit_message",
    "finish_task",
    "link_tickets",
    "lock_ticket",
    "mark_deleted",
    "mark_read",
    "may_be_told_automatically",
    "merge_tickets",
    "move_task",
    "notify_unread",
    "open_ticket",
    "portal_channel",
    "receive",
    "receive_own",
    "record_request",
    "reply",
    "snooze",
    "split_ticket",
    "tag_ticket",
    "tell_automatically",
    "undo_move",
    "wake_due",
    "write_in_portal",
]
