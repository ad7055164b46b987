from core.errors import Conflict, Refusal


class CommissionError(Refusal):
    """A rule or a decision that cannot stand so."""


class NotNow(CommissionError, Conflict):
    """Nothing is wrong with what was asked, but what was decided before stands against it (409 over the API)."""
