"""Quantize a graph as Optimum does for this processor: ``python optimum_quantize.py MODEL.onnx OUT.onnx``.

Runs in Optimum's own environment (``optimum.txt``). Settings are those of its documentation: dynamic, for AVX-512
VNNI, a scale for each column.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from optimum.onnxruntime import ORTQuantizer
from optimum.onnxruntime.configuration import AutoQuantizationConfig


def main() -> None:
    """Quantize the graph named first and write what is named second."""
    given, out = map(Path, sys.argv[1:])
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(given, folder / "model.onnx")
        (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
        settings = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True)
        quantizer = ORTQuantizer.from_pretrained(folder, file_name="model.onnx")
        quantizer.quantize(save_dir=folder / "out", quantization_config=settings)
        shutil.copyfile(next((folder / "out").glob("*.onnx")), out)


if __name__ == "__main__":
    main()
