"""Settings from file, environment and flags, checked as a whole, with where each value came from.

The three are laid over each other as text before anything is read: flags over environment over file
over defaults. So a value is read, checked and blamed the same way wherever it was written.
"""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from proxy.settings import (
    document,
    fields,
    included,
    profiles,
    rules,
    secrets,
    securing,
    standard,
    text,
)
from proxy.settings.discovery import Found
from proxy.settings.document import Entry, Node, Scalar, Sequence
from proxy.settings.problems import DEFAULT, Layer, SettingsError, Source, suggestion
from proxy.settings.reading import Reading
from proxy.settings.schema import BackendSettings, Settings

MAX_FILE: Final = 1 << 20
Part = TypeVar("Part", BackendSettings, Found)

# Kubernetes gives every pod these for a Service whose name begins with "headrace".
_SERVICE_LINK: Final = re.compile(
    r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$"
)


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said; `backends` replaces the list of the file."""

    listen: str | None = None
    admin: str | None = None
    backends: tuple[str, ...] = ()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that can be used. `origins` has the keys that were set; the rest is default.

    `files` are the settings file and what it names: files of keys, the folder of profiles. Paths in
    it start at `base`.
    """

    settings: Settings
    origins: Mapping[str, Source]
    files: tuple[Path, ...] = ()
    base: Path = Path()


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, and how to get them again: `read` raises SettingsError."""

    loaded: Loaded
    read: Callable[[], Loaded]


def load(path: Path | None, env: Mapping[str, str], flags: Flags | None = None) -> Loaded:
    """Return the effective settings, or raise SettingsError with every problem there is.

    Reads the file and the files it names for keys, and nothing else; `path` wins over
    `HEADRACE_CONFIG`. Empty environment variables count as not set.
    """
    env = {name: value for name, value in env.items() if value}
    if path is None and fields.CONFIG in env:
        path = Path(env[fields.CONFIG])
    reading = Reading(env)
    root: Node = document.Mapping(source=DEFAULT)
    data = b""
    if path is not None:
        data = _contents(path, reading)
        root, problems = document.parse(data, str(path))
        reading.problems += problems
    mentioned = secrets.references(data.decode("utf-8", "replace"))
    _lay_standard(root, env, reading)
    _lay_environment(root, env, reading, mentioned)
    if standard.disabled(env):
        _lay(root, standard.ENDPOINT, standard.off())
    _lay_flags(root, flags or Flags())
    settings = reading.group(fields.tree(), root, "")
    assert isinstance(settings, Settings)
    unread = {problem.path for problem in reading.problems}
    settings, broken = _with_profiles(settings, path, reading)
    if broken:
        unread.add("profiles")
    settings = included.with_files(settings, _base(path), reading)
    settings = _finished(settings, _base(path), reading)
    reading.problems += rules.broken(rules.Scene(settings, reading.origins, frozenset(unread)))
    if reading.problems:
        raise SettingsError(reading.problems, reading.files)
    files = tuple(reading.files)
    base = Path() if path is None else path.parent
    return Loaded(settings=settings, origins=reading.origins, files=files, base=base)


def _contents(path: Path, reading: Reading) -> bytes:
    """Return the bytes of the file; none, and a problem, if it cannot be read."""
    source = Source(layer=Layer.FILE, name=str(path))
    reading.files.append(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        reading.note("", source, f"cannot be read: {error.strerror}")
        return b""
    if len(data) > MAX_FILE:
        reading.note("", source, "larger than 1 MiB")
        return b""
    return data


def _lay_environment(
    root: Node, env: Mapping[str, str], reading: Reading, mentioned: Collection[str]
) -> None:
    """Lay the environment over the file; `mentioned` are variables whose `${NAME}` the file has."""
    known = fields.variables()
    for name, value in sorted(env.items()):
        if not name.startswith(fields.PREFIX) or name == fields.CONFIG:
            continue
        source = Source(layer=Layer.ENVIRONMENT, name=name)
        spec = known.get(name)
        if isinstance(spec, fields.Items):
            _lay(root, spec.path, _urls(re.split(r"[\s,]+", value.strip(", \t\n")), source))
        elif spec is not None:
            _lay(root, spec.path, Scalar(source=source, text=value))
        elif name not in mentioned and not _SERVICE_LINK.search(name):
            word = name.removeprefix(fields.PREFIX)
            hint = (
                suggestion(word, known, fields.PREFIX) or "lists and names are set in the file only"
            )
            reading.note("", source, "unknown variable", hint=hint)


def _lay_standard(root: Node, env: Mapping[str, str], reading: Reading) -> None:
    """Lay the standard variables of OpenTelemetry below the file."""
    missing = {p: v for p, v in standard.scalars(env) if not _present(root, p)}
    own = _present(root, standard.ENDPOINT) or f"{fields.PREFIX}TRACING_ENDPOINT" in env
    if standard.disabled(env) or not (own or standard.ENDPOINT in missing):
        return  # nothing is traced: what other programs are told does not matter here
    for path, scalar in missing.items():
        _lay(root, path, scalar)
    reading.problems += standard.problems(env, own=own)


def _present(root: Node, path: str) -> bool:
    here = root
    for name in path.split("."):
        if not isinstance(here, document.Mapping) or name not in here.entries:
            return False
        here = here.entries[name].value
    return True


def _lay_flags(root: Node, flags: Flags) -> None:
    for name, value in (("listen", flags.listen), ("admin", flags.admin)):
        if value is not None:
            source = Source(layer=Layer.FLAG, name=f"--{name}")
            _lay(root, name, Scalar(source=source, text=value))
    if flags.backends:
        source = Source(layer=Layer.FLAG, name="--backend")
        _lay(root, "backends", _urls(flags.backends, source))


def _urls(urls: "tuple[str, ...] | list[str]", source: Source) -> Sequence:
    items = (
        document.Mapping(
            source=source,
            entries={"url": Entry(source=source, value=Scalar(source=source, text=url))},
        )
        for url in urls
    )
    return Sequence(source=source, items=tuple(items))


def _lay(root: Node, path: str, value: Node) -> None:
    """Put `value` at `path`, making sections on the way; what is no section stays, to be told."""
    entry = Entry(source=value.source, value=value)
    here = root
    *sections, last = path.split(".")
    for name in sections:
        if not isinstance(here, document.Mapping):
            return
        below = here.entries.get(name)
        if below is None or (isinstance(below.value, Scalar) and below.value.null):
            below = Entry(source=value.source, value=document.Mapping(source=value.source))
            here.entries[name] = below
        here = below.value
    if isinstance(here, document.Mapping):
        here.entries[last] = entry


def _with_profiles(
    settings: Settings, path: Path | None, reading: Reading
) -> tuple[Settings, bool]:
    """Return `settings` with the user's own profiles read, and whether any was in disorder."""
    own = settings.profiles
    if own is None:
        return settings, False
    base = _base(path)
    reading.files.append(base / own.folder)
    try:
        engines, problems = profiles.read(base / own.folder)
    except OSError as error:
        found = f"{base / own.folder} cannot be read: {error.strerror}"
        hint = "name a folder that holds profiles"
        reading.note("profiles", reading.origins["profiles"], found, hint=hint)
        return settings, True
    reading.problems += problems
    own = msgspec.structs.replace(own, engines=engines)
    return msgspec.structs.replace(settings, profiles=own), bool(problems)


