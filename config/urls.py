"""Every address: each app's `urls.py` offers lists by audience, and here they are put together."""

from importlib import import_module

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from core.api.views import everything_else

APPS = [
    *["core", "programs", "team", "affiliates", "channels", "knowledge", "ledger", "tracking"],
    *["commissions", "payouts", "intake", "support", "reports"],
    "accounts",  # a person's address continues "team/": the rooms of the team come before it
]


def patterns(audience: str) -> list[URLPattern | URLResolver]:
    return [pattern for app in APPS for pattern in getattr(import_module(f"{app}.urls"), audience, [])]


urlpatterns = [
    path("manage/", include((patterns("manage"), "manage"))),
    path("portal/", include((patterns("portal"), "portal"))),
    path("api/v1/", include(([*patterns("api"), everything_else], "api"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    *patterns("public"),
]
