"""Arrays of samples, as audformat, librosa, soundfile and Torch provide them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EXPECTED = "expected an array [samples] or [channels, samples]"


def samples(signal: ArrayLike) -> NDArray[numpy.float32]:
    """Returns the samples as a contiguous array of 32-bit floats; this is the array itself if it already has that form.

    Integers of 8, 16 and 32 bits are scaled by their range, as in recordings.
    """
    try:
        array = numpy.asarray(signal)
    except ValueError as error:
        raise ValueError(f"{EXPECTED}, got a value that is no array: {error}") from error
    if array.dtype.kind not in "fiu" or (array.dtype.kind in "iu" and array.dtype.itemsize > 4):
        raise ValueError(
            "expected an array of floats from -1 to 1, or of integers of 8, 16 or 32 bits as in recordings, "
            f"got {array.dtype}"
        )
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{EXPECTED}, got the shape {array.shape}"
        )
    with numpy.errstate(over="ignore"):
        # Values beyond the range of 32-bit floats become infinite, and are refused later.
        floats = numpy.require(array, numpy.float32, ["C_CONTIGUOUS", "ALIGNED"])
    if array.dtype.kind == "f":
        return floats
    full_scale = 2.0 ** (8 * array.dtype.itemsize - 1)
    if array.dtype.kind == "u":
        floats = floats - numpy.float32(full_scale)
    return floats * numpy.float32(1 / full_scale)
