"""What every page of Django's admin is made of here: reading. Facts, money and settings change through the services alone, which
check, record and tell; the few notes that an admin edits in place go through a service as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pghistory.models
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList

from core.components import number_text
from core.events import retry_deliveries
from core.models import Event, EventDelivery, Mail
from core.ui import moment

COUNTED = 50_000  # rows that a list counts; more are there, and found by search and filters


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # Django's own is not subscriptable
    object_list: QuerySet[Any]  # the admin's lists are nothing else

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:COUNTED].count()


class AtLeast(int):
    """A count that stopped at COUNTED: there are that many, and more."""

    def __str__(self) -> str:
        return f"{int(self)}+"


class BoundedChangeList(ChangeList):
    """Says "50000+" where it stopped counting, and offers "Show all" only where something is left out."""

    result_count: int

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.result_count >= COUNTED:
            self.result_count = AtLeast(self.result_count)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class ReadOnly:
    """Nothing is added, changed or deleted here; `hidden` fields are not even shown."""

    hidden: ClassVar[tuple[str, ...]] = ()
    model: type[Model]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields if field.name not in self.hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)


class ReadOnlyInline(ReadOnly, TabularInline):
    extra = 0
    show_change_link = True


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    actions: Any = None
    object_history_template = "core/admin/history.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The facts of the object's timeline, and, for settings-like tables, what changed from which value to which."""
        thing = get_object_or_404(self.get_queryset(request), pk=object_id)
        tracked = any(event.pgh_tracked_model is self.model for event in _event_models())
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %s") % thing,
            "opts": self.opts,
            "object": thing,
            "moments": [moment(event) for event in Event.objects.about(thing).select_related("by")[:200]],
            "versions": _versions(thing) if tracked else None,
        }
        return TemplateResponse(request, self.object_history_template, context)


def _versions(thing: Any) -> Any:
    return pghistory.models.Events.objects.tracks(thing).order_by("-pgh_created_at")[:200]  # type: ignore[no-untyped-call]


def _event_models() -> list[Any]:
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, pghistory.models.Event)]


class EditableNotes(ReadOnlyAdmin):
    """All but `notes` is read; these are saved by the app's own service, so that the change is checked and recorded."""

    notes: ClassVar[tuple[str, ...]]
    update: ClassVar[Callable[..., Any]]  # the service: (row, *, by, **fields)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        from core.access import is_admin

        return is_admin(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name not in self.notes]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        type(self).update(
            obj, by=request.user, **{name: form.cleaned_data[name] for name in self.notes if name in form.changed_data}
        )


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["at", "name", "by", "about", "reason"]
    list_filter = ["name"]
    list_select_related = ["by"]
    date_hierarchy = "at"
    search_fields = ["name"]
    search_help_text = _("A fact's name, or an object as timelines name it, such as affiliate:4")
    ordering = ["-at", "-pk"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        if ":" in search_term:
            return queryset.filter(about__contains=[search_term.strip()]), False
        found: tuple[QuerySet[Event], bool] = super().get_search_results(request, queryset, search_term)
        return found


class StuckFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stuck", _("Stuck")), ("due", _("On its way")), ("delivered", _("Delivered"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> QuerySet[EventDelivery] | None:
        if self.value() == "delivered":
            return queryset.filter(delivered_at__isnull=False)
        if self.value() in ("stuck", "due"):
            waiting = queryset.filter(delivered_at__isnull=True)
            return waiting.filter(attempts__gte=3) if self.value() == "stuck" else waiting.filter(attempts__lt=3)
        return queryset


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnlyAdmin):
    list_display = ["event", "receiver", "attempts", "due_at", "delivered_at"]
    list_filter = [StuckFilter, "receiver"]
    list_select_related = ["event"]
    search_fields = ["event__name", "receiver", "error"]
    ordering = ["-pk"]
    actions = ["try_again"]

    @admin.action(description=_("Try again now"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> None:
        asked = retry_deliveries(queryset)
        told = ngettext("%(count)s delivery is tried again.", "%(count)s deliveries are tried again.", asked)
        messages.success(request, told % {"count": number_text(asked)})


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    hidden = ("body", "html")  # they sign people in; /manage/mails/ shows the text, as mails are kept there on purpose
    list_display = ["created_at", "to", "subject", "status", "sent_at", "attempts"]
    list_filter = ["status"]
    date_hierarchy = "created_at"
    search_fields = ["to", "subject"]
    ordering = ["-pk"]
