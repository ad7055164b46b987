"""Becomes a program that dies with its parent: `shim.py SIGNAL PARENT ROOT FOLDER PROGRAM ARGUMENT…`.

Run by path, with the standard library alone. SIGNAL reaches the program when its parent (the thread that started it) is gone,
however it went. Where ROOT is `refused`, as by PostgreSQL, and root calls, the program runs in a user namespace of its own in
which root is called user 1000: no other account is needed, and every file stays the caller's. Nothing here forks: the process
that was started is the program.
"""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
MAPPED = 1000  # only a name inside the namespace; outside, the process stays root's


def leave_root() -> None:
    """Enter a user namespace in which this user is not root. Raises OSError where the machine forbids that."""
    libc = ctypes.CDLL(None, use_errno=True)
    group = os.getegid()  # inside, it has no name until the map is written
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{MAPPED} 0 1"), ("gid_map", f"{MAPPED} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main() -> None:
    signal, parent = int(sys.argv[1]), int(sys.argv[2])
    root, folder, program = sys.argv[3:6]
    if root == "refused" and os.geteuid() == 0:
        try:
            leave_root()
        except OSError:
            sys.exit(
                "tributary: PostgreSQL does not run as root, and this machine forbids user namespaces: "
                "run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own."
            )
        for path, mode in ((program, os.R_OK | os.X_OK), (folder, os.R_OK | os.W_OK | os.X_OK)):
            if not os.access(path, mode):
                sys.exit(
                    f"tributary: the embedded PostgreSQL may not use {path}, which lies in another user's closed folder: "
                    "run as that user, or choose another folder (for data: TRIBUTARY_DATA)."
                )
    # After the change of credentials, which would clear it.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # it went before we could ask to be told
        sys.exit(1)
    try:
        os.execv(program, sys.argv[5:])
    except OSError as error:
        sys.exit(f"tributary: {program} cannot be run on this machine ({error.strerror}).")


if __name__ == "__main__":
    main()
