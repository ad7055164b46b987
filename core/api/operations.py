"""One function per operation, stated with what it needs and answers; one address per path, with an operation per method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, NoReturn, Protocol

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import Can
from core.api.fields import Input
from core.api.pages import CursorPagination
from core.api.parsing import content_hash, read_to_the_end, require_length
from core.api.permissions import method_of
from core.api.problems import MEDIA_TYPE, invalid
from core.errors import NotVisible

LONGEST_PATH = 500
LONGEST_KEY = 255


class Caller(Protocol):
    """Who calls, as the authentication leaves it in `request.auth`."""

    def answer_once(self, key: str, request: Request, body_hash: str, compute: Callable[[], Response]) -> Response: ...


@dataclass(frozen=True)
class Operation:
    """What one method at one address does."""

    run: Callable[..., Any]
    can: Can
    answers: type[serializers.Serializer[Any]] | None
    takes: type[Input] | None = None
    filters: type[Input] | None = None
    statuses: tuple[int, ...] = (200,)
    pages: CursorPagination | None = None
    many: bool = False  # answers a bare list
    media_type: str = "application/json"
    pages_of: int = 0  # answers a page that the function makes itself, of at most so many
    conflicts: bool = False  # whether a GET may be refused because of what the thing is now (POST and PATCH always may)

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def largest_page(self) -> int:
        """How many results a page may have; 0: there are no pages."""
        return self.pages.largest if self.pages else self.pages_of


def operation(
    can: Can,
    answers: type[serializers.Serializer[Any]] | None = None,
    *,
    takes: type[Input] | None = None,
    filters: type[Input] | None = None,
    status: int | tuple[int, ...] = 200,
    newest_by: str = "",
    many: bool = False,
    media_type: str = "application/json",
    pages_of: int = 0,
    conflicts: bool = False,
) -> Callable[[Callable[..., Any]], Operation]:
    """State an operation. The function gets (request, **path) and, where stated, `data` or `filters`, read and checked.

    It returns what `answers` shows (with several statuses: the thing and its status), for a list with `newest_by` a queryset,
    or a whole response. That the caller may do this in the program concerned is the function's to check: `can` opens the door.
    """
    statuses = status if isinstance(status, tuple) else (status,)
    pages = CursorPagination(newest_by) if newest_by else None

    def state(run: Callable[..., Any]) -> Operation:
        return Operation(run, can, answers, takes, filters, statuses, pages, many, media_type, pages_of, conflicts)

    return state


class ProblemRenderer(JSONRenderer):
    """So that `Accept: application/problem+json` alone is no reason to refuse."""

    media_type = MEDIA_TYPE


class AddressView(APIView):
    """One path of the API. Its operations say everything; this carries them out."""

    operations: ClassVar[dict[str, Operation]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As DRF, but throttled before rights are looked up: refusals count as well."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version = request.versioning_scheme = None
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)
        if request.method not in {"GET", "HEAD"}:
            require_length(request)
        if len(request.path) > LONGEST_PATH or "\x00" in request.path:
            raise NotVisible(_("There is nothing at this address."), code="not_found")

    def get_renderers(self) -> list[BaseRenderer]:
        renderers: list[BaseRenderer] = [JSONRenderer(), ProblemRenderer()]
        for stated in self.operations.values():
            if stated.media_type != JSONRenderer.media_type:
                renderers.insert(0, _renderer(stated.media_type))
        return renderers

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        super().permission_denied(request, message or _("The role of this key does not allow this."), code or "forbidden")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "throttle_headers", {}).items():
            response[name] = value
        response["Cache-Control"] = "no-store"
        read_to_the_end(request._request)
        return response

    def handle(self, request: Request, **path: Any) -> HttpResponseBase:
        stated = self.operations[method_of(request)]
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            return self.answer(stated, request, path)
        if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            raise invalid(
                "Idempotency-Key", _("Give up to %(longest)d printable ASCII characters.") % {"longest": LONGEST_KEY}, "key"
            )
        caller: Caller = request.auth  # type: ignore[assignment]
        return caller.answer_once(key, request, content_hash(request.data), lambda: self.answer(stated, request, path))

    def answer(self, stated: Operation, request: Request, path: dict[str, Any]) -> Response:
        given = dict(path)
        if request.method in {"POST", "PATCH"}:
            data = self._read(stated.takes or Input, request, request.data, partial=request.method == "PATCH")
            if stated.takes is not None:
                given["data"] = data
        else:
            filters = self._read_query(stated, request)
            if stated.filters is not None:
                given["filters"] = filters
        result = stated.run(request, **given)
        if isinstance(result, HttpResponseBase):
            return result  # type: ignore[return-value]  # a whole answer, such as a file
        if stated.pages is not None:
            return self._page(stated, request, result)
        status = stated.statuses[0]
        if len(stated.statuses) > 1:
            result, status = result
        return Response(self._shown(stated, request, result, many=stated.many), status=status)

    def _read(self, form: type[Input], request: Request, data: Any, *, partial: bool) -> dict[str, Any]:
        reader = form(data=data, partial=partial, context={"request": request})
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def _read_query(self, stated: Operation, request: Request) -> dict[str, Any]:
        query = {name: value for name, value in request.query_params.items() if value != ""}
        for name, value in query.items():
            if "\x00" in value:
                raise invalid(name, _("This holds a NUL character."))
        if stated.largest_page:
            query = {name: value for name, value in query.items() if name not in {"limit", "cursor"}}
        return self._read(stated.filters or Input, request, query, partial=False)

    def _page(self, stated: Operation, request: Request, rows: Any) -> Response:
        assert stated.pages is not None
        page = stated.pages.page(rows, request)
        results = self._shown(stated, request, page.rows, many=True)
        return Response({"next": page.next, "previous": page.previous, "results": results})

    def _shown(self, stated: Operation, request: Request, result: Any, *, many: bool) -> Any:
        if stated.answers is None:
            return result
        return stated.answers(result, many=many, context={"request": request}).data


def address(**operations: Operation) -> Callable[..., HttpResponseBase]:
    """The view of one path: `path("programs", address(get=program_list, post=program_create))`."""
    stated = {method.upper(): operation for method, operation in operations.items()}
    members: dict[str, Any] = dict.fromkeys(operations, AddressView.handle)
    # OPTIONS would describe the view to whoever asks: the schema does that. HEAD asks for no file, as to hand one out is a fact.
    head = ["head"] if "get" in operations and operations["get"].answers else []
    members |= {"operations": stated, "http_method_names": [*operations, *head]}
    first = next(iter(operations.values()))
    members["__module__"] = first.run.__module__
    name = "".join(part.title() for part in first.name.split("_"))
    view: Any = type(name, (AddressView,), members).as_view()  # type: ignore[attr-defined]
    view.guard = ("api", {method: operation.can for method, operation in stated.items()})
    return view  # type: ignore[no-any-return]


def _renderer(media: str) -> BaseRenderer:
    """For whole responses of another type: it only takes part in the negotiation. Problems are JSON all the same."""

    class Renderer(JSONRenderer):
        media_type = media
        format = media

    return Renderer()


PHRASES = {status.value: status.phrase for status in HTTPStatus}
