"""The reference page and the example file, written from the schema.

`python -m proxy.settings.describe docs/reference` writes both; a test fails when they are stale.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import NODEFAULT, UNSET

from proxy.settings import text
from proxy.settings.fields import Group, Items, Leaf, Named, Spec, tree

PAGE: Final = "settings.md"
EXAMPLE: Final = "headrace.yaml"

_HEAD: Final = """\
# Settings

<!-- Written from proxy/settings/schema.py by `python -m proxy.settings.describe docs/reference` -->

Every key with its range, default and meaning. [How to configure](../how-to/configure.md) says where
settings come from and how to check them; [headrace.yaml](headrace.yaml) is a file with all keys.

- **Durations** are a number and a unit: `250ms`, `30s`, `5m`, `1h`. A bare `0` is allowed, any
  other bare number is not.
- **Sizes** are a number and a unit, `16KiB`, `64MiB`, `1GiB`, or a plain number of bytes.
- **Environment**: a key that is neither in a list nor under a name has a variable, `HEADRACE_` and
  its path in capitals with `_` for the dots: `limits.body` is `HEADRACE_LIMITS_BODY`.
  `HEADRACE_BACKENDS` is a list of URLs with commas or spaces between them; it replaces the list of
  the file. `HEADRACE_CONFIG` is the file itself. An empty variable counts as not set, an unknown
  one is an error, unless the file uses it as `${NAME}`. What Kubernetes sets for a Service called
  `headrace...` is ignored.
- `[]` stands for each item of a list, `*` for a name of your choice.
- **Reload**: all keys follow the file while headrace runs, but for those that say *Needs a
  restart*: see [how to reload](../how-to/reload.md).
"""


def page() -> str:
    """Return the reference page."""
    sections = (_section(title, doc, keys) for title, doc, keys in _sections(tree(), ""))
    return "\n".join([_HEAD, *sections])


def example() -> str:
    """Return a settings file with every key: defaults, two engines and an alias."""
    lines = [
        "# headrace: every key with its default. Engines, alias and model timeouts are examples.",
        "# What you leave out keeps its default; settings.md has ranges and meanings.",
        "",
    ]
    for spec in tree().members.values():
        lines += _example(spec, 0)
    return "\n".join(lines) + "\n"


def key(leaf: Leaf) -> str:
    """Return the name the page gives to a key."""
    return leaf.path.removesuffix(".*")


def _sections(group: Group, title: str) -> Iterator[tuple[str, str, list[Leaf]]]:
    """Yield title, meaning and keys of each group, the group's own keys first."""
    own = [member for member in group.members.values() if isinstance(member, Leaf)]
    if own:
        yield title, group.doc, own
    for member in group.members.values():
        if isinstance(member, Group):
            yield from _sections(member, member.path)
        elif isinstance(member, Items):
            yield from _sections(member.item, f"{member.path}[]")
        elif isinstance(member, Named) and isinstance(member.item, Group):
            yield from _sections(member.item, f"{member.path}.*")
        elif isinstance(member, Named):
            assert isinstance(member.item, Leaf)
            yield member.path, member.doc, [member.item]


def _section(title: str, doc: str, keys: list[Leaf]) -> str:
    lines = [f"## {title}" if title else "## Top level", ""]
    if title:
        lines += [doc, ""]
    lines += ["| key | allowed | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{key(leaf)}` | {text.allowed(leaf)} | {_default(leaf)} | {_meaning(leaf)} |"
        for leaf in keys
    ]
    return "\n".join(lines) + "\n"


def _meaning(leaf: Leaf) -> str:
    return f"{leaf.doc} *Needs a restart.*" if leaf.restart else leaf.doc


def _default(leaf: Leaf) -> str:
    if leaf.required:
        return "required"
    if leaf.path.endswith(".*") or leaf.default is UNSET or leaf.default in {NODEFAULT, ""}:
        return "none"
    return f"`{text.show(leaf, leaf.default)}`"


_EXAMPLES: Final = {
    "backends": """\
backends:
  - url: http://10.0.0.5:8000
    name: gpu-a
    type: vllm
    weight: 2.0
    priority: 0
    enabled: true                           # false: out of use for now
    max_in_flight: null
    api_key: null                           # or ${GPU_A_KEY}, from the environment
    api_key_file: null
    tls: {ca: null, certificate: null, key: null, server_name: null, insecure: false}  # for https://
    models: {include: ["llama-*", "qwen*"], exclude: ["*-draft"]}
    timeouts: {connect: 1s, first_token: 300s, idle: 60s, total: 0s}
  - url: unix:///run/llama.sock
    type: llamacpp
    priority: 1                             # used when no backend of a lower tier can serve
""",
    "discovery": """\
discovery:
  files: ["backends.d/*.yaml"]
  dns:
    - name: _http._tcp.vllm.llm.svc.cluster.local
      record: srv
      port: 0                               # of addresses: SRV records bring their own
      interval: 5s
      resolver: null
      backend: {type: vllm}
  kubernetes:
    - service: vllm                         # or one of the next two
      selector: null
      pool: null
      namespace: llm
      port: http
      resync: 10m
      kubeconfig: null
      backend:
        {type: auto, weight: 1, priority: 0, max_in_flight: 16, api_key: null, api_key_file: null}
""",
    "models.aliases": """\
  aliases:
    gpt-4o: [llama-3.1-70b, qwen2.5-72b]    # the first with a ready backend with room
    small: qwen2.5-7b
""",
    "keys.clients": """\
  clients:
    team-a:
      hash: ["sha256:0c8e0b1b1d7c2f6d3a4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304"]
      key: null                             # or ${TEAM_A_KEY} in place of the hash
      models: ["llama-*"]
      requests_per_minute: 600
      tokens_per_minute: 200000
      concurrency: 32
      budget_tokens: null
      budget_money: 250
      budget_period: month
      priority: 0
      tenant: research
      expires: 2027-01-31
""",
    "keys.prices": """\
  prices:
    "llama-*": {input: 0.2, output: 0.6}    # a million tokens
""",
    "models.commit_early": """\
  commit_early:
    "llama-*": {after: 5s, every: 15s}
""",
    "models.hedge": """\
  hedge:
    qwen2.5-7b: {delay: 0s, budget: 0.05}
""",
    "tracing.content": """\
  content:
    "support-*": {limit: 16KiB, keys: []}   # sends what people wrote to the collector
""",
    "models.timeouts": """\
  timeouts:
    qwen2.5-72b: {first_token: 900s, idle: 300s}
""",
}


def _example(spec: Spec, depth: int) -> list[str]:
    if spec.path in _EXAMPLES:
        return _EXAMPLES[spec.path].splitlines()
    indent = "  " * depth
    name = spec.path.rpartition(".")[2]
    if isinstance(spec, Group):
        below = (line for member in spec.members.values() for line in _example(member, depth + 1))
        return [f"{indent}{name}:", *below]
    assert isinstance(spec, Leaf), f"an example for {spec.path} is missing"
    return [f"{indent}{name}: {text.show(spec, spec.default)}"]


def write(folder: Path) -> None:
    """Write both files into `folder`."""
    (folder / PAGE).write_text(page(), encoding="utf-8")
    (folder / EXAMPLE).write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
