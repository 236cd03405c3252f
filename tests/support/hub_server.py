"""A hub on loopback that serves folders: what `huggingface_hub` asks a hub for, and ways for that to go wrong.

with HubServer() as hub:
    hub.add("org/model", folder)
    subprocess.run(..., env=hub.env(cache))     # or hub.use(monkeypatch, cache) for this process
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback"  # the one that opens what is gated or private


@dataclass
class Repo:
    folder: Path
    gated: bool
    private: bool
    revisions: tuple[str, ...]

    @property
    def commit(self) -> str:
        """40 hex digits that change with the contents."""
        digest = hashlib.sha1()
        for name in self.names():
            digest.update(name.encode() + b"\0" + (self.folder / name).read_bytes())
        return digest.hexdigest()

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


class HubServer:
    """`endpoint` is its address; `requests` what was asked, as "GET /org/model/resolve/main/config.json"."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[str] = []
        self.faults: dict[str, str] = {}
        self.stopped = False
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone: connections that are open get no answer any more, and new ones are refused."""
        if not self.stopped:
            self.stopped = True
            self._server.shutdown()
            self._server.server_close()

    def add(
        self,
        name: str,
        folder: str | Path,
        *,
        gated: bool = False,
        private: bool = False,
        revisions: tuple[str, ...] = ("main",),
    ) -> None:
        """Serve `folder` as `name`. Without TOKEN what is private does not exist and what is gated may not be read."""
        self.repos[name] = Repo(Path(folder), gated, private, revisions)

    def fault(self, filename: str, kind: str | None) -> None:
        """`filename` fails from now on: "drop" the connection midway, "truncate" the body, "error" 500; None: works."""
        self.faults[filename] = kind or ""

    def env(self, cache_dir: str | Path, **more: str) -> dict[str, str]:
        """The environment of a process that uses this hub and an own cache."""
        return {**os.environ, **_settings(self.endpoint, cache_dir), **more}

    def use(self, monkeypatch, cache_dir: str | Path) -> None:
        """Let this process use this hub, for a test."""
        from huggingface_hub import constants, file_download

        for name, value in _settings(self.endpoint, cache_dir).items():
            monkeypatch.setenv(name, value)
        template = self.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", self.endpoint)
        for module in (constants, file_download):  # older versions keep the address in both
            if hasattr(module, "HUGGINGFACE_CO_URL_TEMPLATE"):
                monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache_dir))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(Path(cache_dir) / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def _settings(endpoint: str, cache_dir: str | Path) -> dict[str, str]:
    cache = str(cache_dir)
    return {"HF_ENDPOINT": endpoint, "HF_HOME": cache, "HF_HUB_CACHE": cache, "HF_TOKEN": "", "HF_HUB_OFFLINE": "0"} | {
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def parse_request(self) -> bool:
        self.close_connection = self.close_connection or self.hub.stopped
        return not self.hub.stopped and super().parse_request()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"POST {path}")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if match := re.fullmatch(r"/api/models/(.+)/(preupload|commit)/([^/]+)", path):
            repo = self._repo(match[1], match[3])
            if repo and match[2] == "preupload":
                names = [file["path"] for file in json.loads(body)["files"]]
                files = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
                return self._json({"files": files})
            if repo:
                return self._commit(match[1], repo, body)
        return None

    def _create(self, wanted: dict) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._fail(401, None)
        name = "/".join(filter(None, [wanted.get("organization"), wanted["name"]]))
        if self.hub.repos.get(name) is None:
            return self._fail(403, None)  # a test adds an empty folder for what it wants to upload
        return self._json({"url": f"{self.hub.endpoint}/{name}", "name": name, "id": name})

    def _commit(self, name: str, repo: Repo, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                path = repo.folder / line["value"]["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(base64.b64decode(line["value"]["content"]))
        url = f"{self.hub.endpoint}/{name}/commit/{repo.commit}"
        self._json({"success": True, "commitOid": repo.commit, "commitUrl": url})

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if match := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            if repo := self._repo(match[1], match[2]):
                self._file(repo, match[3])
        elif match := re.fullmatch(r"/api/models/(.+?)(?:/(revision|tree)/([^/]+))?", path):
            if repo := self._repo(match[1], match[3] or "main"):
                names, listed = repo.names(), {"id": match[1], "sha": repo.commit, "tags": [], "downloads": 0}
                files = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
                self._json(files if match[2] == "tree" else {**listed, "siblings": [{"rfilename": n} for n in names]})
        else:
            self._fail(404, None)

    def _repo(self, name: str, revision: str) -> Repo | None:
        """The repository, if it exists and may be seen; else the refusal is sent."""
        repo, trusted = self.hub.repos.get(name), self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repo is None or (repo.private and not trusted):
            self._fail(404 if trusted else 401, "RepoNotFound")
        elif repo.gated and not trusted:
            self._fail(401, "GatedRepo")
        elif revision not in (*repo.revisions, repo.commit):
            self._fail(404, "RevisionNotFound")
        else:
            return repo
        return None

    def _file(self, repo: Repo, name: str) -> None:
        fault, path = self.hub.faults.get(name, ""), repo.folder / name
        if fault == "error":
            return self._fail(500, None)
        if not path.is_file():
            return self._fail(404, "EntryNotFound", {"X-Repo-Commit": repo.commit})
        body = path.read_bytes()
        etag = hashlib.sha1(body).hexdigest()
        half = len(body) // 2
        short = fault == "truncate" and self.command == "GET"
        self.send_response(200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("Content-Length", str(half if short else len(body)))
        self.end_headers()
        if self.command == "GET":
            if fault == "dropped":  # no second chance for the client's retries
                body = b""
            elif fault in ("drop", "truncate"):
                body = body[:half]
            self.wfile.write(body)
            if fault.startswith("drop"):
                self.hub.fault(name, "dropped")
                self.close_connection = True
        return None

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int, code: str | None, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {
            **(headers or {}),
            **({"X-Error-Code": code} if code else {}),
            "Content-Length": "0",
        }.items():
            self.send_header(key, value)
        self.end_headers()
