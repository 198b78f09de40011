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

"""The demo's output folder: what an earlier run wrote there is replaced, anything else is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.process import Line

MARKER = ".kpm_demo.json"
"""Lists what a run has written in its folder, so that the next one knows what it may replace."""

BAG_FILES = ("metadata.yaml", "bag.mcap", "bag.db3", "bag.db3-journal")
OWN_LOG = "kpm"


class OutputFolder:
    """Where a run's bag, logs and summary go."""

    def __init__(self, path: Path) -> None:
        """Make the folder ready: it can be written, and holds no bag, log or summary."""
        self.path = path
        self.bag = path / "bag"
        self.summary = path / "summary.json"
        self.page = path / "demo.html"
        self.logs = path / "logs"
        self._open_logs: dict[str, IO[bytes]] = {}
        self._written: set[Path] = set()
        with self._usable():
            path.mkdir(parents=True, exist_ok=True)
            self._clear()
            self.logs.mkdir(exist_ok=True)
            # The recorder writes these, and a run may end before it has said so.
            self._note(self.summary, self.page, *(self.bag / name for name in BAG_FILES))
            self._open_log(OWN_LOG)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"the output folder {self.path} cannot be used: {error.strerror} "
                f"({error.filename}); choose another with --out"
            ) from None

    def _clear(self) -> None:
        """Remove what an earlier run wrote; where anything else would be in the way, nothing."""
        written = self._read_marker()
        for folder in (self.bag, self.logs):
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise self._not_ours(folder)
        in_the_way = [file for file in self.path.iterdir() if file in (self.summary, self.page)]
        in_the_way += [*self.bag.glob("*"), *self.logs.glob("*.log")]
        for file in sorted(in_the_way):
            # What is written here is never a link or a folder.
            if file not in written or file.is_symlink() or not file.is_file():
                raise self._not_ours(file)
        for file in in_the_way:
            file.unlink()
        if self.bag.exists():
            self.bag.rmdir()

    def _not_ours(self, path: Path) -> UserError:
        return UserError(
            f"{path} was not written by an earlier run of this command, and would be in the way; "
            "move it away, or choose another folder with --out"
        )

    def _read_marker(self) -> set[Path]:
        """Files that earlier runs have written here; none where there is no list of them."""
        marker = self.path / MARKER
        if marker.is_symlink() or not marker.is_file():
            return set()
        try:
            names = json.loads(marker.read_text("utf-8"))["written"]
            return {self.path / name for name in names if isinstance(name, str)}
        except (ValueError, KeyError, TypeError):
            return set()

    def _note(self, *files: Path) -> None:
        """Put files on the list of what this run writes, before they are written."""
        self._written |= set(files)
        names = sorted(str(file.relative_to(self.path)) for file in self._written)
        write_atomically(
            self.path / MARKER, (json.dumps({"written": names}, indent=2) + "\n").encode()
        )

    def _open_log(self, name: str) -> IO[bytes]:
        file = self.logs / f"{name}.log"
        self._note(file)
        # Not through a link that somebody has put there since.
        self._open_logs[name] = file.open("xb")
        return self._open_logs[name]

    def log(self, line: Line) -> None:
        """Write one line of a process to its log."""
        file = self._open_logs.get(line.name) or self._open_log(line.name)
        file.write(f"{line.at:%H:%M:%S.%f} {line.text}\n".encode())
        file.flush()

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, and close the logs."""
        for file in self._open_logs.values():
            file.close()
        write_atomically(self.summary, (json.dumps(summary, indent=2) + "\n").encode())

    def write_page(self, page: str) -> None:
        """Write the page with the last seconds."""
        write_atomically(self.page, page.encode())
