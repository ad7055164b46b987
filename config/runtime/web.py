"""What granian's workers run under `script/server`: the application, ending with the granian that started them.

A killed granian leaves its workers behind, and they would hold the port for ever. (In a container they end with it.)
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

from config.wsgi import application

__all__ = ["application"]

PR_SET_PDEATHSIG = 1

if (parent := multiprocessing.parent_process()) is not None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:  # it went before we could ask to be told
        sys.exit(1)
