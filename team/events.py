"""The facts that this app publishes."""


def register_facts() -> None:
    """How the timeline tells them."""
