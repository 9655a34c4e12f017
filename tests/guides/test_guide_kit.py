"""The kit that runs guides: it does what a reader would, and says where a guide fails."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest
from conftest import processes_marked
from guide_kit import GuideError, anchors, broken_links, fences, links, run_guide


def write(folder: Path, text: str) -> Path:
    guide = folder / "guide.md"
    guide.write_text(text)
    return guide


def test_only_bash_fences_are_run_in_order_with_their_lines(tmp_path: Path) -> None:
    text = (
        "# A\n\n```bash\necho 1\n```\n\n```text\nfalse\n```\n\n- b:\n\n  ```bash limit=5\n  echo 2\n  ```\n"
    )
    found = fences(write(tmp_path, text))
    assert [(f.line, f.commands, f.limit_s) for f in found] == [(4, "echo 1\n", None), (14, "echo 2\n", 5.0)]


def test_the_session_is_one_shell_whose_input_the_guide_is_not(tmp_path: Path) -> None:
    first = "```bash\nmkdir inner\ncd inner\nexport ANSWER=42\n```\n\n"
    guide = write(tmp_path, first + "```bash\ncat; pwd; echo $ANSWER $GIVEN\n```\n")
    steps = run_guide(guide, tmp_path, {"GIVEN": "7"})
    assert steps[1].output.split() == [str(tmp_path / "inner"), "42", "7"]


def test_a_failure_says_file_line_command_and_last_output(tmp_path: Path) -> None:
    guide = write(
        tmp_path, "# Guide\n\n```bash\necho before\nls --no-such-option > /dev/null\necho after\n```\n"
    )
    with pytest.raises(GuideError) as caught:
        run_guide(guide, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{guide}:5: ls --no-such-option")
    assert "exit code 2" in message and "unrecognized option" in message and "before" in message
    assert "after" not in message


@pytest.mark.parametrize(
    ("commands", "line"), [("true\n\nfalse | cat", 6), ("f() {\n  false\n  true\n}\nf", 5), ("exit 3", 4)]
)
def test_a_failure_in_a_pipe_a_function_or_an_exit_is_one(tmp_path: Path, commands: str, line: int) -> None:
    guide = write(tmp_path, f"# Guide\n\n```bash\n{commands}\n```\n")
    with pytest.raises(GuideError, match=rf"guide\.md:{line}: "):
        run_guide(guide, tmp_path)


def test_an_exit_code_can_be_what_the_guide_promises(tmp_path: Path) -> None:
    run_guide(write(tmp_path, "```bash exit=1\ntest -e nowhere\n```\n\n```bash\ntrue\n```\n"), tmp_path)
    with pytest.raises(GuideError, match="exit code 0, not 1"):
        run_guide(write(tmp_path, "```bash exit=1\ntrue\n```\n"), tmp_path)


def test_a_command_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    guide = write(tmp_path, "```bash limit=0.5\nsleep 300\n```\n")
    started = time.monotonic()
    with pytest.raises(GuideError, match="sleep 300\nnot done after"):
        run_guide(guide, tmp_path, {"SERVELAB_RUN": "guide-too-long"})
    assert time.monotonic() - started < 20
    assert processes_marked("guide-too-long") == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server(tmp_path: Path, ready: str) -> str:
    port = free_port()
    return (
        f'```bash background="{ready}"\n{sys.executable} -um http.server --bind 127.0.0.1 {port}\n```\n\n'
        f"```bash\ncurl --silent --fail http://127.0.0.1:{port}/guide.md > fetched\n```\n"
    )


def test_what_keeps_running_is_ready_then_stopped_and_gone(tmp_path: Path) -> None:
    guide = write(tmp_path, server(tmp_path, "Serving HTTP"))
    run_guide(guide, tmp_path, {"SERVELAB_RUN": "guide-server"})
    assert (tmp_path / "fetched").read_text() == guide.read_text()
    assert processes_marked("guide-server") == []


def test_what_does_not_become_ready_is_found(tmp_path: Path) -> None:
    guide = write(tmp_path, server(tmp_path, "Never said").replace("```bash b", "```bash limit=1 b"))
    with pytest.raises(GuideError, match="no “Never said” after 1 s"):
        run_guide(guide, tmp_path)
    guide = write(tmp_path, '```bash background="ready"\necho no; exit 4\n```\n')
    with pytest.raises(GuideError, match=r"ended before “ready”; its last output:\nno"):
        run_guide(guide, tmp_path)


def test_what_does_not_stop_is_found_and_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guide_kit.STOP_S", 1.0)
    stubborn = (
        "import signal, time; signal.signal(2, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
    )
    guide = write(tmp_path, f'```bash background="up"\n{sys.executable} -c "{stubborn}"\n```\n')
    with pytest.raises(GuideError, match="not gone 1 s after Ctrl-C"):
        run_guide(guide, tmp_path, {"SERVELAB_RUN": "guide-stubborn"})
    guide = write(tmp_path, "```bash\nsetsid sleep 300 > /dev/null 2>&1 &\n```\n")
    with pytest.raises(GuideError, match=r"still run: .*sleep 300"):
        run_guide(guide, tmp_path, {"SERVELAB_RUN": "guide-stubborn"})
    assert processes_marked("guide-stubborn") == []


def test_a_guide_without_commands_or_with_a_misspelt_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GuideError, match="nothing to run"):
        run_guide(write(tmp_path, "```text\ntrue\n```\n"), tmp_path)
    with pytest.raises(GuideError, match="'timeout=3' is unknown"):
        fences(write(tmp_path, "```bash timeout=3\ntrue\n```\n"))


def test_the_environment_of_the_tests_is_untouched(tmp_path: Path) -> None:
    before = dict(os.environ), Path.cwd()
    run_guide(write(tmp_path, "```bash\ncd /; export LEAKED=1\n```\n"), tmp_path)
    assert before == (dict(os.environ), Path.cwd())


def test_links_and_anchors(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One `two`, three!\n\n## Twice\n\n## Twice\n\n<a id='here'></a>\n")
    assert anchors(tmp_path / "other.md") == {"one-two-three", "twice", "twice-1", "here"}
    good = (
        "[a](other.md#one-two-three) [b](other.md#twice-1) [c](#start) [d](https://x.y/z) [e](other.md#here)"
    )
    guide = write(tmp_path, f"# Start\n\n{good} `[not](a-link)`\n")
    assert len(links(guide)) == 5 and broken_links(guide) == []
    guide = write(
        tmp_path, "# Start\n\n[a](other.md#four)\n\n![b](no.png)\n\n<img src='gone.svg'> [c](#end)\n"
    )
    assert broken_links(guide) == [
        f"{guide}:3: other.md#four: other.md has no such heading",
        f"{guide}:5: no.png: there is no such file",
        f"{guide}:7: gone.svg: there is no such file",
        f"{guide}:7: #end: guide.md has no such heading",
    ]
