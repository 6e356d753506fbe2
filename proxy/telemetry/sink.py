"""Where finished log lines go: a file descriptor with a thread in front of it.

A pipe whose reader has stopped blocks the writer, and a blocked event loop stops every stream. So
the loop only puts blocks of whole lines into a queue; the thread does nothing but `os.write`, which
releases the interpreter. What does not fit into the bounded queue is counted and given up.
"""

import os
import select
import threading
from queue import SimpleQueue

# POSIX writes this much to a pipe in one piece, so workers that share a pipe never mix their lines.
_ATOMIC = 4096


class Sink:
    """Writes blocks of lines to `fd`, in order, without ever making the caller wait.

    Make it after a fork, never before: a thread does not survive one. At most `max_pending` bytes
    wait for the reader. `dropped` counts lines given up, because too much was waiting or because
    the descriptor is broken.
    """

    __slots__ = (
        "_fd",
        "_max_pending",
        "_lock",
        "_queue",
        "_accepted",
        "_written",
        "_lost",
        "_dropped",
        "_thread",
    )

    def __init__(self, fd: int, *, max_pending: int = 4 * 1024 * 1024) -> None:
        self._fd = fd
        self._max_pending = max_pending
        self._lock = threading.Lock()  # any thread may log
        self._queue: SimpleQueue[bytes | threading.Event | None] = SimpleQueue()
        self._accepted = 0  # bytes, counted under the lock
        self._written = 0  # bytes, counted by the thread alone
        self._lost = 0  # lines the descriptor refused, counted by the thread alone
        self._dropped = 0  # lines that found the queue full, counted under the lock
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of lines given up since the start."""
        return self._dropped + self._lost

    def write(self, block: bytes) -> None:
        """Take one or more whole lines, each ended by a newline. Never blocks, never raises."""
        with self._lock:
            if self._accepted - self._written > self._max_pending:
                self._dropped += block.count(b"\n")
                return
            self._accepted += len(block)
        self._queue.put(block)

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until all taken so far is written; false if `timeout` seconds were not enough.

        Blocks: for the end of the process, when no stream is left.
        """
        reached = threading.Event()
        self._queue.put(reached)
        return reached.wait(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Flush, then end the thread. A stuck descriptor is left behind after `timeout` seconds."""
        flushed = self.flush(timeout)
        self._queue.put(None)
        if flushed:
            self._thread.join(timeout)
        return flushed

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            for piece in _pieces(item):
                if not self._put(piece):
                    self._lost += piece.count(b"\n")
            self._written += len(item)

    def _put(self, piece: bytes) -> bool:
        while piece:
            try:
                piece = piece[os.write(self._fd, piece) :]
            except BlockingIOError:  # whoever gave us the descriptor made it non-blocking
                select.select((), (self._fd,), ())
            except OSError:  # the reader is gone: serving goes on, the loss is counted
                return False
        return True


def _pieces(block: bytes) -> list[bytes]:
    """Cut `block` at line ends into pieces a pipe takes whole; only a longer line stays longer."""
    pieces = []
    start = 0
    while len(block) - start > _ATOMIC:
        end = block.rfind(b"\n", start, start + _ATOMIC) + 1 or block.find(b"\n", start) + 1
        if not end:
            break
        pieces.append(block[start:end])
        start = end
    pieces.append(block[start:])
    return pieces
