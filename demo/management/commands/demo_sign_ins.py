from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from demo.people import SIGN_INS, demo_password


class Command(BaseCommand):
    help = "Prints the demo's sign-ins."

    def handle(self, *args: Any, **options: Any) -> None:
        there = set(User.objects.filter(email__in=[email for _role, email in SIGN_INS]).values_list("email", flat=True))
        for role, email in SIGN_INS:
            if email in there:
                self.stdout.write(f"{role:28} {email:26} {demo_password()}")
