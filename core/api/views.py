"""The schema, the page that shows it, and what answers where nothing is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiYamlRenderer

from core.access import public_page
from core.api.docs import sections
from core.api.problems import MEDIA_TYPE, problem
from core.api.schema import schema_document


def document() -> dict[str, Any]:
    return {**schema_document(), "servers": [{"url": settings.BASE_URL}]}


@public_page
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1 as JSON, or as YAML (`?format=yaml`)."""
    if request.GET.get("format") == "yaml":
        text = OpenApiYamlRenderer().render(document(), renderer_context={})  # type: ignore[no-untyped-call]
        return HttpResponse(text, content_type="application/yaml")
    return JsonResponse(document(), content_type="application/json")


@public_page
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The same for people."""
    whole = document()
    return render(request, "core/public/api_docs.html", {"topics": sections(whole)})


@csrf_exempt
@public_page
def nothing_here(request: HttpRequest, **path: Any) -> HttpResponse:
    """Every other address under the API's root."""
    errors: list[dict[str, str | None]] = [
        {"field": None, "code": "not_found", "message": _("There is nothing at this address.")}
    ]
    return JsonResponse(problem(404, errors, request.path), status=404, content_type=MEDIA_TYPE)


everything_else = re_path(r"^.*$", nothing_here, name="nothing_here")
