"""The private names of aiohttp that `edge/server` stands on: all listed, all still there."""

import ast

from aiohttp.web_protocol import RequestHandler

from proxy.edge.server import PRIVATE_AIOHTTP_NAMES
from tests.meta import tree


def private_names_used() -> set[str]:
    """Return the private names of its base class that `proxy/edge` touches."""
    used: set[str] = set()
    for name in tree.python("proxy/edge"):
        used |= {
            node.attr
            for node in ast.walk(tree.parsed(name))
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and hasattr(RequestHandler, node.attr)
        }
    return used


def test_every_name_is_still_there() -> None:
    assert not [name for name in PRIVATE_AIOHTTP_NAMES if not hasattr(RequestHandler, name)]


def test_every_name_in_use_is_listed() -> None:
    assert private_names_used() <= set(PRIVATE_AIOHTTP_NAMES)
