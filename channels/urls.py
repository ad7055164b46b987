from django.urls import URLPattern, path

from channels.views import portal as portal_views
from channels.views import telegram, telegram_accounts

manage: list[URLPattern] = [
    path("telegram/", telegram_accounts.telegram_account_list, name="telegram_account_list"),
    path("telegram/groups/", telegram_accounts.telegram_group_list, name="telegram_group_list"),
    path("telegram/groups/<str:public_id>/", telegram_accounts.telegram_group, name="telegram_group"),
    path("telegram/accounts/<str:public_id>/", telegram_accounts.telegram_account, name="telegram_account"),
]
portal: list[URLPattern] = [
    path("telegram/<str:public_id>/connect/", portal_views.telegram_connect, name="telegram_connect"),
    path("telegram/<str:public_id>/disconnect/", portal_views.telegram_disconnect, name="telegram_disconnect"),
]
api: list[URLPattern] = []
public: list[URLPattern] = [
    path("hooks/telegram/<slug:slug>", telegram.telegram_hook, name="telegram_hook"),
]
