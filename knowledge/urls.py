from django.urls import URLPattern, path

from knowledge.views import manager
from knowledge.views import portal as portal_views
from knowledge.views import public as public_views

manage: list[URLPattern] = [
    path("articles/", manager.article_list, name="article_list"),
    path("articles/new/", manager.article_create, name="article_create"),
    path("articles/preview/", manager.article_preview, name="article_preview"),
    path("articles/<str:public_id>/", manager.article_detail, name="article_detail"),
    path("articles/<str:public_id>/edit/", manager.article_edit, name="article_edit"),
    path("articles/<str:public_id>/publish/", manager.article_publish, name="article_publish"),
    path("articles/<str:public_id>/retire/", manager.article_retire, name="article_retire"),
    path("articles/<str:public_id>/read/", manager.article_read, name="article_read"),
    path("articles/<str:public_id>/versions/<int:number>/", manager.article_version, name="article_version"),
]
portal: list[URLPattern] = [
    path("learn/", portal_views.learn, name="learn"),
    path("learn/<str:public_id>/", portal_views.article, name="article"),
    path("learn/<str:public_id>/vote/", portal_views.article_vote, name="article_vote"),
]
api: list[URLPattern] = []
public: list[URLPattern] = [
    path("programs/<slug:slug>/help/", public_views.help_public, name="help_public"),
    path("programs/<slug:slug>/help/<str:public_id>/", public_views.article_public, name="article_public"),
]
