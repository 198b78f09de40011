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

"""Model files and checkpoints: what comes in whole comes out the same, the rest is refused."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.checkpoint import convert_checkpoint, import_checkpoint
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.weight_files import ModelFileError, load_model, read_card, save_model


@pytest.fixture
def model(light, tmp_path: Path) -> tuple[Path, ModelCard, dict]:
    card, tensors = light(trained_on="made up", scores={"rmse": 0.5}, licence="Apache-2.0")
    path = tmp_path / "model.safetensors"
    save_model(path, card, tensors)
    return path, card, tensors


def published_state(card: ModelCard, tensors: dict) -> dict[str, torch.Tensor]:
    """Lay tensors out as a published checkpoint does, aliases included."""
    table = tensor_table(card)
    state = {spec.published: torch.from_numpy(tensors[name]) for name, spec in table.items()}
    aliases = {}
    for name, value in state.items():
        _, part, *rest = name.split(".")
        for alias, own in (("pose_tds", "pose_conv"), ("key_tds", "key_conv")):
            if part in (own, "tds_stages"):
                aliases[".".join(["network", alias, part[-1], *rest])] = value
    return state | aliases


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


def test_reading_a_model_imports_no_torch(model) -> None:
    code = (
        "import sys; from kpm_ros.models.weight_files import load_model; "
        "import kpm_ros.models.pianokpm.stream; load_model(sys.argv[1]); "
        "sys.exit('torch' in sys.modules)"
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


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_published_checkpoint_is_imported(light, tmp_path, dtype, wrapped) -> None:
    card, tensors = light()
    state = {name: value.to(dtype) for name, value in published_state(card, tensors).items()}
    source, target = tmp_path / "net.pth", tmp_path / "net.safetensors"
    torch.save({"state_dict": state, "epoch": 3} if wrapped else state, source)
    convert_checkpoint(source, target, name="net", licence="MIT")
    read, loaded = load_model(target)
    assert (read.name, read.licence, read.architecture) == ("net", "MIT", card.architecture)
    assert (read.inputs, read.views, read.keys, read.muscles) == (
        card.inputs, card.views, card.keys, card.muscles,
    )  # fmt: skip
    assert all(np.array_equal(loaded[name], tensors[name]) for name in tensors)


def test_what_a_checkpoint_takes_is_told_by_its_shapes(light, tmp_path) -> None:
    for fields in (
        {"inputs": ("pose",), "views": ("top",)},
        {"inputs": ("keys",), "keys": 61},
        {"views": ("top", "right", "view3"), "muscles": ("muscle1", "muscle2")},
    ):
        card, tensors = light(**fields)
        torch.save(published_state(card, tensors), tmp_path / "net.pth")
        read, _ = import_checkpoint(tmp_path / "net.pth")
        for field, value in fields.items():
            assert getattr(read, field) == value


def test_weights_that_float16_would_change_stay_exact(light, tmp_path) -> None:
    card, tensors = light()
    fine = {name: array + np.float32(1e-6) for name, array in tensors.items()}
    torch.save(published_state(card, fine), tmp_path / "net.pth")
    convert_checkpoint(tmp_path / "net.pth", tmp_path / "net.safetensors")
    _, loaded = load_model(tmp_path / "net.safetensors")
    assert all(np.array_equal(loaded[name], fine[name]) for name in fine)


def test_a_damaged_checkpoint_is_refused_in_one_sentence(light, tmp_path) -> None:
    card, tensors = light()
    path = tmp_path / "net.pth"
    torch.save(published_state(card, tensors), path)
    whole = path.read_bytes()
    for size in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError) as refusal:
            import_checkpoint(path)
        assert "\n" not in str(refusal.value)
    with pytest.raises(ModelFileError, match="no checkpoint at"):
        import_checkpoint(tmp_path / "none.pth")


def test_a_checkpoint_of_another_network_is_refused(light, tmp_path) -> None:
    card, tensors = light()
    path, state = tmp_path / "net.pth", published_state(card, tensors)
    wrong = {
        "is missing": {"layer.weight": torch.zeros(2)},
        "no table of named tensors": [torch.zeros(2)],
        "lacks the tensor": {k: v for k, v in state.items() if k != "decoder.mlp.3.bias"},
        r"has shape \(5,\)": state | {"decoder.mlp.3.bias": torch.zeros(5)},
        "has not": state | {"prior.weight": torch.zeros(5)},
        "not finite": state | {"decoder.mlp.6.bias": torch.full((6,), float("inf"))},
        "not a plain array": state | {"decoder.mlp.6.bias": torch.zeros(6, dtype=torch.int64)},
        "cannot be imported": state
        | {"network.key_conv.0.conv.0.weight": torch.zeros(1).expand(128, 10**9, 11)},
    }
    for words, content in wrong.items():
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=words):
            import_checkpoint(path)


def test_a_checkpoint_that_would_fill_the_memory_is_refused(light, tmp_path) -> None:
    """By compression, by numbers that are repeated, or by copies that its program makes."""
    card, tensors = light()
    path, state = tmp_path / "net.pth", published_state(card, tensors)
    torch.save(state, path)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(packed, "w") as other:
        for entry in whole.infolist():
            other.writestr(entry.filename, whole.read(entry), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="are compressed"):
        import_checkpoint(packed)
    repeated = torch.zeros(1).expand(state["decoder.mlp.6.bias"].shape)
    torch.save(state | {"decoder.mlp.6.bias": repeated}, path)
    with pytest.raises(ModelFileError, match="repeats the numbers"):
        import_checkpoint(path)
    path.write_bytes(b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.")
    with pytest.raises(ModelFileError, match="something else than arrays"):
        import_checkpoint(path)


@pytest.mark.parametrize("told", ["5", "[" * 100_000, "[]", "{", '{"name": ' + "9" * 5000 + "}"])
def test_a_card_that_is_no_table_is_refused(model, told) -> None:
    path, _, tensors = model
    save_file(tensors, path, metadata={"kpm_card": told})
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
        ({"views": [1, {}]}, "'views' holds something else"),
        ({"scores": {"rmse": "low"}}, "'scores' holds something else"),
        ({"muscles": ["\x1b[2J"]}, "'muscles' holds something else"),
        ({"pose_scale": ["x"]}, "'pose_scale' holds something else"),
    ],
)
def test_a_card_of_other_kinds_of_values_is_refused(model, fields, said) -> None:
    path, card, tensors = model
    told = json.loads(card.to_metadata()["kpm_card"]) | fields
    save_file(tensors, path, metadata={"kpm_card": json.dumps(told)})
    with pytest.raises(ModelFileError, match=said):
        read_card(path)


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_code_hidden_in_a_checkpoint_is_not_run(light, tmp_path) -> None:
    card, tensors = light()
    sprung, path = tmp_path / "sprung", tmp_path / "net.pth"
    for hide in (
        lambda: path.write_bytes(pickle.dumps(Trap(sprung), protocol=2)),
        lambda: torch.save(published_state(card, tensors) | {"more": Trap(sprung)}, path),
        lambda: torch.save({"trap": Trap(sprung)}, path, _use_new_zipfile_serialization=False),
    ):
        hide()
        with pytest.raises(ModelFileError, match="something other than tensors"):
            convert_checkpoint(path, tmp_path / "net.safetensors")
        assert not sprung.exists()
        assert not (tmp_path / "net.safetensors").exists()
