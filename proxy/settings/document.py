"""A settings file as a tree of nodes that know their line.

YAML is composed, not constructed: a value stays the text it was written as (`1:30` and `on` are not
turned into numbers and booleans), and every key keeps its place for the messages.
"""

import msgspec
import yaml

from proxy.settings.problems import Layer, Problem, Source


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """A single value, as text; `null` if nothing was written or `null` was."""

    source: Source
    text: str
    null: bool = False


class Sequence(msgspec.Struct, frozen=True, kw_only=True):
    """A list."""

    source: Source
    items: "tuple[Node, ...]"


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping; the entries are in the order of the file. Overrides are laid into `entries`."""

    source: Source
    entries: "dict[str, Entry]" = msgspec.field(default_factory=dict)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a mapping: where the key stands, and its value."""

    source: Source
    value: "Node"


Node = Scalar | Sequence | Mapping


def parse(data: bytes, name: str) -> tuple[Node, list[Problem]]:
    """Return the tree of a YAML document, called `name` in sources, and what is wrong with it.

    A document that is no YAML gives an empty mapping and one problem. A repeated key is a problem;
    its first value stands.
    """
    problems: list[Problem] = []
    whole = Source(layer=Layer.FILE, name=name)
    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        # Never str(error): it quotes the line, and that line may hold a key.
        found = f"not YAML: {error.problem or error.context or 'it cannot be read'}"
        source = Source(layer=Layer.FILE, name=name, line=line)
        problem = Problem(path="", source=source, found=found, hint=_hint(data, line))
        return Mapping(source=whole), [problem]
    except (yaml.YAMLError, UnicodeDecodeError):
        found = "not YAML: it holds bytes that are no text"
        return Mapping(source=whole), [
            Problem(path="", source=whole, found=found, hint="save the file as UTF-8")
        ]
    except RecursionError:
        return Mapping(source=whole), [Problem(path="", source=whole, found="nested too deeply")]
    if root is None:
        return Mapping(source=whole), []
    return _Reader(name, problems).node(root, ""), problems


def _hint(data: bytes, line: int) -> str:
    """Return what may help with a line that is no YAML."""
    if b"${" in b"".join(data.splitlines()[line - 1 : line]):
        return 'within {...} a variable needs quotes: "${NAME}"'
    return ""


class _Reader:
    """Turns composed YAML nodes into ours, noting problems on the way.

    Each node is turned once, however many aliases point to it: aliases of aliases cannot blow up,
    and one that contains itself is seen.
    """

    __slots__ = ("_done", "_name", "_problems")

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self._name = name
        self._problems = problems
        self._done: dict[int, Node | None] = {}  # by id; None = under way

    def node(self, node: yaml.Node, path: str) -> Node:
        key = id(node)
        if key not in self._done:
            self._done[key] = None
            self._done[key] = self._node(node, path)
        known = self._done[key]
        if known is None:
            source = self._source(node)
            self._note(path, source, "this alias contains itself")
            return Scalar(source=source, text="", null=True)
        return known

    def _node(self, node: yaml.Node, path: str) -> Node:
        source = self._source(node)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self._note(path, source, f"the tag {node.tag} has no meaning here")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = (self.node(item, f"{path}[{index}]") for index, item in enumerate(node.value))
            return Sequence(source=source, items=tuple(items))
        return Scalar(source=source, text=node.value, null=node.tag.endswith(":null"))

    def _mapping(self, node: yaml.MappingNode, path: str) -> Mapping:
        entries: dict[str, Entry] = {}
        for key, value in node.value:
            source = self._source(key)
            if not isinstance(key, yaml.ScalarNode):
                self._note(path, source, "a key must be a plain word")
                continue
            name = key.value
            where = f"{path}.{name}" if path else name
            if name in entries:
                first = entries[name].source.line
                self._note(where, source, "this key stands twice", f"the first is in line {first}")
                continue
            entries[name] = Entry(source=source, value=self.node(value, where))
        return Mapping(source=self._source(node), entries=entries)

    def _source(self, node: yaml.Node) -> Source:
        return Source(layer=Layer.FILE, name=self._name, line=node.start_mark.line + 1)

    def _note(self, path: str, source: Source, found: str, hint: str = "") -> None:
        self._problems.append(Problem(path=path, source=source, found=found, hint=hint))
