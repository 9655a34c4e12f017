"""Prometheus's configuration: what is wrong with it, without reading any other file of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from servelab.monitoring.tools import complaints, run_tool, unreadable

# Not *.yml: a pattern in `rule_files` must not find the configuration itself.
_CONFIG = "prometheus.conf"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FILES = re.compile(
    r".*_files?|files|templates"
)  # the keys under which Prometheus and Alertmanager name files
_MOST_PARTS = 100_000
_DEEPEST = 100  # levels: reading takes time by their square


@dataclass
class _Level:
    """A mapping or a list that is being read; `key` is the last key of a mapping, or the one under which a list stands."""

    mapping: bool
    key: str
    named: bool  # an anchor could repeat what is in it elsewhere
    expects_key: bool = True


def check_config(config: str, rules: Mapping[str, str] | None = None) -> list[str]:
    """What Prometheus complains about in a configuration.

    promtool runs in a new folder that holds the configuration and these rules, and nothing else. A configuration that names a
    file elsewhere (`/etc/...`, `../...`) is refused before that, so that nothing else is read.

    Args:
        config: text of prometheus.yml.
        rules: texts of rule files, by the names that `rule_files` gives them.

    Returns:
        One line for each complaint, about the rules too; empty where there is none.

    Raises:
        ToolMissing: Prometheus's tools are not installed.
    """
    rules = rules or {}
    problem = unreadable(config, "A configuration")
    problem = problem or next(
        filter(None, (unreadable(text, f"{name}") for name, text in rules.items())), None
    )
    if problem:
        return [problem]
    if found := outside(config):
        return found
    try:
        said = run_tool(["promtool", "check", "config", _CONFIG], {_CONFIG: config, **rules})
    except ValueError as error:
        return [str(error)]
    found = complaints(said.err, _CONFIG)
    return found or (["promtool refuses it without a word"] if said.status else [])


def outside(config: str) -> list[str]:
    """Names of files in a YAML text that lead out of its own folder, one line each.

    The text is read as a stream of parts: what aliases stand for is never written out.
    """
    try:
        return list(dict.fromkeys(_outside(config)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        return [f"yaml: {where}{error.problem or error.context}"]
    except (yaml.YAMLError, UnicodeError) as error:
        return [f"yaml: {' '.join(str(error).split())[:200]}"]


def _outside(config: str) -> Iterator[str]:
    levels: list[_Level] = []
    for number, event in enumerate(yaml.parse(config, Loader=_Loader)):
        if number > _MOST_PARTS or len(levels) > _DEEPEST:
            yield f"it has more than {_MOST_PARTS:,} parts, or {_DEEPEST} levels within each other"
            return
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        top = levels[-1] if levels else None
        is_key = top is not None and top.mapping and top.expects_key
        key = top.key if top else ""
        if isinstance(event, yaml.ScalarEvent):
            if event.tag and not event.tag.endswith((":str", ":null", ":int", ":bool", ":float")):
                yield f"line {event.start_mark.line + 1}: the tag {event.tag} has no use here"
            # What an anchor names may be repeated under another key.
            named = event.anchor is not None or (top is not None and not top.mapping and top.named)
            if not is_key and (named or _FILES.fullmatch(key)) and _leads_out(event.value):
                yield f"line {event.start_mark.line + 1}: {event.value[:100]!r} is a file outside of this folder"
            if is_key:
                top.key = event.value
        elif isinstance(event, yaml.CollectionStartEvent):
            named = event.anchor is not None or (top is not None and not top.mapping and top.named)
            levels.append(_Level(isinstance(event, yaml.MappingStartEvent), "" if is_key else key, named))
            if is_key:
                top.key = ""
        elif is_key:  # an alias as a key: it could be any of them
            yield f"line {event.start_mark.line + 1}: an alias (*name) cannot be a key"
        if top is not None and top.mapping:
            top.expects_key = not is_key


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts
