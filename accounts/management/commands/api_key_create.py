from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import Role, User
from accounts.services import create_key, create_service
from core.errors import Refusal
from programs.models import Program


class Command(BaseCommand):
    help = "Make an API key and print it, once, as the last word. Without --user it belongs to a service user of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument("--role", required=True, help=", ".join(Role.values))
        parser.add_argument("--program", help="the program's slug; without it the key is for all programs")
        parser.add_argument("--user", help="e-mail of the person whom the key acts for")

    @transaction.atomic
    def handle(self, *args: Any, name: str, role: str, program: str | None, user: str | None, **options: Any) -> None:
        if role not in Role.values:
            raise CommandError(f"there is no role {role!r}; choose one of {', '.join(Role.values)}")
        in_program = Program.objects.filter(slug=program).first() if program else None
        if program and in_program is None:
            raise CommandError(f"there is no program {program!r}")
        owner = User.objects.filter(email__iexact=user).first() if user else None
        if user and owner is None:
            raise CommandError(f"there is no user {user!r}")
        try:
            owner = owner or create_service(name=name, role=role, program=in_program, by=None)
            key, text = create_key(owner, name=name, role=role, program=in_program, by=None)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"Key {key.name!r} ({key.role}) of {owner.email}; it is shown this once: {text}")
