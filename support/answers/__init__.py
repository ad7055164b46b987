"""Questions that answer themselves from real data, the same in the portal, in Telegram and by mail.

An answer here stops no clock and decides nothing: whoever asked says whether it was enough.
"""

from support.answers.asking import Answer as Answer
from support.answers.asking import Asker as Asker
from support.answers.asking import NotForYou as NotForYou
from support.answers.asking import Question as Question
from support.answers.asking import answer as answer
from support.answers.asking import as_text as as_text
from support.answers.asking import is_for_all as is_for_all
from support.answers.asking import questions_for as questions_for
from support.answers.phrases import command as command
from support.answers.phrases import recognise as recognise
