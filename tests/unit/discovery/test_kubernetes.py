"""The adapter to lightkube's client: errors become trouble in words, answers become lines."""

from pathlib import Path

import httpx2
import pytest

from proxy.discovery import kubernetes
from proxy.discovery.kubernetes import HttpApi, _connect, refusal
from proxy.discovery.reflector import Trouble


class Pieces(httpx2.AsyncByteStream):
    """A body that comes in pieces, and breaks at an exception."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def api(status: int, *pieces: bytes | Exception) -> HttpApi:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, stream=Pieces(*pieces))

    transport = httpx2.MockTransport(answer)
    return HttpApi(httpx2.AsyncClient(transport=transport, base_url="http://cluster"))


async def lines(api: HttpApi) -> list[bytes]:
    return [line async for line in api.lines("/api/v1/pods", {"watch": "true"})]


async def test_an_answer_is_returned_whole() -> None:
    assert await api(200, b"{}").get("/api/v1/pods", {}) == b"{}"


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "service account"), (403, "a Role"), (404, "installed"), (500, "asked again")],
)
async def test_a_refusal_says_what_to_do(status: int, advice: str) -> None:
    with pytest.raises(Trouble, match=advice) as one:
        await api(status).get("/api/v1/pods", {})
    with pytest.raises(Trouble, match=f"answers {status} for pods"):
        await lines(api(status))

    assert one.value.status == status
    assert str(refusal("/api/v1/pods", status)) == str(one.value)


async def test_lines_are_put_together_and_half_of_one_is_dropped() -> None:
    whole = await lines(api(200, b'{"a"', b':1}\n{"b":2}\n{"c'))

    assert whole == [b"", b'{"a":1}', b'{"b":2}']


async def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "LINE", 4)

    with pytest.raises(Trouble, match="an event of over"):
        await lines(api(200, b"abcdef"))


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("refused"), httpx2.ReadTimeout(""), OSError("no route")]
)
async def test_no_answer_is_trouble_without_a_status(error: Exception) -> None:
    with pytest.raises(Trouble, match="cannot be reached") as got:
        await api(200, error).get("/api/v1/pods", {})
    assert got.value.status == 0
    with pytest.raises(Trouble, match="cannot be reached"):
        await lines(api(200, b"x\n", error))


def test_no_cluster_is_trouble_that_says_what_to_set(tmp_path: Path) -> None:
    empty = tmp_path / "kubeconfig"
    empty.write_text("apiVersion: v1\nkind: Config\n")

    for file in (tmp_path / "none", empty):
        with pytest.raises(Trouble, match="kubeconfig"):
            _connect(str(file))
