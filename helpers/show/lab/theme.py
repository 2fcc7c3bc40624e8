"""Let the lab's pictures take the ground of the page, in a light and in a dark theme."""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.colors import to_rgb

PICTURE_CLASS = "lab-picture"
CONTROLS_CLASS = "lab-controls"
_DARK = ('[data-jp-theme-light="false"]', "body.vscode-dark", 'html[theme="dark"]')  # Jupyter, VS Code, Colab


def style_html() -> str:
    """Return the style sheet for pictures and pieces of lines in widgets of the class "lab-picture".

    A kernel cannot know the theme, but the page does. In a dark one, it turns light into dark and then the
    hues back, and the ground of the picture lets that of the page through. A page that knows none of these
    themes shows the picture on white. Somebody with a dark style of matplotlib chose the ground on purpose.
    """
    if sum(to_rgb(rcParams["figure.facecolor"])) < 1.5:
        return ""
    of_picture = [f".{PICTURE_CLASS} img", f".{PICTURE_CLASS} span[aria-hidden]"]
    dark = ", ".join(f"{theme} {part}" for theme in _DARK for part in of_picture)
    return (
        f"<style>{', '.join(of_picture)} {{mix-blend-mode:multiply}} "
        f"{dark} {{filter:invert(1) hue-rotate(180deg);mix-blend-mode:screen}}</style>"
    )


def narrow_html() -> str:
    """Return the style sheet that puts each name above its control where the controls are narrow.

    The names take 15 em. On a narrow page with an open side bar, no pixel would be left for a slider. The
    width of the page does not tell, because nobody knows how much of it the side bar takes.
    """
    row = f".{CONTROLS_CLASS} .widget-inline-hbox"
    return (
        f"<style>.{CONTROLS_CLASS} {{container-type:inline-size}} "
        f"@container (max-width: 330px) {{{row} {{flex-wrap:wrap;height:auto}} "
        f"{row} > .widget-label {{flex:0 0 100%;width:100% !important;text-align:left}}}}</style>"
    )
