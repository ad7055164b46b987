from django.urls import URLPattern, path

from support import addresses
from support.api import api as tickets_api
from support.api_desk import api as desk_api
from support.api_steps import api as steps_api
from support.urls_answers import at_hand
from support.urls_inbox import inbox
from support.views import answers, improvements, numbers, policies, promises, starts, team

api = [*tickets_api, *desk_api, *steps_api]
manage: list[URLPattern] = [
    *addresses.manage,
    path("settings/service-levels/", policies.policy_list, name="policy_list"),
    path("settings/service-levels/new/", policies.policy_create, name="policy_create"),
    path("settings/service-levels/<str:public_id>/", policies.policy_edit, name="policy_edit"),
    path("settings/service-levels/<str:public_id>/move/", policies.policy_move, name="policy_move"),
    path("settings/requests/", starts.start_rule_list, name="start_rule_list"),
    path("settings/requests/new/", starts.start_rule_create, name="start_rule_create"),
    path("settings/requests/<str:public_id>/", starts.start_rule_edit, name="start_rule_edit"),
    path("settings/requests/<str:public_id>/delete/", starts.start_rule_delete, name="start_rule_delete"),
    path("inbox/board/", numbers.support_board, name="support_board"),
    path("inbox/numbers/", numbers.support_numbers, name="support_numbers"),
    path("inbox/promises/", promises.promise_list, name="promise_list"),
    path("inbox/promises/suggest/", promises.promise_suggest, name="promise_suggest"),
    path("inbox/promises/<str:public_id>/settle/", promises.promise_settle, name="promise_settle"),
    path("inbox/promises/<str:public_id>/give/", promises.promise_give, name="promise_give"),
    path("inbox/improvements/", improvements.improvement_list, name="improvement_list"),
    path("inbox/improvements/<str:public_id>/", improvements.improvement_detail, name="improvement_detail"),
    path("inbox/improvements/<str:public_id>/decide/", improvements.improvement_decide, name="improvement_decide"),
    path("inbox/<str:public_id>/improvement/", improvements.improvement_raise, name="improvement_raise"),
    path("team/capacity/", team.capacity_list, name="capacity_list"),
    path("team/capacity/<str:public_id>/", team.capacity_edit, name="capacity_edit"),
    path("team/managers/", team.proposal_list, name="proposal_list"),
    path("team/managers/<str:public_id>/", team.proposal_decide, name="proposal_decide"),
    path("team/managers/rules/<int:number>/", team.manager_rule_toggle, name="manager_rule_toggle"),
    path("team/handover/", team.handover, name="handover"),
    path("team/handover/reminder/", team.handover_reminder, name="handover_reminder"),
    path("team/handover/<str:public_id>/read/", team.handover_read, name="handover_read"),
    path("team/absences/<str:public_id>/sheet/", team.handover_sheet, name="handover_sheet"),
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
