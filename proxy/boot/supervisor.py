"""The first process when several serve: it opens the sockets, starts the others, replaces them.

It has neither a loop nor a thread, so it can fork at any time; nothing it does depends on a client
or an engine. From it come the control process, once, and the workers. All of them have the sockets
it has opened: connections that wait in the kernel are not lost with a worker, whoever is left takes
them.

    what happens            what follows
    a worker ends           another in its place: at once, or later and later if it lived shortly
    the control has told    no worker is replaced any more: they are ending
    the control ends        that is the end of all; its exit code is that of the whole
    SIGTERM, SIGINT         passed on to the control, which lets the workers go
    SIGHUP                  passed on: it reads the settings again
    SIGUSR2                 a successor is started (`boot/successor`)
"""

import os
import select
import selectors
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import structlog

from proxy.boot import successor
from proxy.boot.successor import Successor

WORKER: Final = struct.Struct("!II")  # index and process id; a descriptor comes with it
HANDED_OVER: Final = WORKER.pack(2**32 - 1, 0)
GOING: Final = b"g"  # from the control: workers are ending
SHORT: Final = 5.0  # seconds of a life too short to be replaced at once
FIRST_PAUSE: Final = 0.1  # seconds; doubled for each short life in a row
LONGEST_PAUSE: Final = 5.0
LAST: Final = 5.0  # seconds for what is left after the control has ended
_SIGNALS: Final = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR2,
    signal.SIGCHLD,
)

log = structlog.get_logger()


def pause(short_lives: int) -> float:
    """Return the seconds to wait before a worker is replaced after so many short lives in a row."""
    if not short_lives:
        return 0.0
    return float(min(FIRST_PAUSE * 2.0 ** (short_lives - 1), LONGEST_PAUSE))


class Place:
    """Where a worker is or is due: `pid` is 0 while there is none."""

    __slots__ = ("born", "due", "index", "pid", "short_lives")

    def __init__(self, index: int) -> None:
        self.index = index
        self.pid = 0
        self.born = 0.0
        self.due = 0.0
        self.short_lives = 0

    def died(self, now: float) -> float:
        """Take note of its end; return the pause until the next."""
        self.pid = 0
        self.short_lives = self.short_lives + 1 if now - self.born < SHORT else 0
        wait = pause(self.short_lives)
        self.due = now + wait
        return wait


