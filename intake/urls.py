from django.urls import URLPattern, path

from intake.api import api as api
from intake.views import manager

manage: list[URLPattern] = [
    path("conversions/<str:public_id>/refund/", manager.refund_create, name="refund_create"),
]
portal: list[URLPattern] = []
public: list[URLPattern] = []
