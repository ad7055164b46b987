from django.urls import URLPattern, path

from team.views import absences, calendars, mine, roster

manage: list[URLPattern] = [
    path("settings/calendars/", calendars.calendar_list, name="calendar_list"),
    path("settings/calendars/new/", calendars.calendar_create, name="calendar_create"),
    path("settings/calendars/<str:public_id>/", calendars.calendar_edit, name="calendar_edit"),
    path("team/roster/", roster.roster, name="roster"),
    path("team/roster/gaps/", roster.roster_gaps, name="roster_gaps"),
    path("team/roster/gaps/<int:number>/drop/", roster.coverage_drop, name="coverage_drop"),
    path("team/roster/shifts/new/", roster.shift_create, name="shift_create"),
    path("team/roster/shifts/<str:public_id>/", roster.shift_detail, name="shift_detail"),
    path("team/roster/shifts/<str:public_id>/end/", roster.shift_end, name="shift_end"),
    path("team/roster/shifts/<str:public_id>/cancel/", roster.turn_cancel, name="turn_cancel"),
    path("team/shifts/", mine.my_shifts, name="my_shifts"),
    path("team/shifts/<str:public_id>/<str:day>/swap/", mine.swap_propose, name="swap_propose"),
    path("team/swaps/<str:public_id>/", mine.swap_answer, name="swap_answer"),
    path("team/absences/", absences.absence_list, name="absence_list"),
    path("team/absences/<str:public_id>/decide/", absences.absence_decide, name="absence_decide"),
    path("team/absences/<str:public_id>/end/", absences.absence_end, name="absence_end"),
]
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = []
