"""Credentials: `${NAME}` in their text, and the files that hold them. None is ever quoted."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from proxy.settings.credential import Secret

MAX_FILE: Final = 64 * 1024

_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}?")
_FIELD: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+ *= *[!-~]([ -~]*[!-~])?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def references(text: str) -> list[str]:
    """Return the names that `text` takes from the environment."""
    return _REFERENCE.findall(text)


def expand(text: str, env: Mapping[str, str], *, fields: bool = False) -> Secret:
    """Return the credential `text` stands for; ValueError says what is wrong without showing it.

    With `fields` it is a list of header fields.
    """
    for name in references(text):
        if not _VARIABLE.fullmatch(name):
            raise ValueError("write ${NAME}, NAME being an environment variable")
        if name not in env:
            raise ValueError(f"the environment variable {name} is not set")
    whole = _REFERENCE.sub(lambda match: env[match[1]], text)
    return _fields(whole) if fields else _checked(whole)


def from_file(path: Path) -> Secret:
    """Return the credential in a file, without the white space around it; ValueError as above."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise ValueError(f"{path} is too large to hold a key")
    return _checked(data.decode("utf-8", "replace").strip())


def _fields(text: str) -> Secret:
    if not all(_FIELD.fullmatch(field.strip()) for field in text.split(",")):
        raise ValueError("write name=value, with commas between several; %2C is a comma in a value")
    return Secret(text)


def _checked(text: str) -> Secret:
    if not text:
        raise ValueError("the key is empty")
    # What may stand in an Authorization header: a line break there would start another header.
    if not all("!" <= char <= "~" for char in text):
        raise ValueError("a key has only printable ASCII characters and no spaces")
    return Secret(text)
