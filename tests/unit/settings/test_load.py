"""File, environment and flags laid over each other; every key shown to be read from each."""

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from proxy.core.catalog import Unify
from proxy.core.selection import Policy
from proxy.settings import fields
from proxy.settings.address import Address
from proxy.settings.balancing import Sessions
from proxy.settings.credential import Secret
from proxy.settings.keys import Away
from proxy.settings.load import Flags, load
from proxy.settings.logging import LogFormat, LogLevel
from proxy.settings.problems import SettingsError
from proxy.settings.profiles import Profiles
from proxy.settings.schema import PartialTimeouts, Settings
from proxy.settings.tls import Version
from proxy.settings.tracing import Conventions

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a settings file."""

    def file(text: str) -> Path:
        path = tmp_path / "headrace.yaml"
        path.write_text(text)
        return path

    return file


def problems(path: Path | None, env: dict[str, str] | None = None, **flags: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path, env or {}, Flags(**flags))
    return [str(problem) for problem in caught.value.problems]


SINGLE = [
    ("listen", "0.0.0.0:80", Address(host="0.0.0.0", port=80)),
    ("admin", "unix:/run/a.sock", Address(path="/run/a.sock")),
    ("workers", "auto", 0),
    ("discovery.files", "/nowhere/*.yaml, b*.json", ("/nowhere/*.yaml", "b*.json")),
    ("profiles", "/dev", Profiles(folder="/dev")),
    ("ollama_admin", "true", True),
    ("socket_mode", "0660", "0660"),
    ("admin_token", "sesame", Secret("sesame")),
    ("allow.listen", "10.0.0.0/8", ("10.0.0.0/8",)),
    ("allow.admin", "::1, 192.0.2.1", ("::1/128", "192.0.2.1/32")),
    ("allow.trusted_proxies", "10.0.0.7", ("10.0.0.7/32",)),
    ("cors.origins", "https://a.example", ("https://a.example",)),
    ("cors.max_age", "1h", 3600.0),
    ("tls.listen.minimum", "1.3", Version.TLS13),
    ("tls.admin.minimum", "1.3", Version.TLS13),
    ("models.unify", "names", Unify.NAMES),
    ("balance.policy", "least-connections", Policy.LEAST_CONNECTIONS),
    ("balance.sessions", "conversations", Sessions.CONVERSATIONS),
    ("balance.session_bound", "2", 2.0),
    ("balance.slow_start", "5s", 5.0),
    ("balance.outliers.slowness", "4", 4.0),
    ("balance.outliers.samples", "20", 20),
    ("balance.outliers.silence", "9s", 9.0),
    ("balance.outliers.flapping", "2m", 120.0),
    ("balance.outliers.share", "0.25", 0.25),
    ("balance.outliers.hold", "5s", 5.0),
    ("balance.outliers.max_hold", "1m", 60.0),
    ("timeouts.connect", "500ms", 0.5),
    ("timeouts.first_token", "0", 0.0),
    ("timeouts.idle", "1m", 60.0),
    ("timeouts.total", "1h", 3600.0),
    ("limits.body", "1MiB", 1 << 20),
    ("limits.headers", "16KiB", 16384),
    ("limits.header_timeout", "5s", 5.0),
    ("limits.body_timeout", "5s", 5.0),
    ("limits.queue", "0", 0),
    ("limits.continuation", "64KiB", 65536),
    ("limits.queue_timeout", "5s", 5.0),
    ("limits.keep_places", "5s", 5.0),
    ("drain.delay", "0s", 0.0),
    ("drain.timeout", "1s", 1.0),
    ("log.level", "debug", LogLevel.DEBUG),
    ("log.access", "false", False),
    ("log.format", "console", LogFormat.CONSOLE),
    ("tracing.endpoint", "https://c:4318/otlp/v1/traces", "https://c:4318/otlp"),
    ("tracing.ratio", "0.5", 0.5),
    ("tracing.parent", "false", False),
    ("tracing.headers", "a=b,c=d e", Secret("a=b,c=d e")),
    ("tracing.service_name", "edge 1", "edge 1"),
    ("tracing.conventions", "latest", Conventions.LATEST),
    ("tracing.metrics", "true", True),
    ("tracing.queue", "64", 64),
    ("tracing.timeout", "5s", 5.0),
    ("keys.database", "/dev/x.db", "/dev/x.db"),
    ("keys.ledger", "postgresql://u:pw@r:1/x", Secret("postgresql://u:pw@r:1/x")),
    ("keys.pass_through", "true", True),
    ("keys.shared.url", "redis://:pw@r:1/2", Secret("redis://:pw@r:1/2")),
    ("keys.shared.prefix", "edge", "edge"),
    ("keys.shared.replicas", "3", 3),
    ("keys.shared.away", "refuse", Away.REFUSE),
]


# These name files that must be there: test_securing shows them.
FILES = {
    f"tls.{name}.{key}"
    for name in ("listen", "admin")
    for key in ("certificate", "key", "client_ca")
} | {"admin_token_file"}


def test_the_table_below_has_every_single_key() -> None:
    assert [path for path, _, _ in SINGLE] == [
        leaf.path for leaf in fields.leaves() if leaf.variable and leaf.path not in FILES
    ]


@pytest.mark.parametrize(("path", "written", "value"), SINGLE)
def test_a_single_key_is_read_from_file_and_environment(
    write: Write, path: str, written: str, value: object
) -> None:
    text = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(path.split(".")))
    file = write(f'{text[:-1]} "{written}"\n')
    variable = "HEADRACE_" + path.upper().replace(".", "_")

    from_file = load(file, {})
    from_environment = load(None, {variable: written})

    assert attrgetter(path)(from_file.settings) == value
    assert attrgetter(path)(from_environment.settings) == value
    assert str(from_file.origins[path]) == f"{file}:{text.count(':')}"
    assert str(from_environment.origins[path]) == f"env {variable}"


def test_a_backend_is_read_whole(write: Write) -> None:
    file = write(
        "backends:\n"
        "  - url: http://10.0.0.5:8000/\n"
        "    name: gpu-a\n"
        "    type: vllm\n"
        "    weight: 2.5\n"
        "    priority: 1\n"
        "    max_in_flight: 32\n"
        "    api_key: ${GPU_A_KEY}\n"
        "    timeouts: {connect: 1s, first_token: 2s, idle: 3s, total: 4s}\n"
    )

    (backend,) = load(file, {"GPU_A_KEY": "sk-1"}).settings.backends

    assert (backend.url, backend.name, backend.type) == ("http://10.0.0.5:8000", "gpu-a", "vllm")
    assert (backend.weight, backend.priority, backend.max_in_flight) == (2.5, 1, 32)
    assert backend.api_key == Secret("sk-1")
    assert backend.timeouts == PartialTimeouts(connect=1.0, first_token=2.0, idle=3.0, total=4.0)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://GPU:8000", "gpu:8000"),
        ("http://gpu", "gpu:80"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("unix:///run/llama.sock", "llama.sock"),
    ],
)
def test_a_backend_without_a_name_is_called_by_its_place(url: str, name: str) -> None:
    (backend,) = load(None, {}, Flags(backends=(url,))).settings.backends

    assert backend.name == name


def test_a_key_is_read_from_a_file_beside_the_settings(write: Write, tmp_path: Path) -> None:
    (tmp_path / "gpu.key").write_text("sk-7\n")
    file = write("backends: [{url: 'http://a:1', api_key_file: gpu.key}]")

    (backend,) = load(file, {}).settings.backends

    assert backend.api_key == Secret("sk-7")


def test_a_key_file_that_is_missing_or_one_key_too_many_is_told(write: Write) -> None:
    file = write("backends: [{url: 'http://a:1', api_key: x, api_key_file: /nowhere}]")

    double, missing = problems(file)

    assert "backends[0].api_key_file: api_key is set too" in double
    assert "/nowhere cannot be read: No such file or directory" in missing


def test_models_have_aliases_and_timeouts(write: Write) -> None:
    file = write(
        "models:\n"
        "  aliases: {gpt-4o: [llama-3.1-70b, qwen], small: qwen}\n"
        "  timeouts:\n"
        "    llama-3.1-70b: {connect: 1s, first_token: 2s, idle: 3s, total: 4s}\n"
    )

    models = load(file, {}).settings.models

    assert models.aliases == {"gpt-4o": ("llama-3.1-70b", "qwen"), "small": ("qwen",)}
    assert models.timeouts == {
        "llama-3.1-70b": PartialTimeouts(connect=1.0, first_token=2.0, idle=3.0, total=4.0)
    }


def test_nothing_at_all_is_the_defaults() -> None:
    loaded = load(None, {"PATH": "/bin"})

    assert loaded.settings == Settings()
    assert not loaded.origins


def test_flags_win_over_the_environment_and_that_over_the_file(write: Write) -> None:
    file = write("listen: 'a:1'\nadmin: 'a:2'\nlimits: {queue: 1}\n")
    env = {"HEADRACE_LISTEN": "b:1", "HEADRACE_ADMIN": "b:2"}

    loaded = load(file, env, Flags(listen="c:1"))

    assert str(loaded.settings.listen) == "c:1"
    assert str(loaded.settings.admin) == "b:2"
    assert loaded.settings.limits.queue == 1
    assert [str(loaded.origins[path]) for path in ("listen", "admin")] == [
        "--listen",
        "env HEADRACE_ADMIN",
    ]


def test_backends_of_flag_or_environment_replace_those_of_the_file(write: Write) -> None:
    file = write("backends: [{url: 'http://a:1'}]")
    env = {"HEADRACE_BACKENDS": " http://b:1, http://c:1 "}

    assert [one.url for one in load(file, env).settings.backends] == ["http://b:1", "http://c:1"]
    (flagged,) = load(file, env, Flags(backends=("http://d:1",))).settings.backends
    assert flagged.url == "http://d:1"


def test_the_environment_names_the_file_and_the_caller_wins(write: Write) -> None:
    file = write("limits: {queue: 3}")

    assert load(None, {"HEADRACE_CONFIG": str(file)}).settings.limits.queue == 3
    assert load(file, {"HEADRACE_CONFIG": "/nowhere"}).settings.limits.queue == 3


def test_an_empty_variable_is_not_set() -> None:
    assert load(None, {"HEADRACE_LISTEN": "", "HEADRACE_CONFIG": ""}).settings == Settings()


def test_an_unknown_variable_is_told_with_a_suggestion() -> None:
    assert problems(None, {"HEADRACE_LIMITS__BODY": "1", "HEADRACE_ZEBRA": "1"}) == [
        "env HEADRACE_LIMITS__BODY: unknown variable\n    did you mean HEADRACE_LIMITS_BODY?",
        "env HEADRACE_ZEBRA: unknown variable\n    lists and names are set in the file only",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "HEADRACE_SERVICE_HOST",
        "HEADRACE_SERVICE_PORT",
        "HEADRACE_SERVICE_PORT_HTTP",
        "HEADRACE_PORT",
        "HEADRACE_PORT_8900_TCP",
        "HEADRACE_PORT_8900_TCP_ADDR",
        "HEADRACE_ADMIN_SERVICE_HOST",
        "HEADRACE_ADMIN_PORT_8901_TCP_PROTO",
    ],
)
def test_what_kubernetes_sets_for_a_service_is_left_alone(name: str) -> None:
    assert load(None, {name: "tcp://10.0.0.1:8900"}).settings == Settings()


def test_no_setting_looks_like_what_kubernetes_sets() -> None:
    for name in fields.variables():
        with pytest.raises(SettingsError):
            load(None, {name: "\x00"})


def test_a_variable_that_the_file_uses_is_not_unknown(write: Write) -> None:
    file = write("backends: [{url: 'http://a:1', api_key: '${HEADRACE_GPU_KEY}'}]")

    (backend,) = load(file, {"HEADRACE_GPU_KEY": "sk-9"}).settings.backends

    assert backend.api_key == Secret("sk-9")


def test_a_section_that_is_none_is_told_once_and_not_covered_up(write: Write) -> None:
    (one,) = problems(write("limits: 3"), {"HEADRACE_LIMITS_QUEUE": "1"})

    assert "limits: found '3'; allowed: a section with keys" in one


def test_a_variable_fills_a_section_that_is_empty(write: Write) -> None:
    loaded = load(write("limits:\n"), {"HEADRACE_LIMITS_QUEUE": "1"})

    assert loaded.settings.limits.queue == 1


@pytest.mark.parametrize("text", ["3", "- a"])
def test_a_file_that_is_no_mapping_is_told(write: Write, text: str) -> None:
    (one,) = problems(write(text), {"HEADRACE_LIMITS_QUEUE": "1"}, listen="a:1")

    assert "allowed: a section with keys" in one


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "no") == [
        f"{tmp_path / 'no'}: cannot be read: No such file or directory"
    ]
    assert problems(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_a_file_larger_than_any_settings_is_not_read(write: Write) -> None:
    (one,) = problems(write("#" * (1 << 20) + "\n"))

    assert "larger than 1 MiB" in one


def test_problems_of_file_rules_environment_and_flags_come_at_once(write: Write) -> None:
    file = write("lisen: x\nlimits: {body: 1}\nlimits: {}\nmodels: {aliases: {a: a}}\n")

    places = [
        one.split(": ")[:2] for one in problems(file, {"HEADRACE_DRAIN_DELAY": "1"}, listen="")
    ]

    assert places == [
        [f"{file}:1", "lisen"],
        [f"{file}:2", "limits.body"],
        [f"{file}:3", "limits"],
        [f"{file}:4", "models.aliases.a"],
        ["env HEADRACE_DRAIN_DELAY", "drain.delay"],
        ["--listen", "listen"],
    ]


def test_one_fault_is_one_problem(write: Write) -> None:
    (one,) = problems(write("backends: [{url: 'http://a:1/x?y'}, {url: 'http://127.0.0.1:1'}]"))

    assert "backends[0].url" in one


def test_no_message_quotes_a_credential(write: Write) -> None:
    file = write(
        "backends:\n"
        "  - url: http://me:sesame@a:1\n"
        "  - {url: 'http://b:1', api_key: 'sesame sesame'}\n"
        "  - http://me:sesame@c:1\n"
        "  - {url: 'http://d:1', api_key: '${SESAME}'}\n"
    )

    report = "\n".join(problems(file, {"SESAME": "sesame\n"}, admin="http://x"))

    assert "sesame" not in report
    assert report.count("***") == 5


def test_the_admin_token_may_stand_in_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")

    assert load(write("admin_token_file: token"), {}).settings.admin_token == Secret("sesame")
    (twice,) = problems(write("admin_token_file: token\nadmin_token: x"))
    assert "admin_token is set too" in twice
    (missing,) = problems(write("admin_token_file: nowhere"))
    assert "No such file" in missing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("allow: {listen: [10.0.0.1/8]}", "write 10.0.0.0/8"),
        ("allow: {listen: [10.0.0.0/8, gpu-a]}", "not an IP address"),
        ("allow: {admin: {a: b}}", "an address or a network"),
        ("cors: {origins: [https://a/b]}", "without a path"),
        ("socket_mode: rw-rw----", "for owner and group"),
    ],
)
def test_an_address_or_an_origin_that_is_none_is_told(write: Write, text: str, says: str) -> None:
    (problem,) = problems(write(text))

    assert says in problem
