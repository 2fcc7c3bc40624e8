"""Measure in the page whether what a learner reads fits into its box.

Each function takes a part of the page, a Playwright locator, and returns what does not fit: [] is good. What
is folded away has no box.
"""

_LETTERED = (
    ".widget-label, .widget-button, .widget-toggle-button, .widget-readout, .widget-radio-box label,"
    " .quiz-question label, .quiz-question legend"
)
# The text of a label that is an inline box has no width of its own
_CUT = """all => all.filter(e => e.offsetParent && e.innerText.trim()
    && getComputedStyle(e).display !== 'inline'
    && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
    .map(e => [e.innerText.slice(0, 60), e.scrollWidth, e.clientWidth, e.scrollHeight, e.clientHeight])"""
_WIDE = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => [e.className, e.scrollWidth, e.clientWidth, e.innerText.slice(0, 80)])"""
# Of boxes in each other, only the innermost is compared
_OVERLAPPING = """all => {
    const shown = all.filter(e => e.offsetParent && e.innerText.trim())
        .filter((e, _, rest) => !rest.some(other => other !== e && e.contains(other)))
        .map(e => [e.innerText.slice(0, 40), e.getBoundingClientRect()]);
    return shown.flatMap(([text, a], i) => shown.slice(i + 1)
        .filter(([_, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
        .map(([other]) => [text, other])) }"""
_TIGHT = """all => all.filter(e => e.offsetParent
    && [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
    .map(e => [e.innerText.slice(0, 60), getComputedStyle(e)])
    .filter(([_, style]) => parseFloat(style.lineHeight) < 1.2 * parseFloat(style.fontSize))
    .map(([text, style]) => [text, style.lineHeight, style.fontSize])"""


def cut(part) -> list:
    """Return the labels, buttons and options whose text is wider or higher than their box."""
    return part.locator(_LETTERED).evaluate_all(_CUT)


def overlapping(part) -> list:
    """Return the pairs of labels, buttons and options that lie on each other."""
    return part.locator(_LETTERED).evaluate_all(_OVERLAPPING)


def sideways(part) -> list:
    """Return the outputs, and boxes in them, that scroll sideways."""
    return part.locator(".jp-OutputArea-output, .jp-OutputArea-output .widget-box").evaluate_all(_WIDE)


def tight(part) -> list:
    """Return the texts whose lines are so near each other that Hangul, which is as high as wide, touches."""
    return part.locator(".jp-OutputArea-output *").evaluate_all(_TIGHT)


def misfits(part) -> dict[str, list]:
    """Return by its name what each function above finds; {} if all fits."""
    found = {measure.__name__: measure(part) for measure in (cut, overlapping, sideways, tight)}
    return {name: elements for name, elements in found.items() if elements}
