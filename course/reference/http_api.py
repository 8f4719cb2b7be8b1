"""The pages of the HTTP API: each operation with a curl line, a Python program and the answer of a real model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from starlette.testclient import TestClient

from reference.markdown import code, escape, fence, filled, paragraphs, prose, table, toctree
from reference.openapi import KEY, Example, Operation, application, curl, examples_of, operations, python

_JSON: Final = "application/json"
_MAX_SHOWN: Final = 2_000
_FILES: Final = {
    "Textwright": "textwright",
    "text-embeddings-inference": "text-embeddings-inference",
    "Open Inference Protocol": "open-inference-protocol",
    "SageMaker, Vertex AI": "sagemaker",
    "Admin": "admin",
}


def pages(artifact: Path, folder: Path) -> dict[str, str]:
    """Write a page for each contract, the fields of all bodies and the list of them, file name -> Markdown.

    Args:
        artifact: The model whose answers are shown.
        folder: For temporary files.
    """
    app = application(artifact, folder)
    document = app.openapi()
    made: dict[str, str] = {}
    with TestClient(app) as client:
        model = client.get("/v1/model").json()
        for contract, members in groupby(operations(document), key=lambda one: one.contract):
            text = "\n".join(_entry(operation, model, client) for operation in members)
            made[f"{_FILES[contract]}.md"] = f"# {contract}\n\n{text}"
    rows = [
        (
            code(f"{one.method} {one.path}"),
            f"[{escape(one.contract)}]({_FILES[one.contract]}.md)",
            one.content["summary"],
        )
        for one in operations(document)
    ]
    made["fields.md"] = _fields(document["components"]["schemas"])
    listed = toctree(name.removesuffix(".md") for name in made)
    routes = table(("request", "contract", "what it does"), rows) + listed
    return {"index.md": filled("http", routes=routes), **made}


def _entry(operation: Operation, model: Mapping[str, str], client: TestClient) -> str:
    content = operation.content
    parts = [f"## {operation.method} {escape(operation.path)}\n", content["description"] + "\n"]
    for example in examples_of(operation, model):
        parts += [fence("bash", curl(example)), fence("python", python(example)), _answer(example, client)]
    if parameters := content.get("parameters"):
        rows = [(code(one["name"]), one["in"], _meaning(one)) for one in parameters]
        parts += ["Parameters:\n", table(("name", "where", "meaning"), rows)]
    parts += list(_body_fields(content))
    statuses = [(status, _form(answer), _code_of(answer), _when(answer)) for status, answer in _answers(content)]
    parts += ["Answers:\n", table(("status", "form", "code", "when"), statuses)]
    return "\n".join(parts)


def _answer(example: Example, client: TestClient) -> str:
    headers = {"content-type": example.media_type} if example.media_type else {}
    if example.needs_key:
        headers["authorization"] = f"Bearer {KEY}"
    body = json.dumps(example.body) if example.media_type == _JSON else example.body
    answer = client.request(example.method, example.path, content=body, headers=headers)
    answer.raise_for_status()
    if answer.headers.get("content-type") != _JSON:
        return f"Answer:\n\n{fence('text', answer.text)}" if answer.text.strip() else "The answer has no body.\n"
    text = json.dumps(answer.json(), indent=2, ensure_ascii=False)
    if len(text) > _MAX_SHOWN:
        return (
            f"Answer, its first part:\n\n{fence('text', text[: text.rindex(chr(10), 0, _MAX_SHOWN)] + chr(10) + '...')}"
        )
    return f"Answer:\n\n{fence('json', text)}"


def _meaning(parameter: Mapping[str, Any]) -> str:
    return prose(parameter.get("description", "")) or "Name of the model."


def _answers(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield status and answer, without FastAPI's own 422, which no route gives."""
    for status, answer in content["responses"].items():
        if "HTTPValidationError" not in json.dumps(answer):
            yield status, answer


def _when(answer: Mapping[str, Any]) -> str:
    return "Success." if answer["description"] == "Successful Response" else prose(answer["description"])


def _form(answer: Mapping[str, Any]) -> str:
    schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
    return ", ".join(dict.fromkeys(_type(schema) for schema in schemas if "$ref" in schema)) or "see above"


def _code_of(answer: Mapping[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        if "code" in (content.get("example") or {}):
            name = content["example"]["code"]
            return f"[`{name}`](../errors.md#error-{name})"
    return ""


def _body_fields(content: Mapping[str, Any]) -> Iterator[str]:
    schema = content.get("requestBody", {}).get("content", {}).get(_JSON, {}).get("schema")
    if schema is None:
        return
    rows: dict[str, tuple[str, str, str]] = {}
    for form in _forms(schema):
        for name, field in form.get("properties", {}).items():
            needed = "yes" if name in form.get("required", ()) else "no"
            rows.setdefault(name, (code(name), _type(field), prose(field.get("description", ""))))
            if needed == "no" and len(_forms(schema)) == 1:
                rows[name] = (code(name), f"{_type(field)}, optional", rows[name][2])
    yield "Fields of a JSON body:\n"
    yield table(("field", "type", "meaning"), rows.values())


def _forms(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the forms that a body may have."""
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return [form for item in schema[several] for form in _forms(item)]
    return [schema]


def _fields(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    parts = ["# Fields of answers\n"]
    for name, schema in sorted(schemas.items()):
        if "ValidationError" in name:  # FastAPI's own, which no route gives
            continue
        rows = [
            (code(field), _type(facts), prose(facts.get("description", "")))
            for field, facts in schema["properties"].items()
        ]
        parts += [f"({_anchor(name)})=\n## {name}\n", paragraphs(schema.get("description", "")) + "\n"]
        parts.append(table(("field", "type", "meaning"), rows))
    return "\n".join(parts)


def _anchor(name: str) -> str:
    return f"http-{name.lower()}"


def _type(schema: Mapping[str, Any]) -> str:
    """Say the type of a JSON value in words; a named one is a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](fields.md#{_anchor(name)})"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(item) for item in several))
    if "enum" in schema or "const" in schema:
        return " or ".join(code(json.dumps(value)) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(kind)
