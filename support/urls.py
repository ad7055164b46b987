from django.urls import URLPattern, path

from support.views import answers

manage: list[URLPattern] = []
portal: list[URLPattern] = [
    path("answers/suggest/", answers.answer_suggest, name="answer_suggest"),
    path("answers/", answers.answer_ask, name="answer_ask"),
    path("answers/<str:public_id>/settle/", answers.answer_settle, name="answer_settle"),
]
api: list[URLPattern] = []
public: list[URLPattern] = []
