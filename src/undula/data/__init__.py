"""Files in and out, named sets, samples that Undula draws itself, and the folder a command writes."""

from undula.data.arrays import read_array, write_array, write_arrays
from undula.data.asphalt import drawn_asphalt
from undula.data.atomic import atomic_text, atomic_write
from undula.data.chirp import linear_chirp, ring_pair
from undula.data.cifake import cifake
from undula.data.digits import drawn_digits
from undula.data.download import download
from undula.data.drawn import drawn_polygon, drawn_solid
from undula.data.draws import normal, uniform
from undula.data.entries import Entry
from undula.data.folder import OutputFolder, Shard
from undula.data.images import decode_image, image_bits, luminance, read_image, write_image
from undula.data.inputs import Item, find_items
from undula.data.leaves import drawn_leaves
from undula.data.pictures import Pictures, find_pictures
from undula.data.recordings import Recording, read_recording
from undula.data.ringing import Ringing, drawn_ringing
from undula.data.segmentations import read_segmentation
from undula.data.sets import bcdi, data_folders, find_data, mnist, mnist_labels
from undula.data.signals import Signal, read_signal
from undula.data.textures import cc0_textures

__all__ = [
    "Entry",
    "Item",
    "OutputFolder",
    "Pictures",
    "Recording",
    "Ringing",
    "Shard",
    "Signal",
    "atomic_text",
    "atomic_write",
    "bcdi",
    "cc0_textures",
    "cifake",
    "data_folders",
    "decode_image",
    "download",
    "drawn_asphalt",
    "drawn_digits",
    "drawn_leaves",
    "drawn_polygon",
    "drawn_ringing",
    "drawn_solid",
    "find_data",
    "find_items",
    "find_pictures",
    "image_bits",
    "linear_chirp",
    "luminance",
    "mnist",
    "mnist_labels",
    "normal",
    "read_array",
    "read_image",
    "read_recording",
    "read_segmentation",
    "read_signal",
    "ring_pair",
    "uniform",
    "write_array",
    "write_arrays",
    "write_image",
]
