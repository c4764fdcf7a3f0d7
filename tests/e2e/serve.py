"""What `charrnn_dist serve` tells programs, and whom it refuses. Models are compared with `charrnn_dist sample` and PyTorch."""
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import program
from serving import Serving, append


class Serve(program.TestCase):
    def setUp(self):
        super().setUp()
        self.runs = self.folder / "runs"
        self.run_folder = self.train("first", "--model", "gru", "--layers", 2, "--hidden", 24, "--embedding", 8, "--columns", 4,
                                     "--bptt", 10, "--epochs", 1, "--max-steps", 60, "--learning-rate", 0.01, "--save-every", 20)

    def serve(self, *words):
        return Serving(self.folder, self.runs, *words)

    def reference(self, text):
        """The model in PyTorch: its outputs [characters, layers, units] and logits [characters, symbols]."""
        with h5py.File(self.run_folder / "checkpoints/latest") as file:
            weights = {name: torch.from_numpy(np.array(data)) for name, data in file["model"].items()}
            symbols = list(file["vocabulary"].asstr()[()])
        tokens = torch.tensor([symbols.index(c) if c in symbols[2:] else 0 for c in text])
        rows, layers = weights["e.weight"][tokens], []
        for layer in range(2):
            gru = torch.nn.GRU(rows.shape[1], 24)
            gru.load_state_dict({name: weights[f"rnn.{name.replace('l0', f'l{layer}')}"] for name in
                                 ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")})
            rows = gru(rows[:, None])[0][:, 0].detach()
            layers.append(rows)
        return torch.stack(layers, 1).numpy(), rows @ weights["l_out.weight"].T + weights["l_out.bias"], symbols, tokens

    def test_tells_of_runs(self):
        shutil.copytree(self.run_folder, self.runs / "second")
        (self.runs / "no run").mkdir()
        with self.serve() as server:
            runs = {run["name"]: run for run in server.get("/api/runs")["runs"]}
            self.assertEqual(set(runs), {"first", "second"})
            first, told = runs["first"], server.run("first")
            self.assertEqual((first["state"], first["exit_code"], first["step"], first["steps"]), ("done", 0, 60, 60))
            self.assertEqual(first["loss"], program.metrics(self.run_folder, "step")[-1]["loss"])
            self.assertEqual(first["best_val_loss"], program.metrics(self.run_folder, "end")[-1]["best_val_loss"])
            self.assertEqual(told["config"], (self.run_folder / "config.toml").read_text())
            self.assertEqual(told["log"], (self.run_folder / "log.rank0.txt").read_text())
            self.assertIn(told["samples"][-1]["text"], (self.run_folder / "samples.txt").read_text())
            self.assertEqual({file["name"] for file in told["checkpoints"]}, {path.name for path in program.files_of(self.run_folder)})
            metrics = server.request("GET", "/metrics")[2].decode()
            self.assertIn('charrnn_step{run="first"} 60\n', metrics)
            for line in metrics.splitlines():
                self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|charrnn_\w+\{run="\w+"\} [-+.\de]+)$')

    def test_a_folder_of_one_run(self):
        shutil.copytree(self.run_folder, self.runs / "second")
        with Serving(self.folder, self.run_folder) as server:
            self.assertEqual([run["name"] for run in server.get("/api/runs")["runs"]], ["first"])
            self.assertEqual(server.request("GET", "/api/runs/second")[0], 404)

    def test_models_that_have_no_run(self):
        """What comes with the program can be tried before there is a run."""
        shipped, damaged = program.SOURCE / "models/nietzsche.safetensors", self.folder / "damaged.safetensors"
        damaged.write_bytes(shipped.read_bytes()[:5000])
        with Serving(self.folder, self.folder / "no_runs_yet", program.SOURCE / "models", damaged) as server:
            self.assertEqual(server.stderr, f"charrnn_dist: there is no '{self.folder / 'no_runs_yet'}' yet\n")
            models = {model["name"]: model for model in server.get("/api/runs")["runs"]}
            self.assertEqual({(name, model["state"], model["model"]) for name, model in models.items()},
                             {(damaged.name, "model", ""), (shipped.name, "model", "norm_lstm, 1 x 192")})
            facts = json.loads(program.run("inspect", shipped, "--json").stdout)
            self.assertEqual(models[shipped.name]["parameters"], facts["parameters"])
            self.assertEqual([file["name"] for file in server.run(shipped.name)["checkpoints"]], [shipped.name])
            expected = program.run("sample", shipped, "--prime", "The ", "--length", 80, "--seed", 3).stdout
            for checkpoint in ({}, {"checkpoint": shipped.name}):
                written = server.written(run=shipped.name, prime="The ", length=80, seed=3, **checkpoint)
                self.assertEqual("The " + written + "\n", expected)
            self.assertIn(damaged.name, server.post("/api/sample", expect=422, run=damaged.name)["error"])
            self.assertNotIn("safetensors", server.request("GET", "/metrics")[2].decode())
        failed = program.run("serve", program.files_of(self.run_folder)[0], expect=2)
        self.assertRegex(failed.stderr, "^charrnn_dist: error: '.*h5' is no folder .*\n$")

    def test_events_come_as_they_are_written(self):
        with self.serve() as server:
            events = server.events("first")
            kind, place, data = next(events)
            lines = (self.run_folder / "metrics.jsonl").read_text().splitlines()
            self.assertEqual((kind, data), ("message", lines))
            append(self.run_folder, event="step", step=61, loss=1.5)
            kind, later, data = next(events)
            self.assertEqual([json.loads(line)["step"] for line in data], [61])
            self.assertEqual(next(server.events("first", place))[2], data)  # whoever comes again goes on
            append(self.run_folder, event="step", step=62, loss=1.5)
            self.assertEqual(json.loads(next(server.events("first", later))[2][0])["step"], 62)
            once = list(server.events("first", later + "&once"))
            self.assertEqual([json.loads(line)["step"] for _, _, data in once for line in data], [62])

    def test_a_resume_that_rewinds_a_run_begins_anew(self):
        with self.serve() as server:
            events = server.events("first")
            next(events)
            program.run("train", "--resume", self.run_folder / "checkpoints/step_40.h5", "--max-steps", 50)
            self.assertEqual(next(events)[0], "reset")
            seen = []
            while not seen or seen[-1]["event"] != "end":
                kind, _, data = next(events)
                self.assertEqual(kind, "message")
                seen += map(json.loads, data)
            self.assertEqual([one["step"] for one in seen if one["event"] == "step"], list(range(1, 51)))
            shutil.rmtree(self.run_folder)
            self.assertEqual(next(events)[0], "gone")

    def test_writes_what_sample_writes(self):
        options = [({"seed": 7, "length": 200, "prime": "Ba"}, ["--seed", 7, "--length", 200, "--prime", "Ba"]),
                   ({"seed": 1, "length": 60, "temperature": 0.6, "top_k": 5, "top_p": 0.9},
                    ["--length", 60, "--temperature", 0.6, "--top-k", 5, "--top-p", 0.9]),
                   ({"length": 40, "greedy": True, "checkpoint": "best"}, ["--length", 40, "--greedy"])]
        with self.serve() as server:
            for fields, words in options:
                expected = program.run("sample", self.run_folder, *words).stdout
                self.assertEqual(fields.get("prime", "") + server.written(run="first", **fields) + "\n", expected)

    def test_probabilities_are_the_models(self):
        with self.serve() as server:
            lines = server.post("/api/sample", run="first", checkpoint="latest", prime="Ba", length=30, temperature=0.5)
            written = [line for line in lines if "c" in line]
            text = "Ba" + "".join(line["c"] for line in written)
            _, logits, symbols, tokens = self.reference(text)
            logits[:, :2] = -torch.inf  # <unk>, <pad>
            for i, line in enumerate(written):
                expected = torch.softmax(logits[i + 1], 0)
                self.assertAlmostEqual(line["p"], expected[tokens[i + 2]].item(), delta=1e-4)
                for symbol, p in line["top"]:
                    self.assertAlmostEqual(p, expected[symbols.index(symbol)].item(), delta=1e-4)

    def test_scores(self):
        text = self.text[:300]
        with self.serve() as server:
            answer = server.post("/api/score", run="first", checkpoint="latest", text=text)
        _, logits, _, tokens = self.reference(text)
        expected = torch.log_softmax(logits[:-1], 1)[torch.arange(299), tokens[1:]]
        self.assertEqual("".join(answer["characters"]), text)
        self.assertAlmostEqual(answer["loss"], -expected.mean().item(), places=5)
        self.assertIsNone(answer["probabilities"][0])
        np.testing.assert_allclose(answer["probabilities"][1:], expected.exp().numpy(), atol=1e-4)

    def test_precisions(self):
        """Those of eval, which sample/precisions.py compares with numpy's."""
        text, file = self.text[:300], self.folder / "text.txt"
        file.write_text(text)
        losses = []
        for precision in ("fp32", "bf16", "int8"):
            told = program.run("eval", self.run_folder / "checkpoints/latest", "--corpus", file, "--json", "--precision", precision)
            losses.append(json.loads(told.stdout)["loss"])
            with self.serve("--precision", precision) as server:
                answer = server.post("/api/score", run="first", checkpoint="latest", text=text)
                self.assertAlmostEqual(answer["loss"], losses[-1], delta=1e-7)
        self.assertGreater(min(abs(losses[0] - other) for other in losses[1:]), 1e-6)

    def test_neurons_are_those_of_pytorch(self):
        text = self.text[:200]
        outputs, logits, symbols, _ = self.reference(text)
        with self.serve() as server:
            answer = server.post("/api/neurons", run="first", checkpoint="latest", text=text, layer=1, units=[0, 5, 23])
            self.assertEqual((answer["layers"], answer["width"]), (2, 24))
            for unit in answer["units"]:
                np.testing.assert_allclose(unit["activations"], outputs[:, 1, unit["unit"]], atol=1e-4)
            expected = torch.softmax(logits, 1)
            for i, place in enumerate(answer["next"]):
                for symbol, p in place:
                    self.assertAlmostEqual(p, expected[i][symbols.index(symbol)].item(), delta=1e-4)
            found = server.post("/api/neurons", run="first", checkpoint="latest", text=text, search="word")["units"]
            position, words = 0, []
            for c in text:
                position = 0 if c in " \n\t" else position + 1
                words.append(position)
            correlations = [np.corrcoef(words, outputs[:, layer, unit])[0, 1] for layer in range(2) for unit in range(24)]
            best = int(np.argmax(np.abs(correlations)))
            self.assertEqual((found[0]["layer"], found[0]["unit"]), divmod(best, 24))
            self.assertAlmostEqual(found[0]["correlation"], correlations[best], places=3)

    def test_refuses_other_hosts_and_origins(self):
        with self.serve() as server:
            for path in ("/", "/app.js", "/api/runs", "/metrics", "/events?run=first"):
                for headers in ({"Host": "evil.com"}, {"Host": f"localhost.evil.com:{server.port}"},
                                {"Origin": "http://evil.com"}, {"Origin": "null"}):
                    self.assertEqual(server.request("GET", path, headers=headers)[0], 403, (path, headers))
            self.assertEqual(server.request("POST", "/api/sample", "{}", {"Origin": "http://evil.com"})[0], 403)
            own = {"Host": f"localhost:{server.port}", "Origin": f"http://localhost:{server.port}"}
            self.assertEqual(server.request("GET", "/api/runs", headers=own)[0], 200)

    def test_wants_the_token_where_others_can_reach_it(self):
        for words in (["--token"], ["--bind", "0.0.0.0"]):
            with self.serve(*words) as server:
                self.assertEqual(len(server.token), 64)
                self.assertEqual(server.request("GET", "/")[0], 200)
                for path in ("/api/runs", "/api/runs/first", "/events?run=first", "/metrics", "/nothing"):
                    for headers in ({}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": server.token}):
                        self.assertEqual(server.request("GET", path, headers=headers)[0], 401, path)
                self.assertEqual(server.request("POST", "/api/sample", json.dumps({"run": "first"}))[0], 401)
                self.assertEqual(len(server.get("/api/runs", Authorization=f"Bearer {server.token}")["runs"]), 1)

    def test_headers_of_every_answer(self):
        with self.serve() as server:
            for method, path in (("GET", "/"), ("GET", "/api/runs"), ("GET", "/nothing"), ("POST", "/api/sample")):
                headers = server.request(method, path)[1]
                self.assertRegex(headers["Content-Security-Policy"], "^default-src 'self';")
                self.assertNotIn("unsafe", headers["Content-Security-Policy"])
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Cache-Control"], "no-store")

    def test_nothing_outside_the_folder_can_be_read(self):
        (self.folder / "metrics.jsonl").write_text('{"event":"step","step":7,"loss":1}\n')
        secret = self.folder / "secret.txt"
        secret.write_text("secret")
        (self.run_folder / "samples.txt").unlink()
        (self.run_folder / "samples.txt").symlink_to(secret)
        shutil.copy(self.run_folder / "checkpoints/step_40.h5", self.folder / "outside.h5")
        with self.serve() as server:
            for name in ("..", "%2e%2e", "..%2f..", "%2Fetc", "first%2f..%2f..", "first%00", ""):
                self.assertIn(server.request("GET", f"/api/runs/{name}")[0], (400, 404), name)
                self.assertEqual(server.request("GET", f"/events?run={name}")[0], 404, name)
            for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page/app.js", "//etc/passwd"):
                self.assertEqual(server.request("GET", path)[0], 404, path)
            for checkpoint in ("../../../outside.h5", str(self.folder / "outside.h5"), "../metrics.jsonl", "step_20", "absent.h5"):
                server.post("/api/sample", expect=404, run="first", checkpoint=checkpoint)
            server.post("/api/sample", expect=404, run="../runs/first")
            self.assertNotIn("secret", json.dumps(server.run("first")))

    def test_limits(self):
        with self.serve() as server:
            post = server.post
            post("/api/sample", expect=400, run="first", length=10_001)
            post("/api/sample", expect=400, run="first", prime="x" * 65_537)
            post("/api/score", expect=400, run="first", text="x" * 65_537)
            post("/api/neurons", expect=400, run="first", text="x" * 8_193)
            post("/api/neurons", expect=400, run="first", text="x", units=list(range(65)))
            post("/api/neurons", expect=400, run="first", text="x", units=[24])
            self.assertIn("quotes, line, indent, word", post("/api/neurons", expect=400, run="first", text="x", search="colour")["error"])
            for fields in ({"length": -1}, {"length": 1.5}, {"length": "9"}, {"temperature": 0}, {"temperature": "x"}, {"top_p": 2},
                           {"top_k": -1}, {"seed": -1}, {"seed": 2**64 - 1}, {"greedy": 1}, {"prime": 5}, {"temprature": 1}):
                self.assertIn("error", post("/api/sample", expect=400, run="first", **fields), fields)
            for body in ("", "[]", "7", "{", "\xff", '{"run": NaN}', "[" * 100_000):
                self.assertIn(server.request("POST", "/api/sample", body.encode("latin-1"))[0], (400, 429), body[:20])
            self.assertEqual(server.request("POST", "/api/score", "x" * (300 << 10))[0], 413)
            self.assertEqual(server.request("GET", "/api/runs/" + "x" * 2000)[0], 414)
            self.assertEqual(server.get("/api/runs")["runs"][0]["name"], "first")  # and still it answers

    def test_a_damaged_checkpoint_is_an_answer(self):
        newest = program.files_of(self.run_folder)[-1]
        with newest.open("r+b") as file:
            file.seek(5000)
            file.write(b"damaged")
        with self.serve() as server:
            self.assertIn("error", server.post("/api/sample", expect=422, run="first", checkpoint=newest.name))
            self.assertIn("error", server.post("/api/neurons", expect=422, run="first", checkpoint=newest.name, text="x"))

    def test_changes_nothing(self):
        def state():
            return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(self.runs.rglob("*"))}
        before = state()
        with self.serve() as server:
            server.run("first")
            next(server.events("first"))
            server.written(run="first")
        self.assertEqual(state(), before)

    def test_ends_with_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.serve() as server:
                events = server.events("first")
                next(events)
                os.kill(server.process.pid, number)
                self.assertEqual(server.wait(), 0)
                self.assertEqual(list(events), [])

    def test_a_signal_that_comes_before_it_listens(self):
        """One that waits already when the program starts."""
        early = ("import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); "
                 "os.kill(os.getpid(), signal.SIGTERM); os.execvp(sys.argv[1], sys.argv[1:])")
        words = [sys.executable, "-c", early, *program.command("serve", self.runs, "--port", 0)]
        ended = subprocess.run(list(map(str, words)), env=program.environment(), stdout=subprocess.DEVNULL, timeout=program.PATIENCE)
        self.assertEqual(ended.returncode, 0)

    def test_clients_that_never_end_are_hung_up_on(self):
        head = b"POST /api/score HTTP/1.1\r\nHost: localhost\r\n"
        piece = b"x" * 65_536
        floods = {"a line": (b"GET /", piece), "a header": (head + b"X: ", piece), "headers": (head, b"X: y\r\n" * 10_000),
                  "a body": (head + b"\r\n", piece),
                  "chunks": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + piece + b"\r\n")}
        with self.serve() as server:
            for name, (begin, more) in floods.items():
                with self.subTest(name), socket.create_connection(("127.0.0.1", server.port), program.PATIENCE) as client:
                    client.sendall(begin)
                    with self.assertRaises(ConnectionError):
                        for _ in range(1000):
                            client.sendall(more)
            with socket.create_connection(("127.0.0.1", server.port), program.PATIENCE) as client:
                client.sendall(head)
                with self.assertRaises(ConnectionError):
                    for _ in range(600):  # a byte now and then
                        client.sendall(b"x")
                        time.sleep(0.1)

    def test_headers_that_are_not_heeded(self):
        with self.serve() as server:
            whole = server.request("GET", "/app.js")
            several = server.request("GET", "/app.js", headers={"Range": "bytes=" + ",".join(["0-"] * 1000)})
            self.assertEqual((several[0], several[2]), (200, whole[2]))
            body = json.dumps({"run": "first", "text": self.text[:20_000]})
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):  # the first is curl's
                self.assertEqual(server.request("POST", "/api/score", body, {"Content-Type": kind})[0], 200, kind)

    def test_ends_with_a_signal_while_clients_hang(self):
        with self.serve() as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            server.run("first")
            os.kill(server.process.pid, signal.SIGTERM)
            with contextlib.suppress(ConnectionError):
                while server.process.poll() is None:
                    slow.sendall(b"X: y\r\n")
                    time.sleep(0.1)
            self.assertEqual(server.wait(), 0)

    def test_ends_with_a_signal_while_models_read(self):
        self.train("large", "--model", "lstm", "--hidden", 1024, "--columns", 2, "--bptt", 4, "--max-steps", 1)
        body = json.dumps({"run": "large", "text": self.text[0] * 65_536}).encode()  # minutes, on any machine
        request = b"POST /api/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with self.serve() as server, contextlib.ExitStack() as stack:
            clients = []
            for _ in range(9):
                clients.append(stack.enter_context(socket.create_connection(("127.0.0.1", server.port))))
                clients[-1].sendall(request)
            answered = select.select(clients, [], [], program.PATIENCE)[0]
            self.assertIn(b" 503 ", answered[0].recv(100))  # the others are being read
            os.kill(server.process.pid, signal.SIGTERM)
            self.assertEqual(server.wait(), 0)

    def test_a_port_in_use(self):
        with self.serve() as server:
            failed = program.run("serve", self.runs, "--port", server.port, expect=2)
            self.assertRegex(failed.stderr, rf"^charrnn_dist: error: cannot listen on port {server.port} of '127.0.0.1' .*in use\n$")
        self.assertIn("--bind", program.run("serve", "--bind", "nowhere.invalid", expect=2).stderr)


if __name__ == "__main__":
    program.main()
