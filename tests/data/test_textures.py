"""The textures inside scikit-image are read as they are, without a network."""

import socket
from importlib.machinery import ModuleSpec

import numpy as np
import pytest

from undula.data import cc0_textures, textures
from undula.errors import DataError, MissingExtra


def test_they_are_those_of_scikit_image(monkeypatch):
    data = pytest.importorskip("skimage.data")
    monkeypatch.setattr(socket, "socket", None)
    found = cc0_textures()
    assert list(found) == ["brick", "grass", "gravel"]
    for name, texture in found.items():
        assert texture.shape == (1, 512, 512)
        np.testing.assert_allclose(texture[0].numpy() * 255, getattr(data, name)(), atol=1e-4)


def test_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(textures, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'undula\[science\]'"):
        cc0_textures()
    bare = ModuleSpec("skimage", None, is_package=True)
    bare.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(textures, "find_spec", lambda name: bare)
    with pytest.raises(DataError, match=r"brick\.png.*does not exist"):
        cc0_textures()
