"""A note on somebody's screen: from its POST to the frame in which a real Chromium shows it, among the news and on the
person's own line."""

import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import notes, processes, setup
from benchmarks.figures import percentile
from tests.support.browser import Browser, Tab

NOTES, REST_S = 60, (0.1, 0.4)
MOST_P95 = 200.0
PLACES = {"news": "among the news", "line": "on the person's line"}
AIMED = "news"
"""Where every change is said first; the line follows with the sheet, which is read again."""
_WATCH = """
window.looks = { news: document.querySelector('.list.news'), line: document.querySelector('.list.needs') };
new MutationObserver(() => {
  for (const [name, list] of Object.entries(looks)) {
    if (!window.wanted || wanted.at[name] || !list.textContent.includes(wanted.mark)) continue;
    const mine = wanted;
    mine.at[name] = 'drawn next';
    requestAnimationFrame(() => setTimeout(() => { mine.at[name] = Date.now(); }));
  }
}).observe(document.querySelector('main'), { childList: true, subtree: true });
0"""


@dataclass
class Screen:
    """One engine's rounds: milliseconds from the POST to the screen, by place."""

    engine: str
    rounds: list[dict[str, list[float]]] = field(default_factory=list)

    def of(self, place: str, share: float) -> float:
        """The median over the rounds of what this share of notes was on the screen within."""
        return median(percentile(one[place], share) for one in self.rounds)

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        late = self.of(AIMED, 0.95)
        words = f"a note takes {late:.0f} ms (p95) until it is {PLACES[AIMED]}; it must be ≤ {MOST_P95:.0f}."
        return [f"{self.engine}: {words}"] if late > MOST_P95 else []

    def told(self) -> dict[str, Any]:
        """As JSON."""
        shares = (("p50", 0.5), ("p95", 0.95))
        return {f"{place}_{name}": self.of(place, share) for place in PLACES for name, share in shares}


def measure(engine: str, rounds: int, told: Callable[[str], None]) -> Screen:
    """One officer writes at the pace of a busy wing, another one's screen is looked at."""
    found = Screen(engine)
    with setup.stores(engine) as stores, tempfile.TemporaryDirectory(prefix="handover-bench-") as folder:
        setup.found_prison(stores.handover)
        with processes.handover(stores) as server:
            told("opening the browser")
            browser = Browser(Path(folder) / "profile")
            try:
                url = f"http://127.0.0.1:{server.port}"
                (token,) = setup.log_in(server.port, 1)
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                with browser.open(url) as screen, httpx.Client(base_url=url, headers=headers, trust_env=False) as http:
                    screen.login(setup.username(1), setup.PASSWORD)
                    screen.sees(f"everyone ({notes.PEOPLE})")
                    screen.run(_WATCH)
                    for round_ in range(rounds + 1):
                        told(f"round {round_}" if round_ else "warming up")
                        many = NOTES if round_ else 5
                        took = [_shown(screen, http, round_ * 1000 + number) for number in range(many)]
                        if round_:
                            found.rounds.append({place: [one[place] for one in took] for place in PLACES})
            finally:
                browser.close()
    return found


def _shown(screen: Tab, http: httpx.Client, number: int) -> dict[str, float]:
    mark = f"N{number:0{notes.DIGITS}d}"
    screen.run(f"window.wanted = {{ mark: {json.dumps(mark)}, at: {{}} }}, 0")
    body = notes.body(number)
    began = time.time()
    http.post("/v1/notes", content=body).raise_for_status()
    at = screen.until(f"Object.values(wanted.at).filter(Number).length === {len(PLACES)} && wanted.at")
    time.sleep(random.uniform(*REST_S))
    return {place: at[place] - began * 1000 for place in PLACES}
