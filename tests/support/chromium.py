"""A real Chromium for the tests: Debian's, which root installs where it is missing."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support import debian

# Chromium without the browser around it: the same pages, a quarter of the work at each start, and nothing of a desktop
# to install. And Arial's widths, as on an office PC: a page is as long as its letters are wide.
SHELL = "chromium-headless-shell"
PACKAGES = (SHELL, "fonts-liberation", "poppler-utils")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def pages(html: str, folder: Path) -> list[str]:
    """The text of each page that this document prints on."""
    paper = print_to_pdf(html, folder)
    done = subprocess.run(["pdftotext", "-layout", str(paper), "-"], capture_output=True, text=True, check=True)
    return done.stdout.split("\f")[:-1]


def print_to_pdf(html: str, folder: Path) -> Path:
    """The document as this browser prints it, with a profile of its own that is empty."""
    page, paper = folder / "page.html", folder / "page.pdf"
    page.write_text(html, "utf-8")
    command = [binary(), *QUIET, f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer"]
    done = subprocess.run(
        [*command, f"--print-to-pdf={paper}", page.as_uri()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode or not paper.exists():
        raise RuntimeError(f"Chromium printed nothing:\n{done.stderr}")
    return paper


@cache
def binary() -> str:
    """Where Chromium is."""
    return debian.needed("Chromium", _found, *PACKAGES)


def _found() -> str | None:
    return (shutil.which(SHELL) or shutil.which("chromium")) if shutil.which("pdftotext") else None
