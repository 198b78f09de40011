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

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.sense.camera.camera_calibration import (
    CalibrationError,
    read_calibration,
    write_calibration,
)
from kpm_ros.sense.camera.pixels import ENCODINGS, PictureError, decode, to_rgb

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

RED = (200, 30, 60)
HEIGHT, WIDTH = 8, 12
PICTURE = np.full((HEIGHT, WIDTH, 3), RED, np.uint8)
VIDEO_MATRIX = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
"""ITU-R BT.601: luma from 16 to 235, colour differences around 128."""
GREY = cv2.cvtColor(PICTURE, cv2.COLOR_RGB2GRAY)


def in_encoding(encoding):
    """The same red picture as a driver would send it."""
    bgr = PICTURE[..., ::-1]
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    luma, blue, red = (
        np.full((HEIGHT, WIDTH), round(x), np.uint8)
        for x in VIDEO_MATRIX @ RED / 255 + (16, 128, 128)
    )
    packed = {"first": luma, "second": np.where(np.arange(WIDTH) % 2, red, blue)}
    bayer = {"r": RED[0], "g": RED[1], "b": RED[2]}
    name = encoding.lower()
    if name.startswith("bayer_"):
        tile = np.array([bayer[letter] for letter in name[6:10]], np.uint8).reshape(2, 2)
        return np.tile(tile, (HEIGHT // 2, WIDTH // 2))
    return {
        "rgb8": PICTURE,
        "bgr8": bgr,
        "8uc3": bgr,
        "rgba8": np.concatenate([PICTURE, alpha], axis=2),
        "bgra8": np.concatenate([bgr, alpha], axis=2),
        "8uc4": np.concatenate([bgr, alpha], axis=2),
        "mono8": GREY,
        "8uc1": GREY,
        "mono16": GREY.astype(np.uint16) * 256,
        "16uc1": GREY.astype(np.uint16) * 256,
        "rgb16": PICTURE.astype(np.uint16) * 256,
        "bgr16": bgr.astype(np.uint16) * 256,
        "yuv422": np.stack([packed["second"], packed["first"]], axis=2),
        "uyvy": np.stack([packed["second"], packed["first"]], axis=2),
        "yuv422_yuy2": np.stack([packed["first"], packed["second"]], axis=2),
        "yuyv": np.stack([packed["first"], packed["second"]], axis=2),
    }[name]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("padding", [0, 5])
def test_every_encoding_gives_the_same_picture(encoding, padding):
    pixels = np.ascontiguousarray(in_encoding(encoding))
    rows = pixels.view(np.uint8).reshape(HEIGHT, -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    image = to_rgb(padded.tobytes(), encoding, WIDTH, HEIGHT, padded.shape[1])
    grey = encoding.lower() in {"mono8", "8uc1", "mono16", "16uc1"}
    expected = np.repeat(GREY[..., None], 3, axis=2) if grey else PICTURE
    # Colour that passed through YUV is rounded.
    tolerance = 3 if encoding.startswith(("yuv", "uyv")) else 1
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - expected).max() <= tolerance


def test_sixteen_bits_are_read_in_the_senders_order_of_bytes():
    big = (GREY.astype(np.uint16) * 256).astype(">u2").tobytes()
    image = to_rgb(big, "mono16", WIDTH, HEIGHT, 0, big_endian=True)
    assert (image == GREY[..., None]).all()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((bytes(10), "rgb8", 4, 4, 12), "does not fit into its 10 bytes"),
        ((bytes(48), "rgb8", 4, 4, 5), "rows of 5 bytes"),
        ((bytes(48), "jpeg", 4, 4, 12), "encoding is 'jpeg'"),
        ((b"", "mono8", 0, 4, 0), "0x4"),
        ((b"", "mono8", 1 << 30, 1 << 30, 1), "which no camera gives"),
        ((bytes(6), "yuyv", 1, 3, 2), "too small"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_with_the_reason(arguments, complaint):
    with pytest.raises(PictureError, match=complaint):
        to_rgb(*arguments)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(ENCODINGS),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 40),
    st.booleans(),
)
def test_any_bytes_give_a_picture_of_the_stated_size_or_a_reason(
    data, encoding, width, height, step, big_endian
):
    try:
        image = to_rgb(data, encoding, width, height, step, big_endian)
    except PictureError:
        return
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8


def test_compressed_pictures_are_decoded_and_garbage_is_refused():
    data = cv2.imencode(".png", PICTURE[..., ::-1])[1].tobytes()
    assert (decode(data) == PICTURE).all()
    for garbage in (b"", b"\xff\xd8\xff", data[:20], bytes(1000)):
        with pytest.raises(PictureError, match="no picture"):
            decode(garbage)


CALIBRATION = """
image_width: 640
image_height: 480
camera_name: top
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 320, 0, 501, 240, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.001, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [500, 0, 320, 0, 0, 501, 240, 0, 0, 0, 1, 0]}
"""


def stated(kind: str, width: int, height: int) -> bytes:
    """A good picture that says it is of another size."""
    found, coded = cv2.imencode(f".{kind}", np.zeros((16, 32, 3), np.uint8))
    assert found
    data = bytearray(coded.tobytes())
    if kind == "png":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif kind == "bmp":
        struct.pack_into("<ii", data, 18, width, height)
    elif kind == "jpg":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif kind == "tiff":
        for tag, value in ((256, width), (257, height)):
            at = data.index(struct.pack("<HHI", tag, 3, 1))
            struct.pack_into("<HHII", data, at, tag, 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize("kind", ["png", "bmp", "jpg", "tiff"])
@pytest.mark.parametrize("size", [(16000, 16000), (100, 20000), (0, 16), (65535, 65535)])
def test_a_picture_too_large_for_a_camera_is_refused_before_it_is_decoded(kind, size):
    assert decode(stated(kind, 32, 16)).shape == (16, 32, 3)
    with pytest.raises(PictureError, match=f"{size[0]}x{size[1]}"):
        decode(stated(kind, *size))


def test_a_picture_whose_parts_are_longer_than_it_is_refused():
    data = bytearray(stated("png", 32, 16))
    struct.pack_into(">I", data, data.index(b"IDAT") - 4, 2**31 - 1)
    with pytest.raises(PictureError, match="no picture that can be read"):
        decode(bytes(data))


def test_webp_of_every_kind_tells_its_size():
    picture = np.random.default_rng(0).integers(0, 255, (16, 32, 3), np.uint8)
    for quality in (50, 101):
        _, coded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
        assert decode(coded.tobytes()).shape == (16, 32, 3)


def test_other_kinds_of_pictures_are_refused():
    _, coded = cv2.imencode(".ppm", np.zeros((16, 32, 3), np.uint8))
    with pytest.raises(PictureError, match="PNG, JPEG, BMP, TIFF and WebP"):
        decode(coded.tobytes())


def test_a_calibration_is_read_as_ros_writes_it(tmp_path):
    path = tmp_path / "top.yaml"
    path.write_text(CALIBRATION)
    calibration = read_calibration(path)
    assert (calibration.width, calibration.height) == (640, 480)
    assert calibration.k == (500, 0, 320, 0, 501, 240, 0, 0, 1)
    assert calibration.d == (0.1, -0.2, 0.001, 0, 0)
    assert calibration.p[5] == 501


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("image_width: 640", "image_width: wide", "image_width is 'wide'"),
        ("500, 0, 320, 0, 501, 240, 0, 0, 1]", "500, 0]", "camera_matrix must hold 9 numbers"),
        ("plumb_bob", "fisheye", "distortion_model is 'fisheye'"),
        ("[0.1, -0.2,", "[.nan, -0.2,", "distortion_coefficients must hold 5 numbers"),
        ("image_width", "{", "is not YAML"),
        ("data: [500, 0, 320, 0, 501,", "data: [0, 0, 320, 0, 501,", "k is .* focal lengths"),
        ("240, 0, 0, 1]", "240, 0, 1, 1]", "k is .* last row"),
        ("data: [1, 0, 0, 0, 1, 0,", "data: [2, 0, 0, 0, 1, 0,", "r is .* a rotation"),
        ("0, 0, 0, 1, 0]", "0, 0, 0, 2, 0]", "p is .* last row"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, old, new, complaint):
    path = tmp_path / "top.yaml"
    assert old in CALIBRATION
    path.write_text(CALIBRATION.replace(old, new, 1))
    with pytest.raises(CalibrationError, match=complaint):
        read_calibration(path)


def test_a_calibration_that_was_written_is_read_as_it_was_and_in_ros_own_words(tmp_path):
    (tmp_path / "a.yaml").write_text(CALIBRATION)
    calibration = read_calibration(tmp_path / "a.yaml")
    write_calibration(f"file://{tmp_path}/b.yaml", calibration, "camera_top")
    assert read_calibration(tmp_path / "b.yaml") == calibration
    written, given = (
        yaml.safe_load((tmp_path / name).read_text()) for name in ("b.yaml", "a.yaml")
    )
    assert written == {**given, "camera_name": "camera_top"}


def test_a_calibration_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CalibrationError, match=r"gone\.yaml cannot be read"):
        read_calibration(tmp_path / "gone.yaml")
    (tmp_path / "list.yaml").write_text("[1, 2]")
    with pytest.raises(CalibrationError, match="holds no named values"):
        read_calibration(tmp_path / "list.yaml")
