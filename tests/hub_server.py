"""A hub on this machine, for tests of publishing and loading with the real client: no hub can be reached from a test, and nothing
installable receives a push. In memory, loopback only; large files lie on a second origin, as those of the real hub do, or, with a folder for Xet, in
the store that its client makes there (else clients need `HF_HUB_DISABLE_XET=1`).

    with HubServer({"token-of-alice": "alice"}) as hub:
        ...  # clients with HF_ENDPOINT=hub.url
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from card_metadata import metadata_errors, space_errors
from xet_store import xet_hashes

LFS_SUFFIXES = (".safetensors", ".onnx", ".npz", ".parquet")
Files = dict[str, "File"]


class HubError(Exception):
    """An answer that is none: status, the client's code for it, and a message."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class File:
    """A file of a commit; one with `lfs` is kept among the large objects."""

    data: bytes
    lfs: bool

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def oid(self) -> str:
        if self.lfs:
            return hashlib.sha256(self.data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


@dataclass(frozen=True)
class XetFile(File):
    """A file that Xet's client has stored: the hub knows its hash and size alone."""

    sha256: str
    num_bytes: int

    @property
    def size(self) -> int:
        return self.num_bytes

    @property
    def oid(self) -> str:
        return self.sha256


@dataclass(frozen=True)
class Commit:
    """A state of a repository."""

    oid: str
    parent: str | None
    title: str
    user: str
    files: Files
    date: str


@dataclass
class Repo:
    """A repository: its commits, and the branches and tags that point to them; of a Space, what runs it."""

    name: str
    private: bool
    sdk: str | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, revision: str) -> Commit:
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[oid]

    def add(self, branch: str, files: Files, title: str, user: str) -> Commit:
        parent = self.branches.get(branch)
        oid = hashlib.sha1(f"{self.name} {len(self.commits)} {title}".encode()).hexdigest()
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits[oid] = Commit(oid, parent, title=title, user=user, files=files, date=date)
        self.branches[branch] = oid
        return self.commits[oid]


DROPPED, HELD = 0, -1


@dataclass
class Fault:
    """What goes wrong: the next `times` requests with this method and path get this status; DROPPED: the connection is closed; HELD: nothing
    is answered, and `HubServer.held` is set."""

    method: str
    path: str
    status: int
    times: int = 1


class HubServer:
    """The hub. `requests` lists what was asked, as (method, path); `faults` what is to go wrong.

    Args:
        users: names by their tokens.
        xet: folder of Xet's store; unset: large files are sent here.
    """

    def __init__(self, users: dict[str, str], xet: Path | None = None) -> None:
        self.users, self.xet = users, xet
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.held = threading.Event()
        self._closing = threading.Event()
        self.lock = threading.RLock()
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, routes)) for routes in (ROUTES, OBJECT_ROUTES)]
        self.url, self.object_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> Self:
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Contents by path."""
        return {path: file.data for path, file in self.repos[name].commit(revision).files.items()}

    @contextmanager
    def failing(self, *faults: Fault) -> Iterator[None]:
        """Let these requests go wrong."""
        self.faults = list(faults)
        try:
            yield
        finally:
            self.faults = []

    def repo(self, name: str, user: str | None, write: bool = False) -> Repo:
        repo = self.repos.get(name)
        is_owner = user is not None and name.split("/")[0] == user
        if repo is None or (repo.private and not is_owner):
            raise HubError(404 if user else 401, "RepoNotFound", "Repository not found")
        if write and not is_owner:
            raise HubError(401 if user is None else 403, "", "You don't have the rights to write to this repository.")
        return repo


class _Request:
    """What a route sees: the hub, the user, the path's parts, the query and the body."""

    def __init__(self, hub: HubServer, handler: BaseHTTPRequestHandler) -> None:
        self.hub, self.handler = hub, handler
        parts = urlsplit(handler.path)
        self.path, self.query = parts.path, parse_qs(parts.query, keep_blank_values=True)
        self.data = self._read_body()
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if token and token not in hub.users:
            raise HubError(401, "", "Invalid credentials in Authorization header")
        self.user = hub.users.get(token)

    def _read_body(self) -> bytes:
        stream, headers = self.handler.rfile, self.handler.headers
        if headers.get("Transfer-Encoding", "").lower() != "chunked":
            return stream.read(int(headers.get("Content-Length") or 0))
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body

    @property
    def json(self) -> Any:
        return json.loads(self.data or b"{}")


