# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Writes the measured figures on the pages from docs/bench/*.json; `python tools/figures.py`.

Those files are what `make bench` writes. `python tools/figures.py --from out/bench` takes new ones
first. Which figures are shown, where and how stands in tools/figures.md: after a line
`<!-- NAME: PAGE -->` what comes between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of that page.

To show a figure, add a row there: its words, then `{BENCH[FIGURE]:FORMAT}` and its unit. FIGURE is
a name in docs/bench/BENCH.json, or a pattern of several, which are shown as "least to most" (with
`.most` the largest alone); `{BENCH.machine}` is the machine. A row or a paragraph is absent until
its bench has been run, that is while there is no docs/bench/BENCH.json; a figure that is missing
from one that is there is an error, unless it is new (`{BENCH[?FIGURE]:FORMAT}`): its row is absent
until the bench has been run again. `<!-- each once: BENCH[PATTERN] -->` in a section holds that
every such figure is shown there exactly once.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs" / "bench"
TEMPLATES = ROOT / "tools" / "figures.md"


@dataclass(frozen=True)
class Span:
    """One figure, or several of a kind: written as "least to most"."""

    values: tuple[float, ...]

    @property
    def most(self) -> float:
        """The largest."""
        return max(self.values)

    def __format__(self, form: str) -> str:
        least, most = (format(value, form) for value in (min(self.values), self.most))
        return least if least == most else f"{least} to {most}"


class Report:
    """One benchmark's report; counts how often each of its figures was asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = json.loads(path.read_text("utf-8"))
        self.shown: Counter[str] = Counter()

    @property
    def machine(self) -> str:
        """Where the figures are from."""
        machine = self.content["machine"]
        return f"{machine['cpu']}, {machine['cores']} cores"

    def names(self, pattern: str) -> list[str]:
        """List the figures of that name or pattern."""
        return [name for name in self.content["figures"] if re.fullmatch(pattern, name)]

    def __getitem__(self, pattern: str) -> Span:
        is_new, pattern = pattern.startswith("?"), pattern.removeprefix("?")
        names = self.names(pattern)
        if is_new and not names:
            raise KeyError(pattern)
        if not names:
            raise SystemExit(f"{self.path} has no figure {pattern}, which {TEMPLATES.name} shows")
        self.shown.update(names)
        return Span(tuple(self.content["figures"][name] for name in names))


class Reports(dict[str, Report]):
    """The reports in a folder, by the benchmark's name; KeyError of one that is not there."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, name: str) -> Report:
        path = self.folder / f"{name}.json"
        if not path.is_file():
            raise KeyError(name)
        return self.setdefault(name, Report(path))


@dataclass(frozen=True)
class Section:
    """What stands in one place on a page, with figures yet to be filled in."""

    page: str
    text: str

    def benches(self) -> set[str]:
        """Name the benchmarks whose figures it shows."""
        return set(re.findall(r"\{(\w+)[.\[]", self.text))

    def filled(self, reports: Reports) -> str:
        """Fill in the figures; what is of absent reports is left out."""
        blocks = (block for block in self.text.split("\n\n") if not block.startswith("<!--"))
        written = [text for text in (_block(block, reports) for block in blocks) if text]
        for bench, pattern in re.findall(r"<!-- each once: (\w+)\[(.*)\] -->", self.text):
            if bench in reports:
                _each_once(reports[bench], pattern)
        return "\n\n".join(written)


def sections() -> Mapping[str, Section]:
    """Read what the pages show, by the name of its place."""
    _, *parts = re.split(r"^<!-- (\w+): (\S+\.md) -->\n", TEMPLATES.read_text("utf-8"), flags=re.M)
    return {
        name: Section(page, text.strip())
        for name, page, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def _block(block: str, reports: Reports) -> str:
    if not block.startswith("|"):
        (text,) = _present([block], reports) or [""]
        return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
    head, line, *rows = block.splitlines()
    present = _present(rows, reports)
    return "\n".join([head, line, *present]) if present else ""


def _present(templates: Iterable[str], reports: Reports) -> list[str]:
    """Fill in those templates whose reports, and new figures, are all there."""

    def written() -> Iterator[str]:
        for template in templates:
            try:
                yield template.format_map(reports)
            except KeyError:
                continue

    return list(written())


def _each_once(report: Report, pattern: str) -> None:
    for times, names in groupby(report.names(pattern), lambda name: report.shown[name]):
        if times != 1:
            raise SystemExit(f"{TEMPLATES.name} shows {times} times: {', '.join(names)}")


def filled(name: str, page: str, folder: Path = REPORTS) -> str:
    """Put a section in its place on a page."""
    section = sections()[name]
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{section.page} has no place for the table {name}: {begin} ... {end}")
    return f"{before}{begin}\n{section.filled(Reports(folder))}\n{end}{after}"


def used() -> list[str]:
    """Name the benchmarks whose figures the pages show."""
    return sorted(set().union(*(section.benches() for section in sections().values())))


def main(words: list[str] | None = None) -> None:
    """Take new reports if there are any, and write the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="source", type=Path, help="folder of new reports")
    source = parser.parse_args(words).source
    if source is not None:
        new = [path for name in used() if (path := source / f"{name}.json").is_file()]
        if not new:
            raise SystemExit(f"{source} has no report of {', '.join(used())}: run make bench")
        for path in new:
            shutil.copy(path, REPORTS)
    for name, section in sections().items():
        page = ROOT / section.page
        page.write_text(filled(name, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
