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

"""Set-up steps that are done once, show their progress, and leave a log behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterable, List, Optional

LOG_TAIL_LINES = 40
QUIET_INTERVAL_S = 20.0  # between progress lines where there is no terminal to redraw
POLL_S = 0.1


class StepFailedError(Exception):
    """A step's command failed; the message holds the end of its output."""


def fingerprint(parts: Iterable[str]) -> str:
    """Condense texts into one short key that changes when any of them does."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:32]


def contents(files: Iterable[Path]) -> List[str]:
    """Read files for a fingerprint, names included."""
    return [f"{file}\n{file.read_text(encoding='utf-8')}" for file in sorted(files)]


class Stamp:
    """A note that a step was completed, and for what: a step cut short leaves none."""

    def __init__(self, path: Path) -> None:
        """Keep the note in a file."""
        self.path = path

    def read(self) -> str:
        """Return what the step was last completed for, or nothing."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError:
            return ""

    def remove(self) -> None:
        """Forget that the step was ever completed."""
        if self.path.exists():
            self.path.unlink()

    def write(self, key: str) -> None:
        """Note that the step is complete."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_text(key, encoding="utf-8")
        beside.replace(self.path)


class Progress:
    """One line that tells what is being done: redrawn on a terminal, now and then elsewhere."""

    def __init__(self, title: str, log: Path) -> None:
        """Announce a step whose output goes to a log file."""
        self.title = title
        self.log = log
        self.began = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.said = self.began
        if not self.terminal:
            print(f"{title} ...", flush=True)

    def show(self) -> None:
        """Say how long it has taken and what it is at."""
        now = time.monotonic()
        if not self.terminal and now - self.said < QUIET_INTERVAL_S:
            return
        self.said = now
        line = f"{self.title}  {now - self.began:3.0f} s  {last_line(self.log)}"
        if self.terminal:
            width = os.get_terminal_size().columns
            print("\r" + line[: width - 1].ljust(width - 1), end="", flush=True)
        else:
            print(line[:100], flush=True)

    def end(self, word: str) -> None:
        """Say how it ended."""
        line = f"{self.title}  {word} after {time.monotonic() - self.began:.0f} s"
        width = os.get_terminal_size().columns - 1 if self.terminal else 0
        print(("\r" if self.terminal else "") + line.ljust(width), flush=True)


def last_line(log: Path) -> str:
    """Return the last words that a running command has written."""
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def run_logged(
    title: str, command: List[str], log: Path, environ: Dict[str, str], cwd: Optional[Path] = None
) -> None:
    """Run a command with its output in a log file; on failure show the end of it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        progress = Progress(title, log)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=cwd,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                time.sleep(POLL_S)
                progress.show()
        except BaseException:
            stop_group(process)
            progress.end("stopped")
            raise
    progress.end("done" if process.returncode == 0 else "failed")
    if process.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
        shown = "\n".join("    " + line for line in tail)
        raise StepFailedError(f"{shown}\n\nFailed: {title}. The whole output is in {log}")


def mentions(log: Path, words: Iterable[str]) -> bool:
    """Tell whether a step's output has any of these words in it."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return any(word in text for word in words)


def stop_group(process: subprocess.Popen) -> None:
    """End a command and everything it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
