"""Recording and alert rules: promtool reads them, and scenes say which alerts fire."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.fixtures.deployed import DEPLOY, program, rules, run, selectors, series

RULES = DEPLOY / "prometheus" / "rules"
MINUTES = 40
LOOKED_AT = "20m"
OURS = 'job="headrace", instance="a:8901"'
OTHERS = 'job="other", instance="b:9100"'
CALLS = 'backend="gpu-a", model="m", '

Series = dict[str, str]
"""Values by series, in promtool's notation."""


def gauge(name: str, value: str, labels: str = "", of: str = OURS) -> Series:
    """Return a series with one value, or with values in promtool's notation."""
    return {f"{name}{{{of}, {labels}}}".replace(", }", "}"): value}


def still(name: str, value: float, labels: str = "", of: str = OURS) -> Series:
    """Return a series that stays what it is."""
    return gauge(name, f"{value:g}x{MINUTES}", labels, of)


def grows(name: str, per_minute: float, labels: str = "") -> Series:
    """Return a counter."""
    return gauge(name, f"0+{per_minute:g}x{MINUTES}", labels)


def ended(end: str, per_minute: float, status: int = 200, backend: str = "gpu-a") -> Series:
    """Return requests that ended so."""
    labels = f'backend="{backend}", model="m", status="{status}", end="{end}"'
    return grows("headrace_requests_total", per_minute, labels)


def tried(backend: str, result: str, per_minute: float) -> Series:
    """Return attempts that ended so."""
    labels = f'backend="{backend}", result="{result}"'
    return grows("headrace_attempts_total", per_minute, labels)


def lasts(name: str, at_most: float, bounds: Sequence[float], labels: str = CALLS) -> Series:
    """Return a histogram of which every observation is in the bucket up to `at_most`."""
    counts = {f"{bound:g}": 600 if bound >= at_most else 0 for bound in bounds} | {"+Inf": 600}
    found: Series = {}
    for bound, count in counts.items():
        found |= grows(f"{name}_bucket", count, f'{labels}le="{bound}"')
    return found


def first_token(at_most: float) -> Series:
    """Return times to the first token."""
    return lasts("headrace_time_to_first_token_seconds", at_most, (0.5, 1, 10, 30))


def token(at_most: float) -> Series:
    """Return times between tokens."""
    return lasts("headrace_inter_token_seconds", at_most, (0.01, 0.05, 0.2, 0.5))


def overhead(at_most: float) -> Series:
    """Return what the proxy itself took."""
    return lasts("headrace_proxy_overhead_seconds", at_most, (0.0005, 0.01, 0.05, 0.1), "")


def up(backend: str, values: str = f"1x{MINUTES}") -> Series:
    """Return whether a backend is used."""
    return gauge("headrace_backend_up", values, f'backend="{backend}"')


def waiting(values: str) -> Series:
    """Return the depth of the queue."""
    return gauge("headrace_queue_depth", values, 'model="m"')


def open_files(used: float, of: str = OURS) -> Series:
    """Return open files out of 65,536."""
    return still("process_open_fds", used, of=of) | still("process_max_fds", 65536, of=of)


HEALTHY: Series = {
    **still("up", 1),
    **ended("--", 600),
    **ended("CS", 60),
    **tried("gpu-a", "ok", 600),
    **tried("gpu-a", "client_cancelled", 60),
    **up("gpu-a"),
    **up("gpu-b"),
    **still("headrace_breaker_opened_total", 1, 'backend="gpu-a"'),
    **still("headrace_loop_lag_seconds", 0.002),
    **still("headrace_log_lines_dropped_total", 0),
    **still("headrace_config_valid", 1),
    **still("headrace_config_restart_pending", 0),
    **still("headrace_discovery_up", 1, 'source="dns a"'),
    **still("headrace_discovery_backends", 2, 'source="dns a"'),
    **still("headrace_tls_certificate_expiry_timestamp_seconds", 90 * 86400, 'listener="listen"'),
    **still("process_start_time_seconds", 1000),
    **open_files(900),
    **first_token(0.5),
    **token(0.05),
    **overhead(0.0005),
}