class Supervisor:
    """`control` and `work` are what the others do: each is given a socket, and returns a code.

    `sockets` are the listeners by address; the first is for clients.
    """

    def __init__(
        self,
        workers: int,
        sockets: Mapping[str, socket.socket],
        control: Callable[[socket.socket], int],
        work: Callable[[int, socket.socket], int],
    ) -> None:
        self._sockets = dict(sockets)
        self._control_main = control
        self._work_main = work
        self._places = [Place(index) for index in range(workers)]
        self._selector = selectors.DefaultSelector()
        self._told, self._telling = os.pipe()
        self._link: socket.socket | None = None
        self._deaf = False  # the control has closed its end
        self._control_pid = 0
        self._going = False
        self._code: int | None = None
        self._successor: Successor | None = None
        self._patience = 0.0

    def run(self) -> int:
        """Start everything; return when everything has ended."""
        self._hear_signals()
        self._start_control()
        while self._code is None:
            self._replace()
            for key, _ in self._selector.select(self._until_next()):
                key.data()
            if self._successor is not None and time.monotonic() > self._patience:
                self._successor.give_up()
                self._no_successor("it was not ready in time")
        self._end_rest()
        return self._code

    # signals -------------------------------------------------------------------------------------

    def _hear_signals(self) -> None:
        os.set_blocking(self._told, False)
        os.set_blocking(self._telling, False)
        for number in _SIGNALS:
            signal.signal(number, _note)
        signal.set_wakeup_fd(self._telling, warn_on_full_buffer=False)
        self._selector.register(self._told, selectors.EVENT_READ, self._signalled)

    def _signalled(self) -> None:
        for number in set(os.read(self._told, 4096)):
            match number:
                case signal.SIGCHLD:
                    self._listen()  # first: it may have told that workers are ending
                    self._bury()
                case signal.SIGUSR2:
                    self._succeed()
                case signal.SIGINT:
                    self._pass_on(signal.SIGTERM)
                case _:
                    self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if number == signal.SIGTERM:
            self._stop_replacing()
        if self._control_pid:
            os.kill(self._control_pid, number)

    # children ------------------------------------------------------------------------------------

    def _fork(self, main: Callable[[], int], *close: socket.socket) -> int:
        pid = os.fork()
        if not pid:
            self._begin_anew(close)
            _leave(main)
        return pid

    def _begin_anew(self, close: tuple[socket.socket, ...]) -> None:
        """Be a child: without the signals and descriptors that are the parent's business."""
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        os.close(self._told)
        os.close(self._telling)
        for one in close:
            one.close()

    def _start_control(self) -> None:
        mine, its = socket.socketpair()
        mine.setblocking(False)
        client, *_ = self._sockets.values()
        pid = self._fork(lambda: self._control_main(its), mine, client)
        its.close()
        self._link, self._control_pid = mine, pid
        self._selector.register(mine, selectors.EVENT_READ, self._listen)

    def _replace(self) -> None:
        """Start workers that are due."""
        now = time.monotonic()
        for place in self._places:
            if not place.pid and not self._going and now >= place.due:
                self._start_worker(place)

    def _start_worker(self, place: Place) -> None:
        link = self._link
        assert link is not None
        its, controls = socket.socketpair()
        _, admin = self._sockets.values()
        place.pid = self._fork(lambda: self._work_main(place.index, its), controls, link, admin)
        place.born = time.monotonic()
        its.close()
        try:
            socket.send_fds(link, [WORKER.pack(place.index, place.pid)], [controls.fileno()])
        except OSError:  # the control is gone: the next look finds that out
            pass
        controls.close()

    def _until_next(self) -> float | None:
        now = time.monotonic()
        waits = [place.due - now for place in self._places if not place.pid and not self._going]
        if self._successor is not None:
            waits.append(self._patience - now)
        return max(0.0, min(waits)) if waits else None

    def _listen(self) -> None:
        """Hear what the control says."""
        if self._link is None or self._deaf:
            return
        try:
            said = self._link.recv(64)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if GOING in said:
            self._stop_replacing()
        elif not said:
            self._deaf = True
            self._selector.unregister(self._link)

    def _stop_replacing(self) -> None:
        if self._going:
            return
        self._going = True
        # Else the kernel would go on taking clients for nobody: the workers close theirs in time.
        client, *_ = self._sockets.values()
        client.close()

    def _bury(self) -> None:
        if self._successor is not None:
            self._successor.buried()
        for pid in (self._control_pid, *(place.pid for place in self._places)):
            if not pid:
                continue
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, code: int) -> None:
        if pid == self._control_pid:
            self._control_pid = 0
            self._code = code if self._going else code or 1
            if not self._going:
                log.critical("the control process has ended: so must all", code=code)
            return
        place = next(each for each in self._places if each.pid == pid)
        wait = place.died(time.monotonic())
        if not self._going:
            log.warning("worker ended", worker=place.index, pid=pid, code=code, again_in_s=wait)

    def _end_rest(self) -> None:
        """End workers that are still there."""
        self._going = True
        until = time.monotonic() + LAST
        while any(place.pid for place in self._places):
            if time.monotonic() > until:
                for place in self._places:
                    if place.pid:
                        os.kill(place.pid, signal.SIGKILL)
            select.select((self._told,), (), (), 0.1)
            self._bury()

    # a newer version -----------------------------------------------------------------------------

    def _succeed(self) -> None:
        if self._going or self._successor is not None:
            log.warning("no successor is started: this process is being replaced or is stopping")
            return
        try:
            self._successor = successor.start(self._sockets)
        except OSError as error:
            log.error("no successor could be started", reason=str(error))  # noqa: TRY400 - no bug
            return
        self._patience = time.monotonic() + successor.PATIENCE
        log.info("successor started", pid=self._successor.pid)
        self._selector.register(self._successor.descriptor, selectors.EVENT_READ, self._decided)

    def _decided(self) -> None:
        assert self._successor is not None
        self._selector.unregister(self._successor.descriptor)
        if not self._successor.ready():
            self._no_successor("it ended, or could not start; its own log says why")
            return
        log.info("successor serves: letting go", pid=self._successor.pid)
        assert self._link is not None
        self._link.send(HANDED_OVER)
        self._stop_replacing()

    def _no_successor(self, reason: str) -> None:
        log.error("no successor: this process serves on", reason=reason)
        self._successor = None


def _note(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up descriptor tells of it."""


def _leave(main: Callable[[], int]) -> NoReturn:
    code = 1
    try:
        code = main()
    except BaseException:  # noqa: BLE001 - a child must never return into its parent's code
        os.write(2, traceback.format_exc().encode())  # its log has been closed
    finally:
        os._exit(code)
