"""The demo's output folder: what an earlier run left in it is replaced, anything else is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from honcho.printer import Message

from kpm_ros.operate.errors import UserError

BAG_PARTS = ("metadata.yaml", "*.mcap", "*.db3", "*.db3-journal", "*.db3-wal", "*.db3-shm")


class OutputFolder:
    """Where a run's bag, logs and summary go."""

    def __init__(self, path: Path) -> None:
        """Make the folder ready: it can be written, and holds no bag, log or summary."""
        self.path = path
        self.bag = path / "bag"
        self.summary = path / "summary.json"
        self.logs = path / "logs"
        self._open_logs: dict[str, IO[bytes]] = {}
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._clear()
            (self.logs / "kpm.log").touch()
        except OSError as error:
            raise UserError(
                f"the output folder {path} cannot be used: {error.strerror} "
                f"({error.filename}); choose another with --out"
            ) from None

    def _clear(self) -> None:
        self.summary.unlink(missing_ok=True)
        for old in self.logs.glob("*.log"):
            old.unlink()
        if not self.bag.exists():
            return
        parts = [path for pattern in BAG_PARTS for path in self.bag.glob(pattern)]
        foreign = sorted({*self.bag.iterdir()} - {*parts})
        if foreign:
            raise UserError(
                f"{self.bag} is to be replaced, but holds {foreign[0].name}, which is no part of a "
                "bag; move it away, or choose another folder with --out"
            )
        for path in parts:
            path.unlink()
        self.bag.rmdir()

    def log(self, message: Message) -> None:
        """Write one line of a process to its log."""
        if message.name not in self._open_logs:
            self._open_logs[message.name] = (self.logs / f"{message.name}.log").open("ab")
        file = self._open_logs[message.name]
        file.write(message.time.strftime("%H:%M:%S.%f").encode() + b" " + message.data.rstrip())
        file.write(b"\n")
        file.flush()

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, and close the logs."""
        for file in self._open_logs.values():
            file.close()
        self.summary.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
