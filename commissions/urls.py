from django.urls import URLPattern, path

from commissions.api import api as api
from commissions.views import manager, rules
from commissions.views import portal as portal_views

manage: list[URLPattern] = [
    path("commissions/", manager.commission_list, name="commission_list"),
    path("commissions/approve/", manager.commission_approve, name="commission_approve"),
    path("commissions/reject/", manager.commission_reject, name="commission_reject"),
    path("commissions/hold/", manager.commission_hold, name="commission_hold"),
    path("commissions/release/", manager.commission_release, name="commission_release"),
    path("commissions/<str:public_id>/", manager.commission_detail, name="commission_detail"),
    path("rules/", rules.rule_list, name="rule_list"),
    path("programs/<slug:slug>/rules/new/", rules.rule_create, name="rule_create"),
    path("rules/<str:public_id>/", rules.rule_detail, name="rule_detail"),
    path("rules/<str:public_id>/revise/", rules.rule_revise, name="rule_revise"),
    path("rules/<str:public_id>/archive/", rules.rule_archive, name="rule_archive"),
]
portal: list[URLPattern] = [
    path("offers/", portal_views.offer_list, name="offer_list"),
    path("conversions/", portal_views.conversion_list, name="conversion_list"),
]
public: list[URLPattern] = []