def _base(path: Path | None) -> Path:
    """Return where relative paths start."""
    return path.parent if path is not None else Path()


def _finished(settings: Settings, base: Path, reading: Reading) -> Settings:
    """Return `settings` with each backend named, keys read from their files, and seals made."""
    backends = (
        _keyed(_named(backend), f"backends[{index}]", base, reading)
        for index, backend in enumerate(settings.backends)
    )
    found = settings.discovery
    for kind in ("dns", "kubernetes"):
        sources = (
            msgspec.structs.replace(
                source,
                backend=_keyed(source.backend, f"discovery.{kind}[{n}].backend", base, reading),
            )
            for n, source in enumerate(getattr(found, kind))
        )
        found = msgspec.structs.replace(found, **{kind: tuple(sources)})
    keys = settings.keys
    if keys.database is not None:
        keys = msgspec.structs.replace(keys, database=str(base / keys.database))
    settings = msgspec.structs.replace(
        settings, backends=tuple(backends), discovery=found, keys=keys
    )
    settings = _with_admin_token(settings, base, reading)
    return securing.secured(settings, base, reading)


def _named(backend: BackendSettings) -> BackendSettings:
    if backend.name or not backend.url:
        return backend
    address = backend.address
    name = text.as_name(Path(address.path).name if address.is_unix else f"{address}{address.below}")
    return msgspec.structs.replace(backend, name=name)


def _keyed(part: Part, path: str, base: Path, reading: Reading) -> Part:
    """Return `part` with the key from its `api_key_file`, if it has one."""
    if part.api_key_file is None:
        return part
    where = f"{path}.api_key_file"
    source = reading.origins[where]
    if part.api_key is not None:
        reading.note(where, source, "api_key is set too", hint="keep one of the two")
    reading.files.append(base / part.api_key_file)
    try:
        key = secrets.from_file(base / part.api_key_file)
    except ValueError as error:
        reading.note(where, source, "no key in that file", hint=str(error))
        return part
    return msgspec.structs.replace(part, api_key=key)


def _with_admin_token(settings: Settings, base: Path, reading: Reading) -> Settings:
    """Return `settings` with the token of the admin address read from its file."""
    if settings.admin_token_file is None:
        return settings
    file, source = base / settings.admin_token_file, reading.origins["admin_token_file"]
    if settings.admin_token is not None:
        reading.note(
            "admin_token_file", source, "admin_token is set too", hint="keep one of the two"
        )
    reading.files.append(file)
    try:
        token = secrets.from_file(file)
    except ValueError as error:
        reading.note("admin_token_file", source, "no token in that file", hint=str(error))
        return settings
    return msgspec.structs.replace(settings, admin_token=token)
