from django.contrib.admin.apps import AdminConfig


class TributaryAdminConfig(AdminConfig):
    """The admin by django-unfold, open to admins alone (`config.admin_site`)."""

    default_site = "config.admin_site.TributaryAdminSite"
