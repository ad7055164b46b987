"""Addresses of the affiliate's side, of what strangers sent, and of what goes beyond a reply: put into `support.urls`."""

from django.urls import URLPattern, path

from support.views import display, ratings
from support.views import portal as portal_views

manage: list[URLPattern] = [
    path("inbox/messages/<str:public_id>/html", display.message_html, name="message_html"),
    path("inbox/messages/<str:public_id>/raw", display.message_raw, name="message_raw"),
    path("inbox/attachments/<str:public_id>", display.attachment_download, name="attachment_download"),
]
portal: list[URLPattern] = [
    path("help/", portal_views.help_home, name="help_home"),
    path("help/attachments/<str:public_id>", display.help_attachment, name="help_attachment"),
    path("help/<slug:slug>/", portal_views.help_chat, name="help_chat"),
    path("help/<slug:slug>/news/", portal_views.help_news, name="help_news"),
    path("help/<slug:slug>/write/", portal_views.help_write, name="help_write"),
    path("help/<slug:slug>/read/", portal_views.help_read, name="help_read"),
    path("help/rate/<str:public_id>/", ratings.rating_give, name="rating_give"),
]
public: list[URLPattern] = [path("rate/<str:token>/", ratings.rating_page, name="rating_page")]
