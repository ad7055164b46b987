from core.errors import Conflict, Refusal


class TicketError(Refusal):
    """What is not done with a ticket, in words for the one who asked."""


class NotNow(TicketError, Conflict):
    """Nothing is wrong with what was asked, but what the ticket is now stands against it (409 over the API)."""
