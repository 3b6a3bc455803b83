"""Loaded by Python itself at the start of each process whose PYTHONPATH holds this directory: a wall clock to be set.

The computer's clock is not a test's to set, and a namespace does not have one of its own. So `time.time` and
`time.time_ns` are shifted here by what a file says (8 bytes, µs, little-endian), at every call: the clock of a running
process can be stepped by writing the file. What the kernel or another language tells is left as it is.
"""

import mmap
import os
import struct
import time

_path = os.environ.get("FAULTS_CLOCK")
if _path:
    with open(_path, "r+b") as _file:  # noqa: PTH123 -- pathlib is not worth its import in every process
        _shift = mmap.mmap(_file.fileno(), 8)
    _real_ns = time.time_ns

    def _time_ns() -> int:
        return _real_ns() + struct.unpack("<q", _shift[:8])[0] * 1_000

    def _time() -> float:
        return _time_ns() / 1e9

    time.time_ns, time.time = _time_ns, _time
