"""The guard: whose call it is, whether it may begin, and how other keys take their place."""

from collections.abc import Sequence

import msgspec
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow import guard as guards
from proxy.flow.course import Request
from proxy.flow.guard import Guard, Tariff, challenged
from tests.fixtures.course import World
from tests.fixtures.ends import CHAT, FakeClient, plain
from tests.fixtures.keyed import NOW, guarding, key, secret


def world(*keys: object) -> tuple[World, Guard]:
    found = World("a")
    guard = guarding(keys)  # type: ignore[arg-type]
    found.course.guard = guard
    found.course.observers = (guard, *found.course.observers)
    return found, guard


def asked(world: World, name: str = "team", **request: object) -> FakeClient:
    return world.ask(secret=secret(name) if name else b"", **request)  # type: ignore[arg-type]


def request_of(client: FakeClient) -> Request:
    assert client.attempts is not None
    return client.attempts.request


def refusal(client: FakeClient) -> Failure:
    assert client.call.failure is not None
    return client.call.failure


@pytest.mark.parametrize(
    ("name", "kind"), [("", Kind.NO_KEY), ("other", Kind.BAD_KEY), ("old", Kind.OLD_KEY)]
)
def test_who_is_not_known_is_told_why(name: str, kind: Kind) -> None:
    scene, _ = world(key("team"), key("old", expires_at=NOW.wall))

    failure = refusal(asked(scene, name))

    assert (failure.kind, challenged(failure)) == (kind, True)
    scene.assert_at_rest()


def test_a_call_knows_whose_it_is_and_its_place_is_free_at_its_end() -> None:
    scene, guard = world(key("team", concurrency=1))
    client = asked(scene)
    assert client.call.grant is not None
    assert client.call.grant.account.key.name == "team"
    assert refusal(asked(scene)).kind is Kind.RATE_LIMITED

    scene.reached().send(plain(b'{"x":1}'))

    assert guard.accounts["team"].running == 0
    assert not asked(scene).call.end


def test_a_model_that_is_not_allowed_takes_nothing() -> None:
    scene, guard = world(key("team", models=("llama-*",), requests_per_minute=1))

    failure = refusal(asked(scene))

    assert (failure.kind, failure.param) == (Kind.FORBIDDEN_MODEL, "model")
    requests = guard.accounts["team"].requests
    assert requests is not None
    assert requests.room(scene.time) == 1


def test_the_work_of_a_call_is_reserved() -> None:
    scene, guard = world(key("team", tokens_per_minute=1000))
    call = asked(scene, body=b'{"model":"m","max_tokens":30}').call

    assert guard.accounts["team"].reserved_tokens == call.work == call.prompt_work + 30


@pytest.mark.parametrize(("own", "sent", "place"), [(0, 3, 3), (0, -3, 0), (-5, 0, -5), (5, -9, 5)])
def test_a_client_can_only_step_back_from_the_place_of_its_key(
    own: int, sent: int, place: int
) -> None:
    scene, _ = world(key("team", priority=own))

    assert asked(scene, priority=sent).call.priority == place


def test_a_revoked_key_ends_no_call_and_begins_none() -> None:
    scene, guard = world(key("team"))
    running = asked(scene)
    request = Request(request_of(running).operation, ())
    request.secret = secret("team")
    request.known = request_of(running).known

    guard.renew([key("other")])

    assert not running.call.end
    assert refusal(asked(scene)).kind is Kind.BAD_KEY
    found = guard.admit(running.call, request)  # on the same connection, with the same head
    assert isinstance(found, Failure)
    assert found.kind is Kind.BAD_KEY
    scene.reached().send(plain(b'{"x":1}'))
    assert running.call.failure is None


def test_other_limits_hold_for_the_next_call() -> None:
    scene, guard = world(key("team"))
    asked(scene)

    guard.renew([key("team", concurrency=1)])

    assert refusal(asked(scene)).kind is Kind.RATE_LIMITED


