"""The facts that this app publishes."""

from django.utils.translation import gettext_lazy as _

from core.ui import register_fact

ARTICLE_CREATED = "article.created"
ARTICLE_REVISED = "article.revised"
ARTICLE_CHANGED = "article.changed"  # whom it is for, its owner, its date of review
ARTICLE_PUBLISHED = "article.published"
ARTICLE_RETIRED = "article.retired"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(ARTICLE_CREATED, "file-plus", _("Wrote the first version."))
    register_fact(ARTICLE_REVISED, "file-pencil", _("Wrote version %(number)s."))
    register_fact(ARTICLE_CHANGED, "adjustments", _("Changed whom it is for, who owns it, or when it is looked at again."))
    register_fact(ARTICLE_PUBLISHED, "eye", _("Published version %(number)s."))
    register_fact(ARTICLE_RETIRED, "archive", _("Retired: nobody outside the team's list finds it any more."))
