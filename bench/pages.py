"""Tables that a program writes into a page, between two lines of their own: what stood there before goes, all else stays."""
from pathlib import Path


def put(page, name, text):
    """Replaces what is between `<!-- NAME: begin … -->` and `<!-- NAME: end -->` in the file `page`."""
    page = Path(page)
    before, begin, rest = page.read_text().partition(f"<!-- {name}: begin")
    _, end, after = rest.partition(f"<!-- {name}: end -->")
    if not begin or not end:
        raise SystemExit(f"{page} lacks the lines between which {name} writes: <!-- {name}: begin --> and <!-- {name}: end -->")
    first_line = rest.partition("-->")[0]
    page.write_text(f"{before}{begin}{first_line}-->\n{text.strip()}\n{end}{after}")


def table(heads, rows):
    """As Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
