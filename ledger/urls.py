from django.urls import URLPattern, path

from ledger.views import manager

manage: list[URLPattern] = [
    path("ledger/", manager.ledger_list, name="ledger_list"),
    path("ledger/accounts/", manager.account_list, name="account_list"),
]
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = []
