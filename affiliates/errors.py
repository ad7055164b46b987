from core.errors import Refusal


class AffiliateError(Refusal):
    """What is not done with an affiliate, an enrollment or its people, in words for the one who asked."""
