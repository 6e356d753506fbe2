"""Flags in groups: a command takes whole groups, typer sees their single flags.

The commands share most of their flags, and there are some fifty of them. A group is a struct whose
fields are flags; a command is a function of groups. So a flag is told in one place, with its words
of help, and means the same everywhere.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
import typer

Action = Callable[..., int]


def gathered(action: Action) -> Callable[..., None]:
    """Return `action`, a function of groups, as a function of all their flags for typer.

    Parameters that are no structs are passed on as they are; they come first on the command line.
    The exit code is what `action` returns. Raises TypeError if two groups have one flag.
    """
    hints = get_type_hints(action, include_extras=True)
    hints.pop("return", None)
    groups = {name: kind for name, kind in hints.items() if _is_group(kind)}
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, parameter in inspect.signature(action).parameters.items()
        if name not in groups
    ]
    for kind in groups.values():
        parameters += _flags(kind)
    names = [parameter.name for parameter in parameters]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"{action.__name__}: in two groups: {', '.join(sorted(twice))}")

    @functools.wraps(action)
    def run(**given: Any) -> None:  # noqa: ANN401 - flags of any type
        made = {
            name: kind(**{field: given.pop(field) for field in kind.__struct_fields__})
            for name, kind in groups.items()
        }
        raise typer.Exit(action(**given, **made))

    del vars(run)["__wrapped__"]  # else the parameters of `action` itself are seen
    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def add(app: typer.Typer, name: str, told: str) -> Callable[[Action], Action]:
    """Return what makes a function of groups the command `name`, with `told` as its help."""

    def register(action: Action) -> Action:
        app.command(name, help=told)(gathered(action))
        return action

    return register


def _is_group(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _flags(group: type[msgspec.Struct]) -> list[inspect.Parameter]:
    kinds = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=kinds[field.name],
        )
        for field in msgspec.structs.fields(group)
    ]


def _default(field: msgspec.structs.FieldInfo) -> Any:  # noqa: ANN401 - of any type
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return inspect.Parameter.empty
