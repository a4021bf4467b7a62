"""Files in and out, named sets, samples that Undula draws itself, and the folder a command writes."""

from undula.data.arrays import read_array, write_array
from undula.data.atomic import atomic_text, atomic_write
from undula.data.digits import drawn_digits
from undula.data.download import download
from undula.data.drawn import drawn_polygon, drawn_solid
from undula.data.folder import OutputFolder, Shard
from undula.data.images import image_bits, read_image, write_image
from undula.data.inputs import Item, find_items
from undula.data.sets import bcdi, data_folders, find_data, mnist, mnist_labels

__all__ = [
    "Item",
    "OutputFolder",
    "Shard",
    "atomic_text",
    "atomic_write",
    "bcdi",
    "data_folders",
    "download",
    "drawn_digits",
    "drawn_polygon",
    "drawn_solid",
    "find_data",
    "find_items",
    "image_bits",
    "mnist",
    "mnist_labels",
    "read_array",
    "read_image",
    "write_array",
    "write_image",
]
