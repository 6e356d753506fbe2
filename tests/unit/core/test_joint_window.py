"""What several processes take of one limit is one sum, once they have told each other."""

from proxy.core.joint_window import JointWindow


def exchange(*windows: JointWindow, now: float) -> None:
    told = [window.told() for window in windows]
    for at, amount in enumerate(told):
        for other, window in enumerate(windows):
            if other != at:
                window.heard(amount, now)


def test_all_see_what_any_has_taken_and_nothing_is_told_twice() -> None:
    one, two = JointWindow(10.0), JointWindow(10.0)
    one.take(4.0, 1.0)
    two.take(3.0, 1.0)

    exchange(one, two, now=1.2)
    exchange(one, two, now=1.5)

    assert (one.room(1.5), two.room(1.5)) == (3.0, 3.0)
    assert one.room(70.0) == 10.0


def test_what_is_claimed_is_told_and_what_is_refused_is_not() -> None:
    one, two = JointWindow(10.0), JointWindow(10.0)
    assert one.claim(8.0, 1.0) is not None
    assert one.claim(3.0, 1.0) is None

    exchange(one, two, now=1.2)

    assert two.claim(3.0, 1.3) is None
    assert two.claim(2.0, 1.3) is not None
    assert two.room(1.3) == 0.0


def test_a_correction_reaches_the_others() -> None:
    one, two = JointWindow(10.0), JointWindow(10.0)
    slot = one.take(4.0, 1.0)
    exchange(one, two, now=1.2)

    one.correct(slot, -3.0, 2.0)
    exchange(one, two, now=2.2)
    assert two.room(2.2) == 9.0

    one.correct(slot, 2.0, 100.0)  # its slot counts no more: what was missing is taken now
    exchange(one, two, now=100.2)
    assert (one.room(100.2), two.room(100.2)) == (8.0, 8.0)
