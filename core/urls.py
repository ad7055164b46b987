from django.urls import URLPattern, path

from core.api import views as api_views
from core.views import health, mails, saved, style

manage: list[URLPattern] = [
    path("mails/", mails.mail_list, name="mail_list"),
    path("mails/<str:public_id>/", mails.mail_detail, name="mail_detail"),
    path("style/", style.style, name="style"),
]
portal: list[URLPattern] = []
api: list[URLPattern] = [
    path("schema/", api_views.schema, name="schema"),
    path("docs/", api_views.docs, name="docs"),
]
public: list[URLPattern] = [
    path("health/", health.health_check, name="health"),
    path("views/", saved.view_save, name="view_save"),
    path("views/<str:public_id>/rename/", saved.view_rename, name="view_rename"),
    path("views/<str:public_id>/delete/", saved.view_delete, name="view_delete"),
]
