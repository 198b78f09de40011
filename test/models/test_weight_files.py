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

"""Model files: what comes in whole comes out the same, the rest is refused."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.weight_files import ModelFileError, load_model, read_card, save_model
from support.models import light


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, ModelCard, dict]:
    card, tensors = light(trained_on="made up", scores={"rmse": 0.5}, licence="Apache-2.0")
    path = tmp_path / "model.safetensors"
    save_model(path, card, tensors)
    return path, card, tensors


def test_a_saved_model_comes_back_the_same(model) -> None:
    path, card, tensors = model
    again, loaded = load_model(path)
    assert again == card == read_card(path)
    assert loaded.keys() == tensors.keys()
    assert all(np.array_equal(loaded[name], tensors[name]) for name in tensors)
    assert all(array.dtype == np.float32 for array in loaded.values())


def test_saving_leaves_nothing_else_behind(model) -> None:
    path, card, tensors = model
    assert list(path.parent.iterdir()) == [path]
    wrong = dict(tensors, features=tensors["features.bias"])
    with pytest.raises(ModelFileError):
        save_model(path, card, wrong)
    assert load_model(path)[0] == card
    assert list(path.parent.iterdir()) == [path]


def test_reading_a_card_imports_neither_torch_nor_numba_and_weights_no_torch(model) -> None:
    code = (
        "import sys; from kpm_ros.models.weight_files import load_model, read_card; "
        "read_card(sys.argv[1]); early = {'torch', 'numba'} & set(sys.modules); "
        "import kpm_ros.models.pianokpm.stream; load_model(sys.argv[1]); "
        "sys.exit(bool(early) or 'torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code, model[0]], check=True, cwd=root, timeout=60)


@pytest.mark.parametrize("size", [0, 5, 100, 5000, -1])
def test_a_truncated_file_is_refused(model, size: int) -> None:
    path = model[0]
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ModelFileError, match="safetensors file"):
        load_model(path)


def test_what_is_no_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(path)
    path.write_bytes(b"MThd" * 100)
    with pytest.raises(ModelFileError, match="not a safetensors file"):
        load_model(path)


def stored_as(path: Path, card: ModelCard, tensors: dict) -> None:
    save_file(tensors, path, metadata=card.to_metadata())


def test_a_tensor_that_is_missing_or_wrong_is_named(model) -> None:
    path, card, tensors = model
    stored_as(path, card, {k: v for k, v in tensors.items() if k != "decoder.linear2.weight"})
    with pytest.raises(ModelFileError, match=r"'decoder\.linear2\.weight' is missing"):
        load_model(path)
    stored_as(path, card, tensors | {"features.bias": np.zeros(3, np.float32)})
    with pytest.raises(ModelFileError, match=r"'features\.bias' has shape \(3,\)"):
        load_model(path)
    bad = np.full_like(tensors["features.bias"], np.nan)
    stored_as(path, card, tensors | {"features.bias": bad})
    with pytest.raises(ModelFileError, match="not finite"):
        load_model(path)
    stored_as(path, card, tensors | {"features.bias": np.zeros(bad.shape, np.int32)})
    with pytest.raises(ModelFileError, match="not floating point"):
        load_model(path)
    stored_as(path, card, tensors | {"surplus": bad})
    with pytest.raises(ModelFileError, match="'surplus' belongs to no layer"):
        load_model(path)


def test_a_card_that_is_missing_or_wrong_is_refused(model) -> None:
    path, card, tensors = model
    save_file(tensors, path)
    with pytest.raises(ModelFileError, match="no model card"):
        load_model(path)
    fields = json.loads(card.to_metadata()["kpm_card"])
    save_file(tensors, path, metadata={"kpm_card": json.dumps(fields | {"lookahead": "much"})})
    with pytest.raises(ModelFileError, match="'lookahead' is 'much'"):
        load_model(path)
    stored_as(path, replace(card, architecture="other"), tensors)
    with pytest.raises(ModelFileError, match="'other' is not known"):
        load_model(path)


def test_weights_beyond_float16_are_not_saved_as_infinite(model) -> None:
    path, card, tensors = model
    large = dict(tensors, **{"features.bias": np.full_like(tensors["features.bias"], 1e6)})
    with pytest.raises(ModelFileError, match="beyond float16's range"):
        save_model(path, card, large)


@pytest.mark.parametrize("written", ["5", "[" * 100_000, "[]", "{", '{"name": ' + "9" * 5000 + "}"])
def test_a_card_that_is_no_table_is_refused(model, written) -> None:
    path, _, tensors = model
    save_file(tensors, path, metadata={"kpm_card": written})
    with pytest.raises(ModelFileError, match="card"):
        read_card(path)
    for metadata in ('{"kpm_card": 5}', "5", "[]", '"kpm_card"'):
        header = f'{{"__metadata__": {metadata}}}'.encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        with pytest.raises(ModelFileError, match="card"):
            read_card(path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rate_hz": 0}, "0 samples a second"),
        ({"rate_hz": 2**40}, "'rate_hz' holds something else"),
        ({"streams": [1, {}]}, "a stream of the kind 1"),
        ({"scores": {"rmse": "low"}}, "'scores' holds something else"),
        ({"muscles": ["\x1b[2J"]}, "'muscles' holds something else"),
        ({"scale": ["x"]}, "'scale' holds something else"),
    ],
)
def test_a_card_of_other_kinds_of_values_is_refused(model, fields, said) -> None:
    path, card, tensors = model
    written = json.loads(card.to_metadata()["kpm_card"]) | fields
    save_file(tensors, path, metadata={"kpm_card": json.dumps(written)})
    with pytest.raises(ModelFileError, match=said):
        read_card(path)


def test_what_was_fitted_in_one_go_keeps_all_its_digits(tmp_path) -> None:
    card = published_card(architecture="mean")
    tensors = {"mean": np.full(6, 0.1, np.float32)}
    save_model(tmp_path / "mean.safetensors", card, tensors)
    assert np.array_equal(load_model(tmp_path / "mean.safetensors")[1]["mean"], tensors["mean"])
