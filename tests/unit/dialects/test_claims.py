"""What claims a list, and what forbids the claim."""

import pytest

from proxy.dialects.base import Reply
from proxy.dialects.claims import holds, sign
from proxy.dialects.profile import Claim, Identity


def listed(*models: str, **headers: str) -> Reply:
    body = '{"data":[' + ",".join(models) + "]}"
    return Reply(status=200, headers=headers, body=body.encode())


A = '{"id":"a:1","owned_by":"vllm","created":5}'
SELF = '{"id":"o/m","owned_by":"o/m"}'
BARE = '{"id":"m"}'


@pytest.mark.parametrize(
    ("claim", "reply"),
    [
        (Claim(owners=("x", "vllm")), listed(A)),
        (Claim(header={"server": "llama"}), listed(A, server="llama.cpp")),
        (Claim(item={"/created": 5}), listed(A)),
        (Claim(tagged=True), listed(A)),
        (Claim(owner_is_model=True), listed(SELF)),
        (Claim(nameless=True), listed(BARE)),
        (Claim(empty=True), listed()),
        (Claim(empty=True, header={"server": "x"}), listed(server="x")),
    ],
)
def test_a_claim_holds_if_all_its_marks_are_there(claim: Claim, reply: Reply) -> None:
    assert holds(claim, reply)


@pytest.mark.parametrize(
    ("claim", "reply"),
    [
        (Claim(owners=("x",)), listed(A)),
        (Claim(owners=("vllm",)), listed()),
        (Claim(header={"server": "llama"}), listed(A)),
        (Claim(item={"/created": 6}), listed(A)),
        (Claim(item={"/created": "5"}), listed(A)),
        (Claim(tagged=True), listed(A, BARE)),
        (Claim(tagged=True), listed()),
        (Claim(owner_is_model=True), listed(SELF, BARE)),
        (Claim(owner_is_model=True), listed(BARE)),
        (Claim(nameless=True), listed(BARE, A)),
        (Claim(empty=True), listed(A)),
        (Claim(empty=True, header={"server": "x"}), listed()),
        (Claim(owners=("vllm",), tagged=True, item={"/created": 6}), listed(A)),
    ],
)
def test_and_does_not_if_one_is_missing(claim: Claim, reply: Reply) -> None:
    assert not holds(claim, reply)


def test_a_disclaimer_goes_before_every_claim() -> None:
    made = sign(
        Identity(
            claims=(Claim(tagged=True),),
            unless_owners=("docker",),
            unless_headers=("x-request-id",),
            rank=9,
        ),
        (),
    )

    assert made is not None
    assert made.rank == 9
    assert made.claims(listed(A))
    assert not made.claims(listed(A, '{"id":"b:1","owned_by":"docker"}'))
    assert not made.claims(listed(A, **{"x-request-id": "1"}))
    assert not made.claims(Reply(status=200, body=b"<html>"))


def test_a_kind_without_claims_has_no_sign() -> None:
    assert sign(Identity(), ()) is None
