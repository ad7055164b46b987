"""Addresses of the affiliate's side, of what strangers sent, and of what goes beyond a reply: put into `support.urls`."""

from django.urls import URLPattern, path

from support.views import calls, claims, display, keeping, levels, ratings
from support.views import portal as portal_views

manage: list[URLPattern] = [
    path("inbox/messages/<str:public_id>/html", display.message_html, name="message_html"),
    path("inbox/messages/<str:public_id>/raw", display.message_raw, name="message_raw"),
    path("inbox/attachments/<str:public_id>", display.attachment_download, name="attachment_download"),
    path("disputes/", claims.claim_list, name="claim_list"),
    path("inbox/<str:public_id>/decide/", claims.claim_decide, name="claim_decide"),
    path("inbox/<str:public_id>/about/", claims.claim_about, name="claim_about"),
    path("inbox/<str:public_id>/terms/", claims.terms_decide, name="terms_decide"),
    path("inbox/<str:public_id>/terms/settle/", claims.terms_settle, name="terms_settle"),
    path("inbox/<str:public_id>/terms/open/", claims.terms_open, name="terms_open"),
    path("settings/terms-limits/", claims.terms_limit_list, name="terms_limit_list"),
    path("programs/<slug:slug>/terms-limit/", claims.terms_limit, name="terms_limit"),
    path("inbox/calls/", calls.call_list, name="call_list"),
    path("inbox/calls/new/", calls.call_create, name="call_create"),
    path("inbox/escalations/", levels.escalation_list, name="escalation_list"),
    path("inbox/causes/", levels.cause_list, name="cause_list"),
    path("inbox/causes/mend/", levels.cause_mend, name="cause_mend"),
    path("inbox/escalations/<str:public_id>/accept/", levels.escalation_accept, name="escalation_accept"),
    path("inbox/escalations/<str:public_id>/answer/", levels.escalation_reply, name="escalation_reply"),
    path("inbox/escalations/<str:public_id>/withdraw/", levels.escalation_withdraw, name="escalation_withdraw"),
    path("inbox/escalations/<str:public_id>/keep/", keeping.escalation_keep, name="escalation_keep"),
    path("inbox/<str:public_id>/escalate/", levels.escalation_create, name="escalation_create"),
    path("inbox/<str:public_id>/difficulty/", levels.ticket_difficulty, name="ticket_difficulty"),
    path("inbox/<str:public_id>/causes/", levels.ticket_causes, name="ticket_causes"),
]
portal: list[URLPattern] = [
    path("help/", portal_views.help_home, name="help_home"),
    path("claims/new/", claims.claim_create, name="claim_create"),
    path("claims/missing/", claims.missing_sale_create, name="missing_sale_create"),
    path("better-terms/", claims.terms_ask, name="terms_ask"),
    path("help/attachments/<str:public_id>", display.help_attachment, name="help_attachment"),
    path("help/<slug:slug>/", portal_views.help_chat, name="help_chat"),
    path("help/<slug:slug>/news/", portal_views.help_news, name="help_news"),
    path("help/<slug:slug>/write/", portal_views.help_write, name="help_write"),
    path("help/<slug:slug>/read/", portal_views.help_read, name="help_read"),
    path("help/rate/<str:public_id>/", ratings.rating_give, name="rating_give"),
]
public: list[URLPattern] = [
    path("rate/<str:token>/", ratings.rating_page, name="rating_page"),
    path("questions/<str:token>/", levels.escalation_answer, name="escalation_answer"),
]
