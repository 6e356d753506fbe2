"""Places of a key in several processes: what one may begin, what it tells, when it gives back."""

from proxy.core.places import LASTS, PAUSE, Claim, Hold, Places

NOW = 1000.0


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


class Group:
    """Another process of this replica, with so many calls."""

    def __init__(self, elsewhere: int) -> None:
        self.elsewhere = elsewhere
        self.mine: list[int] = []

    def put(self, _name: str, count: int) -> None:
        self.mine.append(count)

    def room(self, _name: str, limit: float, _now: float) -> float:
        return limit - self.elsewhere


def held(count: int, left: int, *, running: int = 0, limit: float = 8) -> tuple[Places, Hold]:
    places = Places(2, Woken(), None)
    places.room("team", limit, NOW)
    hold = places.holds["team"]
    hold.running = running
    hold.answered(count, left, NOW)
    return places, hold


def told(places: Places, now: float = NOW) -> Claim:
    ((_, _, claim),) = places.claims(now)
    return claim


def test_without_an_answer_a_replica_begins_its_share_and_at_least_one() -> None:
    places = Places(4, Woken(), None)

    assert [places.room("team", limit, NOW) for limit in (40, 5, 2, 0)] == [10, 1, 1, 0]


def test_the_share_is_that_of_all_processes_of_a_replica() -> None:
    group = Group(elsewhere=3)
    places = Places(2, Woken(), group)

    places.put("team", 1)

    assert places.room("team", 8, NOW) == 1
    assert group.mine == [1]


def test_places_are_good_for_a_second() -> None:
    places, _ = held(6, 0)

    assert places.room("team", 8, NOW + LASTS - 0.01) == 6
    assert places.room("team", 8, NOW + LASTS) == 4


def test_one_call_more_begins_on_trust_while_some_are_left() -> None:
    places, hold = held(3, 2, running=3)

    assert places.room("team", 8, NOW) == 4
    hold.answered(4, 0, NOW)
    assert places.room("team", 8, NOW) == 4


def test_a_smaller_limit_holds_at_once() -> None:
    places, _ = held(6, 0)

    assert places.room("team", 2, NOW) == 2


def test_who_runs_out_asks_for_what_began_lately_once_more() -> None:
    places, _ = held(2, 2)
    for count in (1, 2):
        places.put("team", count)

    assert told(places) == Claim(limit=8, running=2, wanted=4)


def test_while_places_are_short_none_is_kept_for_later() -> None:
    woken = Woken()
    places = Places(2, woken, None)
    places.room("team", 8, NOW)
    places.holds["team"].answered(4, 0, NOW)
    places.put("team", 3)
    assert not woken.times

    places.put("team", 2)  # one has ended: others may want its place

    assert woken.times == 1
    assert told(places).wanted == 2


def test_a_refused_call_asks_for_a_place() -> None:
    places, _ = held(2, 0, running=2)

    assert places.room("team", 8, NOW) == 2

    assert told(places).wanted == 3
    assert told(places).wanted == 2


def test_a_key_nobody_uses_is_given_back_and_forgotten() -> None:
    places, hold = held(2, 2)

    assert told(places, NOW + PAUSE).wanted == 0
    assert told(places, NOW + PAUSE + 0.01).wanted == -1
    hold.answered(0, 8, NOW)
    assert places.room("team", 8, NOW) == 4

    held_back = places.claims(NOW, leaving=True)
    assert held_back[0][2].wanted == -1
    assert places.claims(NOW) == []
    assert not places.holds


def test_a_call_that_runs_for_long_keeps_its_place() -> None:
    places, _ = held(2, 2, running=1)

    assert told(places, NOW + 100 * PAUSE).wanted == 1
