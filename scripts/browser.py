"""Open a page in headless Chromium: take its picture, or evaluate an expression in it.

The page is one self-contained file, shown in a frame of the wanted width, because a window of Chromium is never
narrower than 500 points and a phone is. Each call has a profile of its own, no network, and leaves nothing behind but
the picture.
As a program: `scripts/browser.py PAGE.html PICTURE.png [--width W] [--height H] [--dark]`.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
NARROWEST_WINDOW = 500

# The frame inherits the origin of the page around it, so it may leave the answer there.
ASK = """
<script>
const outside = parent.document.documentElement.dataset;
addEventListener("error", (event) => { outside.failure = event.message; });
addEventListener("load", async () => {
    try { outside.answer = JSON.stringify(await (%s)); } catch (failure) { outside.failure = String(failure); }
});
</script>
"""


class PageError(Exception):
    """A page did not open, or a script in it failed."""


@dataclass(frozen=True)
class Browser:
    """A headless Chromium on this machine."""

    program: str

    @classmethod
    def find(cls) -> Browser | None:
        """Look for Chromium on PATH."""
        found = next(filter(None, map(shutil.which, PROGRAMS)), None)
        return cls(found) if found else None

    def evaluate(self, page: Path, expression: str, *, width: int = 1200, height: int = 800, dark: bool = False) -> Any:
        """Open the page, evaluate a JavaScript expression (it may be a promise) after it has loaded, return its value.

        Raises `PageError` when the page's own scripts or the expression fail.
        """
        shown = self._run(page, ASK % expression, ["--dump-dom"], width, height, dark)
        root = re.search(r"<html[^>]*>", shown)
        answer = {
            name: html.unescape(text) for name, text in re.findall(r'data-(\w+)="([^"]*)"', root[0] if root else "")
        }
        if "failure" in answer or "answer" not in answer:
            raise PageError(answer.get("failure", f"{page} gave no answer"))
        return json.loads(answer["answer"])

    def picture(
        self, page: Path, picture: Path, *, width: int = 1200, height: int | None = None, dark: bool = False
    ) -> None:
        """Write a picture of the page, of its whole height where none is given."""
        if height is None:
            height = int(self.evaluate(page, "document.documentElement.scrollHeight", width=width))
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.unlink(missing_ok=True)
        options = ["--hide-scrollbars", "--force-device-scale-factor=2", f"--screenshot={picture.absolute()}"]
        self._run(page, "", options, width, height, dark)
        if not picture.is_file():
            raise PageError(f"no picture of {page} was taken")

    def _run(self, page: Path, script: str, options: list[str], width: int, height: int, dark: bool) -> str:
        # First in the page, so that it hears the page's own scripts fail.
        text = re.sub(
            r"^\s*(<!doctype[^>]*>)?", lambda found: found[0] + script, page.read_text("utf-8"), count=1, flags=re.I
        )
        inside = html.escape(text)
        frame = f'<iframe srcdoc="{inside}" style="border:0; width:{width}px; height:{height}px"></iframe>'
        with tempfile.TemporaryDirectory(prefix="multilane-browser-") as folder:
            outside = Path(folder) / "page.html"
            outside.write_text(
                f'<!doctype html><html><meta charset="utf-8"><body style="margin:0">{frame}</body></html>',
                encoding="utf-8",
            )
            command = [
                self.program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                "--virtual-time-budget=10000",
                f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                f"--user-data-dir={folder}/profile",
                f"--window-size={max(width, NARROWEST_WINDOW)},{height}",
                *options,
                outside.as_uri(),
            ]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=100
            )
        if done.returncode != 0:
            raise PageError(f"{self.program} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


def main() -> int:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description="Take a picture of a page in headless Chromium.")
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, help="the page's own height, where not given")
    parser.add_argument("--dark", action="store_true", help="as a reader with a dark desktop sees it")
    options = parser.parse_args()
    browser = Browser.find()
    if browser is None:
        print("no Chromium on PATH; `make browser` installs it", file=sys.stderr)
        return 1
    browser.picture(options.page, options.picture, width=options.width, height=options.height, dark=options.dark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
