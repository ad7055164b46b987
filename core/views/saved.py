"""Saving, renaming and deleting one's views of a list; the lists themselves show them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import person_required
from core.models import SavedView
from core.saved_views import address_of, rename_view, save_view
from core.ui import redirect_back, refusals_as_messages


@person_required
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    asked = {name: request.POST.get(name, "") for name in ("path", "name", "query")}
    with refusals_as_messages(request):
        view = save_view(**asked, by=request.user)
        messages.success(request, _("Saved as “%(name)s”.") % {"name": view.name})
        return HttpResponseRedirect(address_of(view))
    return redirect_back(request, "home")


@person_required
@require_POST
def view_rename(request: HttpRequest, public_id: str) -> HttpResponse:
    view = _own(request, public_id)
    with refusals_as_messages(request):
        rename_view(view, request.POST.get("name", ""))
        messages.success(request, _("The view is called “%(name)s” now.") % {"name": view.name})
    return redirect_back(request, "home")


@person_required
@require_POST
def view_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    view = _own(request, public_id)
    view.delete()
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return redirect_back(request, "home")


def _own(request: HttpRequest, public_id: str) -> SavedView:
    return get_object_or_404(SavedView, owner=request.user, pk=SavedView.pk_from(public_id))
