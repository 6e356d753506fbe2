"""The reference page of metrics, written from the families."""

from proxy.telemetry.families import FAMILIES, OTHER_MODEL, PROCESS

_PAGE = """\
# Metrics

`GET /metrics` on the admin address answers in the Prometheus text format.
[How to monitor](../how-to/monitor.md) says which of these to watch.

This page is written by `proxy.telemetry.metrics_page.markdown`; a test compares the two.

- `backend` is the backend's name in the settings, empty for a request that never reached one.
- `model` is the name as asked, alias or not, if the catalog knows it; all other names count as
  `{other}`.
- `end` is an [end code](end-codes.md): `--` means that the answer ended well.
- Clocks start when the whole request, body included, has arrived.

| name | type | labels | meaning |
|---|---|---|---|
{families}

## Buckets

Upper bounds in seconds; `+Inf` follows.

| name | bounds |
|---|---|
{buckets}

## Process

By the client library, where the system has `/proc`. With several workers these are sums over all
processes of the proxy, but for the start (the first) and the limit (of each):

| name | meaning |
|---|---|
{process}
"""


def markdown() -> str:
    """Return docs/reference/metrics.md."""
    families = [
        f"| `{one.name}` | {one.type} | {_code(one.labels)} | {one.help} |" for one in FAMILIES
    ]
    buckets = [
        f"| `{one.name}` | {' '.join(f'{bound:g}' for bound in one.buckets)} |"
        for one in FAMILIES
        if one.buckets
    ]
    process = [f"| `{name}` | {meaning} |" for name, meaning in PROCESS.items()]
    return _PAGE.format(
        other=OTHER_MODEL,
        families="\n".join(families),
        buckets="\n".join(buckets),
        process="\n".join(process),
    )


def _code(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
