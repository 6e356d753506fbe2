"""Olla's configuration as ours, by its documented format (looked at in version 0.0.29).

One thing is the other way round: its highest priority is served first, ours is the lowest.
"""

from collections.abc import Mapping
from typing import Any, Final

from proxy.cli.converting import places
from proxy.cli.converting.ledger import MISSING, Ledger
from proxy.settings import address
from proxy.settings.text import as_name

_TYPES: Final = {
    **{name: name for name in ("auto", "ollama", "vllm", "vllm-mlx", "sglang", "lmdeploy")},
    **{name: name for name in ("llamacpp", "lemonade", "litellm", "omlx", "openai")},
    **dict.fromkeys(("lm-studio", "lmstudio", "lm_studio"), "lmstudio"),
    **dict.fromkeys(("dmr", "docker-model-runner"), "dmr"),
    **dict.fromkeys(("openai-compatible", "openai_compatible"), "openai"),
    "llama-cpp": "llamacpp",
}
_POLICIES: Final = {
    "least-connections": ("least-connections", ""),
    "round-robin": ("round-robin", ""),
    "priority": ("work", "tiers by priority; within a tier by the work under way"),
}
_LEVELS: Final = {"debug": "debug", "info": "info", "warn": "warning", "warning": "warning"}
_FORMATS: Final = {"json": "json", "text": "console", "console": "console"}
_ENDPOINTS: Final = "discovery.static.endpoints"
_USUAL_PRIORITY: Final = 100
_LARGEST_HEAD: Final = 1 << 20

# Why nothing stands in the result for these.
_WHY: Final = {
    "discovery.type": "engines are listed; see also discovery",
    "discovery.refresh_interval": "it did nothing; engines are checked all the time",
    "discovery.health_check": "checks are those of the engine's kind",
    "discovery.model_discovery": "lists of models are read every 10 s",
    "server.write_timeout": "answers have no limit in total unless timeouts.total says so",
    "server.idle_timeout": "connections of clients are kept while they are used",
    "server.rate_limits": "rates are limited by key: give clients keys",
    "server.request_logging": "it did nothing; log.access writes a line for each request",
    "proxy.engine": "there is one engine",
    "proxy.profile": "it did nothing; answers are passed on as they come",
    "proxy.profile_filter": "it did nothing; name the backends you want",
    "proxy.response_header_timeout": (
        "timeouts.first_token counts up to the first token, prefill included: set it to what your"
        " longest prompt needs"
    ),
    "proxy.response_timeout": "it did nothing",
    "proxy.max_retries": "it did nothing; retries have a budget",
    "proxy.retry_backoff": "it did nothing; retries have a budget",
    "proxy.retry": "it did nothing; retries have a budget, and stop at the first byte",
    "proxy.stream_buffer_size": "nothing is buffered",
    "model_registry": "models of one name and one content are one, see models.unify",
    "translators.anthropic": "Anthropic clients are served at /v1/messages without a setting",
    "engineering": "see /metrics and /status of the admin address",
    "dashboard": "it stands at the admin address",
}


def converted(document: Mapping[str, Any]) -> tuple[dict[str, Any], Ledger]:
    """Return our settings for a configuration of Olla, and what became of its keys."""
    ledger = Ledger(document)
    settings: dict[str, Any] = {}
    _listener(ledger, settings)
    policy = _policy(ledger, settings)
    settings["backends"] = _backends(ledger, tiers=policy == "priority")
    _aliases(ledger, settings)
    _limits(ledger, settings)
    _log(ledger, settings)
    for path, why in _WHY.items():
        ledger.dropped(path, why)
    return settings, ledger


def _listener(ledger: Ledger, settings: dict[str, Any]) -> None:
    host, port = ledger.at("server.host"), ledger.at("server.port")
    if host is MISSING and port is MISSING:
        return
    named = "127.0.0.1" if host in {MISSING, "localhost"} else host
    bare = f"[{named}]" if ":" in str(named) else named
    settings["listen"] = f"{bare}:{40114 if port is MISSING else port}"
    ledger.carried("server.host", "listen")
    ledger.carried("server.port", "listen; clients ask /v1/..., without /olla/proxy")


def _policy(ledger: Ledger, settings: dict[str, Any]) -> str:
    path = "proxy.load_balancer"
    said = ledger.at(path)
    if said in _POLICIES:
        policy, words = _POLICIES[said]
        settings["balance"] = {"policy": policy}
        if words:
            ledger.approximated(path, f"balance.policy: {policy}; {words}")
        else:
            ledger.carried(path, f"balance.policy: {policy}")
    elif said is not MISSING:
        ledger.dropped(path, f"there is no {said!r}; requests go where the least work is under way")
    if ledger.at("proxy.sticky_sessions.enabled") is True:
        words = "balance.session_bound: clients send x-headrace-session"
        ledger.approximated("proxy.sticky_sessions", words)
    else:
        ledger.dropped("proxy.sticky_sessions", "sessions are those of x-headrace-session")
    return str(said)


def _backends(ledger: Ledger, *, tiers: bool) -> list[dict[str, Any]]:
    endpoints = ledger.at(_ENDPOINTS)
    endpoints = endpoints if isinstance(endpoints, list) else []
    ranks = sorted({_priority(one) for one in endpoints if isinstance(one, dict)}, reverse=True)
    made: dict[str, dict[str, Any]] = {}
    for index, endpoint in enumerate(endpoints):
        path = f"{_ENDPOINTS}[{index}]"
        backend = _backend(ledger, path, endpoint) if isinstance(endpoint, dict) else None
        if backend is None:
            continue
        if tiers and len(ranks) > 1:
            backend["priority"] = ranks.index(_priority(endpoint))
            ledger.carried(f"{path}.priority", f"priority: {backend['priority']}, lowest first")
        else:
            ledger.dropped(f"{path}.priority", "it counts for load_balancer: priority only")
        if backend["url"] in made:
            ledger.dropped(f"{path}.url", "the same address again: Olla takes the last one")
        made[backend["url"]] = backend
    return list(made.values())


