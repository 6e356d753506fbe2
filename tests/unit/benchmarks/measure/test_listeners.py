"""Finding a server's processes by its port, in a /proc made for the test."""

from pathlib import Path

from benchmarks.measure.listeners import listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when ... inode\n"


def row(port: int, state: str, inode: int) -> str:
    return (
        f"   0: 0100007F:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000"
        f"     0        0 {inode} 1 0000 100 0 0 10 0\n"
    )


def process(proc: Path, pid: int, parent: int, *inodes: int) -> None:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (odd ) name) S {parent} 1 1 0\n")
    for number, inode in enumerate(inodes):
        (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def table(proc: Path, *rows: str) -> None:
    (proc / "net").mkdir(parents=True)
    (proc / "net" / "tcp").write_text(HEAD + "".join(rows))


def test_the_process_that_holds_the_socket_is_found(tmp_path: Path) -> None:
    table(tmp_path, row(8900, "0A", 71), row(8901, "0A", 72), row(8900, "01", 73))
    process(tmp_path, 10, 1, 71)
    process(tmp_path, 11, 1, 72)
    process(tmp_path, 12, 1, 73)

    assert listening(8900, proc=tmp_path) == (10,)


def test_workers_belong_to_their_parent(tmp_path: Path) -> None:
    table(tmp_path, row(8900, "0A", 71))
    process(tmp_path, 10, 1, 71)
    process(tmp_path, 20, 10, 5, 71)
    process(tmp_path, 21, 10, 5, 71)

    assert listening(8900, proc=tmp_path) == (10,)


def test_servers_that_share_a_port_are_all_found(tmp_path: Path) -> None:
    table(tmp_path, row(8900, "0A", 71), row(8900, "0A", 72))
    process(tmp_path, 10, 1, 71)
    process(tmp_path, 11, 1, 72)

    assert listening(8900, proc=tmp_path) == (10, 11)


def test_nobody_listens(tmp_path: Path) -> None:
    table(tmp_path, row(8900, "0A", 71))

    assert listening(8902, proc=tmp_path) == ()