Answer = tuple[int, dict[str, str], bytes] | dict[str, Any] | list[Any]
Route = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []
OBJECT_ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


def _route(method: str, pattern: str, routes: list[tuple[str, re.Pattern[str], Route]] = ROUTES) -> Callable[[Route], Route]:
    """Parts in braces are arguments; `{id}` has a slash, `{path}` may have any. Repositories of datasets and Spaces have the routes of models."""
    named = {"id": r"[^/]+/[^/]+", "path": r".+"}
    pattern = re.sub(
        r"^/\{id\}", r"(?:/datasets|/spaces)?/{id}", pattern.replace("/api/models/", "/api/(?:models|datasets|spaces)/")
    )
    regex = re.sub(r"\{(\w+)\}", lambda match: f"(?P<{match[1]}>{named.get(match[1], '[^/]+')})", pattern)

    def add(function: Route) -> Route:
        routes.append((method, re.compile(regex + r"\Z"), function))
        return function

    return add


def _handler(hub: HubServer, routes: list[tuple[str, re.Pattern[str], Route]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def _answer(self) -> None:
            with hub.lock:
                fault = next((one for one in hub.faults if one.times and self._is(one.method, one.path)), None)
                if fault is not None:
                    fault.times -= 1
            if fault is not None and fault.status in (DROPPED, HELD):
                self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1000))
                if fault.status == HELD:
                    hub.held.set()
                    hub._closing.wait()
                self.close_connection = True
                self.connection.close()
                return
            try:
                request = _Request(hub, self)
                with hub.lock:
                    hub.requests.append((self.command, request.path))
                    if fault is not None:
                        raise HubError(fault.status, "", "this goes wrong")
                    answer = self._find(request)
            except HubError as error:
                headers = {"X-Error-Message": error.message} | ({"X-Error-Code": error.code} if error.code else {})
                headers |= getattr(error, "headers", {})
                answer = (error.status, headers, json.dumps({"error": error.message, **getattr(error, "body", {})}).encode())
            status, headers, body = (
                answer if isinstance(answer, tuple) else (200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
            )
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _is(self, method: str, path: str) -> bool:
            return self.command == method and re.search(path, self.path) is not None

        def _find(self, request: _Request) -> Answer:
            method = "GET" if self.command == "HEAD" else self.command
            for wanted, pattern, function in routes:
                if wanted == method and (match := pattern.match(request.path)):
                    return function(request, **{name: unquote(value) for name, value in match.groupdict().items()})
            raise HubError(404, "", f"no route {self.command} {request.path}")

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    return Handler


# ---- accounts and repositories


@_route("GET", "/api/whoami-v2")
def _whoami(request: _Request) -> Answer:
    if request.user is None:
        raise HubError(401, "", "Invalid credentials in Authorization header")
    return {"type": "user", "name": request.user, "orgs": [], "auth": {"accessToken": {"role": "write"}}}


@_route("POST", "/api/repos/create")
def _create(request: _Request) -> Answer:
    asked = request.json
    if request.user is None:
        raise HubError(401, "", "Invalid credentials in Authorization header")
    owner = asked.get("organization") or request.user
    name = f"{owner}/{asked['name']}"
    url = f"{request.hub.url}/{'spaces/' if asked.get('type') == 'space' else ''}{name}"
    if owner != request.user:
        raise HubError(403, "", f"You don't have the rights to create a model under the namespace {owner!r}")
    if name in request.hub.repos:
        error = HubError(409, "", "You already created this model repo")
        error.body = {"url": url}  # type: ignore[attr-defined]
        raise error
    if (asked.get("type") == "space") != ("sdk" in asked):
        raise HubError(400, "", "a Space needs an SDK, and nothing else has one")
    repo = request.hub.repos[name] = Repo(
        name, asked.get("visibility") == "private" or bool(asked.get("private")), asked.get("sdk")
    )
    repo.add("main", {".gitattributes": File(b"*.safetensors filter=lfs\n", False)}, "initial commit", request.user)
    return {"url": url, "name": name}


@_route("DELETE", "/api/repos/delete")
def _delete(request: _Request) -> Answer:
    name = f"{request.json.get('organization') or request.user}/{request.json['name']}"
    request.hub.repo(name, request.user, write=True)
    del request.hub.repos[name]
    return {}


@_route("POST", "/api/validate-yaml")
def _validate(request: _Request) -> Answer:
    match = re.match(r"---\r?\n(.*?)\r?\n---", request.json["content"], re.DOTALL)
    try:
        check = space_errors if request.json.get("repoType") == "space" else metadata_errors
        errors = check(yaml.safe_load(match[1] if match else "") or {})
    except yaml.YAMLError as error:
        errors = [str(error)]
    if errors:
        return 400, {}, json.dumps({"errors": [{"message": error} for error in errors], "warnings": []}).encode()
    return {"errors": [], "warnings": []}


# ---- reading


def _info(request: _Request, id: str, revision: str) -> Answer:
    repo = request.hub.repo(id, request.user)
    commit = repo.commit(revision)
    siblings = [{"rfilename": path, "size": file.size, "blobId": file.oid} for path, file in sorted(commit.files.items())]
    return {"id": id, "modelId": id, "sha": commit.oid, "private": repo.private, "tags": [], "siblings": siblings,
            "lastModified": commit.date}  # fmt: skip


@_route("GET", "/api/models/{id}/revision/{revision}")
def _info_at(request: _Request, id: str, revision: str) -> Answer:
    return _info(request, id, revision)


def _entry(path: str, file: File) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": file.size, "oid": file.oid}
    return entry | ({"lfs": {"oid": file.oid, "size": file.size, "pointerSize": 130}} if file.lfs else {})


@_route("GET", "/api/models/{id}/tree/{revision}")
def _tree(request: _Request, id: str, revision: str, folder: str = "") -> Answer:
    inside = f"{folder}/" if folder else ""
    files = {
        path: file for path, file in request.hub.repo(id, request.user).commit(revision).files.items() if path.startswith(inside)
    }
    if not files:
        raise HubError(404, "EntryNotFound", f"{folder} does not exist")
    folders = {path[: path.index("/", len(inside))] for path in files if "/" in path[len(inside) :]}
    if request.query.get("recursive", ["false"])[0].lower() in ("true", "1"):
        folders |= {path[:cut] for path in files for cut in range(len(inside), len(path)) if path[cut] == "/"}
        shown = files
    else:
        shown = {path: file for path, file in files.items() if "/" not in path[len(inside) :]}
    return [{"type": "directory", "path": path, "oid": "0" * 40} for path in sorted(folders)] + [
        _entry(path, file) for path, file in sorted(shown.items())
    ]


@_route("GET", "/api/models/{id}/tree/{revision}/{path}")
def _subtree(request: _Request, id: str, revision: str, path: str) -> Answer:
    return _tree(request, id, revision, path)


@_route("POST", "/api/models/{id}/paths-info/{revision}")
def _paths(request: _Request, id: str, revision: str) -> Answer:
    is_json = "json" in (request.handler.headers.get("Content-Type") or "")
    wanted = request.json["paths"] if is_json else parse_qs(request.data.decode())["paths"]
    files = request.hub.repo(id, request.user).commit(revision).files
    return [_entry(path, files[path]) for path in wanted if path in files]


@_route("GET", "/api/models/{id}/refs")
def _refs(request: _Request, id: str) -> Answer:
    repo = request.hub.repo(id, request.user)

    def listed(refs: dict[str, str], kind: str) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in refs.items()]

    return {"branches": listed(repo.branches, "heads"), "tags": listed(repo.tags, "tags"), "converts": []}


