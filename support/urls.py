from django.urls import URLPattern, path

from support import addresses
from support.api import api as api
from support.urls_answers import at_hand
from support.urls_inbox import inbox
from support.views import answers, policies

manage: list[URLPattern] = [
    *addresses.manage,
    path("settings/service-levels/", policies.policy_list, name="policy_list"),
    path("settings/service-levels/new/", policies.policy_create, name="policy_create"),
    path("settings/service-levels/<str:public_id>/", policies.policy_edit, name="policy_edit"),
    path("settings/service-levels/<str:public_id>/move/", policies.policy_move, name="policy_move"),
    *inbox,
    *at_hand,
]
portal: list[URLPattern] = [
    *addresses.portal,
    path("answers/suggest/", answers.answer_suggest, name="answer_suggest"),
    path("answers/", answers.answer_ask, name="answer_ask"),
    path("answers/<str:public_id>/settle/", answers.answer_settle, name="answer_settle"),
]
public: list[URLPattern] = [*addresses.public]
