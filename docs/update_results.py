"""Fill the result tables from benchmarks/results, and the page of models from the registry.

    python docs/update_results.py

replaces what stands between ``<!-- results:NAME -->`` and ``<!-- /results:NAME -->`` by a table of NAME.json, so every
number there comes from a JSON file; and what stands between ``<!-- models -->`` and ``<!-- /models -->``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from markdown_tables import Page, markdown_table
from result_tables import table_of

from holdfast.jobs.listing import models
from holdfast.models import MODELS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
MISSING = "Not measured yet."
_MARKED = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results:\2 -->)", re.DOTALL)

_MODELS = re.compile(r"(<!-- models -->\n).*?(<!-- /models -->)", re.DOTALL)


def main() -> None:
    """Bring the pages up to date."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = updated(text, ROOT / "benchmarks" / "results", linked=page == README)
        page.write_text(new, encoding="utf-8")


def pages() -> tuple[Path, ...]:
    """Return the README and every page of the site that has a mark."""
    marked = [page for page in sorted(DOCS.rglob("*.md")) if "<!-- /" in page.read_text(encoding="utf-8")]
    return (README, *marked)


def updated(text: str, results: Path, *, linked: bool = True) -> str:
    """Return a page with its tables made anew.

    Parameters
    ----------
    text
        Markdown with marks.
    results
        Folder of JSON files.
    linked
        Whether the page can link to them; one of the site cannot.
    """

    def fill(match: re.Match[str]) -> str:
        path = results / f"{match[2]}.json"
        if not path.is_file():
            return f"{match[1]}{MISSING}\n{match[3]}"
        page = json.loads(path.read_text(encoding="utf-8"))
        return f"{match[1]}{table_of(match[2])(page)}\n\n{_machine(page, path.name, linked=linked)}\n{match[3]}"

    return _MODELS.sub(lambda match: f"{match[1]}{modelmarkdown_table()}\n{match[2]}", _MARKED.sub(fill, text))


def modelmarkdown_table() -> str:
    """Return the registered models with their papers, linked, and what is said of each in a sentence."""
    listed = models()
    rows = []
    for name, *facts, paper in listed.rows:
        doi = MODELS[name].facts.doi  # type: ignore[attr-defined]
        rows.append([f"`{name}`", *facts, f"[{paper}](https://doi.org/{doi})" if doi else paper])
    return markdown_table(list(listed.header), rows, words=len(listed.header))


def _machine(page: Page, name: str, *, linked: bool) -> str:
    machine = page["machine"]
    link = f"[{name}](benchmarks/results/{name})" if linked else f"`benchmarks/results/{name}`"
    cores = machine["cores"]
    where = machine["gpu"] or f"{cores} core{'' if cores == 1 else 's'}, {machine['cpu']}"
    return f"{link}: {where}; torch {machine['torch']}."


if __name__ == "__main__":
    main()
