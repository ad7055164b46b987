"""The facts that this app publishes. A ticket's stand on its own timeline; that one was opened, also on its affiliate's.

What a message says is never told here: it stands in the ticket.
"""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact, with_money

TICKET_OPENED = "ticket.opened"  # data: subject, channel
TICKET_STATUS_CHANGED = "ticket.status_changed"  # data: status, its name; was, to: the values
TICKET_ASSIGNED = "ticket.assigned"  # data: person
TICKET_UNASSIGNED = "ticket.unassigned"
TICKET_SNOOZED = "ticket.snoozed"  # data: until, when: as one reads it
TICKET_WOKEN = "ticket.woken"  # by a person, or because the affiliate wrote
TICKET_CHANGED = "ticket.changed"  # data: fields
TICKET_MERGED = "ticket.merged"  # about both; data: subject, of the one that went into the other; messages, their rows
TICKET_SPLIT = "ticket.split"  # about both; data: subject, of the new one; messages
TICKET_TAKEN_APART = "ticket.taken_apart"  # a merge undone, about both; data: subject, from: of the ticket that it had gone into
TICKET_PUT_BACK = "ticket.put_back"  # a split undone, about both; data: subject
TICKET_WENT_WITH_SENDER = "ticket.went_with_sender"  # who was matched with the wrong affiliate; data: contact, affiliate
TICKET_LINKED = "ticket.linked"  # about both; data: kind
MESSAGE_RECEIVED = "message.received"  # about the message and the ticket
MESSAGE_SENT = "message.sent"  # a person's; data: is_answer
MESSAGE_TOLD = "message.told"  # an automatic one, to the affiliate
MESSAGE_EDITED = "message.edited"
MESSAGE_DELETED = "message.deleted"
MESSAGE_BOUNCED = "message.bounced"  # data: recipient, why
NOTE_ADDED = "note.added"
TASK_ADDED = "task.added"  # data: title, person
TASK_GIVEN = "task.given"  # to a deputy or whoever covers, and back; data: title, person
TASK_MOVED = "task.moved"  # data: title, due, when: as one reads it
TASK_FINISHED = "task.finished"  # data: title
TICKET_WARNED = "ticket.warned"  # data: clock, due, people: who was told
TICKET_BREACHED = "ticket.breached"  # the same
COMMITMENT_MADE = "commitment.made"  # about the ticket and the affiliate as well; data: text, person, due
COMMITMENT_DECLINED = "commitment.declined"  # about the message and the ticket: a time that promises nothing; data: words
COMMITMENT_GIVEN = "commitment.given"  # data: text, person
COMMITMENT_OVERDUE = "commitment.overdue"  # data: text, person
COMMITMENT_SETTLED = "commitment.settled"  # data: text, state, its name; status; person
IMPROVEMENT_RAISED = "improvement.raised"  # data: title
IMPROVEMENT_DECIDED = "improvement.decided"  # about every ticket that raised it; data: title, state
POLICY_MADE = "sla_policy.made"
POLICY_CHANGED = "sla_policy.changed"  # data: fields
POLICY_MOVED = "sla_policy.moved"  # data: other, up
START_RULE_MADE = "start_rule.made"  # data: rule, as a sentence; active
START_RULE_CHANGED = "start_rule.changed"
START_RULE_DELETED = "start_rule.deleted"  # data: rule, as a sentence; program: its row, or none

