"""Which processes listen on a TCP port of this machine, by the kernel's own tables.

`/proc/net/tcp` gives the inode of each listening socket, `/proc/PID/fd` who holds it. Processes of
other users cannot be looked into and are not found.
"""

from pathlib import Path

from benchmarks.measure.host import PROC

_LISTEN = "0A"


def _inodes(port: int, proc: Path) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _holds(folder: Path, wanted: set[str]) -> bool:
    try:
        return any(str(file.readlink()) in wanted for file in (folder / "fd").iterdir())
    except OSError:  # gone in between, or another user's
        return False


def _parent(folder: Path) -> int:
    try:
        # The name in brackets may hold spaces and brackets itself.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def listening(port: int, *, proc: Path = PROC) -> tuple[int, ...]:
    """Return the processes that listen on `port`, without those whose parent does too.

    The descendants of what is returned belong to the same server. Empty if nobody can be found.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not wanted:
        return ()
    holders = {
        int(folder.name): folder
        for folder in proc.iterdir()
        if folder.name.isdigit() and _holds(folder, wanted)
    }
    return tuple(sorted(pid for pid, folder in holders.items() if _parent(folder) not in holders))
