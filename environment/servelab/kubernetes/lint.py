"""Looks through manifests: strict schemas first, then our rules on what the schemas let pass."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from servelab.kubernetes import rules, schema
from servelab.kubernetes.documents import read, title


class Finding(BaseModel):
    """One fault: the rule, the document (`Deployment/vllm`), the path in it, and what is wrong there."""

    rule: str
    document: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.document} {self.path}: {self.message} ({self.rule})"


def lint(*sources: Any) -> list[Finding]:
    """All faults of these manifests, taken together; an empty list where there is none.

    Args:
        sources: YAML texts, dictionaries or lists of them. Rules that compare documents see all of them.

    Raises:
        ManifestError: a source is no list of manifests.
    """
    documents = [document for source in sources for document in read(source)]
    found, sound = [], []
    for document in documents:
        faults = [
            Finding(rule="schema", document=title(document), path=path, message=message)
            for path, message in schema.faults(document)
        ]
        found += faults
        if not faults:  # a rule may rely on the kinds of values
            sound.append(document)
    for rule in rules.RULES.values():
        found += [
            Finding(rule=rule.name, document=title(document), path=path, message=message)
            for document, path, message in rule.look(sound)
        ]
    return found
