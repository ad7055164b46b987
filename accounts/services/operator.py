from accounts.models import Role, RoleAssignment, User


def operator() -> User:
    """Who acts when a command is run in the shell: whoever may run it holds everything anyway, and events name them so."""
    user, created = User.objects.get_or_create(email="operator@localhost", defaults={"name": "Operator", "is_service": True})
    if created:
        user.set_unusable_password()
        user.save()
        RoleAssignment.objects.create(user=user, role=Role.ADMIN)
    return user
