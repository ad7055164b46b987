"""What one would write first: a Django view that looks the link up, inserts the click and redirects."""

from __future__ import annotations

import os
import uuid

from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks._naive_settings"
application = get_wsgi_application()

from tracking.models import Click, ClickOutcome, Link  # noqa: E402 — models need Django set up


def click(request: HttpRequest, code: str) -> HttpResponse:
    link = Link.objects.select_related("offer").filter(code=code).first()
    if link is None:
        raise Http404
    now = timezone.now()
    made = Click.objects.create(
        id=uuid.UUID(int=int(now.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | uuid.uuid4().int & (1 << 62) - 1),
        at=now,
        link_id=link.pk,
        affiliate_id=link.affiliate_id,
        offer_id=link.offer_id,
        program_id=link.offer.program_id,
        outcome=ClickOutcome.CREDITED,
        bot=False,
        visitor=0,
        ip=request.META["REMOTE_ADDR"],
        user_agent=request.headers.get("User-Agent", ""),
        referrer=request.headers.get("Referer", ""),
        url=link.offer.landing_url,
        subs=[request.GET.get("sub1", ""), request.GET.get("sub2", "")],
    )
    return HttpResponseRedirect(f"{link.offer.landing_url}?click_id={made.pk}")


urlpatterns = [path("r/<str:code>", click)]
