"""Folders of pictures that are drawn."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def folder_of(tmp_path):
    """Write pictures into a folder: `folder_of("a", pixels, suffix, **options)`."""

    def write(name, pictures, suffix=".png", **options) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for place, pixels in enumerate(pictures):
            Image.fromarray(pixels).save(folder / f"{place:03d}{suffix}", **options)
        return folder

    return write
