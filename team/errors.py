from core.errors import Refusal


class TeamError(Refusal):
    """A shift, an absence or a swap that cannot be so."""
