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

"""Every architecture is found by its names, and another is a class and an entry."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.streams import Channels, Streams
from kpm_ros.models.architecture import Fit, Shapes, Span
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.models.registry import (
    FOLDERS,
    architecture_of,
    architectures,
    find_architecture,
    register,
    unregister,
)
from kpm_ros.models.streamed import StreamedArchitecture
from kpm_ros.models.streaming_network import StreamingNetwork
from kpm_ros.models.trained import load
from kpm_ros.models.weight_files import save_model
from support.models import listed
from support.streams import stream

ROOT = Path(__file__).resolve().parents[2]


class _LoudnessStream(StreamingNetwork):
    """Gives each muscle its share of a row's largest value."""

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span) -> None:
        super().__init__(card, tensors, span, warm_up_samples=1)
        self._share = tensors["share"]

    def _take(self, values: np.ndarray) -> np.ndarray:
        self._pushed += len(values)
        return values.max(axis=1, keepdims=True) * self._share

    def _finish(self) -> np.ndarray:
        return np.zeros((0, len(self._share)), np.float32)

    def _remembered(self) -> Mapping[str, np.ndarray]:
        return {}


def _shares(card, training, choosing, seed):
    effort = np.concatenate([one.effort for one in training])
    return card, {"share": effort.mean(axis=0)}


@dataclass(frozen=True, kw_only=True)
class Loudness(StreamedArchitecture):
    """A tiny architecture of one's own."""

    name: str = "loudness"
    description: str = "each muscle's share of the loudest channel"
    fitting: Fit | None = _shares

    def check(self, card: ModelCard) -> None:
        if card.lookahead:
            raise CardError("loudness waits for nothing")

    def shapes(self, card: ModelCard) -> Shapes:
        return {"share": (len(card.muscles),)}

    def span(self, card: ModelCard) -> Span:
        return Span(stride=1, settling=0)

    def streaming(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        return _LoudnessStream(card, tensors, self.span(card))


@pytest.fixture
def loudness() -> Iterator[Loudness]:
    added = Loudness()
    register(added)
    yield added
    unregister(added)


def test_an_architecture_of_ones_own_is_registered_saved_loaded_and_streamed(
    loudness, tmp_path
) -> None:
    assert find_architecture("loudness") is loudness
    gloves = Streams((Channels("force", ("thumb", "index"), "N", 200.0),))
    card = loudness.new_card(streams=gloves, muscles=("a", "b", "c"), unit="N", rate_hz=200)
    share = np.array([1, 2, 3], np.float32)
    path = tmp_path / "mine.safetensors"
    save_model(path, card, {"share": share})
    model = load(path)
    assert model.architecture is loudness
    values = np.random.default_rng(0).random((30, 2), np.float32)
    expected = values.max(axis=1, keepdims=True) * share
    assert np.array_equal(stream(loudness.stream(card, model.tensors), values, (7,)), expected)
    assert np.array_equal(model.estimate(values), expected)
    with pytest.raises(ValueError, match="CPU only"):
        loudness.batch(card, model.tensors, "cuda")


def test_a_name_is_given_once(loudness) -> None:
    for other in (Loudness(), Loudness(name="mine", card_name="pianokpm-net")):
        with pytest.raises(ValueError, match="already"):
            register(other)


def test_what_is_not_known_is_refused_with_what_is() -> None:
    with pytest.raises(ValueError, match="no model 'lstm': choose from mean, mean-pose, nearest"):
        find_architecture("lstm")
    with pytest.raises(CardError, match=r"'lstm' is not known: .*touchnet"):
        architecture_of(published_card(architecture="lstm"))


def test_users_and_cards_may_call_the_same_differently() -> None:
    assert find_architecture("pianokpm") is architecture_of(published_card())
    assert len({one.card_name for one in architectures().values()}) == len(architectures())


def test_each_architecture_has_a_folder_with_files_of_the_same_names() -> None:
    models = ROOT / "kpm_ros" / "models"
    folders = {path.parent.name for path in models.glob("*/configuration.py")}
    assert folders == set(FOLDERS)
    names = {"configuration", "shapes", "network", "stream", "initial_values"}
    for own in ("pianokpm", "touchnet", "bodynet"):
        assert names <= {path.stem for path in (models / own).glob("*.py")}


def test_nothing_outside_models_knows_an_architecture_or_what_is_in_a_folder() -> None:
    names = {one.card_name for one in architectures().values() if not one.fitted}
    rooms = [path for path in (ROOT / "kpm_ros").rglob("*.py") if "models" not in path.parts[:-1]]
    found = []
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                words = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
                found += [(path.name, word) for word in words & names]
    assert not found


@pytest.mark.parametrize("rate_hz", [30, 100, 1000, 1024, 2000])
def test_the_usual_look_ahead_is_the_same_time_at_any_rate(rate_hz) -> None:
    given = {"streams": listed(), "muscles": MUSCLES, "unit": "1", "rate_hz": rate_hz}
    usual = 31 / 1024
    for name in ("ridge", "nearest", "touchnet"):
        card = find_architecture(name).new_card(**given)
        assert abs(card.lookahead_s - usual) <= 0.5 / rate_hz
    card = find_architecture("pianokpm").new_card(**given)
    # Its kernels reach no farther than 31 samples.
    assert card.lookahead == min(31, round(usual * rate_hz))
    assert replace(card, lookahead=0).lookahead_s == 0


def test_the_registry_and_a_card_of_any_architecture_import_neither_torch_nor_numba() -> None:
    code = (
        "import sys; from kpm_ros.models.registry import architectures;"
        "from support.streams import fitting;"
        "[a.new_card(streams=fitting(a), muscles=('a',), unit='1', rate_hz=a.grid_rate_hz or 1000)"
        " for a in architectures().values()];"
        "sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "test", timeout=60)