@_route("GET", "/api/models/{id}/commits/{revision}")
def _history(request: _Request, id: str, revision: str) -> Answer:
    repo = request.hub.repo(id, request.user)
    found, commit = [], repo.commit(revision)
    while True:
        found.append(
            {"id": commit.oid, "title": commit.title, "message": "", "authors": [{"user": commit.user}], "date": commit.date}
        )
        if commit.parent is None:
            return found
        commit = repo.commits[commit.parent]


@_route("GET", "/api/models/{id}")
def _info_main(request: _Request, id: str) -> Answer:
    return _info(request, id, "main")


@_route("GET", "/{id}/resolve/{revision}/{path}")
def _resolve(request: _Request, id: str, revision: str, path: str) -> Answer:
    commit = request.hub.repo(id, request.user).commit(revision)
    found = {"X-Repo-Commit": commit.oid}
    if path not in commit.files:
        error = HubError(404, "EntryNotFound", "Entry not found")
        error.headers = found  # type: ignore[attr-defined]
        raise error
    file = commit.files[path]
    if not file.lfs:
        status, headers, data = _part(request, file.data)
        return status, {**found, **headers, "ETag": f'"{file.oid}"'}, data
    linked = {"X-Linked-ETag": f'"{file.oid}"', "X-Linked-Size": str(file.size)}
    if request.hub.xet is not None:
        linked["X-Xet-Hash"] = xet_hashes(request.hub.xet)[file.oid]
        linked["X-Xet-Refresh-Route"] = f"{request.hub.url}/api/models/{id}/xet-read-token/{commit.oid}"
    return 302, {**found, **linked, "Location": f"{request.hub.object_url}/objects/{file.oid}"}, b""


