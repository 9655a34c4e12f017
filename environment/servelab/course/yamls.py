"""YAML as people write it by hand: a date stays text, and a key that stands twice is a fault with its line."""

from __future__ import annotations

from typing import Any

import yaml


class YamlError(Exception):
    """Text that cannot be read. `line` counts from 1; the message is one line without it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                said = f"the key {key.value!r} stands twice: the first one would be lost"
                raise YamlError(key.start_mark.line + 1, said)
            seen.add(key.value)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError):
            # `!!int soon` and the like: the loader itself lets Python's own error through, without a line.
            value = f"{node.value!r:.40}" if isinstance(node, yaml.ScalarNode) else "this"
            raise YamlError(
                node.start_mark.line + 1, f"{value} is not of the kind {node.tag.rpartition(':')[2]}"
            ) from None


# Whatever looks like a date is text here: nothing in the course needs one, and 2024-13-45 would be none.
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> tuple[yaml.Node | None, Any]:
    """One document: its tree, which knows the lines, and its data. Both are None for an empty text.

    Raises:
        YamlError: it is no YAML, has a key twice, or a value that is not what its tag says.
    """
    try:
        loader = _Loader(text)
        tree = loader.get_single_node()
        return tree, None if tree is None else loader.construct_document(tree)
    except yaml.MarkedYAMLError as error:
        # A quote or bracket that is never closed is found at the end of the file; where it opened says more.
        lost = "stream" in str(error.problem) and error.context_mark is not None
        mark = error.context_mark if lost else error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        said = f"{error.context} {problem}" if problem.startswith("but ") else problem
        raise YamlError(mark.line + 1 if mark else 1, said) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"the character U+{error.character:04X} is not allowed") from None
    except RecursionError:
        raise YamlError(1, "too many levels within each other") from None
