"""The yardsticks' configurations say what a fair comparison needs."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.driver import yardsticks

FOLDER = Path("/folder")


def manager() -> dict[str, Any]:
    config: dict[str, Any] = yardsticks.envoy_config(8000, [9001, 9002], FOLDER)
    listener = config["static_resources"]["listeners"][0]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


@pytest.mark.parametrize(
    "line",
    [
        "worker_processes 1;",
        "listen 127.0.0.1:8000 backlog=4096;",
        "access_log /folder/nginx-access.log combined;",
        "server 127.0.0.1:9001 max_fails=3 fail_timeout=10s;",
        "server 127.0.0.1:9002 max_fails=3 fail_timeout=10s;",
        "proxy_buffering off;",
        "keepalive 1024;",
        'map $http_x_request_id $id { default $http_x_request_id; "" $request_id; }',
    ],
)
def test_nginx_is_configured_for_streams(line: str) -> None:
    assert line in yardsticks.nginx_config(8000, [9001, 9002], FOLDER)


def test_nginx_writes_nothing_outside_its_folder() -> None:
    config = yardsticks.nginx_config(8000, [9001], FOLDER)

    paths = [word for word in config.replace(";", " ").split() if word.startswith("/")]
    assert {path for path in paths if not path.startswith("/folder/")} == {"/"}


def test_envoy_logs_to_a_file_and_has_no_time_limit() -> None:
    found = manager()

    assert found["access_log"][0]["typed_config"]["path"] == "/folder/envoy-access.log"
    assert found["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] == "0s"


def test_envoy_balances_over_all_engines() -> None:
    config: dict[str, Any] = yardsticks.envoy_config(8000, [9001, 9002], FOLDER)
    cluster = config["static_resources"]["clusters"][0]
    ends = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]

    ports = [end["endpoint"]["address"]["socket_address"]["port_value"] for end in ends]
    assert ports == [9001, 9002]
    assert cluster["lb_policy"] == "LEAST_REQUEST"


def test_envoy_runs_one_worker(tmp_path: Path) -> None:
    words = yardsticks.envoy("envoy", 8000, [9001], tmp_path)

    assert words[words.index("--concurrency") + 1] == "1"
    assert json.loads((tmp_path / "envoy.json").read_text())["static_resources"]


def test_nginx_gets_its_configuration(tmp_path: Path) -> None:
    words = yardsticks.nginx("nginx", 8000, [9001], tmp_path)

    assert words[-1] == str(tmp_path / "nginx.conf")
    assert (tmp_path / "nginx.conf").read_text().startswith("daemon off;")


def test_headrace_gets_every_engine_and_both_addresses() -> None:
    words = yardsticks.headrace(8900, 8901, [9001, 9002])

    assert words[1:4] == ["-m", "proxy", "serve"]
    assert words[4:] == [
        *("--backend", "http://127.0.0.1:9001", "--backend", "http://127.0.0.1:9002"),
        *("--listen", "127.0.0.1:8900", "--admin", "127.0.0.1:8901"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "nbthread 1",
        "bind 127.0.0.1:8000 backlog 4096",
        "server engine-9001 127.0.0.1:9001",
        "server engine-9002 127.0.0.1:9002",
        "balance leastconn",
        "option http-no-delay",
        "option httplog",
    ],
)
def test_haproxy_is_configured_for_streams(line: str) -> None:
    assert line in yardsticks.haproxy_config(8000, [9001, 9002])


def test_haproxy_gets_its_configuration(tmp_path: Path) -> None:
    words = yardsticks.haproxy("haproxy", 8000, [9001], tmp_path)

    assert words == ["haproxy", "-db", "-q", "-f", str(tmp_path / "haproxy.cfg")]
    assert "bind 127.0.0.1:8000" in (tmp_path / "haproxy.cfg").read_text()
