"""A `charrnn_dist serve` for tests, and requests to it."""
import http.client
import json
import re
from pathlib import Path
from urllib.parse import quote

import program


class Serving(program.Running):
    """Serves a folder on a free port. `with Serving(folder, runs) as server: server.get("/api/runs")`."""

    def __init__(self, folder, runs, *words):
        super().__init__(folder, "serve", runs, "--port", 0, *words)

    def __enter__(self):
        def started():
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended: {self.stderr}")
            return re.search(r"at (http://([^/]*):(\d+)/(?:#token=(\w+))?)\n", self.stdout)
        found = program.wait_until(started, "serve to start")
        self.url, self.host, self.port, self.token = found[1], found[2], int(found[3]), found[4]
        return self

    def request(self, method, path, body=None, headers=None):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=program.PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        status, _, body = self.request("GET", path, headers=headers)
        if status != 200:
            raise AssertionError(f"{status}: {body}")
        return json.loads(body)

    def run(self, name):
        return self.get(f"/api/runs/{quote(name, safe='')}")

    def post(self, path, expect=200, **fields):
        status, _, body = self.request("POST", path, json.dumps(fields))
        if status != expect:
            raise AssertionError(f"{status}, expected {expect}: {body[:500]}")
        return [json.loads(line) for line in body.decode().splitlines()] if path == "/api/sample" and status == 200 else json.loads(body)

    def written(self, **fields):
        """The text that a sample request gives."""
        return "".join(line.get("c", "") for line in self.post("/api/sample", **fields))

    def events(self, run, place=""):
        """Server-sent events as they come: (kind, id, data lines)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=program.PATIENCE)
        connection.request("GET", f"/events?run={quote(run, safe='')}&from={place}")
        response = connection.getresponse()
        assert response.status == 200, response.status
        kind, number, data = "message", None, []
        try:
            for line in iter(response.readline, b""):
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    kind = value
                elif field == "id":
                    number = value
                elif field == "data":
                    data.append(value)
                elif not field and (data or kind != "message"):
                    yield kind, number, data
                    kind, number, data = "message", None, []
        finally:
            connection.close()


def append(run_folder, **event):
    """Adds a line to a run's metrics.jsonl."""
    with (Path(run_folder) / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
