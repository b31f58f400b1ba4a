"""Fenced code blocks of Markdown pages, and what the comment above one asks for.

A block may have one HTML comment on the line above its fence:

``<!-- not run: reason -->``
    The commands are only checked for spelling (see ``test_docs.py``).
``<!-- file: name -->``
    The block is the text of a file, which later blocks of the page use. The prose before it names the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    + [page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts]
)

_FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})(?P<language>[^`]*)$")
_COMMENT = re.compile(r"^<!-- (?P<kind>not run|file): (?P<words>.+) -->$")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: where it begins, its language and text, and the comment above it."""

    page: Path
    line: int
    language: str
    text: str
    before: str
    not_run: str | None = None
    file: str | None = None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)} line {self.line}"

    @property
    def commands(self) -> list[str]:
        """Its command lines, continuations joined, comments dropped."""
        joined = self.text.replace("\\\n", " ")
        return [line.strip() for line in joined.split("\n") if line.strip() and not line.strip().startswith("#")]


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    lines, found, number = page.read_text(encoding="utf-8").split("\n"), [], 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == opening["fence"])
        comment = _COMMENT.match(lines[number - 1]) if number else None
        found.append(
            Block(
                page=page,
                line=number + 1,
                language=opening["language"].strip(),
                text="\n".join(lines[number + 1 : end]) + "\n",
                before=_paragraph_before(lines, number - (comment is not None)),
                not_run=comment["words"] if comment and comment["kind"] == "not run" else None,
                file=comment["words"] if comment and comment["kind"] == "file" else None,
            )
        )
        number = end + 1
    return found


def _paragraph_before(lines: list[str], end: int) -> str:
    while end and not lines[end - 1].strip():
        end -= 1
    start = end
    while start and lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[start:end])
