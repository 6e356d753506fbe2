"""Reloads in the midst of traffic: all accounts still close, and who is removed gets no call."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from proxy.boot.fleet import Fleet
from proxy.core import admission
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.dialects.registry import engine
from proxy.flow import pump
from proxy.settings.schema import BackendSettings, Settings
from tests.fixtures.course import World
from tests.fixtures.ends import ScriptedPool
from tests.property.test_finish import TIMEOUTS, Traffic

KINDS = ("vllm", "llamacpp")
CHOICES = st.lists(
    st.builds(
        BackendSettings,
        name=st.sampled_from("abcd"),
        url=st.sampled_from([f"http://127.0.0.1:{port}" for port in (1, 2, 3, 4, 5)]),
        type=st.sampled_from(KINDS),
        weight=st.sampled_from([0.5, 1.0, 3.0]),
        priority=st.sampled_from([0, 1]),
        max_in_flight=st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda one: one.name, lambda one: one.url),
)
FIRST = tuple(
    BackendSettings(name=name, url=f"http://127.0.0.1:{port}", type="vllm", max_in_flight=2)
    for port, name in enumerate("abc", start=1)
)


class Reloads(Traffic):
    """The traffic of `test_finish`, and a fleet whose settings change."""

    def __init__(self) -> None:
        super().__init__()
        world = self.world = World(
            "", timeouts=TIMEOUTS, queue=admission.Policy(count=3), queue_timeout=4.0
        )
        self.fleet = Fleet(Settings(backends=FIRST), now=world.now, random=lambda: 0.5)
        world.course.directory, world.course.sides = self.fleet.directory, self.fleet.sides
        self.fleet.on_catalog = world._intake.retarget
        self.removed: dict[Backend, int] = {}  # and its leases until then
        self.take_in(self.fleet.backends())

    def take_in(self, backends: Sequence[Backend], *, found: bool = True) -> None:
        """Give backends scripted connections; if `found`, they are ready and have the model."""
        for backend in backends:
            self.removed.pop(backend, None)
            if backend not in self.world.backends.values():
                name = backend.name if backend.name not in self.world.backends else backend.url
                key = f"{name} {len(self.world.backends)}" if name != backend.name else name
                self.world.backends[key] = backend
                pool = self.world.pools[key] = ScriptedPool(key, self.world.now)
                self.fleet.sides[backend].pool = pool
            self.fleet.recognised(backend, engine(backend.kind))
            if found:
                self.find(backend)

    def find(self, backend: Backend) -> None:
        self.fleet.listed(backend, [Model(id="m")])
        backend.health.probed(ok=True, now=self.world.now(), reason="")

    @rule()
    def check(self) -> None:
        for backend in self.fleet.backends():
            self.find(backend)

    @rule(chosen=CHOICES, found=st.booleans())
    def reload(self, chosen: list[BackendSettings], found: bool) -> None:
        new = Settings(backends=tuple(chosen))
        self.take_in(self.fleet.join(new), found=found)
        for backend in self.fleet.settle(new):
            self.removed[backend] = backend.total_leases
        pump.run(self.world.course)

    @rule()
    def part(self) -> None:
        self.fleet.part()

    @invariant()
    def who_was_removed_got_no_attempt_since(self) -> None:
        for backend, leases in self.removed.items():
            assert backend.total_leases == leases, backend

    @invariant()
    def who_left_has_nothing_under_way(self) -> None:
        sides = self.fleet.sides
        for backend in self.world.backends.values():
            assert backend in sides or not backend.in_flight
        assert set(self.fleet.backends()) | set(self.fleet.leaving) == set(sides)

    @invariant()
    def the_settings_are_in_force(self) -> None:
        for backend in self.fleet.backends():
            assert not backend.draining
        urls = [backend.url for backend in self.fleet.backends()]
        assert len(urls) == len(set(urls))


@pytest.fixture(autouse=True)
def _no_log_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.boot.fleet.log.info", lambda *_, **__: None, raising=False)


TestReloads = Reloads.TestCase
TestReloads.settings = settings(max_examples=60, stateful_step_count=40)