# ---- writing


@_route("POST", "/api/models/{id}/preupload/{revision}")
def _preupload(request: _Request, id: str, revision: str) -> Answer:
    files = request.hub.repo(id, request.user, write=True).commit(revision).files
    return {
        "files": [
            {
                "path": asked["path"],
                "uploadMode": "lfs" if asked["path"].endswith(LFS_SUFFIXES) or asked["size"] > 10_000_000 else "regular",
                "shouldIgnore": False,
                "oid": files[asked["path"]].oid if asked["path"] in files else None,
            }
            for asked in request.json["files"]
        ]
    }


@_route("POST", "/{id}.git/info/lfs/objects/batch")
def _batch(request: _Request, id: str) -> Answer:
    request.hub.repo(id, request.user, write=True)
    objects = []
    for asked in request.json["objects"]:
        entry = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] not in request.hub.objects:
            entry["actions"] = {"upload": {"href": f"{request.hub.object_url}/objects/{asked['oid']}", "header": {}}}
        objects.append(entry)
    return {"transfer": "basic", "objects": objects}


@_route("POST", "/api/models/{id}/commit/{revision}")
def _commit(request: _Request, id: str, revision: str) -> Answer:
    repo = request.hub.repo(id, request.user, write=True)
    if revision not in repo.branches:
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    head = repo.commit(revision)
    files, title = dict(head.files), ""
    for line in request.data.splitlines():
        key, value = (json.loads(line)[name] for name in ("key", "value"))
        if key == "header":
            title = value["summary"]
            if value.get("parentCommit") not in (None, head.oid):
                raise HubError(412, "", "A commit has happened since. Please refresh and try again.")
        elif key == "file":
            files[value["path"]] = File(base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            files[value["path"]] = _large_file(request.hub, value["oid"], value["size"])
        elif key == "deletedFile":
            if value["path"] not in files:
                raise HubError(404, "EntryNotFound", f"{value['path']} is not there")
            del files[value["path"]]
        elif key == "deletedFolder":
            files = {path: file for path, file in files.items() if not path.startswith(value["path"].rstrip("/") + "/")}
    commit = repo.add(revision, files, title, str(request.user))
    return {"commitOid": commit.oid, "commitUrl": f"{request.hub.url}/{id}/commit/{commit.oid}", "pullRequestUrl": None}


def _large_file(hub: HubServer, oid: str, size: int) -> File:
    if hub.xet is None:
        return File(_object(hub, oid), True)
    if oid not in xet_hashes(hub.xet):
        raise HubError(404, "EntryNotFound", f"the store holds nothing with SHA-256 {oid}")
    return XetFile(b"", True, oid, size)


@_route("GET", "/api/models/{id}/xet-(?P<kind>read|write)-token/{revision}")
def _xet_token(request: _Request, id: str, kind: str, revision: str) -> Answer:
    request.hub.repo(id, request.user, write=kind == "write")
    if request.hub.xet is None:
        raise HubError(404, "", "this hub has no Xet")
    facts = {"casUrl": f"local://{request.hub.xet}", "exp": int(time.time()) + 3600, "accessToken": "token"}
    headers = {"X-Xet-Cas-Url": facts["casUrl"], "X-Xet-Access-Token": "token", "X-Xet-Token-Expiration": str(facts["exp"])}
    return 200, {**headers, "Content-Type": "application/json"}, json.dumps(facts).encode()


@_route("POST", "/api/models/{id}/branch/{name}")
def _add_branch(request: _Request, id: str, name: str) -> Answer:
    repo = request.hub.repo(id, request.user, write=True)
    if name in repo.branches:
        raise HubError(409, "", f"Reference refs/heads/{name} already exists")
    repo.branches[name] = repo.commit(request.json.get("startingPoint") or "main").oid
    return {}


@_route("DELETE", "/api/models/{id}/branch/{name}")
def _delete_branch(request: _Request, id: str, name: str) -> Answer:
    del request.hub.repo(id, request.user, write=True).branches[name]
    return {}


@_route("POST", "/api/models/{id}/tag/{revision}")
def _add_tag(request: _Request, id: str, revision: str) -> Answer:
    repo = request.hub.repo(id, request.user, write=True)
    name = request.json["tag"]
    if name in repo.tags:
        raise HubError(409, "", f"Reference refs/tags/{name} already exists")
    repo.tags[name] = repo.commit(revision).oid
    return {}


@_route("DELETE", "/api/models/{id}/tag/{name}")
def _delete_tag(request: _Request, id: str, name: str) -> Answer:
    del request.hub.repo(id, request.user, write=True).tags[name]
    return {}


# ---- large objects, on the second origin


def _object(hub: HubServer, oid: str) -> bytes:
    if oid not in hub.objects:
        raise HubError(404, "EntryNotFound", f"there is no object {oid}")
    return hub.objects[oid]


@_route("PUT", "/objects/{oid}", OBJECT_ROUTES)
def _put(request: _Request, oid: str) -> Answer:
    if hashlib.sha256(request.data).hexdigest() != oid:
        raise HubError(400, "", "the content is not what was announced")
    request.hub.objects[oid] = request.data
    return 200, {}, b""


@_route("GET", "/objects/{oid}", OBJECT_ROUTES)
def _get(request: _Request, oid: str) -> Answer:
    return _part(request, _object(request.hub, oid))


def _part(request: _Request, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """What is asked for of it."""
    match = re.match(r"bytes=(\d+)-(\d*)", request.handler.headers.get("Range", ""))
    if match is None:
        return 200, {"Accept-Ranges": "bytes"}, data
    start, end = int(match[1]), int(match[2] or len(data) - 1)
    return 206, {"Content-Range": f"bytes {start}-{end}/{len(data)}"}, data[start : end + 1]
