"""The mean of several trainings' adapters and heads, as a new folder of models.

    python3 models/average.py OUT FOLDER FOLDER...

FOLDERs hold conversation/ and policies/, as `mimamori model train` writes them, and come from one another by further training (`--from`): only then do
their weights mean the same. OUT is a copy of the first with the means in place of its own (Izmailov et al. 2018, "Averaging Weights Leads to
Wider Optima and Better Generalization"). Heads over runs of characters, calibration and thresholds have to be made anew afterwards:

    mimamori model train lexical --models OUT
"""

import hashlib
import json
import re
import shutil
import struct
import sys
from pathlib import Path

FORMATS = {"F16": ("e", 2), "F32": ("f", 4)}


def read(file):
    """Header as bytes, tensors' places by name, and data of a safetensors file."""
    data = file.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    places = {name: place for name, place in json.loads(data[8:end]).items() if name != "__metadata__"}
    return data[:end], places, data[end:]


def values(place, data):
    start, end = place["data_offsets"]
    code, size = FORMATS[place["dtype"]]
    return struct.unpack(f"<{(end - start) // size}{code}", data[start:end])


def average(sources, out):
    """Writes the mean of all tensors; returns the file's SHA-256."""
    read_files = [read(source) for source in sources]
    header, places, first = read_files[0]
    mean = bytearray(first)
    for name, place in places.items():
        columns = zip(*(values(own[name], data) for _, own, data in read_files), strict=True)
        means = [sum(column) / len(sources) for column in columns]
        start, end = place["data_offsets"]
        mean[start:end] = struct.pack(f"<{len(means)}{FORMATS[place['dtype']][0]}", *means)
    out.write_bytes(header + mean)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def describe(file, key, sha256):
    """Puts the new hash into model.toml: the first line of that key, which is the file's own."""
    text = file.read_text()
    file.write_text(re.sub(rf'^{key} = ".*"', f'{key} = "{sha256}"', text, count=1, flags=re.M))


def main():
    out, *folders = map(Path, sys.argv[1:])
    if len(folders) < 2:
        sys.exit(__doc__)
    shutil.copytree(folders[0], out)
    parts = [("conversation", "adapter")] + [(f"policies/{own.name}", "head") for own in sorted((out / "policies").iterdir())]
    for part, kind in parts:
        file = Path(part) / f"{kind}.safetensors"
        describe(out / part / "model.toml", f"{kind}_sha256", average([folder / file for folder in folders], out / file))


main()
