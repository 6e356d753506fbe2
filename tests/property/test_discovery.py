"""Discovery comes to what is true, whatever happens on the way, and never names an engine twice."""

import asyncio
from collections.abc import AsyncGenerator

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.discovery.merging import merged
from proxy.discovery.objects import Thing
from proxy.discovery.reflector import Hooks, Parameters, Query, Reflector, Timing, Trouble
from proxy.settings.address import Address
from proxy.settings.schema import BackendSettings
from tests.fixtures.listing import Json, Over, event, gone, page, thing

NAMES = st.sampled_from("abc")
CHANGES = st.tuples(st.sampled_from(["put", "remove"]), NAMES)
BREAKS = st.sampled_from(["end", "break", "compact", "refuse"])
SCRIPTS = st.lists(CHANGES | BREAKS.map(lambda name: (name, "")), max_size=30)


class Server:
    """A list that changes by a script while it is watched; at the script's end all is told."""

    def __init__(self, script: list[tuple[str, str]]) -> None:
        self.script = list(reversed(script))
        self.there: dict[str, Json] = {}
        self.history: list[tuple[int, Json]] = []
        self.version, self.oldest, self.refusing = 1, 0, False

    async def get(self, path: str, parameters: Parameters) -> bytes:
        if self.refusing:
            self.refusing = False
            raise Trouble("refused", 503)
        return orjson.dumps(page(*self.there.values(), version=self.version))

    async def lines(self, path: str, parameters: Parameters) -> AsyncGenerator[bytes, None]:
        seen = int(parameters["resourceVersion"])
        if seen < self.oldest:
            yield orjson.dumps(gone())
        while True:
            for version, said in [one for one in self.history if one[0] > seen]:
                seen = version
                yield orjson.dumps(said)
            if not self.script:
                raise Over
            what, name = self.script.pop()
            if what in {"put", "remove"}:
                self._change(what, name)
            elif what == "end":
                return
            else:
                self.refusing = what == "refuse"
                if what == "compact":
                    self.version += 1
                    self.oldest, self.history = self.version, []
                raise Trouble("cut off")

    def _change(self, what: str, name: str) -> None:
        self.version += 1
        made = thing(name, self.version)
        if what == "put":
            kind = "MODIFIED" if name in self.there else "ADDED"
            self.there[name] = made
        elif self.there.pop(name, None) is None:
            return
        else:
            kind = "DELETED"
        self.history.append((self.version, event(kind, made)))


@given(SCRIPTS)
def test_what_is_known_in_the_end_is_what_there_is(script: list[tuple[str, str]]) -> None:
    server = Server(script)
    hooks = Hooks(changed=lambda: None, troubled=lambda _: None)
    timing = Timing(
        resync=600.0, random=lambda: 0.5, now=lambda: 0.0, sleep=lambda _: asyncio.sleep(0)
    )
    followed = Reflector(server, Query(path="/things", kind=Thing), hooks, timing)

    async def play() -> None:
        try:
            await followed.run()
        except Over:
            return

    asyncio.run(play())

    assert {one.metadata.name for one in followed.objects} == set(server.there)
    versions = {one.metadata.name: one.metadata.resource_version for one in followed.objects}
    assert versions == {
        name: made["metadata"]["resourceVersion"] for name, made in server.there.items()
    }


BACKENDS = st.builds(
    lambda name, host, port: BackendSettings(name=name, url=f"http://10.0.0.{host}:{port}"),
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 3),
    st.sampled_from([8000, 8900]),
)


@given(st.lists(st.lists(BACKENDS, max_size=6), max_size=3))
def test_every_engine_is_there_once_under_a_name_of_its_own(
    found: list[list[BackendSettings]],
) -> None:
    ours = Address(host="0.0.0.0", port=8900)
    sources = [(f"source {index}", some) for index, some in enumerate(found)]

    result = merged((), sources, (ours,), ("auto",))

    addresses = [one.address for one in result.backends]
    names = [one.name for one in result.backends]
    possible = {one.address for some in found for one in some if not ours.clashes(one.address)}
    assert set(addresses) == possible
    assert len(set(addresses)) == len(addresses)
    assert len(set(names)) == len(names)
    assert len(result.problems) == sum(map(len, found)) - len(addresses)
