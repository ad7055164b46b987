"""What is not stated is denied."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.access import rights_of


class DenyUnlessStated(BasePermission):
    """Only what an address's operation states, and only to keys whose rights hold it in at least one program."""

    def has_permission(self, request: Request, view: Any) -> bool:
        operations = getattr(view, "operations", {})
        stated = operations.get(method_of(request))
        if stated is None:
            if not operations or request.user is None:
                return False
            raise MethodNotAllowed(request.method or "")
        return rights_of(request.user).has(stated.can)


def method_of(request: Request) -> str:
    """HEAD asks what GET asks."""
    return "GET" if request.method == "HEAD" else request.method or ""
