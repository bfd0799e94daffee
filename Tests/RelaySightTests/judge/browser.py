"""A headless Chromium, driven over two pipes by https://chromedevtools.github.io/devtools-protocol/."""

import base64
import fcntl
import json
import os
import select
import shutil
import tempfile
import time

# Seconds that one answer of the browser may take; a limit against hanging, not a measure.
PATIENCE = 60 * int(os.environ.get("TEST_PATIENCE", "1"))


class Browser:
    def __init__(self, path):
        self.folder = tempfile.mkdtemp(prefix="relay-page-")
        to_browser, from_browser = os.pipe(), os.pipe()
        # Out of the way of 3 and 4, at which the browser looks for its ends.
        reads = fcntl.fcntl(to_browser[0], fcntl.F_DUPFD_CLOEXEC, 10)
        writes = fcntl.fcntl(from_browser[1], fcntl.F_DUPFD_CLOEXEC, 10)
        command = [
            path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-pipe", f"--user-data-dir={self.folder}/profile",
            # No name but this machine's own leads anywhere.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank",
        ]
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(f"{self.folder}/log", os.O_WRONLY | os.O_CREAT, 0o600)
        ends = [(null, 0), (null, 1), (log, 2), (reads, 3), (writes, 4)]
        self.pid = os.posix_spawnp(
            path, command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, *pair) for pair in ends])
        for descriptor in (to_browser[0], from_browser[1], reads, writes, null, log):
            os.close(descriptor)
        self.input, self.output = to_browser[1], from_browser[0]
        self.buffer, self.number, self.events = b"", 0, []

    def call(self, method, session=None, **parameters):
        """Sends a command, and waits for its answer; events that come before it are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.input, data):]
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def next(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.output], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self.output, 1 << 20) if ready else b""
            if not more:
                with open(f"{self.folder}/log", errors="replace") as log:
                    thrown = [one["params"] for one in self.events if one.get("method") == "Runtime.exceptionThrown"]
                    raise RuntimeError(f"the browser does not answer; thrown in pages: {thrown}; {log.read()[-1000:]}")
            self.buffer += more
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def close(self):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            # It ends with its pipe, too.
            pass
        os.close(self.input)
        os.waitpid(self.pid, 0)
        os.close(self.output)
        shutil.rmtree(self.folder, ignore_errors=True)


class Tab:
    """A page, and whoever looks at it."""

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setTimezoneOverride", timezoneId="Europe/Berlin")

    def become(self, width, height=800, dark=False, still=False, media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ])

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def run(self, script):
        """The value of a script; a promise is waited for."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(f"{script[:200]}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def open(self, url):
        # A machine that is busy with other tests is no relay that hangs.
        self.call("Page.addScriptToEvaluateOnNewDocument", source="""
            { const timeout = AbortSignal.timeout; AbortSignal.timeout = (limit) => timeout.call(AbortSignal, 20 * limit); }""")
        self.call("Page.navigate", url=url)
        self.polled(1)

    def polled(self, times):
        """Waits until the page has asked, and shown the answer, so often."""
        self.run(
            """new Promise((done) => {
                const look = () => {
                    if (Number(document.documentElement?.dataset.polls ?? 0) >= %d) { seen.disconnect(); done(); }
                };
                const seen = new MutationObserver(look);
                seen.observe(document, { attributes: true, subtree: true, childList: true });
                look();
            })""" % times)

    def polls(self):
        return int(self.run("document.documentElement.dataset.polls"))

    def ask_again(self):
        """Two presses of the button make it ask at once."""
        before = self.polls()
        self.run("document.getElementById('pause').click(); document.getElementById('pause').click()")
        self.polled(before + 1)

    def text(self, selector="body"):
        """What is to be read there, blanks that hold a line together as blanks."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText").replace("\u00a0", " ")

    def press(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def shoot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def events(self, method):
        """What has come of one kind for this tab so far."""
        return [
            one["params"] for one in self.browser.events
            if one.get("sessionId") == self.session and one["method"] == method]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
