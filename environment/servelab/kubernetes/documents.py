"""YAML text to plain documents, strictly: what two programs could read differently is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from servelab.errors import CourseError

Document = dict[str, Any]
_MOST_CHARACTERS = 200_000
_MOST_VALUES = 100_000  # a few lines of aliases can stand for gigabytes


class ManifestError(CourseError):
    """The text is no list of manifests: one line that says where and why."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as Kubernetes reads it. Aliases too, as long as all of them written out stay small."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.sizes: dict[yaml.Node, int] = {}  # values in a node that is read to its end, aliases written out
        self.total = 0

    def compose_document(self) -> Any:
        node = super().compose_document()
        self.total += self.sizes[node]
        self._require_few(self.total, node.start_mark.line)
        return node

    def compose_node(self, parent: Any, index: Any) -> Any:
        line, alias = self.peek_event().start_mark.line, self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if alias and node not in self.sizes:
            raise ManifestError(f"line {line + 1}: an alias (*name) stands inside of what it repeats.")
        if not alias:
            self.sizes[node] = 1 + sum(self.sizes[part] for part in _parts(node))
            self._require_few(self.sizes[node], line)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ManifestError(f"line {line}: a key must be a word.")
            key = key_node.value
            if key in seen:
                raise ManifestError(
                    f"line {line}: the key {key!r} stands twice; the first one would be lost."
                )
            seen.add(key)
        return node

    def _require_few(self, values: int, line: int) -> None:
        if values > _MOST_VALUES:
            raise ManifestError(
                f"line {line + 1}: with its aliases (*name) written out, this holds more than {_MOST_VALUES:,} values."
            )


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


# A date stays text, as for Kubernetes.
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(source: Any) -> list[Document]:
    """The documents of a text with `---` between them, or of one mapping, or of a list of either.

    Raises:
        ManifestError: it is no YAML, has a key twice, or a document is no mapping with `apiVersion`, `kind` and a name.
    """
    if isinstance(source, str):
        found = _parse(source)
    elif isinstance(source, Mapping):
        found = [_plain(source)]
    elif isinstance(source, Sequence) and not isinstance(source, bytes):
        return [document for part in source for document in read(part)]
    else:
        raise ManifestError(f"A manifest is YAML text or a dictionary, not {type(source).__name__}.")
    for number, document in enumerate(found, start=1):
        _require(document, number)
    return found


def _parse(text: str) -> list[Any]:
    if len(text) > _MOST_CHARACTERS:
        raise ManifestError(f"The text has more than {_MOST_CHARACTERS:,} characters.")
    try:
        found = [_apart(document) for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ManifestError(f"{where}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"This is no YAML ({str(error).splitlines()[0]}).") from None
    if not found:
        raise ManifestError("There is no document in this text.")
    return found


def _apart(value: Any) -> Any:
    """A copy in which nothing is shared: what an alias repeats stands there in full."""
    if isinstance(value, dict):
        return {key: _apart(part) for key, part in value.items()}
    return [_apart(part) for part in value] if isinstance(value, list) else value


def _plain(mapping: Mapping[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(mapping, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ManifestError(f"The dictionary holds what no manifest can ({error}).") from None


def _require(document: Any, number: int) -> None:
    if not isinstance(document, dict):
        raise ManifestError(f"Document {number} is no mapping but {type(document).__name__}.")
    for key in ("apiVersion", "kind"):
        if not isinstance(document.get(key), str):
            raise ManifestError(f"Document {number} has no {key}.")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise ManifestError(f"Document {number} ({document['kind']}) has no metadata.name.")


def title(document: Document) -> str:
    """For example "Deployment/vllm"."""
    return f"{document['kind']}/{document['metadata']['name']}"


def get(document: Any, *path: str | int, default: Any = None) -> Any:
    """What stands at a path, or the default where something on the way is missing or of another kind."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or not -len(document) <= step < len(document):
                return default
            document = document[step]
        elif not isinstance(document, dict) or step not in document:
            return default
        else:
            document = document[step]
    return default if document is None else document


def mapping(document: Any, *path: str | int) -> dict[str, Any]:
    """The mapping at a path; an empty one where there is none."""
    found = get(document, *path)
    return found if isinstance(found, dict) else {}


def listing(document: Any, *path: str | int) -> list[Any]:
    """The list at a path; an empty one where there is none."""
    found = get(document, *path)
    return found if isinstance(found, list) else []
