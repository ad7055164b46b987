from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.access import public_page
from core.health import health


@public_page
@require_safe
@never_cache
def health_check(request: HttpRequest) -> JsonResponse:
    """200 where everything is alive, 503 otherwise; which part is not, and why, in a word."""
    parts = health()
    well = not any(parts.values())
    return JsonResponse(
        {"status": "ok" if well else "unavailable", "parts": {name: problem or "ok" for name, problem in parts.items()}},
        status=200 if well else 503,
    )
