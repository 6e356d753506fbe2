"""The known model on the real engine: the tests that build on it may trust every token."""

from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from proxy.cli.embedded import Embedded
from tests.real.conftest import StartEngine
from tests.real.tiny_model import SENTENCE, WORDS

HELLO: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Hello there, what is the weather like?"}
]


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def test_every_token_in_order_and_then_the_end(
    start_engine: StartEngine, sentence_model: Path
) -> None:
    engine = start_engine(Embedded(model=sentence_model, alias="sentence"))
    with client(engine.url) as sdk:
        chunks = list(
            sdk.chat.completions.create(
                model="sentence", messages=HELLO, stream=True, temperature=1.0
            )
        )
        listed = [model.id for model in sdk.models.list()]

    said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert said == [WORDS[0], *(f" {word}" for word in WORDS[1:])]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert listed == ["sentence"]


def test_max_tokens_cuts_it_short(start_engine: StartEngine, sentence_model: Path) -> None:
    engine = start_engine(Embedded(model=sentence_model))
    with client(engine.url) as sdk:
        chat = sdk.chat.completions.create(model="any", messages=HELLO, max_tokens=5)
        text = sdk.completions.create(model="any", prompt="No word of mine", max_tokens=3)

    assert chat.choices[0].message.content == " ".join(WORDS[:5])
    assert chat.choices[0].finish_reason == "length"
    assert chat.usage is not None
    assert chat.usage.completion_tokens == 5
    assert text.choices[0].text == " ".join(WORDS[:3])


def test_the_endless_model_goes_on(start_engine: StartEngine, endless_model: Path) -> None:
    engine = start_engine(Embedded(model=endless_model))
    with client(engine.url) as sdk:
        chat = sdk.chat.completions.create(
            model="any", messages=HELLO, max_tokens=len(WORDS) * 2, temperature=1.0
        )

    assert chat.choices[0].message.content == SENTENCE * 2
    assert chat.choices[0].finish_reason == "length"


@pytest.mark.slow
def test_real_text_from_the_small_model(start_engine: StartEngine, smollm2: Path) -> None:
    engine = start_engine(Embedded(model=smollm2))
    with client(engine.url) as sdk:
        chat = sdk.chat.completions.create(
            model=engine.model, messages=HELLO, max_tokens=8, temperature=0
        )

    assert chat.choices[0].message.content
