"""Peek: what routing reads of a body, what it refuses, and how a model is renamed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, Kind
from proxy.core.patched import LARGE, Patched
from proxy.core.peek import MAX_NAME, Peek, Reader, peek_form, rename, renamed

peek = Reader().peek


def read(body: bytes) -> Peek:
    found = peek(body)
    assert isinstance(found, Peek)
    return found


def refused(body: bytes) -> Failure:
    found = peek(body)
    assert isinstance(found, Failure)
    return found


def form(*fields: tuple[bytes, bytes], mark: bytes = b"--x") -> bytes:
    parts = [mark + b"\r\n" + name + b"\r\n\r\n" + value + b"\r\n" for name, value in fields]
    return b"".join(parts) + mark + b"--\r\n"


MODEL = b'Content-Disposition: form-data; name="model"'
FILE = b'Content-Disposition: form-data; name="file"; filename="model"\r\nContent-Type: audio/wav'


def test_a_chat_says_its_model_whether_it_streams_and_its_limit() -> None:
    found = read(b'{"messages":[{"model":"inner"}],"model":"a/b:c","stream":true,"max_tokens":7}')

    assert (found.model, found.stream, found.output_limit) == ("a/b:c", True, 7)


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        (b'"max_tokens":5,"max_completion_tokens":9', 9),
        (b'"max_output_tokens":3', 3),
        (b'"max_tokens":null', None),
        (b'"max_tokens":-1', None),
        (b'"max_tokens":100.0', 100),
        (b'"max_tokens":0', 0),
        (b'"options":{"num_predict":64,"top_k":1}', 64),
        (b'"options":{"num_predict":-2}', None),
        (b'"options":{"num_predict":64},"max_tokens":5', 5),
        (b'"options":["num_predict"],"max_tokens":5', None),
        (b'"options":null', None),
    ],
)
def test_the_limit_that_holds_is_found(limits: bytes, wanted: float | None) -> None:
    assert read(b'{"model":"m",' + limits + b"}").output_limit == wanted


@pytest.mark.parametrize(
    "odd",
    [
        b'"stream":null',
        b'"stream":"yes"',
        b'"max_tokens":"5"',
        b'"max_tokens":[]',
        b'"max_tokens":1e400',
        b'"max_tokens":123456789012345678901234567890',
    ],
)
def test_what_routing_does_not_need_is_the_engine_s_to_judge(odd: bytes) -> None:
    assert read(b'{"model":"m",' + odd + b"}").model == "m"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"model":"m"} x', b"\xef\xbb\xbf{}", b'{"model":"\xff"}', b'{"model":"\\ud800"}'],
)
def test_what_is_no_json_is_refused_as_such(body: bytes) -> None:
    assert refused(body).kind is Kind.BAD_JSON


def test_deep_nesting_is_refused_and_does_not_raise() -> None:
    body = b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert refused(body).kind is Kind.BAD_JSON


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'"m"',
        b'{"model":null}',
        b'{"model":5}',
        b'{"model":""}',
        b'{"model":"%b"}' % (b"a" * (MAX_NAME + 1)),
        b'{"model":"m","model":"m"}',
        b'{"model":"m","Model":"k"}',
        b'{"model":"m","model":null}',
        b'{"model":"m","MODEL":5}',
        b'{"Model":"m"}',
        b'{"model":"m","mod\\u0065l":"k"}',
        b'{"mod\\u0065l":"k","model":"m","stream":"odd"}',
    ],
)
def test_a_model_that_two_parsers_could_read_differently_is_refused(body: bytes) -> None:
    assert refused(body).kind is Kind.BAD_REQUEST


def test_a_body_without_a_model_is_told_so() -> None:
    assert refused(b'{"messages":[]}').detail == "the body has no `model`"


def test_an_inner_key_of_that_name_is_nobody_s_business() -> None:
    assert read(b'{"tools":[{"model":1,"Model":2}],"model":"m"}').model == "m"


def test_a_reader_forgets_the_body_before() -> None:
    reader = Reader()
    reader.peek(b'{"model":"m","model":"m"}')
    reader.peek(b'{"model":"m","x":')

    assert isinstance(reader.peek(b'{"model":"m"}'), Peek)


def test_a_form_says_its_model_and_whether_it_streams() -> None:
    stream = b'content-disposition: form-data; name="stream"'

    found = peek_form(form((FILE, b"RIFF\x00\xff" * 99), (MODEL, b"whisper-1"), (stream, b"true")))

    assert isinstance(found, Peek)
    assert (found.model, found.stream) == ("whisper-1", True)


def test_a_form_field_with_more_headers_or_without_quotes_is_read() -> None:
    more = MODEL + b"\r\nContent-Type: text/plain; charset=utf-8"
    bare = b"Content-Disposition: form-data; name=model"

    for name in (more, bare):
        found = peek_form(form((name, "modèle".encode())))
        assert isinstance(found, Peek)
        assert found.model == "modèle"
        assert found.stream is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        form((FILE, b"sound")),
        form((MODEL, b"a"), (MODEL, b"b")),
        form((MODEL, b"a"), (b"Content-Disposition: form-data; name=model", b"b")),
        form((MODEL, b"")),
        form((MODEL, b"\xff")),
        form((MODEL, b"a" * (MAX_NAME + 1))),
        form((FILE, b'name="model"\r\n' * 1000), (MODEL, b"m")),
    ],
)
def test_a_form_without_exactly_one_usable_model_is_refused(body: bytes) -> None:
    found = peek_form(body)

    assert isinstance(found, Failure)
    assert found.kind is Kind.BAD_REQUEST


def test_text_in_a_file_that_looks_like_a_field_of_another_kind_is_no_model() -> None:
    found = peek_form(form((FILE, b'x name="model"\r\n\r\nevil\r\n'), (MODEL, b"m")))

    assert isinstance(found, Peek)
    assert found.model == "m"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"model":"m"}', b'{"model":"n/1"}'),
        (b' {\n "a" : [1, {"model":"m"}] ,\t"model"\n:\t"m" , "b":"\\"model\\":"}', None),
        (b'{"a":"}{\\\\","mod\\u0065l":"m"}', b'{"a":"}{\\\\","mod\\u0065l":"n/1"}'),
    ],
)
def test_a_rename_changes_the_name_and_no_other_byte(body: bytes, wanted: bytes | None) -> None:
    renamed = rename(body, "n/1")

    if wanted is not None:
        assert renamed == wanted
    at = renamed.index(b'"n/1"')
    assert renamed[:at] == body[:at]
    assert renamed[at + 5 :] == body[at + 3 :]


LONG = b"x" * 9000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a":1,"a":[2,3],', b"}"),  # repeated keys
        (b'{"a":"\\",\\"model\\":\\"m","a":1,', b"}"),
        (b'{"a":{"model":"m","b":[{"model":"m"}]},', b',"c":{"model":"m"}}'),
        (b'{"say \\"model":"m",', b"}"),
        (b'{"\xff":1,', b"}"),  # no text at all: the engine will judge
        (b'{"a":"%b\\q\n\xff",' % LONG, b',"b":{"model":"m"},"c":"%b"}' % LONG),
        (b'{"%b\\ud800":{"model":"m"},' % LONG, b"}"),
        (b'{"a":"%b","b":"%b","model ":"m",' % (LONG, LONG), b',"d":"%b"}' % LONG),
    ],
)
@pytest.mark.parametrize("key", [b'"model":', b'"\\u006Do\\u0064el" \n:\t'])
def test_odd_bodies_that_pass_can_be_renamed(before: bytes, after: bytes, key: bytes) -> None:
    body = before + key + b'"m"' + after

    assert read(body).model == "m"
    assert rename(body, "n") == before + key + b'"n"' + after


def test_a_rename_in_a_form_changes_the_name_only() -> None:
    body = form((FILE, b"\r\nmodel\r\n\x00"), (MODEL, b"m"))

    assert rename(body, "ö", json=False) == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\n\xc3\xb6\r\n")


keys = st.text(max_size=8).filter(lambda key: key.lower() != "model")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    before=st.dictionaries(keys, values, max_size=4),
    after=st.dictionaries(keys, values, max_size=4),
    name=st.text(min_size=1, max_size=20),
    native=st.text(min_size=1, max_size=20),
)
def test_any_body_that_passes_can_be_renamed(
    before: dict[str, object], after: dict[str, object], name: str, native: str
) -> None:
    after = {key: value for key, value in after.items() if key not in before}
    whole = {**before, "model": name, **after}
    body = msgspec.json.encode(whole)

    assert read(body).model == name
    assert msgspec.json.decode(rename(body, native)) == msgspec.json.decode(
        msgspec.json.encode({**whole, "model": native})
    )


@pytest.mark.parametrize("spare", [0, 1])
def test_a_large_body_is_renamed_in_pieces(spare: int) -> None:
    start, end = b'{"messages":"', b'","model":"m","stream":true}'
    body = start + b"x" * (LARGE - len(start) - len(end) - spare) + end

    found = renamed(body, "other")

    assert isinstance(found, bytes) is bool(spare)
    pieces = found.pieces if isinstance(found, Patched) else (found,)
    assert b"".join(pieces) == rename(body, "other")
    assert len(found) == len(body) + 4
