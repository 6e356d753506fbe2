"""Which streams in a caller's own dialect can be told again, and who hears them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.dialects.retelling.items import ToldItems
from proxy.dialects.retelling.lines import ToldLines
from proxy.dialects.retelling.messages import ToldMessages
from proxy.dialects.retelling.told import Told

TOLD: Final[Mapping[str, type[Told]]] = MappingProxyType(
    {"/v1/messages": ToldMessages, "/v1/responses": ToldItems, "/api/chat": ToldLines}
)
