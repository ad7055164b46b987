"""The inbox's tags: {% load inbox %}."""

from __future__ import annotations

from django import template

from support import components

register = template.Library()
register.simple_tag(components.channel_mark)
register.simple_tag(components.queue_row)
