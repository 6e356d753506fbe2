"""A verdict on a request carries what the caller is to be told."""

from proxy.dialects.translate.base import Refusal, Uncarried


def test_a_verdict_holds_its_refusal() -> None:
    verdict = Uncarried("No.", "messages[0]")

    assert verdict.refusal == Refusal(message="No.", param="messages[0]", code="unsupported")
    assert str(verdict) == "No."
