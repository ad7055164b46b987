from django.urls import URLPattern, path

from payouts.api import api as api
from payouts.views import batches, ledger, payouts, steps
from payouts.views import portal as portal_views

manage: list[URLPattern] = [
    path("payouts/", batches.payout_list, name="payout_list"),
    path("payouts/new/", batches.batch_create, name="batch_create"),
    path("payouts/statements/<str:public_id>/", payouts.payout_detail, name="payout_detail"),
    path("payouts/statements/<str:public_id>/leave-out/", payouts.payout_leave_out, name="payout_leave_out"),
    path("payouts/<str:public_id>/", batches.batch_detail, name="batch_detail"),
    path("payouts/<str:public_id>/approve/", steps.batch_approve, name="batch_approve"),
    path("payouts/<str:public_id>/recompute/", steps.batch_recompute, name="batch_recompute"),
    path("payouts/<str:public_id>/start/", steps.batch_start, name="batch_start"),
    path("payouts/<str:public_id>/cancel/", steps.batch_cancel, name="batch_cancel"),
    path("payouts/<str:public_id>/leave-out/", steps.batch_leave_out, name="batch_leave_out"),
    path("payouts/<str:public_id>/paid/", steps.batch_paid, name="batch_paid"),
    path("payouts/<str:public_id>/payments.csv", steps.batch_file, name="batch_file"),
    path("ledger/proof/", ledger.ledger_verify, name="ledger_verify"),
]
portal: list[URLPattern] = [
    path("money/", portal_views.money, name="money"),
    path("payouts/<str:public_id>/", portal_views.payout_detail, name="payout_detail"),
    path("payout-method/", portal_views.payout_method, name="payout_method"),
    path("payout-method/<str:type>/", portal_views.payout_method_edit, name="payout_method_edit"),
]
public: list[URLPattern] = []
