"""A stand-in of the Hugging Face hub: its HTTP interface over repositories in memory, for its own client.

It speaks what ``huggingface_hub`` and ``datasets`` ask of it: creating repositories and branches, checking a card,
preupload, LFS upload, commits, listings, and resolving files, with the headers and error codes of the hub. Hashes of
what is uploaded are checked as the hub checks them. What it lacks: Xet storage, pull requests, gating.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

TOKENS = {"hf_owner": ("owner", True), "hf_reader": ("reader", False)}
"""Token -> user, and whether it may write."""
_TIMEOUTS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")
_PATIENCE_S = 120
"""A busy machine is no failure; the client's own timeouts are 10 s."""
_REGULAR_BYTES = 1_000
"""Files above, and those that are no text, go to LFS; the hub's bound is 10 MB."""


@dataclass
class Repo:
    """One repository: branches and commits, a commit being path -> bytes."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: Mapping[str, bytes], message: str) -> str:
        """Add a commit on a branch; return its id."""
        described = json.dumps(
            [sorted((name, sha256(data)) for name, data in files.items()), message, len(self.commits)]
        )
        oid = hashlib.sha1(described.encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = dict(files)
        self.refs[branch] = oid
        self.messages.append(message)
        return oid

    def find(self, revision: str) -> str | None:
        """Find a commit by branch or id."""
        return self.refs.get(revision) or (revision if revision in self.commits else None)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return the files of a revision."""
        return self.commits[self.find(revision) or ""]


@dataclass
class Hub:
    """Everything the stand-in holds, and what tests change."""

    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    """Paths of files that are sent with a byte changed."""
    requests: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def storage_url(self) -> str:
        """Where large files lie: on another host, as the hub's do, so that the client sends no token there."""
        return self.url.replace("127.0.0.1", "localhost")

    def add(self, kind: str, name: str, files: Mapping[str, bytes], *, private: bool = False) -> str:
        """Put a repository there, as if somebody had pushed it; return its commit."""
        repo = self.repos.setdefault((kind, name), Repo(private))
        return repo.commit("main", files, "Add files")

    def sent(self, path: str, content: bytes) -> bytes:
        """Return what is sent for a file."""
        if path not in self.damaged:
            return content
        return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_lfs(path: str, content: bytes) -> bool:
    return len(content) > _REGULAR_BYTES and path.endswith((".onnx", ".bin", ".safetensors", "tokenizer.json"))


class HubAnswerError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


