from django.urls import URLPattern, path

from payouts.api import api as api
from payouts.views import portal as portal_views

manage: list[URLPattern] = []
portal: list[URLPattern] = [
    path("money/", portal_views.money, name="money"),
    path("payouts/<str:public_id>/", portal_views.payout_detail, name="payout_detail"),
    path("payout-method/", portal_views.payout_method, name="payout_method"),
    path("payout-method/<str:type>/", portal_views.payout_method_edit, name="payout_method_edit"),
]
public: list[URLPattern] = []
