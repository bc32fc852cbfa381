"""TIFF files of several strips are what other decoders see."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cliphaze_cli.imaging.metadata.packed import Packed
from cliphaze_cli.imaging.writers import tiff
from tests.imaging.samples import noise

BIG_ENDIAN = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02\0\0\0\x04abc\0\0\0\0\0"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("block", [None, BIG_ENDIAN], ids=["little", "big"])
def test_other_decoders_see_the_samples(tmp_path, channels, dtype, block):
    samples = np.squeeze(noise(900, 1301, channels, dtype=dtype))
    sink = io.BytesIO()
    tiff.encode(sink, samples, Packed(exif=block))
    data = sink.getvalue()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert len(file.pages[0].dataoffsets) > 1
        assert file.byteorder == ("<" if block is None else ">")
        np.testing.assert_array_equal(file.asarray(), samples)
    theirs: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(theirs[..., ::-1] if channels == 3 else theirs, samples)
    if channels == 1 or dtype == np.uint8:  # Pillow cuts colours of 16 bits
        with Image.open(io.BytesIO(data)) as image:
            np.testing.assert_array_equal(np.asarray(image), samples)
