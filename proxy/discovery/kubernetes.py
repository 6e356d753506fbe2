"""The Kubernetes API over lightkube's HTTP client: who we are there, and its errors in words.

lightkube finds the cluster and the credentials (service account, kubeconfig, exec plugins), and
renews a token that has changed. What we say to the API, and what follows from it, is `reflector`.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import httpx2
import yaml
from lightkube import KubeConfig
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError

from proxy.discovery.cluster import Cluster, Told
from proxy.discovery.reflector import Parameters, Timing, Trouble
from proxy.settings.discovery import KubernetesSource

TIMEOUT: Final = 10.0  # seconds for an answer to begin, and for a list to go on
LINE: Final = 8 << 20  # bytes of one event
_NOT_FOUND: Final = "is what is asked for installed in this cluster?"
# What lightkube raises for a file that is no kubeconfig, too: it reads it without checking.
_UNUSABLE: Final = (
    *(ConfigError, OSError, ssl.SSLError, yaml.YAMLError, ValueError),
    *(KeyError, TypeError, AttributeError, AssertionError),
)
_ADVICE: Final = {
    401: "the credentials are not accepted: look at the service account, or the kubeconfig",
    403: "allow `get`, `list` and `watch` by a Role: see how-to/discover-backends.md",
    404: _NOT_FOUND,
}


async def follow(source: KubernetesSource, timing: Timing, told: Told) -> None:
    """Follow `source` for ever. Raises Trouble if nobody says which cluster, or as whom."""
    config, client = await asyncio.to_thread(_connect, source.kubeconfig)
    async with client:
        namespace = config.namespace or "default"
        await Cluster(source, HttpApi(client), namespace, timing, told).run()


def _connect(kubeconfig: str | None) -> tuple[SingleConfig, httpx2.AsyncClient]:
    # In a thread: it reads files, and the certificates of the cluster.
    try:
        known = KubeConfig.from_file(Path(kubeconfig)) if kubeconfig else KubeConfig.from_env()
        config = known.get()
        if config is None:
            raise Trouble("the kubeconfig has no current context: set one")
        parameters = ConnectionParams(timeout=httpx2.Timeout(TIMEOUT))
        return config, AsyncClient(config, parameters)
    except _UNUSABLE as error:
        hint = "run in the cluster with a service account, or set kubeconfig"
        raise Trouble(f"no access to a Kubernetes cluster: {error}; {hint}") from error


class HttpApi:
    """Fulfils `reflector.Api`."""

    __slots__ = ("_client",)

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, parameters: Parameters) -> bytes:
        """Return the answer to a GET."""
        try:
            response = await self._client.get(path, params=dict(parameters))
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            raise _unanswered(error) from error
        if response.status_code != 200:
            raise refusal(path, response.status_code)
        return bytes(response.content)

    async def lines(self, path: str, parameters: Parameters) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer as they come."""
        patience = httpx2.Timeout(TIMEOUT, read=None)  # silence means that nothing changes
        asked = self._client.stream("GET", path, params=dict(parameters), timeout=patience)
        try:
            async with asked as response:
                if response.status_code != 200:
                    raise refusal(path, response.status_code)
                yield b""  # it follows: that is worth knowing before anything changes
                async with aclosing(_split(response)) as lines:
                    async for line in lines:
                        yield line
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            raise _unanswered(error) from error


async def _split(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """Yield whole lines; what follows the last is half an event, and is dropped."""
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > LINE:
            raise Trouble("the Kubernetes API sent an event of over 8 MiB")


def refusal(path: str, status: int) -> Trouble:
    """Return what an error status means."""
    what = path.rpartition("/")[2]
    hint = _ADVICE.get(status, "it is asked again")
    return Trouble(f"the Kubernetes API answers {status} for {what}: {hint}", status)


def _unanswered(error: Exception) -> Trouble:
    reason = str(error) or type(error).__name__
    return Trouble(f"the Kubernetes API cannot be reached: {reason}; it is asked again")
