"""The addresses of macros and rooms."""

from django.urls import URLPattern, path

from support.views import macros, rooms

at_hand: list[URLPattern] = [
    path("macros/", macros.macro_list, name="macro_list"),
    path("macros/new/", macros.macro_create, name="macro_create"),
    path("macros/pick/", macros.macro_pick, name="macro_pick"),
    path("macros/<str:public_id>/", macros.macro_detail, name="macro_detail"),
    path("macros/<str:public_id>/edit/", macros.macro_edit, name="macro_edit"),
    path("macros/<str:public_id>/fill/", macros.macro_fill, name="macro_fill"),
    path("rooms/", rooms.room_list, name="room_list"),
    path("rooms/new/", rooms.room_create, name="room_create"),
    path("rooms/<str:public_id>/", rooms.room_detail, name="room_detail"),
    path("rooms/<str:public_id>/news/", rooms.room_news, name="room_news"),
    path("rooms/<str:public_id>/post/", rooms.room_post, name="room_post"),
    path("rooms/<str:public_id>/people/", rooms.room_people, name="room_people"),
    path("rooms/<str:public_id>/close/", rooms.room_close, name="room_close"),
]
