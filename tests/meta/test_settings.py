"""Every documented setting is shown to work by a test that names it, and the other way round.

A test names the keys it shows with the marker `setting`: `@pytest.mark.setting("limits.body")`.
"""

import ast
import re

from tests.meta import tree

REFERENCE = "docs/reference/settings.md"
KEY = re.compile(r"(?m)^\| *`([a-z_]+(?:\[\])?(?:\.[a-z_*]+(?:\[\])?)*)` *\|")


def documented() -> set[str]:
    """Return the keys in the first column of the reference's tables."""
    return set(KEY.findall(tree.text(REFERENCE)))


def shown() -> dict[str, str]:
    """Return the keys named by `setting` markers, with the file that names them."""
    return {
        key.value: name
        for name in tree.python("tests")
        for node in ast.walk(tree.parsed(name))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func) == "pytest.mark.setting"
        for key in node.args
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def test_every_documented_setting_has_a_test() -> None:
    assert documented()
    assert not documented() - shown().keys()


def test_every_tested_setting_is_documented() -> None:
    assert not {key: name for key, name in shown().items() if key not in documented()}
