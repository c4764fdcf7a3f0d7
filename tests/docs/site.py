"""The documents as a site: built without a warning, so that every link and every heading that is linked to is there and no page
is left out of the menu; and nothing in it comes from another server."""
import html.parser
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("CHARRNN_SOURCE", Path(__file__).resolve().parents[2]))


class Loads(html.parser.HTMLParser):
    """What a browser would load for a page by itself."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag != "a":
            loads = tag != "link" or attributes.get("rel") in ("stylesheet", "icon", "shortcut icon", "preload")
            self.found += [attributes[name] for name in ("src", "srcset", "href") if loads and attributes.get(name)]


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="charrnn_site_")
        cls.addClassCleanup(folder.cleanup)
        cls.site = Path(folder.name)
        cls.built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", cls.site],
                                   cwd=SOURCE, capture_output=True, text=True)

    def test_is_built_without_warnings(self):
        self.assertEqual(self.built.returncode, 0, self.built.stderr)
        self.assertNotIn("WARNING", self.built.stderr)

    def test_has_every_document(self):
        pages = {page.stem for page in self.site.glob("*.html")}
        self.assertLessEqual({page.stem for page in SOURCE.glob("docs/*.md")} | {"index", "ARCHITECTURE", "CHANGELOG"}, pages)
        self.assertIn("Start", (self.site / "index.html").read_text())  # README.md

    def test_loads_nothing_from_elsewhere(self):
        for page in self.site.rglob("*.html"):
            for address in Loads(page.read_text()).found:
                self.assertNotRegex(address, r"^(https?:)?//", page.name)
        for style in self.site.rglob("*.css"):
            self.assertNotRegex(style.read_text(), r"url\(['\"]?(https?:)?//", style.name)


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-m", "mkdocs", "--version"], capture_output=True).returncode != 0:
        print("skipped: needs mkdocs: run launch/install --tests")
        sys.exit(77)
    unittest.main(verbosity=2)
