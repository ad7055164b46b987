"""What a link's code is made of: ASCII letters, digits, - and _ alone, so that it is the same read aloud, printed, typed and
in an address, where it never needs an escape. Upper and lower case differ."""

import re

PATTERN = "[A-Za-z0-9_-]{1,60}"
is_code = re.compile(PATTERN, re.ASCII).fullmatch
