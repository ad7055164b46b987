from django.urls import URLPattern, path

from programs.api import api as api
from programs.views import manager
from programs.views import public as public_views

manage: list[URLPattern] = [
    path("programs/", manager.program_list, name="program_list"),
    path("programs/new/", manager.program_create, name="program_create"),
    path("programs/<slug:slug>/", manager.program_detail, name="program_detail"),
    path("programs/<slug:slug>/edit/", manager.program_edit, name="program_edit"),
    path("programs/<slug:slug>/offers/new/", manager.offer_create, name="offer_create"),
    path("programs/<slug:slug>/terms/new/", manager.terms_publish, name="terms_publish"),
    path("programs/<slug:slug>/terms/<int:number>/", manager.terms_detail, name="terms_detail"),
    path("offers/", manager.offer_list, name="offer_list"),
    path("offers/<str:public_id>/edit/", manager.offer_edit, name="offer_edit"),
]
portal: list[URLPattern] = []
public: list[URLPattern] = [
    path("", public_views.home, name="home"),
    path("programs/<slug:slug>/", public_views.program_public, name="program_public"),
]
