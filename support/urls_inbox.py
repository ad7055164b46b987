"""Addresses of the inbox. What an id of a ticket may stand for comes last: others' addresses begin with inbox/ as well."""

from django.urls import URLPattern, path

from support.views import macros, parties, steps, tickets

inbox: list[URLPattern] = [
    path("inbox/", tickets.ticket_list, name="ticket_list"),
    path("inbox/news/", tickets.ticket_news, name="ticket_news"),
    path("inbox/mentions/", tickets.mention_list, name="mention_list"),
    path("inbox/bulk/", steps.ticket_bulk, name="ticket_bulk"),
    path("inbox/tasks/<str:public_id>/finish/", steps.task_finish, name="task_finish"),
    path("inbox/moves/<str:public_id>/undo/", steps.move_undo, name="move_undo"),
    path("inbox/messages/<str:public_id>/split/", steps.message_split, name="message_split"),
    path("inbox/<str:public_id>/", tickets.ticket_detail, name="ticket_detail"),
    path("inbox/<str:public_id>/card/", tickets.ticket_card, name="ticket_card"),
    path("inbox/<str:public_id>/history/", tickets.ticket_history, name="ticket_history"),
    path("inbox/<str:public_id>/past/", tickets.ticket_past, name="ticket_past"),
    path("inbox/<str:public_id>/messages/", tickets.message_create, name="message_create"),
    path("inbox/<str:public_id>/draft/", tickets.draft_keep, name="draft_keep"),
    path("inbox/<str:public_id>/answer/", macros.answer_draft, name="answer_draft"),
    path("inbox/<str:public_id>/assign/", steps.ticket_assign, name="ticket_assign"),
    path("inbox/<str:public_id>/status/", steps.ticket_status, name="ticket_status"),
    path("inbox/<str:public_id>/snooze/", steps.ticket_snooze, name="ticket_snooze"),
    path("inbox/<str:public_id>/change/", steps.ticket_change, name="ticket_change"),
    path("inbox/<str:public_id>/merge/", steps.ticket_merge, name="ticket_merge"),
    path("inbox/<str:public_id>/whose/", parties.ticket_whose, name="ticket_whose"),
    path("inbox/<str:public_id>/match/", parties.ticket_match, name="ticket_match"),
    path("inbox/<str:public_id>/unmatch/", parties.ticket_unmatch, name="ticket_unmatch"),
    path("inbox/<str:public_id>/link/", steps.ticket_link, name="ticket_link"),
    path("inbox/<str:public_id>/tasks/", steps.task_create, name="task_create"),
]
