"""Crowding: how many clients are let in, and when a shortage of files is told."""

from math import inf

from proxy.edge.crowding import OWN, Crowd


def test_without_a_limit_everybody_is_let_in() -> None:
    crowd = Crowd()
    assert crowd.most == inf

    assert not crowd.look(1 << 40, clients=10**6, engines=10**6)
    assert crowd.most > 10**9


def test_a_tenth_is_kept_back_and_engines_count() -> None:
    crowd = Crowd()

    crowd.look(1000, clients=0, engines=100)

    assert crowd.most == 1000 - 100 - OWN - 100
    assert crowd.limit == crowd.most + 50


def test_somebody_is_always_let_in() -> None:
    crowd = Crowd()

    crowd.look(10, clients=0, engines=100)

    assert crowd.most == crowd.limit == 1


def test_a_shortage_is_told_once_until_it_is_over() -> None:
    crowd = Crowd()
    said = [
        crowd.look(240, clients=clients, engines=0)
        for clients in (0, 175, 176, 200, 170, 176, 158, 177)
    ]

    assert said == [False, False, True, False, False, False, False, True]


def test_who_was_turned_away_between_two_looks_makes_a_shortage() -> None:
    crowd = Crowd()
    said = []
    for away in (0, 3, 2, 0, 1):
        crowd.away = away
        said.append(crowd.look(240, clients=10, engines=0))

    assert said == [False, True, False, False, True]
    assert crowd.away == 0
