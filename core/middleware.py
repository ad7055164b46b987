"""Each request in its reader's time zone and language, and each answer with a policy of what its page may load."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from core.languages import page_language

Handler = Callable[[HttpRequest], HttpResponseBase]


class ReaderMiddleware:
    """Activates the signed-in reader's time zone and language for the request. Requests without a session cost nothing."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        language = page_language(getattr(request.user, "language", ""))
        with timezone.override(zone_of(request.user)), translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
            return response


def zone_of(user: Any) -> ZoneInfo:
    """The reader's zone; UTC where this machine does not know it (zones are renamed)."""
    try:
        return ZoneInfo(getattr(user, "time_zone", "") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


POLICY: dict[str, list[str]] = {
    "default-src": ["'self'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],  # QR codes and the icons inside Tabler's stylesheet
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
# The admin's interface evaluates expressions in its markup (Alpine.js) and styles it inline.
ADMIN = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}


def csp(**overrides: list[str]) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Let one view's page load more: @csp(script_src=["'self'", "'unsafe-eval'"])."""
    changes = {name.replace("_", "-"): sources for name, sources in overrides.items()}

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            response._csp = changes  # type: ignore[attr-defined]
            return response

        return wrapped

    return decorate


class ContentSecurityPolicyMiddleware:
    """Content-Security-Policy on every answer: our own files alone, no inline script or style, framed by nobody."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        changes = getattr(response, "_csp", None) or (ADMIN if match is not None and "admin" in match.app_names else {})
        policy = {**POLICY, **changes}
        response.headers.setdefault(
            "Content-Security-Policy", "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
        )
        return response
