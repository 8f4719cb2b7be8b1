"""Say which extra is missing before anything fails with a traceback."""

from __future__ import annotations

from importlib import import_module

from textwright.errors import MissingExtraError

_PROBE_MODULES = {
    "train": ("torch", "accelerate"),
    "data": ("pyarrow",),
    "report": ("jinja2", "matplotlib"),
    "ray": ("pyarrow", "ray.data"),
    "deploy": ("cyclonedx", "jinja2", "packaging", "pip"),
    "aws": ("boto3", "cyclonedx", "jinja2", "packaging", "pip", "yaml"),
    "client": ("httpx",),
    "server": ("fastapi", "uvicorn", "prometheus_client"),
    "monitor": ("pyarrow", "scipy", "sklearn", "jinja2", "matplotlib"),
    "hub": ("huggingface_hub",),
    "mlflow": ("mlflow", "pandas"),
    "wandb": ("wandb",),
    "openvino": ("openvino",),
    "review": ("cleanlab",),
    "otel": ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"),
}
"""Modules whose absence shows that an extra is not installed."""


def require(extra: str, *, what: str) -> None:
    """Check that an extra is installed.

    Args:
        extra: Its name, a key of the package's optional dependencies.
        what: What cannot be done without it, as a noun phrase ("training").

    Raises:
        MissingExtraError: Says how to install it.
    """
    for module in _PROBE_MODULES[extra]:
        try:
            import_module(module)
        except ImportError as error:
            raise MissingExtraError(what, extra) from error
