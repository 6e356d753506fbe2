"""headrace starts with what it made of another proxy's settings, and serves their engines."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from tests.fixtures.process import environment, running_from

OLLA = """\
server: {{host: localhost, port: 40114}}
proxy: {{load_balancer: least-connections}}
discovery:
  static:
    endpoints:
      - {{url: "{one}", name: first, type: vllm, check_interval: 5s}}
      - {{url: "{two}/v1", name: second, type: openai-compatible}}
model_aliases: {{chat: [simulated-model]}}
"""
LITELLM = """\
model_list:
  - model_name: chat
    litellm_params: {{model: hosted_vllm/simulated-model, api_base: "{one}/v1"}}
  - model_name: chat
    litellm_params: {{model: openai/simulated-model, api_base: "{two}/v1"}}
general_settings: {{master_key: sk-a-master-key-of-a-test}}
"""


@pytest.mark.parametrize(("kind", "document"), [("olla", OLLA), ("litellm", LITELLM)])
async def test_the_result_serves(
    kind: str, document: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    one, two = await start_engine(Profile()), await start_engine(Profile())
    theirs, ours = tmp_path / "theirs.yaml", tmp_path / "headrace.yaml"
    theirs.write_text(document.format(one=one.url, two=two.url))
    words = [sys.executable, "-m", "proxy", "import", kind, str(theirs), "-o", str(ours)]
    try:
        made = await asyncio.to_thread(
            subprocess.run, words, env=environment(), capture_output=True, check=False
        )
        assert made.returncode == 0, made.stderr
        key = {"Authorization": "Bearer sk-a-master-key-of-a-test"}
        async with (
            running_from(ours, free_port, 2) as proxy,
            aiohttp.ClientSession(proxy.url, headers=key) as client,
        ):
            messages = [{"role": "user", "content": "hi"}]
            body = {"model": "chat", "messages": messages, "max_tokens": 1}
            async with client.post("/v1/chat/completions", json=body) as answer:
                assert answer.status == 200, await answer.text()
    finally:
        await one.stop()
        await two.stop()
