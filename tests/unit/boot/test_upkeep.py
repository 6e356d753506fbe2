"""Orders for single backends: they hold for a name, through anything but the end."""

from structlog.testing import capture_logs

from proxy.boot.upkeep import BY_ORDER, BY_SETTINGS, Upkeep
from proxy.core.backend import Backend
from proxy.core.health import State
from tests.fixtures.fleet import make_backend


class Scene:
    """An upkeep, and which backends it has had checked."""

    def __init__(self) -> None:
        self.woken: list[Backend] = []
        self.upkeep = Upkeep(lambda: 7.0, self.woken.append)


def test_a_drain_takes_out_of_use_and_leaves_alone_what_runs() -> None:
    scene, backend = Scene(), make_backend("a")
    lease = backend.lease(1.0, 1.0, 0.0)

    with capture_logs() as logs:
        scene.upkeep.drain(backend)
        scene.upkeep.drain(backend)

    assert not backend.available(7.0)
    assert (backend.health.state, backend.health.reason) == (State.DRAINING, BY_ORDER)
    assert backend.in_flight == 1
    (line,) = logs
    assert (line["event"], line["backend"], line["in_flight"]) == ("backend drains", "a", 1)
    lease.release()


def test_a_resume_has_it_checked_before_it_is_used() -> None:
    scene, backend = Scene(), make_backend("a")
    scene.upkeep.drain(backend)

    with capture_logs() as logs:
        scene.upkeep.resume(backend)
        scene.upkeep.resume(backend)

    assert scene.woken == [backend]
    assert not backend.available(7.0)
    backend.health.probed(True, 7.0, "answers")
    assert backend.available(7.0)
    assert [line["event"] for line in logs] == ["backend resumes"]


def test_an_order_holds_for_whoever_has_the_name_after_a_reload() -> None:
    scene, before, other = Scene(), make_backend("a"), make_backend("b")
    scene.upkeep.drain(before)
    after = make_backend("a")

    scene.upkeep.renew([after, other], ())

    assert after.draining
    assert other.available(7.0)
    scene.upkeep.resume(after)
    scene.upkeep.renew([after, other], ())
    assert not after.draining


def test_what_the_settings_disable_no_order_puts_back() -> None:
    scene, backend = Scene(), make_backend("a")

    scene.upkeep.renew([backend], {"a"})
    assert backend.health.reason == BY_SETTINGS
    scene.upkeep.drain(backend)
    assert backend.health.reason == BY_ORDER
    assert scene.upkeep.resume(backend) == BY_SETTINGS
    assert backend.draining

    scene.upkeep.renew([backend], ())
    assert not backend.draining
    assert scene.woken == [backend]
    assert not scene.upkeep.resume(backend)


def test_an_order_outlasts_settings_that_enable() -> None:
    scene, backend = Scene(), make_backend("a")
    scene.upkeep.renew([backend], {"a"})
    scene.upkeep.drain(backend)

    scene.upkeep.renew([backend], ())

    assert (backend.draining, backend.health.reason) == (True, BY_ORDER)
