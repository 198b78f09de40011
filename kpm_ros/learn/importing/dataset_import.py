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

"""A data set made of other people's files and bags, source by source, by several processes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_json
from kpm_ros.core.settings import check_number
from kpm_ros.learn.importing.merging import Part, merged
from kpm_ros.learn.importing.source import Source
from kpm_ros.learn.importing.split_plans import Placed, plan_splits
from kpm_ros.learn.recordings import container
from kpm_ros.learn.recordings.container_writer import About, write_index, write_recording
from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.leakage import leaks
from kpm_ros.learn.recordings.recording import Recording

MANIFEST = "import.json"
"""What was asked for, and what was said of each source: beside the index of a finished data set."""
PARTS = "parts"
VERSION = 1
"""Goes up whenever the same sources give other data."""


class NumberedSource(NamedTuple):
    """One source, and by what its part is known."""

    stem: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class DatasetImport:
    """How a data set is made of sources; it is sent to the processes that make it."""

    sources: tuple[Source, ...]
    about: About
    test_takes: Collection[str] = ()
    """Takes that are tested; empty for the last ones."""
    cut_s: float = 0.0
    """Length of the parts that takes are cut into; 0 to leave them whole."""

    def __post_init__(self) -> None:
        """Refuse parts that hold nothing."""
        check_number("cut-s", self.cut_s, least=0.0)

    def open(self, root: Path) -> None:
        """Make the folder ready, or go on with one that was begun with the same sources."""
        place = self._place(root)
        manifest = place / MANIFEST
        wanted = self._asked()
        if manifest.is_file():
            _must_agree(manifest, wanted)
        elif root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ValueError(f"{root} is there already: choose a new folder")
        else:
            write_atomically(manifest, _as_json({"asked": wanted}), durable=True)

    def parts(self) -> list[NumberedSource]:
        """List the sources."""
        return [
            NumberedSource(
                f"{number:05d}_{re.sub(r'[^A-Za-z0-9_-]', '_', source.path.stem)[:60]}", source
            )
            for number, source in enumerate(self.sources)
        ]

    def make(self, part: NumberedSource, root: Path) -> bool:
        """Read a source and write its recordings, unless that is done."""
        place = self._place(root)
        file = place / PARTS / f"{part.stem}.json"
        if place == root or file.is_file():
            return False
        write_atomically(file, _made(part.source, place, self.cut_s).to_json(), durable=True)
        return True

    def finish(self, root: Path) -> None:
        """Write the index and the split files, once all recordings are there."""
        place = self._place(root)
        if place == root:
            return
        parts = [Part.read(place / PARTS / f"{part.stem}.json") for part in self.parts()]
        said = [sentence for part in parts for sentence in part.said]
        whole = merged(place, parts)
        said += whole.said
        if not whole.recordings:
            shutil.rmtree(place)
            raise ValueError("; ".join(["nothing could be imported", *said]))
        placed = [Placed.of(name, entry) for name, entry in whole.recordings.items()]
        files = plan_splits(placed, self.test_takes)
        # What is partly simulated is to be believed no more than what wholly is.
        about = replace(self.about, simulated=any(part.simulated for part in parts))
        write_index(place, about, whole.effort, whole.streams, whole.recordings, files)
        opened = container.open_container(place)
        for file, plan in files.items():
            splits = {split: tuple(names) for split, names in plan.items()}
            said += leaks(replace(opened.part(splits), split_file=file))
        content = {"asked": self._asked(), "said": said}
        write_atomically(place / MANIFEST, _as_json(content), durable=True)
        shutil.rmtree(place / PARTS)
        if root.exists():
            root.rmdir()
        place.rename(root)

    def _place(self, root: Path) -> Path:
        """Where recordings are until all of them are there."""
        if (root / MANIFEST).is_file() and (root / container.INDEX).is_file():
            return root
        return root.with_name(f".{root.name}.import")

    def _asked(self) -> dict[str, Any]:
        asked = {
            "version": VERSION,
            "about": asdict(self.about),
            "test_takes": list(self.test_takes),
            "cut_s": self.cut_s,
            "sources": [source.as_plain() for source in self.sources],
        }
        return dict(json.loads(json.dumps(asked)))


def _made(source: Source, place: Path, cut_s: float) -> Part:
    """Write whatever of a source can be used, and say what cannot."""
    try:
        taken = source.take()
    except ValueError as error:
        return Part(str(source.path), (), (str(error),), {})
    written, said = [], list(taken.said)
    for recording in taken.recordings:
        try:
            written += [write_recording(place, part) for part in _parts(recording, cut_s)]
        except ValueError as error:
            said.append(f"{source.path}: {error}")
    marks = dict(taken.marks)
    return Part(str(source.path), tuple(written), tuple(said), marks, taken.simulated)


def _parts(recording: Recording, length_s: float) -> list[Recording]:
    """Cut a recording into parts that follow each other; the last one has what is left over."""
    count = int(recording.duration_s / length_s) if length_s else 0
    if count < 2:
        return [recording]
    ends = [k * length_s for k in range(count)] + [recording.duration_s]
    return [
        replace(
            cut(recording, start_s, stop_s),
            name=f"{recording.name}_{number}",
            take=f"{recording.take}_{number}",
        )
        for number, (start_s, stop_s) in enumerate(pairwise(ends), start=1)
    ]


def said_of(root: Path) -> list[str]:
    """What an import said of its sources."""
    return [str(sentence) for sentence in read_json(root / MANIFEST).get("said", [])]


def _must_agree(manifest: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that was begun with other sources or settings, naming what differs."""
    try:
        asked = dict(read_json(manifest)["asked"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{manifest} is damaged: delete {manifest.parent}") from None
    for name, value in wanted.items():
        if asked.get(name) != value:
            difference = _difference(asked.get(name), value)
            raise ValueError(
                f"{manifest.parent} was begun with other {name} ({difference}): give the same to "
                "go on with it, or choose another folder"
            )


def _difference(had: Any, wanted: Any) -> str:
    if isinstance(had, list) and isinstance(wanted, list):
        odd = [one for one in (*had, *wanted) if (one in had) != (one in wanted)]
        return f"{odd[0]} is only in one of them" if odd else "in another order"
    return f"{had}, not {wanted}"


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def named_twice(sources: Sequence[Source]) -> str:
    """Name a file that is given twice; "" where none is."""
    paths = [source.path.resolve() for source in sources]
    return next((str(path) for path in paths if paths.count(path) > 1), "")
