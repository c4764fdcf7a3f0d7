"""Hooks for mkdocs (mkdocs.yml): the documents of the top folder become pages of the site, README.md its first one, and links
between them and docs/ hold there as they hold in the sources."""
import re
from pathlib import Path

from mkdocs.structure.files import File

TOP = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/README.md")
LINKED = ("LICENSE", "examples/score_and_write.cpp", "examples/compress.cpp", "examples/lesson6.ipynb")  # files that pages link to


def on_files(files, config):
    for name in PAGES + LINKED:
        files.append(File(name, str(TOP), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown, page, config, files):
    """In the site the top folder and docs/ are one."""
    other = "docs/" if page.file.src_uri in PAGES else "../"
    return re.sub(rf'(\]\(|\b(?:src|srcset|href)="){re.escape(other)}', r"\1", markdown)
