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

"""Movements with their music, on disk: what models of movement are trained and scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kpm_ros.core.foreign_files import LISTING_BYTES, ForeignFileError, printable, read_text
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.motion.published_layout import SPLITS, published_clips

MIDI_ENDINGS = (".mid", ".midi")
AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class Clip:
    """One movement, and the music that it plays."""

    name: str
    motion: Path
    music: Path
    read: Callable[[], HandMotion]
    alone: bool = False
    """Whether the music's file begins with the movement; else at its time 0."""


@dataclass(frozen=True)
class Clips:
    """Every movement of a folder, by the split that it is of."""

    splits: Mapping[str, tuple[Clip, ...]]

    @property
    def fingerprint(self) -> str:
        """Tells one collection of files from another."""
        found = hashlib.sha256()
        for split, clips in self.splits.items():
            for clip in clips:
                size = clip.motion.stat().st_size
                found.update(f"{split} {clip.name} {size}\n".encode())
        return found.hexdigest()


def open_clips(folder: Path, by_notes: bool) -> Clips:
    """Find a folder's movements with their notes or their sound, in either layout.

    That of PianoMotion10M, or NAME.npz beside NAME.mid or a file of sound, where train.txt,
    valid.txt and test.txt list names, one a line.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ForeignFileError(f"there is no folder {folder}: give one with movements and music")
    listed = _published if (folder / "annotation").is_dir() else _beside
    splits = {split: tuple(listed(folder, split, by_notes)) for split in SPLITS}
    if not splits["train"]:
        raise ForeignFileError(
            f"{folder}/train.txt names no movement: list there, one a line, what to train on, and "
            "others in valid.txt"
        )
    return Clips(splits)


def _published(folder: Path, split: str, by_notes: bool) -> Iterator[Clip]:
    if not (folder / f"{split}.txt").is_file():
        return
    for one in published_clips(folder, split):
        music = one.midi() if by_notes else one.audio()
        yield Clip(one.name, one.annotation, music, one.motion, alone=not by_notes)


def _beside(folder: Path, split: str, by_notes: bool) -> Iterator[Clip]:
    listing = folder / f"{split}.txt"
    if not listing.is_file():
        return
    for name in dict.fromkeys(read_text(listing, LISTING_BYTES).splitlines()):
        yield _clip(folder, name, MIDI_ENDINGS if by_notes else AUDIO_ENDINGS)


def _clip(folder: Path, name: str, endings: tuple[str, ...]) -> Clip:
    motion = folder / f"{name}.npz"
    if folder.resolve() not in motion.resolve().parents or not motion.is_file():
        raise ForeignFileError(f"{folder} lists {printable(name)!r}, of which there is no .npz")
    music = [folder / f"{name}{ending}" for ending in endings]
    found = next((path for path in music if path.is_file()), None)
    if found is None:
        raise ForeignFileError(
            f"{motion} has no music beside it: give {printable(name)} with one of the endings "
            f"{', '.join(endings)}"
        )
    return Clip(name, motion, found, partial(HandMotion.load, motion))
