"""Looks at the relay's page with a real headless Chromium.

    judge.py BROWSER SCENES [--screenshots FOLDER]

BROWSER is the command of a Chromium. SCENES is a file: a JSON array of {"name", "url", "shows", "hides"}, each the page of a
relay in some state, with texts that must be and must not be read there. Each is looked at as visitors with a desk, a phone or
a small phone do, by day and by night; then a page is followed through changes, by keys and by ear. Pictures go into FOLDER.
It exits 0 where all is as it should be, and 1 where something is not, which it says.
"""

import argparse
import json
import os
import re
import sys

sys.dont_write_bytecode = True

from browser import Browser, Tab  # noqa: E402
from front import Front  # noqa: E402
from rules import RULES  # noqa: E402

# Width, height, dark.
VISITORS = {
    "desk": (1280, 800, False), "desk-dark": (1280, 800, True), "phone": (390, 844, False), "phone-dark": (390, 844, True),
    "small": (320, 568, False),
}


class Judge:
    def __init__(self, browser, scenes, shots):
        self.browser, self.scenes, self.shots = browser, {scene["name"]: scene for scene in scenes}, shots
        self.problems, self.checked, self.where = [], 0, ""

    def expect(self, holds, what):
        self.checked += 1
        if not holds:
            self.problems.append(f"{self.where}: {what}")

    def shoot(self, tab, name):
        if self.shots:
            tab.shoot(os.path.join(self.shots, f"{name}.png"))

    def keep_to_itself(self, tab, origin, is_lost=False):
        """Nothing was thrown, refused or asked of anybody else."""
        for event in tab.events("Runtime.exceptionThrown"):
            self.expect(False, f"the script failed: {event['exceptionDetails']}")
        for event in tab.events("Log.entryAdded"):
            entry = event["entry"]
            # An answer of 503 and a lost connection are in the log of the browser whatever the page does.
            expected = entry["source"] == "network" and (entry.get("url", "").endswith("/readyz") or is_lost)
            said = f"the browser says: {entry['text']} {entry.get('url', '')}"
            self.expect(expected or entry["level"] != "error", said)
        urls = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
        outside = [url for url in urls if not url.startswith((origin, "data:"))]
        self.expect(urls and not outside, f"it asks for {outside}")

    def visit(self, scene):
        """One scene, as each visitor sees it."""
        tab = Tab(self.browser)
        for number, (visitor, (width, height, dark)) in enumerate(VISITORS.items()):
            self.where = f"{scene['name']}, {visitor}"
            tab.become(width, height, dark)
            if number == 0:
                tab.open(scene["url"])
                self.read(tab, scene)
            # A phone's innerWidth grows with what is in it, so that it says nothing.
            wide = tab.run("document.documentElement.scrollWidth")
            self.expect(wide <= width, f"it is {wide} wide, and scrolls sideways")
            for rule, script in RULES.items():
                wrong = tab.run(script)
                self.expect(not wrong, f"not so: {rule}: {wrong}")
            self.shoot(tab, f"{scene['name']}-{visitor}")
        self.keep_to_itself(tab, scene["url"])
        tab.close()

    def read(self, tab, scene):
        shown = tab.text()
        for text in scene["shows"]:
            self.expect(text in shown, f"it does not show {text!r}")
        for text in scene["hides"]:
            self.expect(text not in shown, f"it shows {text!r}")
        ran = tab.run("window.ran !== undefined || document.images.length > 0 || document.scripts.length !== 1")
        self.expect(not ran, "markup of a name became part of the page")
        self.listen(tab)

    def listen(self, tab):
        """What a screen reader makes of it: landmarks and pictures have names (https://www.w3.org/TR/wai-aria-1.2/)."""
        nodes = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tab.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        roles = [role for role, _ in nodes]
        for landmark in ("banner", "main", "contentinfo"):
            self.expect(roles.count(landmark) == 1, f"a screen reader finds {roles.count(landmark)} of {landmark}")
        for role in ("region", "navigation", "image", "button", "link", "heading"):
            unnamed = sum(1 for one, name in nodes if one == role and not name)
            self.expect(not unnamed, f"{unnamed} of {role} have no name for a screen reader")
        charts = [name for role, name in nodes if role == "image"]
        told = re.compile(
            "^Events (behind|delivered) over the last 10 minutes: (lowest .+, highest .+, last .+|no readings yet)$")
        self.expect(all(told.match(name) for name in charts), f"charts do not tell what they show: {charts}")

    def follow(self):
        """A page through changes of its relay: what comes by itself, what is said aloud, an outage, a page that is hidden."""
        self.where = "changes"
        front = Front()
        tab = Tab(self.browser)
        tab.become(390, 844)
        front.lead(self.scenes["healthy"]["url"])
        tab.open(front.url)
        self.expect(tab.text("#said") == "", "it speaks before anything has changed")
        tab.run("""window.spoken = 0; new MutationObserver(() => spoken++).observe(
            document.getElementById('said'), { childList: true, characterData: true, subtree: true })""")
        tab.run("document.querySelector('#sinks > li h3').node = 1")
        for _ in range(3):
            tab.ask_again()
        self.expect(tab.run("spoken") == 0, "it speaks though nothing has changed")
        asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
        self.expect(any("history?since=" in url for url in asked), "it asks for the whole history each time")

        front.lead(self.scenes["blocked"]["url"])
        # No key is pressed: it asks by itself.
        tab.polled(tab.polls() + 2)
        spoken = tab.text("#said")
        self.expect("billing is blocked" in spoken, f"of a blocked sink it says {spoken!r}")
        self.expect(tab.text("#sinks > li h3") == "billing", "a blocked sink does not come first")
        still = "[...document.querySelectorAll('#sinks h3')].some((one) => one.node)"
        self.expect(tab.run(still), "an update makes all anew")
        self.expect("billing is blocked" in tab.run("document.title"), "the title does not tell")
        self.expect(tab.run("spoken") <= 2, f"it says one change {tab.run('spoken')} times")

        front.lead(None)
        tab.ask_again()
        shown = tab.text()
        self.expect(re.search(r"No answer since \d\d:\d\d:\d\d\n", shown), "it does not tell that nobody answers")
        self.expect("how it was then" in shown and "28,412" in shown, "it forgets what it knew")
        self.expect("outbox-relay status" in shown, "it does not tell what to do without its relay")
        self.expect("No answer since" in tab.text("#said"), "it does not say that nobody answers")
        self.shoot(tab, "gone-phone")
        front.lead(self.scenes["healthy"]["url"])
        tab.run("""new Promise((done) => { const look = () => document.getElementById('verdict').innerText.includes('live')
            ? done() : setTimeout(look, 50); look(); })""")
        self.expect("No answer" not in tab.text(), "it does not recover by itself")

        hidden = """Object.defineProperty(document, 'hidden', { get: () => %s, configurable: true });
                    document.dispatchEvent(new Event('visibilitychange'));"""
        tab.run(hidden % "true")
        self.expect(tab.run("poll(), asking") is False, "it asks while it is hidden")
        polls = tab.polls()
        tab.run(hidden % "false")
        tab.polled(polls + 1)
        self.keep_to_itself(tab, front.url, is_lost=True)
        tab.close()

    def begin_late(self):
        """A page that was loaded when its relay was just going."""
        self.where = "never answered"
        tab = Tab(self.browser)
        tab.become(1280)
        # The page comes; what it asks for does not.
        tab.call("Network.setBlockedURLs", urls=["*/status*", "*/history*", "*/readyz*"])
        tab.open(self.scenes["healthy"]["url"])
        self.expect(tab.text("#verdict-title") == "No answer", f"it says {tab.text('#verdict-title')!r}")
        self.shoot(tab, "never-answered-desk")
        tab.close()

    def use_keys(self):
        """Everything is reached by the Tab key, in the order of the page, and can be seen to be."""
        self.where = "keys"
        tab = Tab(self.browser)
        tab.become(390, 844)
        tab.open(self.scenes["blocked"]["url"])
        tab.run("document.body.focus()")
        wanted = tab.run("""[...document.querySelectorAll('a, button, [tabindex]')]
            .filter((one) => one.getClientRects().length).map((one, index) => { one.dataset.stop = index; return index; })""")
        self.expect(len(wanted) > 5, f"there are only {len(wanted)} stops: long errors cannot be scrolled by keys")
        for stop in wanted:
            tab.press("Tab", 9)
            at = tab.run("document.activeElement.dataset.stop ?? document.activeElement.outerHTML.slice(0, 80)")
            self.expect(at == str(stop), f"stop {stop} of the Tab key is {at}")
            seen = tab.run("""(({ outlineStyle, outlineWidth }) => outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2)(
                getComputedStyle(document.activeElement))""")
            self.expect(seen, f"the focus cannot be seen at {at}")
        tab.run("document.getElementById('pause').focus()")
        tab.press("Enter", 13, "\r")
        paused = tab.text("#pause") == "Resume updates" and "Paused" in tab.text("#freshness")
        self.expect(paused, "Enter does not pause it")
        self.expect(tab.run("poll(), asking") is False, "it asks while it is paused")
        tab.press("Enter", 13, "\r")
        self.expect(tab.text("#pause") == "Pause updates", "Enter does not resume it")
        tab.close()

    def attack(self):
        """The policy holds, whatever a script would do."""
        self.where = "policy"
        tab = Tab(self.browser)
        tab.become(1280)
        tab.open(self.scenes["healthy"]["url"])
        broken = tab.run("""new Promise((done) => {
            const broken = [];
            document.addEventListener('securitypolicyviolation', (event) => broken.push(event.effectiveDirective));
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/image';
            const style = document.createElement('style');
            style.textContent = 'body { display: none }';
            document.body.append(image, style);
            try { document.body.insertAdjacentHTML('beforeend', '<p></p>'); } catch { broken.push('trusted types'); }
            fetch('http://127.0.0.1:9/').catch(() => {});
            const look = () => broken.length < 4 && tries-- > 0 ? setTimeout(look, 50) : done(broken);
            let tries = 200;
            look();
        })""")
        for directive in ("connect-src", "img-src", "style-src-elem", "trusted types"):
            self.expect(directive in broken, f"nothing holds against {directive}: {broken}")
        tab.close()

    def keep_still(self):
        """What moves, moves for those only who have not asked for less."""
        self.where = "motion"
        for still in (False, True):
            front = Front()
            front.lead(self.scenes["healthy"]["url"])
            tab = Tab(self.browser)
            tab.become(1280, still=still)
            tab.open(front.url)
            front.lead(self.scenes["blocked"]["url"])
            tab.ask_again()
            moving = tab.run("""new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
                done(document.getAnimations().length))))""")
            self.expect((moving == 0) == still, f"{moving} move, with less motion {'' if still else 'not '}asked for")
            tab.close()
            front.lead(None)

    def print_out(self):
        """On paper there is nothing to press."""
        self.where = "paper"
        tab = Tab(self.browser)
        tab.become(794, 1123, media="print")
        tab.open(self.scenes["blocked"]["url"])
        pressed = tab.run(
            "[...document.querySelectorAll('button, nav')].filter((one) => one.getClientRects().length).length")
        self.expect(pressed == 0, f"{pressed} things to press are printed")
        cut = tab.run("""[...document.querySelectorAll('.fault dd')]
            .filter((one) => one.scrollHeight > one.clientHeight + 1).length""")
        self.expect(cut == 0, f"{cut} errors are cut")
        self.shoot(tab, "blocked-paper")
        tab.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("browser")
    parser.add_argument("scenes")
    parser.add_argument("--screenshots")
    given = parser.parse_args()
    with open(given.scenes, encoding="utf-8") as file:
        scenes = json.load(file)
    if given.screenshots:
        os.makedirs(given.screenshots, exist_ok=True)
    browser = Browser(given.browser)
    judge = Judge(browser, scenes, given.screenshots)
    try:
        for scene in scenes:
            judge.visit(scene)
        for part in (judge.follow, judge.begin_late, judge.use_keys, judge.attack, judge.keep_still, judge.print_out):
            part()
    finally:
        browser.close()
    for problem in judge.problems:
        print(problem)
    print(f"page: {judge.checked} checks in {len(scenes)} scenes, {len(judge.problems)} not met.")
    return 1 if judge.problems else 0


sys.exit(main())
