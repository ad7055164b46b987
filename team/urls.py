from django.urls import URLPattern, path

from team.views import calendars

manage: list[URLPattern] = [
    path("settings/calendars/", calendars.calendar_list, name="calendar_list"),
    path("settings/calendars/new/", calendars.calendar_create, name="calendar_create"),
    path("settings/calendars/<str:public_id>/", calendars.calendar_edit, name="calendar_edit"),
]
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = []
