"""Errors as RFC 9457 problems: `application/problem+json` with what is wrong, field by field."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    ErrorDetail,
    NotAuthenticated,
    NotFound,
    Throttled,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core.access import AccessError
from core.errors import Conflict, NotVisible, Refusal

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

Error = dict[str, str | None]


class FieldError(serializers.Serializer[Any]):
    field = serializers.CharField(
        allow_null=True, read_only=True, help_text="Path of the input, such as items[0].amount; null: the request as a whole."
    )
    code = serializers.CharField(read_only=True, help_text="Stable, for machines.")
    message = serializers.CharField(read_only=True, help_text="For people.")


class Problem(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.IntegerField(read_only=True)
    detail = serializers.CharField(read_only=True)
    instance = serializers.CharField(read_only=True)
    errors = FieldError(many=True, read_only=True)  # type: ignore[assignment]


def problem_handler(exception: Exception, context: dict[str, Any]) -> Response:
    """Every exception as a problem. A bug is logged, reported as Django reports it, and answered with 500."""
    request: Request = context["request"]
    status, errors = _read(exception)
    if status == 500:
        logger.error("%s %s", request.method, request.path, exc_info=exception)
        got_request_exception.send(sender=None, request=request._request)
    response = problem_response(status, errors, request.path)
    if isinstance(exception, Throttled):
        response["Retry-After"] = str(max(1, int(getattr(exception, "wait", None) or 1)))
    if status == 503:
        response["Retry-After"] = "5"
    if scheme := getattr(exception, "auth_header", None):
        response["WWW-Authenticate"] = scheme
    return response


def problem_response(status: int, errors: list[Error], path: str) -> Response:
    return Response(problem(status, errors, path), status=status, content_type=MEDIA_TYPE)


def problem(status: int, errors: list[Error], path: str) -> dict[str, Any]:
    messages = [str(error["message"]) for error in errors]
    detail = messages[0] if len(messages) == 1 else _("%(count)d things are wrong, see “errors”.") % {"count": len(messages)}
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "errors": errors,
    }


def errors_of(exception: Exception) -> list[Error]:
    """What one refusal says, for answers that carry errors of parts (batches)."""
    return _read(exception)[1]


def status_of(exception: Exception) -> int:
    return _read(exception)[0]


def _read(exception: Exception) -> tuple[int, list[Error]]:
    if isinstance(exception, Refusal):
        return _refusal_status(exception), [_error(exception.field, exception.code, exception.message)]
    if isinstance(exception, ValidationError):
        return 400, list(_flatten(exception.detail))
    if isinstance(exception, DjangoValidationError):
        return 400, list(_flatten(serializers.as_serializer_error(exception)))
    if isinstance(exception, Http404 | NotFound):
        return 404, [_error(None, "not_found", _("There is nothing at this address."))]
    if isinstance(exception, PermissionDenied):
        return 403, [_error(None, "forbidden", _("The role of this key does not allow this."))]
    if isinstance(exception, NotAuthenticated | AuthenticationFailed):
        return 401, [_error(None, _code(exception), str(exception.detail))]
    if isinstance(exception, APIException):
        return exception.status_code, [_error(None, _code(exception), str(exception.detail))]
    if isinstance(exception, OperationalError):
        logger.warning("the database did not answer: %s", exception)
        return 503, [_error(None, "unavailable", _("The database does not answer at the moment. Try again in a few seconds."))]
    return 500, [_error(None, "bug", _("Something went wrong on our side. It is logged; nothing of this request was kept."))]


def _refusal_status(refusal: Refusal) -> int:
    for kind, status in ((Conflict, 409), (NotVisible, 404), (AccessError, 403)):
        if isinstance(refusal, kind):
            return status
    return 400


def _code(exception: APIException) -> str:
    codes = exception.get_codes()
    return codes if isinstance(codes, str) else exception.default_code


def _flatten(detail: Any, path: str = "") -> Iterator[Error]:
    """DRF's nested errors as a flat list: {"items": {0: {"amount": [...]}}} names items[0].amount."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(inner, _below(path, name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _flatten(inner, path if isinstance(inner, str) else _below(path, index))
    else:
        yield _error(path or None, getattr(detail, "code", None) or "invalid", str(detail))


def _below(path: str, name: Any) -> str:
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)


def _error(field: str | None, code: str, message: str) -> Error:
    return {"field": field, "code": code, "message": message}


def invalid(field: str, message: str, code: str = "invalid") -> ValidationError:
    """A refusal of one field of the body or the query."""
    return ValidationError({field: [ErrorDetail(message, code=code)]})