def test_equal_keys_keep_their_accounts() -> None:
    guard = guarding([key("team", requests_per_minute=1)])
    before = guard.accounts["team"]

    guard.renew([key("team", requests_per_minute=2), key("new")])

    assert guard.accounts["team"] is before
    assert before.key.requests_per_minute == 2
    assert set(guard.accounts) == {"team", "new"}


def test_a_key_expires_while_its_connection_goes_on() -> None:
    scene, guard = world(key("team", expires_at=NOW.wall + 1))
    first = asked(scene)
    request = request_of(first)

    guard.calendar = msgspec.structs.replace(NOW, wall=NOW.wall + 1)

    found = guard.admit(first.call, request)
    assert isinstance(found, Failure)
    assert found.kind is Kind.OLD_KEY


def passage(guard: Guard, scene: World, model: str) -> Failure | None:
    client = asked(scene)
    request = Request(request_of(client).operation, ())
    request.secret = secret("team")
    return guard.admit_passage(client.call, request, model)


@pytest.mark.parametrize(
    ("models", "model", "kind"),
    [
        ((), "", None),
        (("m",), "m", None),
        (("m",), "", Kind.FORBIDDEN),
        (("m",), "other", Kind.FORBIDDEN_MODEL),
    ],
)
def test_what_passes_through_must_name_a_model_if_the_key_has_a_list(
    models: Sequence[str], model: str, kind: Kind | None
) -> None:
    scene, guard = world(key("team", models=models))

    found = passage(guard, scene, model)

    assert (None if found is None else found.kind) == kind


def test_what_passes_through_needs_a_key_too() -> None:
    scene, guard = world(key("team"))
    client = asked(scene)
    request = Request(request_of(client).operation, ())

    found = guard.admit_passage(client.call, request, "")

    assert found is not None
    assert found.kind is Kind.NO_KEY


def test_limits_that_cannot_be_judged_are_refused() -> None:
    limited = (key("team", requests_per_minute=9), key("some", concurrency=9))
    scene, guard = world(*limited, key("free"))
    guard.away = "the store is down"

    for name in ("team", "some"):
        failure = refusal(asked(scene, name))
        assert (failure.kind, failure.origin) == (Kind.LIMITS_AWAY, Origin.PROXY)
    assert not asked(scene, "free").call.end


def test_who_is_not_known_sees_no_model() -> None:
    guard = guarding([key("team", models=("a*",))])

    assert guard.permits([(b"x-api-key", secret("team"))])("abc")
    assert not guard.permits([(b"x-api-key", secret("team"))])("b")
    assert not guard.permits([])("abc")


def test_only_what_says_nothing_of_a_known_key_is_challenged() -> None:
    limited = Failure(kind=Kind.RATE_LIMITED, origin=Origin.CLIENT, phase=Phase.READ, detail="x")

    assert not challenged(limited)


def test_a_price_is_by_name_before_it_is_by_pattern() -> None:
    tariff = Tariff({"llama-*": (1.0, 1.0), "llama-3": (10.0, 0.0)})

    assert tariff["llama-3"] == (10.0, 0.0)
    assert tariff["llama-2"] == (1.0, 1.0)
    assert tariff["gpt"] == (0.0, 0.0)


def test_so_many_models_are_remembered_with_their_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MAX_PRICED", 2)
    tariff = Tariff({"llama-*": (1.0, 2.0)})

    found = [tariff[f"llama-{number}"] for number in range(9)]

    assert found == [(1.0, 2.0)] * 9
    assert len(tariff) <= 2


def test_money_is_reserved_by_the_price_of_the_model() -> None:
    scene, guard = world(key("team", budget_money=50.0))
    guard.tariff = Tariff({"m": (0.0, 1.0)})

    asked(scene, body=b'{"model":"m","max_tokens":30}')
    failure = refusal(asked(scene, body=b'{"model":"m","max_tokens":30}', path=CHAT))

    assert failure.kind is Kind.BUDGET_SPENT