def _backend(ledger: Ledger, path: str, endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        there = places.engine(str(endpoint.get("url", "")), _TYPES.get(str(endpoint.get("type"))))
    except ValueError as error:
        ledger.dropped(path, f"its URL cannot be used: {error}")
        return None
    backend: dict[str, Any] = {"url": address.backend_url(there)}
    ledger.carried(f"{path}.url")
    if "name" in endpoint:
        backend = {"name": as_name(str(endpoint["name"])), **backend}
        ledger.carried(f"{path}.name")
    _type(ledger, path, endpoint, backend)
    _credential(ledger, path, endpoint.get("auth"), backend)
    chosen = endpoint.get("model_filter")
    if isinstance(chosen, dict):
        backend["models"] = {key: chosen[key] for key in ("include", "exclude") if chosen.get(key)}
        ledger.carried(f"{path}.model_filter", "models")
    for key in ("health_check_url", "model_url"):
        ledger.dropped(f"{path}.{key}", "paths are those of the engine's kind: see type, profiles")
    for key in ("check_interval", "check_timeout"):
        ledger.dropped(f"{path}.{key}", "checks set their own pace")
    ledger.dropped(f"{path}.preserve_path", "the path of a request is always kept")
    return backend


def _type(ledger: Ledger, path: str, endpoint: Mapping[str, Any], backend: dict[str, Any]) -> None:
    said = endpoint.get("type", "auto")
    kind = _TYPES.get(str(said))
    if kind is None:
        ledger.approximated(f"{path}.type", f"there is no {said!r}: the engine is asked")
    elif kind != "auto":
        backend["type"] = kind
        ledger.carried(f"{path}.type", f"type: {kind}")
    else:
        ledger.carried(f"{path}.type", "the engine is asked")


def _credential(ledger: Ledger, path: str, auth: object, backend: dict[str, Any]) -> None:
    if not isinstance(auth, dict):
        return
    kind = auth.get("type")
    if kind == "bearer":
        for key, ours in (("token", "api_key"), ("token_file", "api_key_file")):
            if auth.get(key):
                backend[ours] = auth[key]
        ledger.carried(f"{path}.auth", "api_key")
    else:
        words = f"{kind} is not sent; headrace sends `Authorization: Bearer` (api_key)"
        ledger.dropped(f"{path}.auth", words)


def _priority(endpoint: Mapping[str, Any]) -> int:
    said = endpoint.get("priority", _USUAL_PRIORITY)
    return said if isinstance(said, int) else _USUAL_PRIORITY


def _aliases(ledger: Ledger, settings: dict[str, Any]) -> None:
    said = ledger.at("model_aliases")
    if not isinstance(said, dict):
        return
    aliases: dict[str, list[str]] = {}
    for alias, targets in said.items():
        path = f"model_aliases.{alias}"
        listed = [str(one) for one in targets] if isinstance(targets, list) else [str(targets)]
        kept = [one for one in dict.fromkeys(listed) if one != alias and one not in said]
        if not kept:
            ledger.dropped(path, "it leads to itself only, or to other aliases")
            continue
        aliases[str(alias)] = kept
        if kept == listed:
            ledger.carried(path, "models.aliases")
        else:
            ledger.approximated(path, "models.aliases, without itself and other aliases")
    if aliases:
        settings["models"] = {"aliases": aliases}


def _limits(ledger: Ledger, settings: dict[str, Any]) -> None:
    limits: dict[str, Any] = {}
    body = places.size(ledger.at("server.request_limits.max_body_size"))
    if body is not None:
        limits["body"] = body
        ledger.carried("server.request_limits.max_body_size", "limits.body")
    head = places.size(ledger.at("server.request_limits.max_header_size"))
    if head is not None:
        limits["headers"] = min(head, _LARGEST_HEAD)
        ledger.carried("server.request_limits.max_header_size", "limits.headers")
    _time(ledger, "server.read_header_timeout", limits, "header_timeout")
    _time(ledger, "server.read_timeout", limits, "body_timeout", "silence within a body counts")
    timeouts: dict[str, Any] = {}
    _time(ledger, "proxy.connection_timeout", timeouts, "connect")
    _time(ledger, "proxy.read_timeout", timeouts, "idle", "silence in an answer, at any engine")
    drain: dict[str, Any] = {}
    _time(ledger, "server.shutdown_timeout", drain, "timeout", "after drain.delay")
    groups = {"limits": limits, "timeouts": timeouts, "drain": drain}
    settings |= {name: group for name, group in groups.items() if group}


def _time(ledger: Ledger, path: str, group: dict[str, Any], key: str, near: str = "") -> None:
    value = places.seconds(ledger.at(path))
    if value is None or float(value.rstrip("hms")) == 0.0:
        ledger.dropped(path, "no limit there, the default here")
        return
    group[key] = value
    if near:
        ledger.approximated(path, f"{key}: {value}; {near}")
    else:
        ledger.carried(path, f"{key}: {value}")


def _log(ledger: Ledger, settings: dict[str, Any]) -> None:
    log: dict[str, Any] = {}
    for key, known in (("level", {**_LEVELS, "error": "error"}), ("format", _FORMATS)):
        path = f"logging.{key}"
        said = known.get(str(ledger.at(path)))
        if said is not None:
            log[key] = said
            ledger.carried(path, f"log.{key}: {said}")
    ledger.dropped(
        "logging.output", "access lines go to standard output, the log to standard error"
    )
    if log:
        settings["log"] = log
