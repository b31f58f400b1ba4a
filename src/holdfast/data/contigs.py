"""How a chromosome is called in intervals and in a genome: a rule is chosen, since a wrong guess would not be seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.registry import Registry, Spec
from holdfast.io.text import at_line, decode_text, numbered_lines

__all__ = ["CONTIG_RULES", "AddChr", "ContigRule", "Exact", "Listed", "StripChr", "contig_rule", "renamed"]


class ContigRule(Protocol):
    """A way to turn the name that intervals use into the genome's."""

    def rename(self, name: str) -> str:
        """Return the genome's name."""

    def sentence(self) -> str:
        """Return the rule in words, for errors and manifests."""


@dataclass(frozen=True)
class Exact:
    """Names are the same in both."""

    def rename(self, name: str) -> str:
        """Return the genome's name."""
        return name

    def sentence(self) -> str:
        """Return the rule in words."""
        return "exact: names are the same in both"


@dataclass(frozen=True)
class AddChr:
    """``1`` in the intervals is ``chr1`` in the genome."""

    def rename(self, name: str) -> str:
        """Return the genome's name."""
        return f"chr{name}"

    def sentence(self) -> str:
        """Return the rule in words."""
        return "add-chr: 1 in the intervals is chr1 in the genome"


@dataclass(frozen=True)
class StripChr:
    """``chr1`` in the intervals is ``1`` in the genome."""

    def rename(self, name: str) -> str:
        """Return the genome's name; a name without ``chr`` stays as it is."""
        return name.removeprefix("chr")

    def sentence(self) -> str:
        """Return the rule in words."""
        return "strip-chr: chr1 in the intervals is 1 in the genome"


@dataclass(frozen=True)
class Listed:
    """A file of two tab-separated columns: the name in the intervals, the name in the genome.

    Raises
    ------
    InputError
        If a line has not two columns, or a name stands twice in the first.
    """

    path: Path
    names: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = dict[str, str]()
        for first, lines in numbered_lines(Path(self.path)):
            for number, line in enumerate(lines, start=first):
                fields = decode_text(line).split("\t")
                if line and (len(fields) != 2 or not all(fields) or fields[0] in names):
                    raise InputError(
                        f"{at_line(self.path, number)}: {decode_text(line[:60])!r}; write the name in the intervals, a"
                        " tab and the name in the genome, each name of the intervals once"
                    )
                if line:
                    names[fields[0]] = fields[1]
        object.__setattr__(self, "names", names)

    def rename(self, name: str) -> str:
        """Return the genome's name.

        Raises
        ------
        InputError
            If the file does not have it.
        """
        if name not in self.names:
            raise InputError(f"{self.path}: no line for '{name}': {did_you_mean(name, self.names)}")
        return self.names[name]

    def sentence(self) -> str:
        """Return the rule in words."""
        return f"as listed in {self.path.name}"


CONTIG_RULES: Registry[ContigRule] = Registry(
    "rule for chromosome names", {"exact": Exact, "add-chr": AddChr, "strip-chr": StripChr}
)


def contig_rule(text: str) -> ContigRule:
    """Return the rule of that name, or of the file of names.

    Raises
    ------
    ConfigError
        If it is neither.

    Examples
    --------
    >>> contig_rule("add-chr").rename("7")
    'chr7'
    """
    if text in CONTIG_RULES:
        return CONTIG_RULES.build(Spec(name=text))
    if Path(text).is_file():
        return Listed(Path(text))
    raise ConfigError(
        f"chromosome names by '{text}': {did_you_mean(text, CONTIG_RULES)}, or a file of two columns that is there"
    )


def renamed(name: str, rule: ContigRule, known: Collection[str]) -> str:
    """Return the genome's name for a chromosome of the intervals.

    Raises
    ------
    InputError
        If the genome has no such chromosome.

    Examples
    --------
    >>> renamed("1", AddChr(), ["chr1"])
    'chr1'
    """
    found = rule.rename(name)
    if found not in known:
        near = did_you_mean(found, known) if len(known) <= 100 else f"it has {len(known)}"
        raise InputError(
            f"chromosome '{name}' would be '{found}' in the genome, which has none of that name ({near}); the rule is"
            f" {rule.sentence()}; rules: {', '.join(CONTIG_RULES)}, or a file of names"
        )
    return found
