"""Backends of the control process: their load is what workers have, their changes are told."""

from proxy.boot.board import SLOTS, Board, Seat
from proxy.boot.watched import WatchedFleet
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.settings.schema import BackendSettings, Settings

A = BackendSettings(name="a", url="http://127.0.0.1:1", type="vllm")
B = BackendSettings(name="b", url="http://127.0.0.1:2", type="vllm")


class Scene:
    def __init__(self, *backends: BackendSettings) -> None:
        self.board = Board(1)
        self.changed: list[str] = []
        self.fleet = WatchedFleet(
            Settings(backends=backends),
            now=lambda: 1.0,
            random=lambda: 0.5,
            board=self.board,
            changed=self.note,
        )

    def note(self, backend: Backend) -> None:
        self.changed.append(backend.name)

    def change(self, *backends: BackendSettings) -> None:
        settings = Settings(backends=backends)
        self.fleet.join(settings)
        self.fleet.settle(settings)


def test_load_is_what_stands_on_the_board() -> None:
    scene = Scene(A, B)

    Seat(scene.board, 0).put(1, 2, 30.0)

    assert [(b.in_flight, b.work) for b in scene.fleet.backends()] == [(0, 0.0), (2, 30.0)]


def test_readiness_that_changes_is_told() -> None:
    scene = Scene(A)
    (backend,) = scene.fleet.backends()

    backend.health.probed(ok=True, now=2.0, reason="ready")
    scene.fleet.listed(backend, [Model(id="m")])

    assert scene.changed == ["a"]
    (known,) = scene.fleet.knowledge()
    assert (known.slot, known.name, known.kind) == (0, "a", "vllm")
    assert known.models == (Model(id="m"),)
    assert known.next_probe_at == 0.0  # of no use to anybody while it is ready


def test_a_slot_is_kept_while_calls_run_and_not_used_again_soon() -> None:
    scene = Scene(A, B)
    Seat(scene.board, 0).put(0, 1, 1.0)

    scene.change(B)
    assert sorted(scene.fleet.slots) == [0, 1]
    assert [known.name for known in scene.fleet.knowledge()] == ["b"]

    Seat(scene.board, 0).put(0, 0, 0.0)
    scene.fleet.part()
    assert sorted(scene.fleet.slots) == [1]
    scene.change(B, A)
    assert sorted(scene.fleet.slots) == [1, 2]
    assert len(scene.fleet._free) == SLOTS - 2
