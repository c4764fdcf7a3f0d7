"""The pictures of the page `charrnn_dist serve` in docs/images, light and dark, whole and on a phone:

    charrnn_dist serve runs models --port 8080 &
    python3 tools/pictures.py http://127.0.0.1:8080 --run gru --other lstm --model lstm

Needs Chromium with its chromedriver, selenium and Pillow (launch/install --tests brings them)."""
import argparse
import base64
import io
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

WIDE, PHONE = (1440, 600), (390, 844)
LONGEST = 1700  # pixels of a picture
TO_PAPER = "scrollTo(0, document.querySelector('.paper').getBoundingClientRect().top - 70)"


class Camera:
    def __init__(self, url, folder):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        self.browser, self.url, self.folder = webdriver.Chrome(options=options), url, folder

    def use(self, size, scheme):
        self.size, self.scheme = size, scheme
        self.emulate("setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=size == PHONE)
        self.emulate("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def emulate(self, command, **arguments):
        self.browser.execute_cdp_cmd(f"Emulation.{command}", arguments)

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def open(self, page):
        self.browser.get("about:blank")
        self.browser.get(f"{self.url}/#/{page}")

    def wait_for(self, selector, count=1):
        WebDriverWait(self.browser, 60).until(lambda _: self.run("return document.querySelectorAll(arguments[0]).length >= arguments[1]", selector, count))

    def take(self, name, scroll=""):
        """A whole page; of a phone one screen."""
        what = {"captureBeyondViewport": False}
        if self.size == PHONE:
            self.run(scroll)
        else:
            width, height = self.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            what = {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": min(height, LONGEST), "scale": 1}}
        picture = self.browser.execute_cdp_cmd("Page.captureScreenshot", what)["data"]
        file = f"serve_{name}{'_phone' if self.size == PHONE else ''}_{self.scheme}.png"
        Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").quantize(256).save(self.folder / file, optimize=True)


def take_all(camera, run, other, model):
    camera.open("runs")
    camera.wait_for("tbody tr")
    camera.take("runs")

    camera.open(f"run/{quote(run, safe='')}")
    camera.wait_for(".compare option", 2)
    camera.run("const list = document.querySelector('.compare select'); list.value = arguments[0]; list.dispatchEvent(new Event('change'))", other)
    camera.wait_for(".chip")
    camera.wait_for(".canvas canvas", 8)
    camera.wait_for(".chart:first-of-type .legend span", 4)
    camera.take("run")

    camera.open(f"write?run={quote(model, safe='')}")
    camera.wait_for(".primary:enabled")
    camera.run("document.querySelector('.primary').click()")
    camera.wait_for(".text span", 600)
    camera.run("document.querySelectorAll('.text span')[45].click()")
    camera.take("write", TO_PAPER)

    camera.open(f"inside?run={quote(model, safe='')}")
    camera.wait_for(".units button")
    camera.take("inside", TO_PAPER)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of a `charrnn_dist serve`")
    parser.add_argument("--run", required=True, help="the run to show")
    parser.add_argument("--other", required=True, help="the run laid over it")
    parser.add_argument("--model", required=True, help="the run or model that writes and is looked into")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs/images", help="folder (default: docs/images)")
    arguments = parser.parse_args()
    camera = Camera(arguments.url, arguments.out)
    try:
        for size in (WIDE, PHONE):
            for scheme in ("light", "dark"):
                camera.use(size, scheme)
                take_all(camera, arguments.run, arguments.other, arguments.model)
    finally:
        camera.browser.quit()


if __name__ == "__main__":
    main()
