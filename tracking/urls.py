from django.urls import URLPattern, path

from tracking.api import api as api
from tracking.views import clicks, conversions, links
from tracking.views import portal as portal_views

manage: list[URLPattern] = [
    path("links/", links.link_list, name="link_list"),
    path("links/new/", links.link_create, name="link_create"),
    path("links/pause/", links.link_pause, name="link_pause"),
    path("links/resume/", links.link_resume, name="link_resume"),
    path("links/<str:public_id>/", links.link_detail, name="link_detail"),
    path("links/<str:public_id>/qr.<str:kind>", links.link_qr, name="link_qr"),
    path("coupons/", links.coupon_list, name="coupon_list"),
    path("coupons/new/", links.coupon_create, name="coupon_create"),
    path("coupons/pause/", links.coupon_pause, name="coupon_pause"),
    path("coupons/resume/", links.coupon_resume, name="coupon_resume"),
    path("clicks/", clicks.click_list, name="click_list"),
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
