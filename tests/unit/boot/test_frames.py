"""What processes say to each other comes through whole, in pieces of any size."""

from pathlib import Path

from proxy.boot.frames import (
    Applied,
    Changed,
    Drain,
    Ended,
    Frame,
    Frames,
    Freed,
    Heard,
    Hurry,
    Known,
    Noticed,
    Report,
    Snapshot,
    Taken,
    call_of,
    encoded,
    entry,
    read,
    written,
)
from proxy.core.account import Grant
from proxy.core.catalog import Model
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.health import State
from proxy.core.joint import News, What
from proxy.core.reported import Reported
from proxy.settings.credential import Secret
from proxy.settings.load import load
from proxy.settings.schema import BackendSettings, Models, PartialTimeouts, Settings
from tests.fixtures.keyed import NOW, guarding, key
from tests.fixtures.view import ended_call

KNOWN = Known(
    slot=3,
    name="a",
    url="http://a:1",
    kind="vllm",
    state=State.FAILING,
    since=1.5,
    reason="refused",
    recovered_at=float("-inf"),
    next_probe_at=2.0,
    trusted_at=float("-inf"),
    learned_cap=None,
    reported=Reported(running=2),
    foreign=1,
    models=(Model(id="m", extra={"quantization": "q4"}, also=("n",)),),
)
HEARD = Heard(slot=3, news=News(what=What.OPENED, until=9.0, level=2))
FRAMES: list[Frame] = [
    Snapshot(serial=4, settings=written(Settings(), Path()), backends=(KNOWN,), standing=(HEARD,)),
    Changed(backends=(KNOWN,)),
    HEARD,
    Noticed(slot=1, models=True),
    Freed(),
    Taken(keys={"k": (1.0, -2.5)}),
    Ended(entries=[]),
    Report(in_flight=1, queues={"m": 2}),
    Applied(serial=4),
    Drain(handed_over=True),
    Hurry(),
]


def test_frames_come_through_in_pieces_of_any_size() -> None:
    data = b"".join(map(encoded, FRAMES))
    for size in (1, 7, 4096, len(data)):
        reader = Frames()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]

        assert [frame for piece in pieces for frame in reader.feed(piece)] == FRAMES


def test_settings_are_the_same_on_the_other_side(tmp_path: Path) -> None:
    settings = Settings(
        backends=(
            BackendSettings(
                name="a",
                url="http://a:1",
                api_key=Secret("sk-1"),
                timeouts=PartialTimeouts(idle=3.0),
            ),
        ),
        models=Models(aliases={"gpt": ("m", "n")}, timeouts={"m": PartialTimeouts(total=9.0)}),
    )

    assert read(written(settings, tmp_path)) == settings


def test_profiles_are_made_anew_and_stay_the_same_if_nothing_changed(tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "proxy/dialects/profiles/vllm.yaml"
    folder = tmp_path / "engines"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        source.read_text().replace("profile: vllm", "profile: mine", 1)
    )
    file = tmp_path / "headrace.yaml"
    file.write_text("profiles: engines\nbackends: [{url: 'http://a:1', type: mine}]\n")
    settings = load(file, {}).settings
    assert "mine" in settings.engines

    one, two = (read(written(settings, tmp_path)) for _ in range(2))

    assert one.engines["mine"].profile == settings.engines["mine"].profile
    assert one.engines["mine"] is two.engines["mine"]


def test_a_call_keeps_its_facts_and_leaves_its_bodies() -> None:
    failure = Failure(
        kind=Kind.STATUS, origin=Origin.BACKEND, phase=Phase.WAIT, detail="no", body=b"x" * 9
    )
    call = ended_call()
    call.failure = failure
    call.body, call.answer = b"prompt", b"answer"
    reader = Frames()
    (frame,) = reader.feed(encoded(Ended(entries=[entry(call)])))
    assert isinstance(frame, Ended)

    told = call_of(frame.entries[0], lambda name: name)

    assert (told.request_id, told.status, told.ended_at) == (
        call.request_id,
        call.status,
        call.ended_at,
    )
    assert told.failure is not None
    assert (told.failure.kind, told.failure.body) == (Kind.STATUS, None)
    assert (told.body, told.answer) == (b"", b"")


def test_a_grant_stays_where_its_account_is() -> None:
    account = guarding([key("team", concurrency=1)]).accounts["team"]
    for grant in (account.passed, account.refused, account.admit(1.0, 5.0, 0.0, NOW)):
        call = ended_call()
        assert isinstance(grant, Grant)
        call.grant = grant
        (frame,) = Frames().feed(encoded(Ended(entries=[entry(call)])))
        assert isinstance(frame, Ended)

        assert call_of(frame.entries[0], lambda name: name).grant is None


def test_an_attempt_that_failed_is_no_end() -> None:
    call = ended_call()
    call.failure = None
    failure = Failure(kind=Kind.CLOSED, origin=Origin.BACKEND, phase=Phase.WAIT, detail="gone")

    told = entry(call, retried=True, failure=failure)

    assert (told.retried, told.failure) == (True, failure)
    assert call_of(told, lambda name: name).failure is None