RATING_ASKED = "rating.asked"  # about the rating and the ticket
TICKET_RATED = "ticket.rated"  # data: score, its name; value, 1 to 5
TICKET_ESCALATED = "ticket.escalated"  # about the escalation and the ticket; data: level, question, number
ESCALATION_ACCEPTED = "escalation.accepted"  # data: person
ESCALATION_ANSWERED = "escalation.answered"  # data: person, number
ESCALATION_WITHDRAWN = "escalation.withdrawn"
ESCALATION_KEPT = "escalation.kept"  # about what was made of its answer as well; data: number, name
ESCALATION_NOT_ACCEPTED = "escalation.not_accepted"  # its time to be taken is over; data: level
TICKET_CAUSES_NAMED = "ticket.causes_named"  # data: causes
CAUSE_MENDED = "cause.mended"  # data: name
DIFFICULTY_PROPOSED = "difficulty.proposed"  # about the ticket; data: value
DIFFICULTY_CONFIRMED = "difficulty.confirmed"
ANSWERED_THROUGH = "ticket.answered_through"  # data: door
CALL_LOGGED = "call.logged"  # about the call, the ticket and the affiliate; data: kind, number, minutes
CLAIM_RAISED = "claim.raised"  # about the ticket and what it is about; data: subject
CLAIM_DECIDED = "claim.decided"  # about the ticket, the commission or payout, and the affiliate; data: decision, amount, currency
TERMS_ASKED = "terms.asked"  # data: wanted
TERMS_PASSED_UP = "terms.passed_up"
TERMS_GRANTED = "terms.granted"  # about the ticket, the rule and the affiliate; data: rate, until
TERMS_REFUSED = "terms.refused"
TERMS_LIMIT_SET = "terms.limit_set"  # about the program; data: percentage, flat, days
TERMS_ENDED = "terms.ended"  # the time for which they were granted is over
TICKET_DISCUSSED = "ticket.discussed"  # in a room of the team
MACRO_CHANGED = "macro.changed"  # written or changed; data: name

