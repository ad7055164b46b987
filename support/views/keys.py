"""The inbox by the keyboard: what stands under "?". The keys themselves are the `data-key` of what they press."""

from django.utils.translation import gettext_lazy as _

SHORTCUTS = [
    (_("The queue"), [
        ("j k", _("Next ticket, ticket before")),
        ("Enter o", _("Open it")),
        ("x", _("Select it")),
        ("/", _("Search")),
        ("u", _("Back to the queue")),
    ]),
    (_("The ticket"), [
        ("r", _("Reply")),
        ("f", _("First word")),
        ("n", _("Internal note")),
        ("m", _("Macro")),
        ("Ctrl+Enter", _("Send")),
        ("a", _("Give it to somebody")),
        ("i", _("Take it")),
        ("s", _("Snooze")),
        ("e", _("Resolve")),
        ("t", _("Make a task")),
        ("c", _("About the affiliate")),
    ]),
    (_("Anywhere"), [
        ("g i", _("Inbox")),
        ("g m", _("Mentions and reminders")),
        ("g h", _("Home")),
        ("g a", _("Affiliates")),
        ("Ctrl+K", _("Search everything")),
        ("Esc", _("Close what is open; leave the box")),
        ("?", _("This help")),
    ]),
]  # fmt: skip
