from django.urls import URLPattern, path

from channels.views import telegram

manage: list[URLPattern] = []
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = [
    path("hooks/telegram/<slug:slug>", telegram.telegram_hook, name="telegram_hook"),
]
