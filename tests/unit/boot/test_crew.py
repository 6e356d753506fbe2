"""The workers as the control process sees them: sums, and what is left of who is gone."""

import socket

from proxy.boot.board import Board, Seat
from proxy.boot.crew import Peer, Workers
from proxy.boot.frames import Drain, Frame, Freed, Report
from proxy.boot.link import Link
from tests.fixtures.stack import eventually


class Scene:
    def __init__(self) -> None:
        self.gone: list[int] = []
        self.board = Board(2)
        self.workers = Workers(self.board, lambda: 10.0, lambda peer: self.gone.append(peer.index))
        self.ends: list[Link] = []
        self.heard: list[tuple[int, Frame]] = []

    async def welcome(self, index: int) -> Peer:
        mine, its = socket.socketpair()

        def take(frame: Frame) -> None:
            self.heard.append((index, frame))

        self.ends.append(await Link.open(its, take, lambda: None))
        return await self.workers.welcome(index, 100 + index, mine, lambda peer, frame: None)

    async def close(self) -> None:
        await self.workers.close()
        for end in self.ends:
            end.close()
            await end.ended.wait()


async def test_reports_are_summed_up() -> None:
    scene = Scene()
    for index in (0, 1):
        peer = await scene.welcome(index)
        peer.report = Report(
            in_flight=2, connections=3, queues={"m": 1}, lag=0.1 * index, dropped=4
        )
    workers = scene.workers

    assert (workers.in_flight(), workers.connections(), dict(workers.queues())) == (4, 6, {"m": 2})
    assert (workers.lag(), workers.dropped_lines(), len(workers)) == (0.1, 8, 2)
    assert [row["pid"] for row in workers.rows()] == [100, 101]
    await scene.close()


async def test_clients_are_served_from_the_first_worker_s_first_snapshot_on() -> None:
    scene = Scene()
    assert not scene.workers.serves
    one, other = await scene.welcome(0), await scene.welcome(1)
    assert not scene.workers.serves

    other.applied = 0
    assert scene.workers.serves
    scene.workers.strike(other)
    assert not scene.workers.serves
    one.applied = 3
    assert scene.workers.serves
    await scene.close()


async def test_who_is_gone_is_struck_out_once_and_its_losses_stay() -> None:
    scene = Scene()
    peer = await scene.welcome(0)
    peer.report = Report(dropped=4)
    Seat(scene.board, 0).put(5, 1, 1.0)

    scene.ends[0].close()
    await eventually(lambda: bool(scene.gone))
    scene.workers.strike(peer)

    assert (scene.gone, scene.workers.lost, scene.workers.dropped_lines()) == ([0], 1, 4)
    assert scene.board.requests_at(5) == 0
    assert await scene.workers.applied(3, 0.0)  # nobody is left to wait for
    await scene.close()


async def test_tables_are_sums_and_counters_never_fall() -> None:
    scene = Scene()
    for index in (0, 1):
        peer = await scene.welcome(index)
        peer.report = Report(
            tables={"x_total": [(("k",), 2.0)], "y": [(("k",), 1.0)], "keys": [((), 7.0)]}
        )
    workers = scene.workers

    assert workers.table("x_total") == [(("k",), 4.0)]
    assert workers.table("keys") == [((), 7.0)]  # all of them know the same
    scene.ends[0].close()
    await eventually(lambda: len(workers) == 1)

    assert (workers.table("x_total"), workers.table("y")) == ([(("k",), 4.0)], [(("k",), 1.0)])
    assert workers.table("z") == []
    await scene.close()


async def test_a_new_one_takes_the_place_of_who_is_not_known_to_be_gone() -> None:
    scene = Scene()
    await scene.welcome(0)
    Seat(scene.board, 0).put(5, 1, 1.0)

    await scene.welcome(0)

    assert (len(scene.workers), scene.gone, scene.board.requests_at(5)) == (1, [0], 0)
    await scene.close()


async def test_news_go_to_the_others_and_places_to_who_waits() -> None:
    scene = Scene()
    peers = [await scene.welcome(index) for index in (0, 1)]

    scene.workers.send(Drain(), but=peers[0])
    scene.workers.send_waiting(Freed(), peers[0])
    Seat(scene.board, 1).waits("m", 1)
    scene.workers.send_waiting(Freed(), peers[0])
    scene.workers.send_waiting(Freed(), peers[1])

    await eventually(lambda: len(scene.heard) == 2)
    assert scene.heard == [(1, Drain()), (1, Freed())]
    await scene.close()


async def test_waiting_has_an_end() -> None:
    scene = Scene()
    await scene.welcome(0)

    await scene.workers.ended(0.0)
    assert not await scene.workers.applied(1, -1.0)
    await scene.workers.complete(2, -1.0)

    scene.workers.ending = True
    scene.ends[0].close()
    await scene.workers.ended(5.0)
    assert scene.workers.lost == 0
    await scene.close()
