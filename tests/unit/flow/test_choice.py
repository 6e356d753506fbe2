"""Choice: what is left to try, where a call waits, and when its client should come back."""

import pytest
from msgspec.structs import replace

from proxy.core.account import Account, Grant
from proxy.core.admission import Ticket
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.keys import Key
from proxy.core.window import Window
from proxy.flow import choice
from proxy.flow.attempts import Attempts
from tests.fixtures.course import World
from tests.fixtures.ends import plain


def waiting(world: World) -> Attempts:
    """Return a call for which there is no room."""
    client = world.ask()
    assert client.attempts is not None
    return client.attempts


def test_backends_that_have_failed_are_not_left_to_try() -> None:
    world = World("abc")
    client, engine = world.asked("a")
    assert client.attempts is not None
    assert choice.untried(client.attempts) == 3

    engine.send(plain(b"{}", 503))

    assert choice.untried(client.attempts) == 2
    assert choice.choosy(client.attempts)


def test_who_was_ordered_out_of_use_is_not_waited_for() -> None:
    world = World("ab")
    world.backends["a"].drain(world.now())

    pinned, other = world.ask(pin="a"), world.ask()

    (refusal,) = pinned.refusals
    assert refusal.kind is Kind.NO_BACKEND
    assert refusal.detail.endswith("; out of use for now: a")
    assert not other.refusals
    assert other.attempts is not None
    assert other.attempts.call.backend is world.backends["b"]


def test_who_waits_is_told_what_is_out_of_use() -> None:
    world = World("ab", cap=1, queue_timeout=5.0)
    world.ask()
    world.backends["b"].drain(world.now())
    call = waiting(world)

    detail = choice.waited_in_vain(call, world.now()).detail

    assert detail == "no backend had room in time; out of use for now: b"


def test_a_call_is_choosy_if_it_may_go_to_fewer_backends_than_others() -> None:
    world = World("ab")
    plain_one, pinned = world.ask(), world.ask(pin="a")
    special = world.ask(path="/v1/embeddings")
    for client in (plain_one, pinned, special):
        assert client.attempts is not None

    assert [choice.choosy(c.attempts) for c in world.clients if c.attempts] == [False, True, True]


def test_calls_that_asked_for_the_same_name_wait_in_one_line() -> None:
    world = World("a", cap=1, aliases={"alias": ["m"]})
    world.ask()
    first, second = waiting(world), waiting(world)
    other = world.ask(body=b'{"model":"alias"}')
    assert other.attempts is not None

    assert choice.queue(first) is choice.queue(second)
    assert choice.queue(other.attempts) is not choice.queue(first)


def test_who_waits_for_room_is_sent_away_for_as_long_as_the_queue_takes() -> None:
    world = World("a", cap=1)
    world.ask()
    call = waiting(world)

    assert choice.retry_after(call, world.now()) == choice.queue(call).retry_after(world.now())


def test_who_waits_for_backends_that_are_down_is_sent_away_until_the_next_probe() -> None:
    world = World("ab")
    for number, backend in enumerate(world.backends.values()):
        for _ in range(3):
            backend.health.probed(ok=False, now=world.now(), reason="gone")
        backend.health.next_probe_at = world.now() + 4.0 + number
    call = waiting(world)

    assert choice.retry_after(call, world.now()) == pytest.approx(4.0)
    assert choice.retry_after(call, world.now() + 100.0) == choice.SOONEST


def test_another_is_calm_until_it_has_refused_something_itself() -> None:
    world = World("abc")
    full = Failure(
        kind=Kind.STATUS,
        origin=Origin.BACKEND,
        phase=Phase.WAIT,
        detail="x",
        condition="overloaded",
    )
    client = world.ask()
    assert client.attempts is not None
    client.call.tried.append(world.backends["a"])

    assert choice.calm(client.attempts, full, world.now())
    assert not choice.calm(client.attempts, replace(full, condition="dead"), world.now())
    world.backends["b"].penalise(None, world.now())
    assert choice.calm(client.attempts, full, world.now())
    world.backends["c"].penalise(None, world.now())
    assert not choice.calm(client.attempts, full, world.now())
    assert choice.calm(client.attempts, full, world.now() + 5.0)


def test_the_words_say_what_happened() -> None:
    world = World("ab", cap=1)
    client, engine = world.asked("a")
    engine.send(plain(b"{}", 503))
    assert client.attempts is not None

    in_vain = choice.waited_in_vain(client.attempts, world.now())
    nobody = choice.no_backend(client.attempts, world.now())

    assert (in_vain.kind, in_vain.origin) == (Kind.QUEUE_TIMEOUT, Origin.DEADLINE)
    assert "the engine answered 503" in in_vain.detail
    assert nobody.kind is Kind.NO_BACKEND
    assert nobody.retry_after is not None


def test_calls_of_a_session_go_to_its_backend_while_that_has_not_too_much_to_do() -> None:
    world = World("abcd")
    for backend in world.backends.values():
        backend.priority = 0
    world.course.session_bound = 1.25

    def chosen(session: str) -> str:
        client = world.ask(session=session)
        assert client.call.backend is not None
        if client.attempts is not None:
            client.attempts.client_gone()
        return client.call.backend.name

    homes = [chosen(f"talk-{n}") for n in range(12)]

    assert homes == [chosen(f"talk-{n}") for n in range(12)]
    assert len(set(homes)) > 1
    held = world.ask(session="talk-0").call.backend
    busy = world.ask(session="talk-0").call.backend
    assert held is not None
    assert held.name == homes[0]
    assert busy is not held


def test_a_call_waits_as_one_of_its_tenants() -> None:
    world = World("a", cap=1)
    world.ask()
    nobody, anybody = waiting(world), waiting(world)
    account = Account(
        Key(name="team-a", tenant="research"), lambda _kind, _name, limit: Window(limit)
    )
    anybody.call.grant = Grant(account, given=True, at=1000.0)

    tickets = [choice.queued(each, world.now()) for each in (nobody, anybody)]

    assert [ticket.whose for ticket in tickets if isinstance(ticket, Ticket)] == ["", "research"]
    assert nobody.call.visit is None
    assert anybody.call.visit is not None
    assert not anybody.call.visit.placed
