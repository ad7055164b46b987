from django.urls import URLPattern, path

from affiliates.api import api as api
from affiliates.views import people
from affiliates.views import public as public_views

manage: list[URLPattern] = []
portal: list[URLPattern] = [
    path("invitations/<str:token>", people.invitation_accept, name="invitation_accept"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.people_invite, name="people_invite"),
    path("people/invitations/<int:number>/revoke/", people.invitation_revoke, name="invitation_revoke"),
    path("people/<str:public_id>/", people.member_edit, name="member_edit"),
    path("people/<str:public_id>/remove/", people.member_remove, name="member_remove"),
    path("switch/", people.affiliate_switch, name="affiliate_switch"),
]
public: list[URLPattern] = [
    path("accounts/welcome/", public_views.after_login, name="after_login"),
]
