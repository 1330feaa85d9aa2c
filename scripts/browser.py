"""browser: a headless Chromium, asked through its DevTools protocol.

Over a pipe (--remote-debugging-pipe: descriptors 3 and 4, messages of JSON that end with a NUL), so nothing listens
anywhere. It has no proxy, no other host, and a folder of its own that vanishes with it.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile

BACKSTOP_SECONDS = 300  # a page that never ends; nothing that works comes near it
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9, "Enter": 13, " ": 32}


class Trouble(Exception):
    """Of the browser's, or of a script in the page."""


def find():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="page-test.")
        self.number, self.news, self.session = 0, [], None
        to_read, to = os.pipe()
        answers, to_write = os.pipe()
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (to_read, to_write)]

        def hand_over():
            os.setsid()
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        # --no-sandbox: root may not have one, and in many containers nobody may. What is opened is ours.
        command = [find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
                   "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + self.folder,
                   "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=hand_over, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in (to_read, to_write, *theirs):
            os.close(fd)
        self.to, self.answers = os.fdopen(to, "wb"), os.fdopen(answers, "rb")
        self.left = b""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(domain + ".enable")

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _message(self):
        while b"\0" not in self.left:
            if not select.select([self.answers], [], [], BACKSTOP_SECONDS)[0]:
                raise Trouble("the browser does not answer")
            more = os.read(self.answers.fileno(), 1 << 20)
            if not more:
                raise Trouble("the browser has ended")
            self.left += more
        one, self.left = self.left.split(b"\0", 1)
        return json.loads(one)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while True:
            answer = self._message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Trouble(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            self.news.append(answer)

    def wait_for(self, method):
        while not any(n.get("method") == method for n in self.news):
            self.news.append(self._message())

    def open(self, path, fragment=""):
        """A file, whole. The news of what it asked for and complained of begin anew."""
        for url in ("about:blank", "file://" + os.path.abspath(path) + fragment):
            self.news.clear()
            self.ask("Page.navigate", url=url)
            self.wait_for("Page.loadEventFired")

    def run(self, script):
        """The value of an expression in the page, a promise's when it is kept."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Trouble((details.get("exception") or {}).get("description") or details["text"])
        return answer["result"].get("value")

    def press(self, key):
        text = {"text": key} if key == " " else {"text": "\r"} if key == "Enter" else {}
        code = "Space" if key == " " else key
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=KEYS[key],
                     **(text if kind == "keyDown" else {}))

    def size(self, width, height, mobile=False, scale=1):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def media(self, kind="", **features):
        """media("print"), media(prefers_color_scheme="dark")"""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", media=kind, features=wanted)

    def picture(self, path, whole=False):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]))

    def print(self, path):
        answer = self.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        with open(path, "wb") as out:
            out.write(base64.b64decode(answer["data"]))

    def complaints(self):
        """What the page said on the console, and what went wrong in it."""
        said = []
        for n in self.news:
            if n.get("method") == "Runtime.exceptionThrown":
                said.append(n["params"]["exceptionDetails"]["text"])
            elif n.get("method") == "Runtime.consoleAPICalled" and n["params"]["type"] in ("error", "warning"):
                said.append(str(n["params"]["args"]))
            elif n.get("method") == "Log.entryAdded" and n["params"]["entry"]["level"] in ("error", "warning"):
                said.append(n["params"]["entry"]["text"])
        return said

    def requests(self):
        return [n["params"]["request"]["url"] for n in self.news if n.get("method") == "Network.requestWillBeSent"]
