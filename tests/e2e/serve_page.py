"""The page of `charrnn_dist serve` in a browser: headless Chromium, driven by selenium."""
import shutil
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import program
from serving import Serving, append

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("skipped: no selenium (launch/install --tests brings it)")
    sys.exit(77)
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    print("skipped: no chromium with its chromedriver (launch/install --tests brings them)")
    sys.exit(77)

HOSTILE = "<img src=x onerror=window.hacked=1>"
SCRIPT = "<script>window.hacked=1</script>"


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


class Page(program.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser()
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        super().setUp()
        self.corpus.write_text(self.text + 20 * (SCRIPT + HOSTILE), encoding="utf-8", newline="")  # symbols < and > too
        self.runs = self.folder / "runs"
        self.run_folder = self.train("first", "--model", "gru", "--hidden", 24, "--embedding", 8, "--columns", 4, "--bptt", 10,
                                     "--epochs", 1, "--max-steps", 60, "--save-every", 20, "--validate-every", 20)
        self.server = self.enterContext(Serving(self.folder, self.runs))

    def tearDown(self):
        self.assertFalse(self.browser.execute_script("return window.hacked"), "a text was taken for a script")
        complaints = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        self.assertEqual([line for line in complaints if "Failed to load resource" not in line and "ERR_" not in line], [])

    def open(self, page, server=None):
        self.browser.get("about:blank")
        self.browser.get(f"http://localhost:{self.server.port}/{page}" if server is None else server.url + page)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text_of(self, selector):
        return self.browser.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('\\n')", selector)

    def wait_for(self, text, selector="main"):
        program.wait_until(lambda: text in self.text_of(selector), f"{text!r} on the page")

    def click(self, selector):
        self.browser.execute_script("document.querySelector(arguments[0]).click()", selector)

    def fill(self, label, value):
        self.browser.execute_script("const e = document.querySelector(`[aria-label='${arguments[0]}']`); e.value = arguments[1];"
                                    "e.dispatchEvent(new Event('input'))", label, value)

    def test_a_run_as_it_goes_on(self):
        self.open("#/runs")
        self.wait_for("first", "tbody")
        self.click("tbody a")
        self.wait_for("60", ".tile:first-child")
        program.wait_until(lambda: len(self.all(".canvas canvas")) == 8, "four charts")
        append(self.run_folder, event="run", step=60, steps=2000)
        append(self.run_folder, event="step", step=1234, loss=1.75, learning_rate=0.5, gradient_norm=1, characters_per_second=77_700)
        self.wait_for("1,234", ".tile:first-child")
        self.wait_for("1.7500", ".tile:nth-child(2)")
        self.wait_for("77.7k", ".tile:nth-child(5)")
        # A resume takes the later lines back.
        program.run("train", "--resume", self.run_folder / "checkpoints/step_40.h5", "--max-steps", 50)
        self.wait_for("50", ".tile:first-child")
        self.assertNotIn("1,234", self.text_of(".tile:first-child"))
        self.click(".details .choice button:nth-child(2)")
        self.wait_for("resumed after step 40", ".history")
        shutil.rmtree(self.run_folder)
        self.wait_for("no longer there", ".notice")
        self.train("first", "--model", "gru", "--hidden", 8, "--columns", 4, "--max-steps", 33)
        self.wait_for("33", ".tile:first-child")
        program.wait_until(lambda: "no longer there" not in self.browser.find_element(By.TAG_NAME, "body").text, "no warning")

    def test_writes_what_sample_writes(self):
        expected = program.run("sample", self.run_folder, "--seed", 5, "--length", 150, "--prime", "Ba", "--temperature", 0.9).stdout
        self.open("#/write?run=first")
        program.wait_until(lambda: self.browser.find_element(By.CSS_SELECTOR, ".primary").is_enabled(), "a model")
        for label, value in (("Beginning", "Ba"), ("Temperature", "0.9"), ("Length", "150"), ("Seed", "5")):
            self.fill(label, value)
        self.click(".primary")
        program.wait_until(lambda: len(self.all(".text span")) == 152, "the text")
        self.assertEqual(self.text_of(".text") + "\n", expected)
        self.click(".text span:nth-child(10)")
        self.assertEqual(len(self.all(".detail .bars li")), 10)
        self.browser.find_element(By.CSS_SELECTOR, ".text").send_keys(Keys.ARROW_RIGHT)
        self.assertEqual(self.browser.execute_script("return [...document.querySelectorAll('.text span')].findIndex(e => e.matches('.at'))"), 10)

    def test_begins_with_the_newest_run(self):
        """Losses on different texts say nothing about which is better."""
        self.train("worse", "--model", "gru", "--hidden", 8, "--columns", 4, "--max-steps", 2)
        for page in ("write", "inside"):
            self.open(f"#/{page}")
            program.wait_until(lambda: [e.text for e in self.all("[aria-label=Run] option")] == ["worse", "first"], "the runs")

    def test_a_model_that_has_no_run(self):
        with Serving(self.folder, program.SOURCE / "models") as server:
            self.open("#/runs", server)
            self.wait_for("nietzsche.safetensors", ".models")
            self.wait_for("No runs yet", ".empty")
            self.click(".models a")
            program.wait_until(lambda: self.browser.find_element(By.CSS_SELECTOR, ".primary").is_enabled(), "a model")
            self.click(".primary")
            self.wait_for("600 characters", ".status")

    def test_scores_a_text(self):
        self.open("#/write?run=first")
        program.wait_until(lambda: self.browser.find_element(By.CSS_SELECTOR, ".primary").is_enabled(), "a model")
        self.click(".controls .choice button:nth-child(2)")
        self.fill("Text to score", self.text[:80])
        self.click(".primary")
        loss = self.server.post("/api/score", run="first", text=self.text[:80])["loss"]
        self.wait_for(f"{loss:.4f} nats", ".status")
        self.assertEqual(self.text_of(".text"), self.text[:80])

    def test_looks_inside(self):
        self.open("#/inside?run=first")
        program.wait_until(lambda: len(self.all(".units button")) == 8, "units")
        text = self.browser.execute_script("return document.querySelector('textarea').value")
        found = self.server.post("/api/neurons", run="first", text=text, search="quotes")["units"]
        self.assertIn(f"unit {found[0]['unit']}", self.text_of(".units button:first-child"))
        shades = self.browser.execute_script("return [...document.querySelectorAll('.text span')].map(e => e.style.backgroundColor)")
        for shade, activation in zip(shades, found[0]["activations"], strict=True):
            self.assertTrue(shade.startswith("rgba(226, 62, 46" if activation >= 0 else "rgba(37, 99, 235"), (shade, activation))
        self.assertEqual(len(self.all(".detail .bars li")), 10)

    def test_hostile_texts_are_texts(self):
        shutil.copytree(self.run_folder, self.runs / HOSTILE)
        hostile = self.runs / HOSTILE
        (hostile / "samples.txt").write_text(f"--- step 20\n{SCRIPT}{HOSTILE}\n")
        (hostile / "log.rank0.txt").write_text(f"2026-01-01 00:00:00.000 W {SCRIPT}{HOSTILE}\n")
        (hostile / "config.toml").write_text(f"# {SCRIPT}{HOSTILE}\n")
        append(hostile, event="run", step=60, steps=HOSTILE, ranks=HOSTILE, program_version=SCRIPT, config=f"[model]\nmodel='{HOSTILE}'")
        append(hostile, event="phases", step=60, seconds={HOSTILE: 1, "forward": HOSTILE})
        append(hostile, event=HOSTILE, step=HOSTILE)
        self.open("#/runs")
        self.wait_for(HOSTILE, "tbody")
        self.open(f"#/run/{'%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E'}")
        self.wait_for(HOSTILE, "h1")
        self.wait_for(SCRIPT, ".sample")
        for number, kind in ((2, ".history"), (3, ".panel pre"), (4, ".panel pre")):
            self.click(f".details .choice button:nth-child({number})")
            self.wait_for(SCRIPT, kind)
        self.open("#/run/first")
        program.wait_until(lambda: len(self.all(".compare option")) == 2, "the other run")
        self.browser.execute_script("const s = document.querySelector('.compare select'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", HOSTILE)
        self.wait_for(f"{HOSTILE} training", ".legend")
        self.open("#/write?run=first")
        program.wait_until(lambda: self.browser.find_element(By.CSS_SELECTOR, ".primary").is_enabled(), "a model")
        self.fill("Beginning", SCRIPT)
        self.click(".primary")
        self.wait_for(SCRIPT, ".text")
        self.assertEqual(self.all("main script, main img, iframe"), [])

    def test_with_a_token(self):
        with Serving(self.folder, self.runs, "--token") as server:
            self.browser.get(server.url)
            self.wait_for("first", "tbody")
            self.assertNotIn("token", self.browser.current_url)
            self.click("tbody a")
            self.wait_for("60", ".tile:first-child")
        with Serving(self.folder, self.runs, "--token") as other:
            self.browser.get(f"http://127.0.0.1:{other.port}/")
            self.wait_for("the token is missing or wrong")

    def test_fits_a_phone_and_both_themes(self):
        def emulate(command, **arguments):
            self.browser.execute_cdp_cmd(f"Emulation.{command}", arguments)
        self.addCleanup(emulate, "clearDeviceMetricsOverride")
        for width in (390, 768, 1440):
            emulate("setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
            for page, ready in (("#/runs", "tbody tr"), ("#/run/first", ".canvas canvas"), ("#/write?run=first", ".primary:enabled"), ("#/inside?run=first", ".units button")):
                self.open(page)
                program.wait_until(lambda ready=ready: self.all(ready), ready)
                self.assertLessEqual(self.browser.execute_script("return document.documentElement.scrollWidth"), width, page)
        for scheme in ("dark", "light"):
            emulate("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            self.open("#/runs")
            self.wait_for("first", "tbody")
            ground = self.browser.execute_script("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            self.assertEqual(max(ground) < 128, scheme == "dark")
        self.browser.find_element(By.TAG_NAME, "body").send_keys("d")
        self.assertEqual(self.browser.execute_script("return document.documentElement.dataset.theme"), "dark")
        self.browser.execute_script("localStorage.clear()")
        self.browser.find_element(By.TAG_NAME, "body").send_keys("w")
        program.wait_until(lambda: self.all(".page.write"), "the page Write")


if __name__ == "__main__":
    program.main()