MANAGER_GRANTED = "manager.granted"  # about the affiliate and the person; data: person
MANAGER_DECLINED = "manager.declined"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(TICKET_OPENED, "ticket", _("Asked: %(subject)s"))
    register_fact(TICKET_STATUS_CHANGED, "progress", _("Now: %(status)s"))
    register_fact(TICKET_ASSIGNED, "user-check", _("Given to %(person)s"))
    register_fact(TICKET_UNASSIGNED, "user-minus", _("Given back to the team"))
    register_fact(TICKET_SNOOZED, "clock-pause", _("Snoozed until %(when)s"))
    register_fact(TICKET_WOKEN, "bell", _("Back in the queue"))
    register_fact(TICKET_CHANGED, "edit", _("Changed: %(fields)s"))
    register_fact(TICKET_MERGED, "arrow-merge", _("Merged: “%(subject)s” went into the other"))
    register_fact(TICKET_SPLIT, "arrows-split", _("Split off: %(subject)s"))
    register_fact(TICKET_TAKEN_APART, "arrows-split", _("Taken apart again: “%(subject)s” has its messages back from “%(from)s”"))
    register_fact(TICKET_PUT_BACK, "arrow-merge", _("Put back: “%(subject)s” had been split off"))
    register_fact(
        TICKET_WENT_WITH_SENDER, "user-off", _("%(contact)s never was %(affiliate)s, who sees no more of what they wrote")
    )
    register_fact(TICKET_LINKED, "link", _("Linked: %(kind)s"))
    register_fact(MESSAGE_RECEIVED, "message", _("The affiliate wrote"))
    register_fact(MESSAGE_SENT, "send", _("Wrote to the affiliate"))
    register_fact(MESSAGE_TOLD, "robot", _("An automatic message was sent"))
    register_fact(MESSAGE_EDITED, "edit", _("The affiliate changed a message"))
    register_fact(MESSAGE_DELETED, "trash", _("The affiliate deleted a message on their side"))
    register_fact(MESSAGE_BOUNCED, "mail-x", _("Not delivered to %(recipient)s: %(why)s"))
    register_fact(NOTE_ADDED, "note", _("Wrote a note"))
    register_fact(TASK_ADDED, "checkbox", _("To do for %(person)s: %(title)s"))
    register_fact(TASK_GIVEN, "user-check", _("%(person)s does it from now on: %(title)s"))
    register_fact(TASK_MOVED, "calendar", _("To be done by %(when)s: %(title)s"))
    register_fact(TASK_FINISHED, "circle-check", _("Done: %(title)s"))
    register_fact(TICKET_WARNED, "bell", _("Due soon: %(clock)s. Told: %(people)s"))
    register_fact(TICKET_BREACHED, "alert-triangle", _("Overdue: %(clock)s. Escalated to %(people)s"))
    register_fact(POLICY_MADE, "plus", _("Made"))
    register_fact(POLICY_CHANGED, "edit", _("Changed: %(fields)s"))
    register_fact(POLICY_MOVED, "arrows-sort", _("Changed places with “%(other)s”"))
    register_fact(START_RULE_MADE, "plus", _("Stated: %(rule)s"))
    register_fact(START_RULE_CHANGED, "edit", _("Changed to: %(rule)s"))
    register_fact(START_RULE_DELETED, "trash", _("Deleted: %(rule)s"))
    register_fact(COMMITMENT_MADE, "heart-handshake", _("Promised, for %(person)s to keep: %(text)s"))
    register_fact(COMMITMENT_DECLINED, "heart-off", _("“%(words)s” is no promise, says who wrote it"))
    register_fact(COMMITMENT_GIVEN, "user-check", _("%(person)s keeps the promise from now on: %(text)s"))
    register_fact(COMMITMENT_OVERDUE, "alert-triangle", _("The time of a promise is over: %(text)s"))
    register_fact(COMMITMENT_SETTLED, "heart-handshake", _("%(state)s: %(text)s"))
    register_fact(IMPROVEMENT_RAISED, "bulb", _("Filed as an improvement: %(title)s"))
    register_fact(IMPROVEMENT_DECIDED, "bulb", _("%(state)s, improvement: %(title)s"))
    register_fact(RATING_ASKED, "mood-smile", _("Asked how they were helped"))
    register_fact(TICKET_RATED, "mood-smile", _("Rated: %(score)s"))
    register_fact(TICKET_ESCALATED, "stairs-up", _("Question %(number)s to the %(level)s: %(question)s"))
    register_fact(ESCALATION_ACCEPTED, "hand-grab", _("%(person)s took the question"))
    register_fact(ESCALATION_ANSWERED, "stairs-down", _("%(person)s answered question %(number)s"))
    register_fact(ESCALATION_WITHDRAWN, "arrow-back-up", _("The question was withdrawn"))
    register_fact(ESCALATION_KEPT, "bookmark", _("The answer to question %(number)s is kept: %(name)s"))
    register_fact(ESCALATION_NOT_ACCEPTED, "clock-exclamation", _("Nobody took the question to the %(level)s in time"))
    register_fact(TICKET_CAUSES_NAMED, "affiliate", _("Caused by: %(causes)s"))
    register_fact(CAUSE_MENDED, "tool", _("Mended: %(name)s"))
    register_fact(DIFFICULTY_PROPOSED, "barbell", _("Difficulty proposed: %(value)s of 5"))
    register_fact(DIFFICULTY_CONFIRMED, "barbell", _("Difficulty confirmed: %(value)s of 5"))
    register_fact(ANSWERED_THROUGH, "arrows-exchange", _("Answered from now on: %(door)s"))
    register_fact(CALL_LOGGED, "phone", _("%(kind)s, %(minutes)s min"))
    register_fact(CLAIM_RAISED, "scale", _("Claimed: %(subject)s"))
    register_fact(CLAIM_DECIDED, "scale", with_money(_("Decided: %(decision)s, %(amount)s")))
    register_fact(TERMS_ASKED, "trending-up", _("Asks for better terms: %(wanted)s"))
    register_fact(TERMS_PASSED_UP, "arrow-up", _("Better terms: passed up to the head"))
    register_fact(TERMS_GRANTED, "trending-up", _("Better terms granted: %(rate)s until %(until)s"))
    register_fact(TERMS_REFUSED, "trending-up", _("Better terms refused"))
    register_fact(TERMS_ENDED, "calendar-off", _("The better terms have ended"))
    register_fact(MACRO_CHANGED, "message-2-bolt", _("Changed the macro."))
    register_fact(TICKET_DISCUSSED, "messages", _("Discussed in a room of the team"))
    register_fact(MANAGER_GRANTED, "user-heart", _("%(person)s became the personal manager"))
    register_fact(MANAGER_DECLINED, "user-off", _("Stays with the support team: no personal manager for now"))
    register_fact(TERMS_LIMIT_SET, "trending-up", _("Managers may grant up to %(percentage)s %% or %(flat)s for %(days)s days"))
