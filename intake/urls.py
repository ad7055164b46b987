from django.urls import URLPattern, path

from intake import views
from intake.api import api as api

manage: list[URLPattern] = [
    path("conversions/<str:public_id>/refund/", views.refund_create, name="refund_create"),
]
portal: list[URLPattern] = []
public: list[URLPattern] = []
