"""Tell systemd that this process serves, and that it is the main one of its service now.

The protocol is a datagram of lines to the socket that NOTIFY_SOCKET names; without it, nothing.
"""

import os
import socket


def ready(pid: int) -> None:
    """Tell it that `pid` is the main one.

    What goes wrong is left alone: serving does not depend on being watched.
    """
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where.startswith(("/", "@")):
        return
    address = f"\0{where[1:]}" if where.startswith("@") else where
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
        try:
            caller.connect(address)
            caller.send(f"READY=1\nMAINPID={pid}\n".encode())
        except OSError:
            return
