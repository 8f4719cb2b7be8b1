"""How an artifact is served; each setting is defined here and nowhere else. Imports no HTTP library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from textwright.api.validation import RequestLimits
from textwright.config import Settings, path_as_text


class ServeSettings(Settings):
    """Where to listen, which graph to load and how much one request may ask for."""

    host: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 is reachable from this machine only, 0.0.0.0 from everywhere."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes any that is free."""
    variant: str | None = None
    """Graph of the artifact to load ("fp32", "int8"); absent: the artifact's default."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that answer, each with the models in memory; threads and what may wait are divided among them."""
    num_threads: Annotated[int | None, Field(ge=1)] = None
    """Threads of one inference, of all workers together; absent: one per physical core."""
    max_texts: Annotated[int, Field(ge=1)] = 1000
    """Maximum number of texts in one request; more are refused with status 422."""
    max_explained_texts: Annotated[int, Field(ge=1)] = 32
    """Maximum number of texts in a request that asks for explanations; more are refused with status 422."""
    explain_max_cost: Annotated[float, Field(ge=1)] = 8.0
    """Tokens that the model reads to explain a text, as a multiple of the text's own; more tells words better apart."""
    max_text_chars: Annotated[int, Field(ge=1)] = 100_000
    """Maximum number of characters in one text; a longer one is refused with status 422."""
    max_body_bytes: Annotated[int, Field(ge=64)] = 4_000_000
    """Maximum number of bytes in the body of one request; reading stops there, and it is refused with status 413."""
    max_answer_bytes: Annotated[int, Field(ge=1024)] = 16_000_000
    """Maximum number of bytes in the answer to one request, estimated from its texts; more is refused with 422."""
    head_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds in which the head of a request must have arrived, from the start of its connection or its first byte;
    else it is refused with status 408."""
    max_header_bytes: Annotated[int, Field(ge=1024)] = 32_768
    """Maximum number of bytes in the head of one request; a larger one is refused with status 431."""
    max_headers: Annotated[int, Field(ge=16)] = 100
    """Maximum number of headers of one request; more are refused with status 431."""
    max_connections: Annotated[int, Field(ge=1)] = 4_096
    """Maximum number of open connections, of all workers together, and never more than the file limit (ulimit -n)
    allows; a further one closes the one that has waited longest for its client."""
    body_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds in which the body of a request must have arrived; else it is refused with status 408."""
    keep_alive_s: Annotated[int, Field(ge=1)] = 75
    """Seconds that an idle connection stays open. A proxy in front must close its own earlier, or a request meets a
    closed connection: those of nginx and of AWS's load balancers do after 60 s."""
    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path under which a proxy publishes this server, such as /sentiment; the routes are answered with it and without,
    and the OpenAPI document names it."""
    api_keys: Path | None = None
    """File of API keys, one per line: a name, the SHA-256 of the key, and optionally its texts per minute. A request
    then needs a key; the file is read again when it changes. Absent: everybody who reaches the server may ask."""
    admin_keys: Path | None = None
    """File of keys, of the same form, that may have models reloaded; absent: there is no such route."""
    feedback: Annotated[str | None, BeforeValidator(path_as_text)] = None
    """SQLite file to which POST /v1/feedback appends what the right labels of answered texts were; made when missing.
    The folder of --record, also in S3: Parquet beside the records. Absent: there is no such route."""
    cors_origins: tuple[str, ...] = ()
    """Sites whose pages may call this API from a browser, for example https://example.org; absent: none."""
    split: str = ""
    """Shares of the requests that name no model, in percent: old=90,new=10. Equal keys have equal models: the header
    x-split-key, else the name of the API key, else the texts. The first model is the one that others return to."""
    shadow: str = ""
    """Name of a model that is asked what another has answered, after that is sent: compared and counted, never sent."""
    shadow_max_texts: Annotated[int, Field(ge=1)] = 512
    """Maximum number of texts that may wait to be compared; those of further requests are dropped, and counted."""
    split_window: Annotated[int, Field(ge=1)] = 200
    """Requests, or texts compared, that each bound of a split or shadow is about: the last ones, in each worker."""
    split_max_error_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of a candidate's requests that may fail; beyond, its requests return to the first model until it is
    reloaded."""
    split_max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Milliseconds, its queue included, that 95 % of a candidate's requests must stay within; absent: no bound."""
    split_max_disagreement: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the texts that a candidate may label otherwise than the first model; of a split, the first is then asked
    about the candidate's texts too, in the shadow; absent: no bound."""
    otlp_endpoint: str | None = None
    """Where traces go, OTLP over HTTP, for example http://127.0.0.1:4318/v1/traces (needs textwright[otel]); absent:
    nothing is traced."""
    record: Annotated[str | None, BeforeValidator(path_as_text)] = None
    """Folder, or s3://BUCKET/KEY, into which predictions are recorded for textwright monitor, as Parquet (needs
    textwright[data]); absent: nothing is recorded."""
    record_texts: bool = False
    """Record the texts as well: they then lie on this disk until their retention time has passed."""
    record_retention_days: Annotated[float, Field(gt=0)] = 30.0
    """Days after which a file of records is removed."""
    record_max_bytes: Annotated[int, Field(ge=100_000)] = 1_000_000_000
    """Maximum number of bytes in the folder of records, of all workers together; then the oldest files are removed."""
    record_rotate_s: Annotated[float, Field(gt=0)] = 300.0
    """Seconds after which a file of records is written; a server that is killed loses those of its last seconds."""
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds from the arrival of a request's body to its answer; then it is refused with status 504 and dropped."""
    max_queue_texts: Annotated[int, Field(ge=1)] = 4_096
    """Maximum number of texts that may wait for their predictions; requests beyond are refused with status 429."""
    max_queue_tokens: Annotated[int, Field(ge=1)] = 1_000_000
    """Maximum number of tokens that may wait for their predictions; requests beyond are refused with status 429."""
    shutdown_grace_s: Annotated[int, Field(ge=0)] = 10
    """Seconds that running requests get to finish after SIGTERM or Ctrl-C; 0 cuts them off."""

    def request_limits(self) -> RequestLimits:
        """Return what one request may hold."""
        return RequestLimits(
            max_texts=self.max_texts,
            max_text_chars=self.max_text_chars,
            max_body_bytes=self.max_body_bytes,
            max_answer_bytes=self.max_answer_bytes,
            max_explained_texts=self.max_explained_texts,
        )
