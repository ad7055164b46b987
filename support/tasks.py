from celery import shared_task

from affiliates.services import end_covers, start_covers
from support.services import clocks, notify_unread, promises, wake_due, watch
from support.services.assignment import assign_waiting, sweep_tickets
from support.services.escalations import sweep_acceptances
from support.services.managers import propose_managers
from support.services.tasks import give_tasks_to_deputies, watch_tasks
from support.services.terms import end_terms


@shared_task
def wake_tickets() -> None:
    wake_due()


@shared_task
def notify_unread_messages() -> None:
    notify_unread()


@shared_task
def watch_clocks() -> None:
    watch.watch_clocks()
    promises.watch_commitments()
    watch_tasks()


@shared_task
def refresh_open_tickets() -> None:
    """After a policy or a calendar was changed."""
    clocks.refresh_open_tickets()


@shared_task
def assign_waiting_tickets() -> None:
    assign_waiting()


@shared_task
def sweep_all_tickets() -> None:
    start_covers()
    end_covers()
    promises.give_to_deputies()
    give_tasks_to_deputies()
    sweep_tickets()


@shared_task
def propose_personal_managers() -> None:
    propose_managers()


@shared_task
def sweep_escalations() -> None:
    sweep_acceptances()


@shared_task
def end_better_terms() -> None:
    end_terms()
