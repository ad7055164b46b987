from django.db import models
from django.utils import timezone

LOADED = "loaded and checked"  # the last chapter


class Chapter(models.Model):
    """A part of the demo's story that was told: a load that was killed goes on with the next one."""

    name = models.CharField(max_length=60, unique=True)
    told_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
