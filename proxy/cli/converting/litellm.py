"""LiteLLM's proxy configuration as ours: deployments become engines, model groups aliases.

A deployment names one model at one address; a backend here is an address with all its models. So
deployments at one address become one backend, which serves the models they name and no others.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from proxy.cli.converting import places
from proxy.cli.converting.ledger import Ledger
from proxy.settings import address

_TYPES: Final = {
    "openai": "auto",
    "custom_openai": "auto",
    "openai_like": "auto",
    "text-completion-openai": "auto",
    "hosted_vllm": "vllm",
    "vllm": "vllm",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "lm_studio": "lmstudio",
    "llamafile": "llamacpp",
    "docker_model_runner": "dmr",
    "lemonade": "lemonade",
    "litellm_proxy": "litellm",
}
_POLICIES: Final = {
    "simple-shuffle": ("random", "carried"),
    "least-busy": ("least-connections", "carried"),
}
_ELSEWHERE: Final = "a provider's own address: headrace serves engines; keep LiteLLM for this one"
_BUILT_IN: Final = "retries have a budget, breakers open by themselves"
_WHY: Final = {
    "router_settings.num_retries": _BUILT_IN,
    "router_settings.retry_after": _BUILT_IN,
    "router_settings.allowed_fails": _BUILT_IN,
    "router_settings.cooldown_time": _BUILT_IN,
    "router_settings.disable_cooldowns": _BUILT_IN,
    "litellm_settings.num_retries": _BUILT_IN,
    "litellm_settings.allowed_fails": _BUILT_IN,
    "litellm_settings.cooldown_time": _BUILT_IN,
    "router_settings.enable_pre_call_checks": "lists of models and sizes are always looked at",
    "router_settings.redis_host": "load is counted here and read from the engines",
    "router_settings.redis_port": "as redis_host",
    "router_settings.redis_password": "as redis_host",
    "litellm_settings.drop_params": "requests are passed on as they are",
    "litellm_settings.set_verbose": "set log.level",
    "litellm_settings.json_logs": "log.format is json wherever no terminal reads",
    "litellm_settings.cache": "answers are not cached",
    "litellm_settings.cache_params": "answers are not cached",
    "litellm_settings.success_callback": "see metrics, access lines, and tracing",
    "litellm_settings.failure_callback": "see metrics, access lines, and tracing",
    "litellm_settings.callbacks": "see metrics, access lines, and tracing",
    "general_settings.database_url": "keys made at run time stay behind: make new ones",
    "general_settings.store_model_in_db": "models are what engines list",
    "environment_variables": "set them where headrace is started",
}


class _Engines:
    """The backends of a configuration while it is read, and which group means which model."""

    __slots__ = ("backends", "groups", "served")

    def __init__(self) -> None:
        self.backends: dict[str, dict[str, Any]] = {}  # by URL
        self.served: dict[str, list[str]] = {}  # names of models, by URL
        self.groups: dict[str, list[str]] = {}  # names of models, by group


def converted(document: Mapping[str, Any]) -> tuple[dict[str, Any], Ledger]:
    """Return our settings for a configuration of LiteLLM, and what became of its keys."""
    ledger = Ledger(document)
    engines = _Engines()
    deployments = ledger.at("model_list")
    for index, one in enumerate(deployments if isinstance(deployments, list) else []):
        _deployment(ledger, f"model_list[{index}]", one, engines)
    for url, backend in engines.backends.items():
        if "*" not in engines.served[url]:
            backend["models"] = {"include": list(dict.fromkeys(engines.served[url]))}
    _tiers(engines)
    settings: dict[str, Any] = {"backends": list(engines.backends.values())}
    aliases = _aliases(ledger, engines)
    if aliases:
        settings["models"] = {"aliases": aliases}
    _routing(ledger, settings)
    _master(ledger, settings)
    for path, why in _WHY.items():
        ledger.dropped(path, why)
    return settings, ledger


def _deployment(ledger: Ledger, path: str, one: object, engines: _Engines) -> None:
    said = one.get("litellm_params") if isinstance(one, dict) else None
    if not isinstance(said, dict) or not isinstance(one, dict) or "model" not in said:
        ledger.dropped(path, "no litellm_params.model")
        return
    provider, slash, model = str(said["model"]).partition("/")
    if not slash:
        provider, model = "openai", provider
    kind = _TYPES.get(provider)
    if kind is None or "api_base" not in said:
        ledger.dropped(path, f"{said['model']}: {_ELSEWHERE}")
        return
    try:
        there = places.engine(str(said["api_base"]), kind)
    except ValueError as error:
        ledger.dropped(path, f"its api_base cannot be used: {error}")
        return
    if there.below and kind != "ollama" and not re.search(r"/v1/*$", str(said["api_base"])):
        words = f"it is called below {there.below} without /v1, which headrace always sends"
        ledger.dropped(path, words)
        return
    url = address.backend_url(there)
    backend = engines.backends.setdefault(url, {"url": url})
    engines.served.setdefault(url, []).append(model)
    group = str(one.get("model_name", model))
    if "*" in group or "*" in model:
        words = "clients ask for an engine's models by their own names, without a prefix"
        ledger.approximated(f"{path}.model_name", words)
    else:
        engines.groups.setdefault(group, []).append(model)
        ledger.carried(f"{path}.model_name", "the name of the model, or an alias of it")
    ledger.carried(f"{path}.litellm_params.model", f"{model} at {url}")
    ledger.carried(f"{path}.litellm_params.api_base", "backends[].url, without /v1")
    if kind != "auto":
        backend["type"] = kind
    _params(ledger, f"{path}.litellm_params", said, backend)
    ledger.dropped(f"{path}.model_info", "what a model can do is asked of its engine")


def _params(ledger: Ledger, path: str, said: Mapping[str, Any], backend: dict[str, Any]) -> None:
    """Take what a deployment says beside model and address; at one address the first counts."""
    if "api_key" in said:
        _first(
            ledger, f"{path}.api_key", backend, "api_key", places.credential(str(said["api_key"]))
        )
    if isinstance(said.get("weight"), int | float):
        _first(ledger, f"{path}.weight", backend, "weight", said["weight"])
    if isinstance(said.get("order"), int):
        _first(ledger, f"{path}.order", backend, "priority", said["order"])
    if isinstance(said.get("max_parallel_requests"), int):
        name = "max_parallel_requests"
        _first(ledger, f"{path}.{name}", backend, "max_in_flight", said[name])
    for key, ours in (("timeout", "total"), ("stream_timeout", "first_token")):
        value = places.seconds(said.get(key))
        if value is not None:
            backend.setdefault("timeouts", {}).setdefault(ours, value)
            ledger.approximated(f"{path}.{key}", f"timeouts.{ours} of the backend")
    for key in ("rpm", "tpm"):
        ledger.dropped(f"{path}.{key}", "engines have max_in_flight; rates are limited by key")


def _first(ledger: Ledger, path: str, backend: dict[str, Any], key: str, value: object) -> None:
    known = backend.setdefault(key, value)
    if known == value:
        ledger.carried(path, key)
    else:
        ledger.dropped(path, f"{key} of {backend['url']} is that of an earlier deployment")


def _tiers(engines: _Engines) -> None:
    """Count tiers from 0; who names none comes last, as there."""
    said = sorted({one["priority"] for one in engines.backends.values() if "priority" in one})
    for backend in engines.backends.values():
        if said:
            known = backend.get("priority")
            backend["priority"] = said.index(known) if known in said else len(said)


def _aliases(ledger: Ledger, engines: _Engines) -> dict[str, list[str]]:
    own = {model for models in engines.served.values() for model in models}
    aliases = {
        group: list(dict.fromkeys(models))
        for group, models in engines.groups.items()
        if set(models) != {group} and group not in own
    }
    for group in engines.groups:
        if group in own and set(engines.groups[group]) != {group}:
            index = list(engines.groups).index(group)
            words = f"{group} is also the name of a model, and stands for that alone"
            ledger.approximated(f"model_list[{index}].model_name", words)
    _named_again(ledger, engines, aliases, own)
    for section in ("router_settings", "litellm_settings"):
        _fallbacks(ledger, f"{section}.fallbacks", engines, aliases, own)
        for key in ("context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"):
            ledger.dropped(f"{section}.{key}", "no other model answers than the one asked for")
    return aliases


def _named_again(
    ledger: Ledger, engines: _Engines, aliases: dict[str, list[str]], own: set[str]
) -> None:
    path = "router_settings.model_group_alias"
    said = ledger.at(path)
    for alias, group in said.items() if isinstance(said, dict) else ():
        target = str(group.get("model")) if isinstance(group, dict) else str(group)
        models = engines.groups.get(target)
        if models and alias not in own:
            aliases[str(alias)] = list(dict.fromkeys(models))
            ledger.carried(f"{path}.{alias}", "models.aliases")
        else:
            ledger.dropped(f"{path}.{alias}", f"{target} is not served, or {alias} is a model")


def _fallbacks(
    ledger: Ledger,
    path: str,
    engines: _Engines,
    aliases: dict[str, list[str]],
    own: set[str],
) -> None:
    said = ledger.at(path)
    for index, one in enumerate(said if isinstance(said, list) else []):
        for group, others in one.items() if isinstance(one, dict) else ():
            where = f"{path}[{index}].{group}"
            more = [model for other in others for model in engines.groups.get(str(other), ())]
            if group in own or group not in aliases or not more:
                words = "a model stands for itself; give clients an alias for both"
                ledger.dropped(where, words)
                continue
            aliases[group] = list(dict.fromkeys([*aliases[group], *more]))
            ledger.approximated(
                where, "models.aliases: used when the first has no engine with room"
            )


def _routing(ledger: Ledger, settings: dict[str, Any]) -> None:
    path = "router_settings.routing_strategy"
    said = ledger.at(path)
    if isinstance(said, str):
        policy, fate = _POLICIES.get(said, ("work", ""))
        settings["balance"] = {"policy": policy}
        if fate:
            ledger.carried(path, f"balance.policy: {policy}")
        else:
            ledger.approximated(path, f"balance.policy: {policy}: to where the least work waits")
    for where in ("litellm_settings.request_timeout", "router_settings.timeout"):
        value = places.seconds(ledger.at(where))
        if value is not None:
            settings["timeouts"] = {"total": value}
            ledger.approximated(where, f"timeouts.total: {value}, with all attempts and the queue")


def _master(ledger: Ledger, settings: dict[str, Any]) -> None:
    path = "general_settings.master_key"
    said = ledger.at(path)
    if isinstance(said, str):
        settings["keys"] = {"clients": {"master": {"key": places.credential(said)}}}
        ledger.approximated(path, "keys.clients.master: clients need it; it manages nothing")
