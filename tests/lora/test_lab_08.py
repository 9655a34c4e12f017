"""What lab 08's check carries are the hidden tickets as they are now, and they are nowhere else.

`python tests/lora/test_lab_08.py` writes them again, whenever they change.
"""

from __future__ import annotations

import re
from pathlib import Path

import hidden_tickets
from servelab.lora import tickets

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "solutions" / "08-lora" / "08-lora.py"
LINE = re.compile(r'(?<=tickets\.unpack\(")[^"]*(?="\))')


def test_the_check_asks_the_hidden_tickets() -> None:
    (text,) = LINE.findall(SOURCE.read_text(encoding="utf-8"))
    asked, texts = tickets.unpack(text)
    assert asked == hidden_tickets.hidden()[: hidden_tickets.GRADED], (
        "write them again: python tests/lora/test_lab_08.py"
    )
    assert len(asked) >= 40 and tuple(texts) == hidden_tickets.TEXTS


def test_nothing_hidden_is_where_students_look() -> None:
    sentences = [s for each in hidden_tickets.HIDDEN.problems.values() for s in each]
    sentences += [s for each in hidden_tickets.HIDDEN.hurry.values() for s in each]
    sentences += [s for text in hidden_tickets.TEXTS for s in text.split(". ")]
    places = [*(ROOT / "labs" / "08-lora").rglob("*"), *(ROOT / "environment" / "servelab").rglob("*.py")]
    assert len(places) > 50
    for place in places:
        if place.is_file():
            content = place.read_text(encoding="utf-8", errors="ignore")
            assert not LINE.search(content), place
            for sentence in sentences:
                assert sentence.replace("{}", "kettle") not in content and f'"{sentence}"' not in content, (
                    place
                )


if __name__ == "__main__":
    source = SOURCE.read_text(encoding="utf-8")
    SOURCE.write_text(LINE.sub(lambda _: hidden_tickets.line(), source), encoding="utf-8")
