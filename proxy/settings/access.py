"""The settings of who may come in: addresses, web pages, and the admin address's own token."""

from typing import Annotated

import msgspec
from msgspec import Meta

from proxy.settings.credential import Secret

AdminToken = Annotated[
    Secret | None,
    Meta(
        description="What must be shown on the admin address, as `Authorization: Bearer`, or as"
        " the password of Basic in a browser; /healthz and /readyz stay open. null = nothing."
        " ${NAME} is replaced from the environment. Never shown.",
        extra={"unit": "secret"},
    ),
]
AdminTokenFile = Annotated[
    str | None,
    Meta(
        description="A file that holds the admin_token; read again when it changes. A relative"
        " path starts at the configuration file.",
        extra={"unit": "path"},
    ),
]

SocketMode = Annotated[
    str | None,
    Meta(
        description="The mode of the file of a listener unix:/path, in octal as chmod takes it,"
        ' such as "0660"; null = what the umask leaves.',
        extra={"unit": "mode"},
    ),
]


class Allow(msgspec.Struct, frozen=True, kw_only=True):
    """Who may connect, by address. Unix sockets are guarded by their files' modes."""

    listen: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses and networks that clients may come from; none = all.",
            extra={"unit": "networks"},
        ),
    ] = ()
    admin: Annotated[
        tuple[str, ...],
        Meta(
            description="Those that may reach the admin address; none = all.",
            extra={"unit": "networks"},
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Proxies in front whose X-Forwarded-For is believed: they may connect, and"
            " allow.listen judges who they forward for. none = that header counts for nothing.",
            extra={"unit": "networks"},
        ),
    ] = ()


class Cors(msgspec.Struct, frozen=True, kw_only=True):
    """Which web pages may send requests from a browser (CORS). Off unless one is named."""

    origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Where such pages come from, as https://chat.example; `*` = anywhere;"
            " none = no page of another origin.",
            extra={"unit": "origins"},
        ),
    ] = ()
    max_age: Annotated[
        float,
        Meta(
            ge=0.0,
            le=86400.0,
            description="How long a browser need not ask again.",
            extra={"unit": "duration"},
        ),
    ] = 600.0
