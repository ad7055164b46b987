class Refusal(Exception):
    """What the system will not do, in words fit for the person who asked. Everything else that raises is a bug.

    `field` names the input that was refused (None: the request as a whole); `code` is stable, for machines.
    """

    def __init__(self, message: str, *, code: str = "refused", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class Conflict(Refusal):
    """The same name already stands for something else (409 over the API)."""


class NotVisible(Refusal):
    """There is no such thing for the one who asked: absent and another's look the same (404 over the API)."""
