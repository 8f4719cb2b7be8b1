"""Bodies that are small enough to be read and would be dear to answer; each must be refused with 422."""

from __future__ import annotations

import json

INFER = "/v2/models/tiny/infer"
JSON, CSV, BINARY = "application/json", "text/csv", "application/octet-stream"


def repeated(before: str, item: str, after: str, *, num_bytes: int = 3_900_000) -> bytes:
    return (before + ",".join([item] * (num_bytes // (len(item) + 1))) + after).encode()


def unknown_keys() -> bytes:
    return ("{" + ",".join(f'"k{number}":1' for number in range(330_000)) + "}").encode()


def tensor(**fields: object) -> str:
    return json.dumps({"name": "text", "datatype": "BYTES", "shape": [1], "data": ["good"], **fields})[:-1]


ATTACKS = {
    "inputs of empty objects": (INFER, JSON, lambda: repeated('{"inputs":[', "{}", "]}")),
    "outputs of empty objects": (
        INFER,
        JSON,
        lambda: repeated('{"inputs":[' + tensor() + '}],"outputs":[', "{}", "]}"),
    ),
    "a shape of strings": (INFER, JSON, lambda: repeated('{"inputs":[' + tensor() + ',"shape":[', '"a"', "]}]}")),
    "a tensor of texts": (INFER, JSON, lambda: repeated('{"inputs":[' + tensor() + ',"data":[', '"a"', "]}]}")),
    "one output, repeated": (
        INFER,
        JSON,
        lambda: repeated('{"inputs":[' + tensor() + '}],"outputs":[', '{"name":"label"}', "]}"),
    ),
    "binary texts of nothing": (INFER, BINARY, None),
    "unknown fields": ("/v1/predict", JSON, unknown_keys),
    "an object of unknown fields": ("/v1/predict", JSON, lambda: b'{"texts":' + unknown_keys() + b"}"),
    "texts that are objects": ("/v1/predict", JSON, lambda: repeated('{"texts":[', "{}", "]}")),
    "too many texts": ("/v1/predict", JSON, lambda: repeated('{"texts":[', '"a"', "]}")),
    "unknown fields of an invocation": ("/invocations", JSON, unknown_keys),
    "instances": ("/invocations", JSON, lambda: repeated('{"instances":[', '"a"', "]}")),
    "instances that are objects": ("/invocations", JSON, lambda: repeated('{"instances":[', "{}", "]}")),
    "inputs of one text": ("/predict", JSON, lambda: repeated('{"inputs":[', '["a"]', "]}")),
    "inputs of nothing": ("/predict", JSON, lambda: repeated('{"inputs":[', "[]", "]}")),
    "rows": ("/v1/predict", CSV, lambda: b"text\n" + b"a\n" * 1_900_000),
    "empty lines": ("/v1/predict", CSV, lambda: b"text\n" + b"\n" * 3_900_000),
    "a cell of lines": ("/v1/predict", CSV, lambda: b'text\n"' + b"\n" * 3_900_000 + b'"\n'),
    "columns": ("/v1/predict", CSV, lambda: b"a," * 1_900_000 + b"\nb\n"),
}


def binary_texts() -> tuple[bytes, dict[str, str]]:
    size = 3_900_000
    head = json.dumps(
        {"inputs": [{"name": "a", "datatype": "BYTES", "shape": [size // 4], "parameters": {"binary_data_size": size}}]}
    ).encode()
    return head + bytes(size), {"inference-header-content-length": str(len(head))}
