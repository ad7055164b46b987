from django.urls import URLPattern, path

from tracking.api import api as api
from tracking.views import conversions
from tracking.views import portal as portal_views

manage: list[URLPattern] = [
    path("conversions/", conversions.conversion_list, name="conversion_list"),
    path("conversions/<str:public_id>/", conversions.conversion_detail, name="conversion_detail"),
]
portal: list[URLPattern] = [
    path("links/", portal_views.link_list, name="link_list"),
    path("links/new/", portal_views.link_create, name="link_create"),
    path("links/check/", portal_views.link_check, name="link_check"),
    path("links/<str:public_id>/", portal_views.link_detail, name="link_detail"),
    path("links/<str:public_id>/qr.<str:kind>", portal_views.link_qr, name="link_qr"),
    path("links/<str:public_id>/status/", portal_views.link_status, name="link_status"),
    path("coupons/", portal_views.coupon_list, name="coupon_list"),
]
public: list[URLPattern] = []
