"""OpenAPI 3.1 from the stated operations: every status that can come, with its shape and headers."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from django.utils.encoding import force_str
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from core.api.fields import Input
from core.api.operations import LONGEST_KEY, PHRASES, Operation
from core.api.pages import DEFAULT_LIMIT, page_serializer
from core.api.problems import MEDIA_TYPE, Problem

QUERY: Literal["query"] = "query"
HEADER: Literal["header"] = "header"


class Schema(AutoSchema):
    """What drf-spectacular asks about an operation, answered by the operation itself."""

    @property
    def stated(self) -> Operation:
        operations: dict[str, Operation] = self.view.operations  # type: ignore[attr-defined]
        return operations[self.method]

    def is_excluded(self) -> bool:
        return not getattr(self.view, "operations", None)

    def get_operation_id(self) -> str:
        return self.stated.name

    def get_summary(self) -> str:
        return _paragraphs(self.stated)[0]

    def get_description(self) -> str:  # type: ignore[override]
        return "\n\n".join(_paragraphs(self.stated)[1:])

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_filter_backends(self) -> list[Any]:
        return []

    def get_request_serializer(self) -> Any:
        return self.stated.takes

    def get_response_serializers(self) -> Any:
        stated, shape = self.stated, self._shape()
        responses: dict[Any, Any] = {
            (status, stated.media_type): OpenApiResponse(shape, description=PHRASES[status]) for status in stated.statuses
        }
        for status in self._problems():
            responses[status, MEDIA_TYPE] = OpenApiResponse(Problem, description=PHRASES[status])
        return responses

    def _shape(self) -> Any:
        stated = self.stated
        if stated.answers is None:
            return {"type": "string"}
        if stated.largest_page:
            return page_serializer(stated.answers)
        return stated.answers(many=True) if stated.many else stated.answers

    def _problems(self) -> list[int]:
        statuses = {400, 401, 403, 404, 406, 429, 503}
        if self.method in {"POST", "PATCH"}:
            statuses |= {409, 411, 413, 415}
        if self.stated.conflicts:
            statuses.add(409)
        return sorted(statuses)

    def _is_list_view(self, serializer: Any = None) -> bool:
        return isinstance(serializer, serializers.ListSerializer)

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = _answer_headers([*self.stated.statuses, 429])
        if self.stated.filters is not None:
            parameters.append(self.stated.filters)
        if self.stated.largest_page:
            parameters += _page_parameters(self.stated)
        if self.method == "POST":
            parameters += [
                OpenApiParameter(
                    "Idempotency-Key",
                    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
                    HEADER,
                    description="The same key with the same body gets the first answer again and has no second effect, for good.",
                ),
                OpenApiParameter(
                    "Idempotent-Replayed",
                    {"type": "string", "enum": ["true"]},
                    HEADER,
                    response=list(self.stated.statuses),
                    description="The answer is one that was given before.",
                ),
            ]
        return parameters

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        form = serializer if isinstance(serializer, type) else type(serializer)
        if direction == "request" and issubclass(form, Input):
            schema["additionalProperties"] = False
        if not vars(form).get("__doc__"):
            schema.pop("description", None)  # the base class's, which says nothing about this one
        return schema


def _paragraphs(stated: Operation) -> list[str]:
    text = (stated.run.__doc__ or stated.name.replace("_", " ")).strip()
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _page_parameters(stated: Operation) -> list[OpenApiParameter]:
    largest = stated.largest_page
    limits = {"type": "integer", "minimum": 1, "maximum": largest, "default": DEFAULT_LIMIT if stated.pages else largest}
    return [
        OpenApiParameter("limit", limits, QUERY, description="How many results a page has."),
        OpenApiParameter("cursor", {"type": "string"}, QUERY, description="From `next` or `previous` of another page."),
    ]


def _answer_headers(throttled: list[int]) -> list[OpenApiParameter]:
    rates = {
        "RateLimit-Limit": "Requests a minute of this key.",
        "RateLimit-Remaining": "Requests left at this moment.",
        "RateLimit-Reset": "Seconds until the whole burst is there again.",
    }
    whole, wait = {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}
    return [
        *(OpenApiParameter(name, whole, HEADER, response=throttled, description=text) for name, text in rates.items()),
        OpenApiParameter("Retry-After", wait, HEADER, response=[429, 503], required=True, description="Seconds to wait."),
        OpenApiParameter("WWW-Authenticate", {"type": "string"}, HEADER, response=[401], required=True, description="Bearer."),
    ]


@cache
def schema_document() -> dict[str, Any]:
    """The whole document; it changes with the code alone."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    plain: dict[str, Any] = _plain(document)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else force_str(value)
