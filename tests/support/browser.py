"""A Chromium driven over its own protocol (CDP) with what is installed anyway: real keys, two officers in two contexts,
the network cut and back. Whatever a page complains about is kept, and a test that ends with a complaint has failed."""

import base64
import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.chromium import QUIET, binary

PATIENCE_S = 30.0
"""How long a busy machine may take for what comes at once on a quiet one."""
_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "ArrowDown": (40, ""), "ArrowUp": (38, "")}
_KEYS |= {"ArrowLeft": (37, ""), "ArrowRight": (39, ""), "Backspace": (8, "")}


class Browser:
    """One Chromium, shared by the tests of a process."""

    def __init__(self, folder: Path) -> None:
        command = [binary(), *QUIET, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self._log = (folder.parent / "chromium.log").open("wb")
        # In a group of its own: Debian's command is a script, and what it starts must not be left behind.
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True
        )
        port = folder / "DevToolsActivePort"
        deadline = monotonic() + 30
        while not (port.exists() and len(port.read_text().splitlines()) == 2):
            assert self._process.poll() is None, "Chromium did not start"
            assert monotonic() < deadline, "Chromium did not start in time"
            sleep(0.02)
        number, path = port.read_text().splitlines()
        self._held = ExitStack()
        # Without pings: they draw random numbers, in a thread that goes on beside the other tests of this process.
        line = connect(
            f"ws://127.0.0.1:{number}{path}", proxy=None, compression=None, max_size=None, ping_interval=None
        )
        self.line: ClientConnection = self._held.enter_context(line)
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self.tabs: dict[str, Tab] = {}

    def close(self) -> None:
        """Ends it."""
        self._held.close()
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(10)
        self._log.close()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command, and its answer."""
        number = next(self._ids)
        told = {"id": number, "method": method, "params": params}
        self.line.send(json.dumps(told | ({"sessionId": session} if session else {})))
        deadline = monotonic() + 30
        while number not in self._answers:
            self.hear(deadline - monotonic())
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        found: dict[str, Any] = answer["result"]
        return found

    def hear(self, wait: float) -> bool:
        """Takes one message in; answers whether there was one."""
        try:
            message = json.loads(self.line.recv(timeout=max(0.001, wait)))
        except TimeoutError:
            return False
        if "id" in message:
            self._answers[message["id"]] = message
        elif (tab := self.tabs.get(message.get("sessionId", ""))) is not None:
            tab.heard(message["method"], message["params"])
        return True

    @contextmanager
    def open(self, url: str, beside: "Tab | None" = None, scheme: str = "", script: str = "") -> Iterator["Tab"]:
        """A page in a context of its own: another PC; `beside` another page: at the same one. `script`: what runs in it
        before its own. Ends with a failure where the page complained."""
        context = beside.context if beside else self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session, context)
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
        tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        if scheme:
            tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        if script:
            tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
        try:
            tab.go(url)
            yield tab
            while self.hear(0):
                pass
            assert tab.complaints == [], tab.complaints
        finally:
            if beside is None:
                self.call("Target.disposeBrowserContext", browserContextId=context)
            else:
                self.call("Target.closeTarget", targetId=target)
            del self.tabs[session]


@dataclass
class Tab:
    """One page. What it finds it finds by what a person sees: text, names, roles."""

    browser: Browser
    session: str
    context: str
    complaints: list[str] = field(default_factory=list)
    pardoned: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    """How much came over the network from each address, the first time: how often the sheet is read again before one
    looks rests on how busy the machine is."""
    addresses: dict[str, str] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    keys: int = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command to this page."""
        return self.browser.call(method, self.session, **params)

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """What the page or its network says."""
        text = None
        if method == "Runtime.exceptionThrown":
            told = params["exceptionDetails"]
            text = f"exception: {told.get('exception', {}).get('description') or told['text']}"
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            text = f"console: {params['args']}"
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            text = f"log: {params['entry']['text']} {params['entry'].get('url', '')}"
        elif method == "Audits.issueAdded" and params["issue"]["code"] == "ContentSecurityPolicyIssue":
            text = f"policy: {params['issue']['details']}"
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
            self.addresses[params["requestId"]] = params["request"]["url"]
            self.under_way.add(params["requestId"])
        elif method == "Network.loadingFailed":
            self.under_way.discard(params["requestId"])
        elif method == "Network.loadingFinished":
            self.under_way.discard(params["requestId"])
            self.sizes.setdefault(
                self.addresses.get(params["requestId"], params["requestId"]), int(params["encodedDataLength"])
            )
        if text is not None and not any(re.search(one, text) for one in self.pardoned):
            self.complaints.append(text)

    def go(self, url: str) -> None:
        """Goes there, and waits until it has loaded."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, code: str) -> Any:
        """The value of an expression in the page."""
        told = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, code: str, wait: float = PATIENCE_S) -> Any:
        """Waits until an expression is true."""
        deadline = monotonic() + wait
        while not (found := self.run(code)):
            if monotonic() > deadline:
                raise AssertionError(f"never true: {code}\n{self.run('document.body.innerText')}\n{self.complaints}")
            self.browser.hear(0.02)
        return found

    def sees(self, *texts: str, wait: float = PATIENCE_S) -> None:
        """Waits until all of this is on the screen."""
        for text in texts:
            self.until(f"document.body.innerText.includes({json.dumps(text)})", wait)

    def misses(self, *texts: str) -> None:
        """Waits until nothing of this is on the screen."""
        for text in texts:
            self.until(f"!document.body.innerText.includes({json.dumps(text)})")

    def press(self, *names: str) -> None:
        """Real keys, one after another: `w`, `Enter`, `ctrl+Enter`."""
        for name in names:
            self.keys += 1
            *mods, key = name.split("+") if len(name) > 1 else [name]
            code, text = _KEYS.get(key, (ord(key.upper()) if key.isalnum() and len(key) == 1 else 0, key))
            told: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if "ctrl" in mods else 0}
            self.call("Input.dispatchKeyEvent", type="keyDown", **told, **({"text": text} if text and not mods else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def type(self, text: str) -> None:
        """Types text, letter by letter."""
        self.press(*text)

    def insert(self, text: str) -> None:
        """Puts text where the cursor is, at once."""
        self.call("Input.insertText", text=text)

    def focus(self, selector: str) -> None:
        """Puts the cursor somewhere, as a click does."""
        self.until(f"!!document.querySelector({json.dumps(selector)})")
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")

    def offline(self, gone: bool) -> None:
        """Cuts the network of this page, and gives it back."""
        self.call(
            "Network.emulateNetworkConditions", offline=gone, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        # Chromium answers before it is so: about one request of a thousand that follow meets what was there before.
        reached = "fetch('/healthz', {cache: 'no-store'}).then(() => true, () => false)"
        self.until(f"{reached}.then((it) => it !== {json.dumps(gone)})")

    def settles(self) -> None:
        """Waits until no answer is on its way any more."""
        deadline = monotonic() + PATIENCE_S
        while self.under_way:
            assert monotonic() < deadline, [self.addresses[one] for one in self.under_way]
            self.browser.hear(0.02)
        self.run("new Promise((go) => setTimeout(go))")

    def login(self, name: str, password: str, sees: str = "up to date") -> None:
        """An officer logs in, with the keyboard."""
        self.until("!!document.querySelector('#user')")
        self.focus("#user")
        self.run("document.querySelector('#user').value = ''")
        self.insert(name)
        self.focus("#password")
        self.insert(password)
        self.press("Enter")
        self.sees(sees)

    def picture(self, path: Path) -> None:
        """A screenshot."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
