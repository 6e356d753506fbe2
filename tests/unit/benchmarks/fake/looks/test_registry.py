"""Every dialect has a look whose pages can be rendered."""

import msgspec
import pytest

from benchmarks.fake import pages
from benchmarks.fake.looks.look import Api
from benchmarks.fake.looks.registry import LOOKS
from benchmarks.fake.profile import Dialect, Profile


class Still:
    """An engine at rest, with two models."""

    profile = Profile(models=("one", "two"), max_num_seqs=3)
    created = 7
    asleep = False
    running = 1
    waiting = 2
    kv_usage = 0.5


@pytest.mark.parametrize("dialect", Dialect)
def test_every_page_renders_and_the_models_are_listed(dialect: Dialect) -> None:
    look = LOOKS[dialect]
    rendered = {path: pages.page(page, Still()).body for path, page in look.pages.items()}

    lists = [body for path, body in rendered.items() if path.endswith(("/models", "/tags"))]
    assert lists
    for body in lists:
        assert b'"two"' in body
    assert not [path for path, body in rendered.items() if b"$" in body]


@pytest.mark.parametrize("dialect", Dialect)
def test_every_engine_generates_and_refuses_in_its_shape(dialect: Dialect) -> None:
    look = LOOKS[dialect]

    assert Api.CHAT in look.apis.values()
    page = pages.error(look, 503, "no room")
    assert b"no room" in page.body
    assert (page.status, page.body != b"") == (503, True)
    msgspec.json.decode(pages.event(look, 503, "no room"))
    assert pages.missing(look, Still(), "/nope").status in {200, 404}
