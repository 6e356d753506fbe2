"""What a JSON decoder raises for bytes that are not the JSON that is asked for."""

from typing import Final

import msgspec

# No JSON or of another shape; text that is no UTF-8; nested deeper than it goes.
DECODE_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
