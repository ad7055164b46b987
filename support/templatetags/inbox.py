"""The inbox's tags: {% load inbox %}."""

from __future__ import annotations

from django import template

from support import components
from support.components_chat import talk
from support.components_messages import message_article

register = template.Library()
register.simple_tag(components.channel_mark)
register.simple_tag(components.queue_row)
register.simple_tag(components.ticket_state)
register.simple_tag(message_article)
register.simple_tag(talk)
