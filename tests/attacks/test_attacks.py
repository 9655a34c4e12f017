"""The recorded attacks: each is defeated, and each control shows that it would have worked."""

from __future__ import annotations

import collections
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import servelab
from servelab.errors import CourseError
from servelab.grading import attacks, syscalls
from servelab.grading.run import Grader

pytestmark = [pytest.mark.slow, pytest.mark.alone]  # keeps both cores busy by itself

HERE = Path(__file__).parent
RECORDED = attacks.read_attacks(HERE)


@pytest.fixture(scope="module")
def suite(request, figures) -> Iterator[attacks.Suite]:
    """One grader for all attacks that this run has selected; their controls run beside it."""
    names = {item.callspec.params["name"] for item in request.session.items if _plays_an_attack(item)}
    with attacks.Suite([attack for attack in RECORDED if attack.name in names]) as suite:
        yield suite
    summary = attacks.summary(suite.results, sum(result.seconds for result in suite.results))
    figures["attacks defeated / recorded"] = f"{summary['defeated']} / {summary['attacks']}"
    figures["attacks' controls succeeded"] = f"{summary['controls_succeeded']} / {summary['controls']}"
    figures["seconds, attacks"] = summary["seconds"]


def _plays_an_attack(item: pytest.Item) -> bool:
    return item.path == Path(__file__) and "suite" in item.fixturenames


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [attack.name for attack in RECORDED])
def test_it_is_defeated_and_its_control_is_not(suite, name):
    result = suite.run(next(attack for attack in suite.attacks if attack.name == name))
    assert not result.faults, f"{result.attack.where}: {result.faults}"
    assert not result.control, f"{result.attack.where}: {result.control}"


def test_there_are_enough_of_each_kind():
    kinds = collections.Counter(attack.defence for attack in RECORDED)
    assert len(RECORDED) >= 44 and len(kinds) >= 9
    assert min(kinds.values()) >= 4, kinds
    assert all(attack.what for attack in RECORDED)


def test_a_right_adapter_earns_its_points():
    """What the attacks on adapters are after can be had honestly."""
    with (
        Grader(patience=attacks.PATIENCE, limits=attacks.LIMITS) as grader,
        attacks.belongings(True) as place,
    ):
        source = place.folder / "source" / f"{attacks.LAB}.ipynb"
        honest = place.folder / "submitted" / "alice"
        assert attacks.grade_folder(grader, honest, source)[0].score == 20
        attacks.write_files(honest / "adapter", attacks.an_adapter(right=False))
        assert attacks.grade_folder(grader, honest, source)[0].score == 16


def _attack(tmp_path: Path, text: str) -> attacks.Attack:
    (tmp_path / "trying.py").write_text(text)
    return attacks.read_attacks(tmp_path)[0]


def _seen(attack: attacks.Attack) -> list[str]:
    with (
        attacks.Grader(patience=attacks.PATIENCE, limits=attacks.LIMITS) as grader,
        attacks.belongings() as place,
    ):
        return attacks.faults(attack, attacks.run_ours(attack, place, grader), place)


def test_an_attack_that_succeeds_is_reported(tmp_path):
    """The suite itself can fail: an honest answer declared to be worth nothing, and one that prints what is secret."""
    text = '# %% attack "honest" gains=4\n# Nothing bad.\ndef mean(values):\n    return sum(values) / len(values)\n'
    assert _seen(_attack(tmp_path, text)) == ["5 points where 0 are honest"]
    loud = text.replace("gains=4", "honest=5 reads").replace("def mean", "print('kes' + 'trel')\ndef mean")
    assert _seen(_attack(tmp_path, loud)) == ["'kestrel' was seen"]


def test_a_control_that_does_not_succeed_is_reported(tmp_path):
    harmless = '# %% attack "harmless" gains=4\n# Nothing at all.\ndef mean(values):\n    return -1\n'
    with Grader() as unused:
        assert "does not succeed" in attacks.run_control(_attack(tmp_path, harmless), unused)


@pytest.mark.parametrize(("effect", "told"), [("stops", ""), ("gains=4", "not come to an end")])
def test_a_control_that_hangs_costs_itself_only(tmp_path, monkeypatch, effect, told):
    """A stock grading that never ends has been stopped, whatever else it was to show."""
    text = "\n".join(
        f'# %% attack "{name}" {what}\n# Nothing.\ndef mean(values):\n    return -1\n'
        for name, what in (("first", effect), ("second", "gains=4"))
    )
    (tmp_path / "trying.py").write_text(text)
    for_ever = threading.Event()
    monkeypatch.setattr(attacks, "CONTROL_S", -14)
    monkeypatch.setattr(
        attacks, "run_control", lambda attack, _: str(for_ever.wait()) if attack.name == "first" else "fine"
    )
    with attacks.Suite(attacks.read_attacks(tmp_path)) as suite:
        controls = [suite.run(attack).control for attack in suite.attacks]
    for_ever.set()
    assert controls[1] == "fine" and (told in controls[0] if told else not controls[0])


@pytest.mark.parametrize("header", ["gains=four", "gains=1 reads", "", "answer=mean", 'control="'])
def test_a_header_that_cannot_be_read_is_named(tmp_path, header):
    with pytest.raises(CourseError, match=r"trying\.py:1"):
        _attack(tmp_path, f'# %% attack "x" {header}\n# What.\npass\n')


@pytest.mark.parametrize(
    ("body", "points"),
    [
        ("    if not values:\n        raise SystemExit\n    return sum(values) / len(values)", 4),
        ("    if not values:\n        __import__('os')._exit(0)\n    return sum(values) / len(values)", 4),
        ("    return sum(values) / len(values)\nprint('\\ud800')\n'\\udfff'", 5),
    ],
    ids=["SystemExit is no ordinary error", "an end is no error", "half a character is replaced"],
)
def test_what_stock_nbgrader_is_not_fooled_by_either(tmp_path, body, points):
    attack = _attack(
        tmp_path, f'# %% attack "x" gains=1 honest={points}\n# What.\ndef mean(values):\n{body}\n'
    )
    with Grader(patience=attacks.PATIENCE, limits=attacks.LIMITS) as grader, attacks.belongings() as place:
        seen = attacks.run_ours(attack, place, grader)
    assert seen.points["mean"] == points and not seen.stopped


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_of_system_calls_is_well_formed(machine):
    steps = syscalls.program(machine)
    count = len(steps) // 8
    assert len(steps) % 8 == 0 and count < 4096
    for place in range(count):
        kind, yes, no = (
            int.from_bytes(steps[place * 8 : place * 8 + 2], "little"),
            *steps[place * 8 + 2 :][:2],
        )
        assert place + 1 + max(yes, no) < count or kind == 0x06  # it never jumps over its end


def test_the_command_counts(monkeypatch, tmp_path):
    folder = tmp_path / "tests" / "attacks"
    folder.mkdir(parents=True)
    (folder / "lying.py").write_text(
        '# %% attack "always" gains=2\n# Equal to all.\n'
        "class Always:\n    def __eq__(self, other):\n        return True\ndef mean(values):\n    return Always()\n"
    )
    done = servelab("attacks", "--json", SERVELAB_ROOT=str(tmp_path))
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and told["failures"] == []
    assert told | {"seconds": 0} == {
        "attacks": 1, "defeated": 1, "controls": 1, "controls_succeeded": 1, "failures": [], "seconds": 0,
    }  # fmt: skip
