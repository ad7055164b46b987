from __future__ import annotations

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

EVERY = 300  # seconds


class SeenMiddleware:
    """Keeps when a session was last used and from where, for the sessions' page and the team's. To five minutes: allauth's own
    middleware would write on every page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated and request.session.session_key:
            now = int(time.time())
            if now - request.session.get("seen", 0) > EVERY:
                UserSession.objects.create_from_request(request)
                request.session["seen"] = now
        return self.get_response(request)
