from core.errors import Refusal


class PeopleError(Refusal):
    """What is not done with the team, its roles or its keys, in words for the one who asked."""
