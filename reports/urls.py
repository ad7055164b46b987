from django.urls import URLPattern, path

from reports.api import api as api
from reports.views import manager
from reports.views import portal as portal_views

manage: list[URLPattern] = [
    path("", manager.home, name="home"),
]
portal: list[URLPattern] = [
    path("", portal_views.home, name="home"),
    path("numbers/", portal_views.numbers, name="numbers"),
]
public: list[URLPattern] = []
