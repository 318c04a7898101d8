"""What every page must keep: no script error, no sideways scroll, readable text, one heading."""

from playwright.sync_api import Page

#: Texts, and edges of fields, that stand out too little from what is behind, as "ratio text".
#: Colours are painted on a canvas to be read: the browser tells them as it was told (oklch).
FAINT = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const pixel = (colour, under) => {
    canvas.clearRect(0, 0, 1, 1);
    if (under) { canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1); }
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (ink, under) => {
    const [one, other] = [light(pixel(ink, under)), light(pixel(under))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (pixel(colour)[3] === 255) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const isSeen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const isQuiet = element.closest("[aria-disabled=true], :disabled, .visually-hidden, option");
    if (!own.length || !isSeen || isQuiet) continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const under = behind(element);
    const ratio = contrast(ink, under);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${own[0].textContent.trim().slice(0, 40)}`);
  }
  const fields = "input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea";
  for (const field of document.querySelectorAll(fields)) {
    const isSeen = field.checkVisibility({ visibilityProperty: true });
    if (!isSeen || field.matches(":disabled")) continue;
    const ratio = contrast(getComputedStyle(field).borderTopColor, behind(field.parentElement));
    if (ratio < 3) found.push(`${ratio.toFixed(2)} edge of ${field.name || field.id}`);
  }
  return found;
}
"""

TAKES_KEYS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def watched(page: Page) -> list[str]:
    """Return a list that gets every error of the page's scripts."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    return errors


def problems(page: Page) -> list[str]:
    """Return what is wrong with the look of the page that is open."""
    found = [f"too faint: {text}" for text in page.evaluate(FAINT)]
    if page.evaluate(SIDEWAYS) > 0:
        found.append("scrolls sideways")
    headings = page.locator("h1").count()
    if headings != 1:
        found.append(f"{headings} main headings")
    if not page.evaluate(f"document.querySelector('{TAKES_KEYS}').matches('.skip-link')"):
        found.append("the skip link is not first")
    return found