def make_app(hub: Hub) -> FastAPI:  # noqa: C901  a closure for each route
    """Make the application."""
    app = FastAPI()

    @app.exception_handler(HubAnswerError)
    def answer_problem(request: Request, problem: HubAnswerError) -> JSONResponse:
        headers = {"X-Error-Message": str(problem), **({"X-Error-Code": problem.code} if problem.code else {})}
        return JSONResponse({"error": str(problem)}, problem.status, headers)

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Response:
        hub.requests.append(f"{request.method} {request.url.path}")
        answer: Response = await call_next(request)
        return answer

    def user_of(request: Request) -> tuple[str, bool] | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise HubAnswerError(401, "Invalid credentials in Authorization header")
        return TOKENS.get(token)

    def repo_of(request: Request, kind: str, name: str) -> Repo:
        repo, user = hub.repos.get((kind, name)), user_of(request)
        is_hidden = repo is not None and repo.private and (user is None or user[0] != name.partition("/")[0])
        if repo is None or is_hidden:
            raise HubAnswerError(401 if user is None else 404, "Repository not found", "RepoNotFound")
        return repo

    def commit_of(repo: Repo, revision: str) -> str:
        oid = repo.find(revision)
        if oid is None:
            raise HubAnswerError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return oid

    def writable(request: Request, kind: str, name: str) -> Repo:
        repo, user = repo_of(request, kind, name), user_of(request)
        if user is None or not user[1] or user[0] != name.partition("/")[0]:
            raise HubAnswerError(403, "Forbidden: you do not have the right to write here")
        return repo

    @app.get("/api/whoami-v2")
    def whoami(request: Request) -> dict[str, Any]:
        user = user_of(request)
        if user is None:
            raise HubAnswerError(401, "Invalid username or password.")
        return {"type": "user", "name": user[0], "orgs": []}

    @app.post("/api/repos/create")
    async def create(request: Request) -> Response:
        body, user = await request.json(), user_of(request)
        owner = body.get("organization") or (user[0] if user else "")
        if user is None:
            raise HubAnswerError(401, "Invalid username or password.")
        if not user[1] or user[0] != owner:
            raise HubAnswerError(403, f"You don't have the rights to create a model under the namespace {owner!r}")
        name, kind = f"{owner}/{body['name']}", body.get("type", "model")
        address = {"url": f"{hub.url}/{name}", "name": name}
        if (kind, name) in hub.repos:
            return JSONResponse({"error": "You already created this model repo", **address}, 409)
        repo = hub.repos[kind, name] = Repo(private=body.get("visibility") == "private")
        repo.commit("main", {".gitattributes": b"*.onnx filter=lfs diff=lfs merge=lfs -text\n"}, "initial commit")
        return JSONResponse(address)

    @app.post("/api/validate-yaml")
    async def validate(request: Request) -> Response:
        content = (await request.json())["content"]
        errors, warnings = check_card(content)
        return JSONResponse({"errors": errors, "warnings": warnings}, 400 if errors else 200)

    @app.get("/api/{kind}s/{owner}/{name}")
    def info(request: Request, kind: str, owner: str, name: str) -> dict[str, Any]:
        return describe(request, kind, f"{owner}/{name}", "main")

    @app.get("/api/{kind}s/{owner}/{name}/revision/{revision:path}")
    def info_at(request: Request, kind: str, owner: str, name: str, revision: str) -> dict[str, Any]:
        return describe(request, kind, f"{owner}/{name}", revision)

    def describe(request: Request, kind: str, name: str, revision: str) -> dict[str, Any]:
        repo = repo_of(request, kind, name)
        oid = commit_of(repo, revision)
        siblings = [{"rfilename": path} for path in repo.commits[oid]]
        return {"_id": oid, "id": name, "sha": oid, "private": repo.private, "tags": [], "siblings": siblings}

    @app.get("/api/{kind}s/{owner}/{name}/tree/{rest:path}")
    def tree(request: Request, kind: str, owner: str, name: str, rest: str, recursive: bool = False) -> list[Any]:
        repo = repo_of(request, kind, f"{owner}/{name}")
        revision, folder = split_revision(repo, rest)
        files = repo.commits[commit_of(repo, revision)]
        return entries(files, folder, recursive=recursive)

    @app.post("/api/{kind}s/{owner}/{name}/paths-info/{revision:path}")
    async def paths_info(request: Request, kind: str, owner: str, name: str, revision: str) -> list[Any]:
        repo = repo_of(request, kind, f"{owner}/{name}")
        files = repo.commits[commit_of(repo, revision)]
        form = await request.form()
        paths = form.getlist("paths") or (await request.json())["paths"]
        found = [entry(path, files[path]) for path in paths if path in files]
        folders = [path for path in paths if any(name.startswith(f"{path}/") for name in files)]
        return [*found, *({"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders)]

    @app.post("/api/{kind}s/{owner}/{name}/branch/{branch:path}")
    async def branch(request: Request, kind: str, owner: str, name: str, branch: str) -> Response:
        repo = writable(request, kind, f"{owner}/{name}")
        if branch in repo.refs:
            raise HubAnswerError(409, "Reference already exists")
        repo.refs[branch] = repo.refs["main"]
        return JSONResponse({}, 201)

    @app.post("/api/{kind}s/{owner}/{name}/preupload/{revision:path}")
    async def preupload(request: Request, kind: str, owner: str, name: str, revision: str) -> dict[str, Any]:
        repo = writable(request, kind, f"{owner}/{name}")
        there = repo.commits[commit_of(repo, revision)]
        return {"files": [mode_of(item, there) for item in (await request.json())["files"]]}

    @app.post("/{owner}/{name}.git/info/lfs/objects/batch")
    async def batch(request: Request, owner: str, name: str) -> dict[str, Any]:
        writable(request, "model", f"{owner}/{name}")
        objects = (await request.json())["objects"]
        return {"transfer": "basic", "objects": [action_of(item) for item in objects]}

    def action_of(item: Mapping[str, Any]) -> dict[str, Any]:
        if item["oid"] in hub.objects:
            return dict(item)
        return {**item, "actions": {"upload": {"href": f"{hub.url}/lfs/{item['oid']}"}}}

    @app.put("/lfs/{oid}")
    async def upload(request: Request, oid: str) -> Response:
        content = await request.body()
        if sha256(content) != oid:
            raise HubAnswerError(400, "the hash of what was uploaded is another one")
        hub.objects[oid] = content
        return Response()

    @app.get("/lfs/{oid}")
    def download(request: Request, oid: str, path: str = "") -> Response:
        if "authorization" in request.headers:
            raise HubAnswerError(400, "the token was sent to the storage")
        return Response(hub.sent(path, hub.objects[oid]), media_type="application/octet-stream")

    @app.post("/api/{kind}s/{owner}/{name}/commit/{revision:path}")
    async def commit(request: Request, kind: str, owner: str, name: str, revision: str) -> dict[str, Any]:
        repo = writable(request, kind, f"{owner}/{name}")
        files = dict(repo.commits[commit_of(repo, revision)])
        message = ""
        for line in (await request.body()).splitlines():
            item = json.loads(line)
            value = item["value"]
            match item["key"]:
                case "header":
                    message = value["summary"]
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    if value["oid"] not in hub.objects:
                        raise HubAnswerError(400, f"LFS object {value['oid']} was not uploaded")
                    files[value["path"]] = hub.objects[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]
                case other:
                    raise HubAnswerError(400, f"unknown operation {other}")
        oid = repo.commit(revision, files, message)
        url = f"{hub.url}/{owner}/{name}/commit/{oid}"
        return {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""}

    @app.api_route("/datasets/{owner}/{name}/resolve/{rest:path}", methods=["GET", "HEAD"])
    def resolve_dataset(request: Request, owner: str, name: str, rest: str) -> Response:
        return resolve(request, "dataset", f"{owner}/{name}", rest)

    @app.api_route("/{owner}/{name}/resolve/{rest:path}", methods=["GET", "HEAD"])
    def resolve_model(request: Request, owner: str, name: str, rest: str) -> Response:
        return resolve(request, "model", f"{owner}/{name}", rest)

    def resolve(request: Request, kind: str, name: str, rest: str) -> Response:
        repo = repo_of(request, kind, name)
        revision, path = split_revision(repo, rest)
        oid = commit_of(repo, revision)
        if path not in repo.commits[oid]:
            problem = JSONResponse({"error": "Entry not found"}, 404)
            problem.headers.update({"X-Error-Code": "EntryNotFound", "X-Repo-Commit": oid})
            return problem
        content = repo.commits[oid][path]
        headers = {"X-Repo-Commit": oid, "ETag": f'"{git_oid(content)}"'}
        if not is_lfs(path, content):
            return Response(hub.sent(path, content), headers=headers, media_type="application/octet-stream")
        hub.objects[sha256(content)] = content
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sha256(content)}"'}
        return RedirectResponse(f"{hub.storage_url}/lfs/{sha256(content)}?path={path}", 302, {**headers, **linked})

    return app


def split_revision(repo: Repo, rest: str) -> tuple[str, str]:
    """Cut "main/folder/file" where a revision ends; a branch may hold a slash."""
    for revision in sorted({*repo.refs, *repo.commits}, key=len, reverse=True):
        if rest == revision or rest.startswith(f"{revision}/"):
            return revision, rest[len(revision) + 1 :]
    revision, _, path = rest.partition("/")
    return revision, path


def entry(path: str, content: bytes) -> dict[str, Any]:
    linked = {"lfs": {"oid": sha256(content), "size": len(content), "pointerSize": 134}}
    return {
        "type": "file",
        "path": path,
        "oid": git_oid(content),
        "size": len(content),
        **(linked if is_lfs(path, content) else {}),
    }


def entries(files: Mapping[str, bytes], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """List a folder as the hub does: folders and files."""
    start = f"{folder}/" if folder else ""
    inside = {path: content for path, content in files.items() if path.startswith(start)}
    if folder and not inside:
        raise HubAnswerError(404, f"{folder} does not exist", "EntryNotFound")
    folders = {start + path[len(start) :].partition("/")[0] for path in inside if "/" in path[len(start) :]}
    shown = [path for path in inside if recursive or "/" not in path[len(start) :]]
    listed = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in sorted(folders)]
    return listed + [entry(path, inside[path]) for path in shown]


def mode_of(item: Mapping[str, Any], there: Mapping[str, bytes]) -> dict[str, Any]:
    """Say how a file is to be uploaded."""
    path, is_large = item["path"], is_lfs(item["path"], b"\0" * item["size"])
    former = there.get(path)
    oid = None if former is None else sha256(former) if is_large else git_oid(former)
    return {"path": path, "uploadMode": "lfs" if is_large else "regular", "shouldIgnore": False, "oid": oid}


def check_card(content: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Check the metadata of a card by the rules that the hub documents; return errors and warnings."""
    match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
    if match is None:
        return [], [{"message": "empty or missing yaml metadata in repo card"}]
    try:
        fields = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [{"message": str(error)}], []
    errors = [
        {"message": f'"{name}" must be a list of strings'}
        for name in ("datasets", "metrics", "tags")
        if not all(isinstance(item, str) for item in fields.get(name, []))
    ]
    if not re.fullmatch(r"[a-z0-9.-]+", str(fields.get("license", "unknown"))):
        errors.append({"message": '"license" must be one of the identifiers of licenses'})
    results = [result for model in fields.get("model-index", []) for result in model["results"]]
    is_whole = all(
        {"task", "dataset", "metrics"} <= {*result} and {"type", "name"} <= {*result["dataset"]} for result in results
    )
    return [*errors, *([] if is_whole else [{"message": '"model-index" lacks a field'}])], []


@contextmanager
def serving_hub(hub: Hub | None = None) -> Iterator[Hub]:
    """Run the stand-in in a thread on a free port."""
    hub = hub or Hub()
    server = uvicorn.Server(uvicorn.Config(make_app(hub), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    hub.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join(10)


def environment(hub: Hub, home: str, token: str = "") -> dict[str, str]:
    """Return the variables that point the hub's client to the stand-in, without Xet and without telemetry."""
    shared = {"HF_ENDPOINT": hub.url, "HF_HOME": home, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    shared |= dict.fromkeys(_TIMEOUTS, str(_PATIENCE_S))
    return {**shared, **({"HF_TOKEN": token} if token else {})}


def point_client_to(hub: Hub, home: Path, patch: Any, token: str = "hf_owner") -> None:  # noqa: S107  of the stand-in
    """Point the client in this process, which reads its variables at its import, to the stand-in."""
    from huggingface_hub import constants

    patch.setattr(constants, "ENDPOINT", hub.url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}")
    patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    patch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in _TIMEOUTS:
        patch.setattr(constants, name, _PATIENCE_S)
    patch.delenv("HF_TOKEN", raising=False)
    if token:
        patch.setenv("HF_TOKEN", token)