# What differs from healthy traffic, and how many alerts of each name fire then: no other may.
SCENES: Mapping[str, tuple[Series, Mapping[str, int]]] = {
    "nothing is wrong": ({}, {}),
    "the process is gone": (gauge("up", "1x9 0x30"), {"HeadraceDown": 1}),
    "one request in ten fails at the engine": (ended("BW", 66, 502), {"HeadraceErrors": 1}),
    "half of the clients leave": (ended("CS", 600), {}),
    "no engine can be used": (
        up("gpu-a", f"0x{MINUTES}") | up("gpu-b", f"0x{MINUTES}"),
        {"HeadraceNoBackend": 1, "HeadraceBackendDown": 2},
    ),
    "one engine cannot be used": (up("gpu-b", f"0x{MINUTES}"), {"HeadraceBackendDown": 1}),
    "one engine is out of use by an order": (
        up("gpu-b", f"0x{MINUTES}") | still("headrace_backend_draining", 1, 'backend="gpu-b"'),
        {},
    ),
    "one engine was restarted": (up("gpu-b", "1x18 0x1 1x20"), {}),
    "a source of engines cannot be asked": (
        still("headrace_discovery_up", 0, 'source="dns a"'),
        {"HeadraceDiscovery": 1},
    ),
    "a source of engines has none": (
        still("headrace_discovery_backends", 0, 'source="dns a"'),
        {"HeadraceDiscovery": 1},
    ),
    "the collector of traces is gone": (
        grows("headrace_spans_total", 60, 'result="failed"'),
        {"HeadraceSpansLost": 1},
    ),
    "the database of usage is gone": (
        grows("headrace_ledger_errors_total", 60) | still("headrace_ledger_unwritten", 12),
        {"HeadraceUsageUnwritten": 1},
    ),
    "the database of usage was gone for a moment": (
        grows("headrace_ledger_errors_total", 0) | still("headrace_ledger_unwritten", 3),
        {},
    ),
    "a breaker opens and closes all the time": (
        grows("headrace_breaker_opened_total", 1, 'backend="gpu-a"'),
        {"HeadraceBreakerFlaps": 1},
    ),
    "an engine fails behind retries": (
        tried("gpu-b", "ok", 600) | tried("gpu-b", "backend_status", 60),
        {"HeadraceBackendFails": 1},
    ),
    "streams break off, too few for the share of errors": (
        ended("BS", 3),
        {"HeadraceStreamsBreak": 1},
    ),
    "requests wait for minutes": (waiting(f"3x{MINUTES}"), {"HeadraceNoRoom": 1}),
    "requests wait now and then": (waiting("3x3 0x4 3x3 0x30"), {}),
    "requests find no room": (
        ended("PQ", 30, 503, "") | ended("TQ", 30, 503, ""),
        {"HeadraceRefuses": 1, "HeadraceErrors": 1},
    ),
    "first tokens come late": (first_token(30), {"HeadraceFirstTokenSlow": 1}),
    "tokens come slowly": (token(0.5), {"HeadraceTokensSlow": 1}),
    "the proxy itself takes long": (overhead(0.1), {"HeadraceOverhead": 1}),
    "the loop is late": (still("headrace_loop_lag_seconds", 0.2), {"HeadraceLoopLate": 1}),
    "open files run out": (open_files(60000), {"HeadraceOpenFiles": 1}),
    "those of another process run out": (open_files(60000, OTHERS), {}),
    "it is started again and again": (
        grows("process_start_time_seconds", 60),
        {"HeadraceRestarts": 1},
    ),
    "settings on the disk are wrong": (
        still("headrace_config_valid", 0),
        {"HeadraceSettingsRefused": 1},
    ),
    "a certificate is about to end": (
        still("headrace_tls_certificate_expiry_timestamp_seconds", 864000, 'listener="listen"'),
        {"HeadraceCertificateEnds": 1},
    ),
    "log lines are lost": (
        grows("headrace_log_lines_dropped_total", 10),
        {"HeadraceLogsLost": 1},
    ),
}

# Of which the others say nothing: another time, or no headrace at all.
ALONE: Mapping[str, tuple[Series, str, Mapping[str, int]]] = {
    "the scrape configuration lost it": (
        still("up", 1, of=OTHERS),
        LOOKED_AT,
        {"HeadraceAbsent": 1},
    ),
    "one request in four minutes, and all fail": (
        still("up", 1) | ended("BW", 0.25, 502),
        LOOKED_AT,
        {},
    ),
    "a key waits for a restart since an hour": (
        gauge("up", "1x90") | gauge("headrace_config_restart_pending", "2x90"),
        "70m",
        {"HeadraceRestartPending": 1},
    ),
}


def judged(folder: Path, values: Series, at: str, fire: Mapping[str, int]) -> str:
    """Return what promtool has to say, empty if exactly these alerts fire."""
    expected = [
        {"labels": f'{{alertname="{name}"}}', "value": count} for name, count in fire.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in values.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": at,
                "exp_samples": expected,
            }
        ],
    }
    scene = folder / "scene.yaml"
    scene.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(path) for path in sorted(RULES.glob("*.yaml"), reverse=True)],
                "evaluation_interval": "15s",
                "tests": [test],
            }
        )
    )
    ran = run(program("promtool", "the alerts fire when they should"), "test", "rules", scene)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.parametrize("scene", SCENES)
def test_exactly_these_alerts_fire_when(scene: str, tmp_path: Path) -> None:
    change, fire = SCENES[scene]

    assert not judged(tmp_path, HEALTHY | change, LOOKED_AT, fire)


@pytest.mark.parametrize("scene", ALONE)
def test_exactly_these_alerts_fire_without_other_traffic_when(scene: str, tmp_path: Path) -> None:
    values, at, fire = ALONE[scene]

    assert not judged(tmp_path, values, at, fire)


def test_every_alert_has_a_scene_in_which_it_fires() -> None:
    fires = {name for _, fire in SCENES.values() for name in fire}
    fires |= {name for *_, fire in ALONE.values() for name in fire}

    assert {rule["alert"] for rule in rules() if "alert" in rule} == fires


def test_promtool_reads_the_rules_and_the_configuration() -> None:
    promtool = program("promtool", "Prometheus reads the rules")

    checked = run(promtool, "check", "rules", *sorted(RULES.glob("*.yaml")))
    configured = run(promtool, "check", "config", RULES.parent / "prometheus.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert configured.returncode == 0, configured.stdout + configured.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_name_series_and_labels_there_are(rule: dict[str, str]) -> None:
    known = series()
    named = list(selectors(rule["expr"]))

    assert named
    for name, labels in named:
        assert name in known
        assert labels <= known[name], name


def test_every_alert_says_how_bad_it_is_and_what_to_look_at() -> None:
    page = (DEPLOY.parent / "docs" / "how-to" / "prometheus-and-grafana.md").read_text()
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert set(rule["annotations"]) == {"summary", "description"}
            assert f"`{rule['alert']}`" in page
