"""Requests and their messages, the clocks over them, and what is agreed, asked and decided along the way."""

from support.models.answers import AutoAnswer as AutoAnswer
from support.models.clocks import ClockName as ClockName
from support.models.clocks import ClockResult as ClockResult
from support.models.clocks import SlaPolicy as SlaPolicy
from support.models.improvements import Improvement as Improvement
from support.models.improvements import ImprovementVoice as ImprovementVoice
from support.models.mentions import Mention as Mention
from support.models.messages import Attachment as Attachment
from support.models.messages import Direction as Direction
from support.models.messages import Draft as Draft
from support.models.messages import Message as Message
from support.models.messages import MessageVersion as MessageVersion
from support.models.notices import Notice as Notice
from support.models.promises import Commitment as Commitment
from support.models.tickets import OPEN as OPEN
from support.models.tickets import Level as Level
from support.models.tickets import Priority as Priority
from support.models.tickets import StatusChange as StatusChange
from support.models.tickets import Task as Task
from support.models.tickets import Ticket as Ticket
from support.models.tickets import TicketLink as TicketLink
from support.models.tickets import TicketStatus as TicketStatus
from support.models.tickets import TicketType as TicketType
