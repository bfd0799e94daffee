"""What holds of the page whatever it shows and whoever looks."""

# {what: script that finds what is not so}
RULES = {
    "no text is cut off, or lies over another": """[...document.querySelectorAll('h1, h2, h3, p, dt, dd, code, .foot > *')]
        .filter((one) => one.offsetParent && !one.matches('.unseen, .fault dd, #errors p'))
        .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
        .map((one) => one.outerHTML)""",
    "there is one live region, and it is seen by nobody": """[...document.querySelectorAll(
        '[aria-live], [role=status], [role=alert], [role=log], output')].filter((one) => one.id !== 'said')
        .map((one) => one.outerHTML)""",
    "names are kept apart from the text around them":
        """[...document.querySelectorAll('#sinks h3, #sinks .fault dd, #errors p, #errors .whose')]
           .filter((one) => one.innerText && !one.querySelector('bdi')).map((one) => one.outerHTML)""",
    "every picture has a name, or is decoration":
        """[...document.querySelectorAll('svg')].filter((svg) => svg.getAttribute('aria-hidden') !== 'true'
           && !(svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label'))).map((svg) => svg.outerHTML)""",
    "there is one of each landmark":
        """['header', 'main', 'footer', 'nav', 'h1'].filter((tag) => document.querySelectorAll(tag).length !== 1)""",
    "headings leave out no level":
        """[...document.querySelectorAll('h1, h2, h3, h4')].filter((one) => one.offsetParent)
           .filter((one, index, all) => Number(one.tagName[1]) > Number(index ? all[index - 1].tagName[1] : 0) + 1)
           .map((one) => one.innerText)""",
    "lists hold items alone":
        """[...document.querySelectorAll('ul > :not(li), ol > :not(li), dl > :not(div)')].map((one) => one.outerHTML)""",
    "each sink's state is said in words":
        """[...document.querySelectorAll('#sinks > li')].filter((one) => !one.querySelector('.state').innerText.trim())
           .map((one) => one.innerText)""",
    "what can be focused is large enough to be met by a finger":
        """[...document.querySelectorAll('a, button')]
           .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24).map((one) => one.outerHTML)""",
    # WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 where the text is large; 1.4.11: 3 to 1 for signs and lines.
    "contrast is enough": """(() => {
        const numbers = (text) => {
            const found = (text.match(/-?[\\d.]+(e-?\\d+)?/g) ?? []).map(Number);
            const scale = text.startsWith('color(') ? 255 : 1;
            return { rgb: found.slice(0, 3).map((one) => one * scale), alpha: found[3] ?? 1 };
        };
        const light = ([red, green, blue]) => [red, green, blue].map((one) => one / 255)
            .map((one) => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
            .reduce((sum, one, index) => sum + one * [.2126, .7152, .0722][index], 0);
        const ground = (node) => {
            for (let one = node; one; one = one.parentElement) {
                const found = numbers(getComputedStyle(one).backgroundColor);
                if (found.alpha === 1) return found.rgb;
            }
            return [255, 255, 255];
        };
        const ratio = (one, other) => {
            const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
            return (high + .05) / (low + .05);
        };
        const wrong = [];
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const node = walk.currentNode.parentElement, style = getComputedStyle(node);
            if (!walk.currentNode.data.trim() || !node.getClientRects().length || style.display === 'none') continue;
            const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
            const found = ratio(numbers(style.color).rgb, ground(node));
            if (found < (large ? 3 : 4.5)) wrong.push(found.toFixed(2) + ': ' + walk.currentNode.data.slice(0, 60));
        }
        for (const path of document.querySelectorAll('.sign path, .chart .trace')) {
            if (!path.getClientRects().length) continue;
            const found = ratio(numbers(getComputedStyle(path).stroke).rgb, ground(path.parentElement.parentElement));
            if (found < 3) wrong.push(found.toFixed(2) + ': a sign or a line, ' + getComputedStyle(path).stroke);
        }
        return wrong;
    })()""",
}
