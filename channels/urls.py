from django.urls import URLPattern, path

from channels.api import api as api_paths
from channels.views import desk, hooks, manager, telegram, telegram_accounts
from channels.views import portal as portal_views

manage: list[URLPattern] = [
    path("telegram/", telegram_accounts.telegram_account_list, name="telegram_account_list"),
    path("telegram/groups/", telegram_accounts.telegram_group_list, name="telegram_group_list"),
    path("telegram/groups/<str:public_id>/", telegram_accounts.telegram_group, name="telegram_group"),
    path("telegram/accounts/<str:public_id>/", telegram_accounts.telegram_account, name="telegram_account"),
    path("channels/", manager.channel_list, name="channel_list"),
    path("channels/reconciliation/", manager.reconciliation, name="reconciliation"),
    path("channels/new/<str:kind>/", manager.channel_create, name="channel_create"),
    path("channels/<slug:slug>/", manager.channel_detail, name="channel_detail"),
    path("channels/<slug:slug>/edit/", manager.channel_edit, name="channel_edit"),
    path("channels/<slug:slug>/try/", manager.channel_try, name="channel_try"),
    path("channels/<slug:slug>/secret/", manager.channel_secret, name="channel_secret"),
    path("quarantine/", desk.quarantine_list, name="quarantine_list"),
    path("quarantine/set-aside/", desk.quarantine_dismiss, name="quarantine_dismiss"),
    path("quarantine/<str:public_id>/", desk.quarantine_detail, name="quarantine_detail"),
    path("quarantine/<str:public_id>/retry/", desk.quarantine_retry, name="quarantine_retry"),
    path("quarantine/<str:public_id>/raw/", desk.quarantine_raw, name="quarantine_raw"),
    path("undelivered/", desk.outgoing_list, name="outgoing_list"),
    path("undelivered/<str:public_id>/", desk.outgoing_detail, name="outgoing_detail"),
    path("undelivered/<str:public_id>/decide/", desk.outgoing_decide, name="outgoing_decide"),
    path("contacts/", desk.contact_list, name="contact_list"),
    path("contacts/<str:public_id>/", desk.contact_detail, name="contact_detail"),
    path("contacts/<str:public_id>/unmatch/", desk.contact_unmatch, name="contact_unmatch"),
]
portal: list[URLPattern] = [
    path("telegram/<str:public_id>/connect/", portal_views.telegram_connect, name="telegram_connect"),
    path("telegram/<str:public_id>/disconnect/", portal_views.telegram_disconnect, name="telegram_disconnect"),
]
api: list[URLPattern] = [*api_paths]
public: list[URLPattern] = [
    path("hooks/email/<slug:slug>", hooks.email_hook, name="email_hook"),
    path("hooks/telegram/<slug:slug>", telegram.telegram_hook, name="telegram_hook"),
]
