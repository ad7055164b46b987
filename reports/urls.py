from django.urls import URLPattern, path

from reports.api import api as api
from reports.views import manager, search
from reports.views import portal as portal_views

manage: list[URLPattern] = [
    path("", manager.home, name="home"),
    path("search/", search.search_page, name="search"),
]
portal: list[URLPattern] = [
    path("", portal_views.home, name="home"),
    path("numbers/", portal_views.numbers, name="numbers"),
]
public: list[URLPattern] = []
