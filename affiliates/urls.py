from django.urls import URLPattern, path

from affiliates.api import api as api
from affiliates.views import absence, application, enrollments, manager, members, people, profile
from affiliates.views import public as public_views

manage: list[URLPattern] = [
    path("affiliates/", manager.affiliate_list, name="affiliate_list"),
    path("affiliates/new/", manager.affiliate_create, name="affiliate_create"),
    path("affiliates/<str:public_id>/", manager.affiliate_detail, name="affiliate_detail"),
    path("affiliates/<str:public_id>/edit/", manager.affiliate_edit, name="affiliate_edit"),
    path("affiliates/<str:public_id>/enroll/", enrollments.enrollment_create, name="enrollment_create"),
    path("affiliates/<str:public_id>/people/invite/", members.member_invite, name="affiliate_member_invite"),
    path(
        "affiliates/<str:public_id>/invitations/<int:number>/revoke/",
        members.invitation_revoke,
        name="affiliate_invitation_revoke",
    ),
    path("affiliates/<str:public_id>/people/<str:user_id>/", members.member_functions, name="affiliate_member_functions"),
    path("affiliates/<str:public_id>/people/<str:user_id>/remove/", members.member_remove, name="affiliate_member_remove"),
    path("team/absences/<str:public_id>/", absence.absence_detail, name="absence_detail"),
    path("team/absences/<str:public_id>/spread/", absence.accounts_spread, name="accounts_spread"),
    path("team/covers/<int:number>/end/", absence.cover_end, name="cover_end"),
    path("enrollments/", enrollments.enrollment_list, name="enrollment_list"),
    path("enrollments/approve/", enrollments.enrollment_approve, name="enrollment_approve"),
    path("enrollments/reject/", enrollments.enrollment_reject, name="enrollment_reject"),
    path("enrollments/<str:public_id>/change/", enrollments.enrollment_change, name="enrollment_change"),
]
portal: list[URLPattern] = [
    path("invitations/<str:token>", people.invitation_accept, name="invitation_accept"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.people_invite, name="people_invite"),
    path("people/invitations/<int:number>/revoke/", people.invitation_revoke, name="invitation_revoke"),
    path("people/<str:public_id>/", people.member_edit, name="member_edit"),
    path("people/<str:public_id>/remove/", people.member_remove, name="member_remove"),
    path("account/", profile.profile, name="profile"),
    path("switch/", people.affiliate_switch, name="affiliate_switch"),
]
public: list[URLPattern] = [
    path("accounts/welcome/", public_views.after_login, name="after_login"),
    path("apply/<slug:slug>/", application.apply, name="apply"),
    path("apply/<slug:slug>/thanks/", application.apply_done, name="apply_done"),
]
