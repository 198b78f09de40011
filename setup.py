"""For use without ROS 2: the core and the `kpm` command. With ROS 2, colcon builds the package."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "kpm_ros/__init__.py").read_text(), re.M)[1]

# The lowest versions are those that are tested: the core's by `make lowest`, the others as pinned.
EXTRAS = {
    "train": [
        "torch==2.13.0",
        "lightning>=2.6.6",
        "geomloss>=0.3.1",
        "matplotlib>=3.10.9",
        "jinja2>=3.1.6",  # reports
        "threadpoolctl>=3.8.0",
    ],
    "simulate": [
        "mujoco>=3.17.0",
        "myo-sim>=0.2.4",
        "threadpoolctl>=3.8.0",
    ],
    "devices": [
        # The last MediaPipe with its hand models in the wheel. It brings OpenCV.
        'mediapipe==0.10.21; python_version < "3.13"',
        'opencv-contrib-python>=4.11.0.86; python_version >= "3.13"',
        'python-rtmidi>=1.5.8; python_version < "3.13"',
        "pylsl>=1.18.6",
        "brainflow>=5.23.0",
        "setuptools<80",  # BrainFlow imports pkg_resources, which later ones lack
    ],
    "view": ["rerun-sdk>=0.23.1", "pyarrow<22"],  # later ones want NumPy 2
    "gestures": ["scikit-learn>=1.7.2", "crepes>=0.9.1"],
    "music": ["partitura>=1.9.0", "parangonar>=3.4.0", "transformers>=5.20.2", "soundfile>=0.14.0"],
    "cluster": ["distributed>=2026.8.0"],
}

setup(
    name="kpm_ros",
    version=VERSION,
    description="Muscle effort at 2 kHz from cameras: of hands at a piano, and of bodies",
    long_description=(ROOT / "README.md").read_text() if (ROOT / "README.md").is_file() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    # These two lie beside the package in the source and inside it once installed.
    packages=[
        *find_packages(include=["kpm_ros", "kpm_ros.*"]),
        "kpm_ros.config",
        "kpm_ros.msg",
    ],
    package_dir={"kpm_ros.config": "config", "kpm_ros.msg": "msg"},
    package_data={
        "kpm_ros": ["py.typed"],
        "kpm_ros.config": ["*.yaml", "*.json", "*.rviz", "*/*"],
        "kpm_ros.msg": ["*.msg"],
    },
    install_requires=[
        "numpy>=1.24",
        "scipy>=1.10",
        "numba>=0.57",
        "safetensors>=0.4",
        "PyYAML>=6",
        "mido>=1.3",
        "rosbags>=0.11.9",
        "mcap>=1.2.1",
        "lz4>=4.1",
        "zstandard>=0.22",
        "psutil>=5.9.4",
        "rich>=13",
    ],
    extras_require={**EXTRAS, "all": [wish for wishes in EXTRAS.values() for wish in wishes]},
    entry_points={"console_scripts": ["kpm = kpm_ros.cli:main"]},
    zip_safe=False,
)
