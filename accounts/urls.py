from django.urls import URLPattern, path

from accounts.views import public as public_views
from accounts.views import settings, team

manage: list[URLPattern] = [
    path("team/", team.team_list, name="team_list"),
    path("team/appoint/", team.member_appoint, name="member_appoint"),
    path("team/<str:public_id>/", team.member_detail, name="member_detail"),
    path("team/<str:public_id>/roles/", team.role_grant, name="role_grant"),
    path("team/<str:public_id>/roles/<int:number>/revoke/", team.role_revoke, name="role_revoke"),
    path("team/<str:public_id>/deactivate/", team.member_deactivate, name="member_deactivate"),
    path("team/<str:public_id>/reactivate/", team.member_reactivate, name="member_reactivate"),
    path("settings/", settings.settings_home, name="settings_home"),
    path("settings/keys/", settings.key_list, name="key_list"),
    path("settings/keys/new/", settings.key_create, name="key_create"),
    path("settings/keys/revoke/", settings.key_revoke, name="key_revoke"),
]
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = [
    path("accounts/profile/", public_views.profile, name="profile"),
    path("accounts/sessions/<int:number>/end/", public_views.session_end, name="session_end"),
    path("metrics", public_views.metrics, name="metrics"),
]
