"""Which look belongs to which dialect."""

from collections.abc import Mapping
from typing import Final

from benchmarks.fake.looks import apple, desktops, gateways, servers
from benchmarks.fake.looks.look import Look
from benchmarks.fake.profile import Dialect

LOOKS: Final[Mapping[Dialect, Look]] = {
    Dialect.VLLM: servers.VLLM,
    Dialect.SGLANG: servers.SGLANG,
    Dialect.LLAMACPP: desktops.LLAMACPP,
    Dialect.OLLAMA: desktops.OLLAMA,
    Dialect.TGI: servers.TGI,
    Dialect.TRTLLM: servers.TRTLLM,
    Dialect.LMDEPLOY: servers.LMDEPLOY,
    Dialect.MLX_LM: apple.MLX_LM,
    Dialect.OMLX: apple.OMLX,
    Dialect.VLLM_MLX: apple.VLLM_MLX,
    Dialect.LEMONADE: desktops.LEMONADE,
    Dialect.DMR: desktops.DMR,
    Dialect.LMSTUDIO: desktops.LMSTUDIO,
    Dialect.LITELLM: gateways.LITELLM,
    Dialect.OLLA: gateways.OLLA,
    Dialect.OPENAI: servers.OPENAI,
}
