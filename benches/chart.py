"""Bars and lines as SVG, readable on a light and on a dark page."""

STYLE = ("<style>text{font:13px sans-serif;fill:#555}.v{font-size:12px}"
         "@media(prefers-color-scheme:dark){text{fill:#bbb}}</style>")
COLORS = ["#2f6f9f", "#c2702b", "#4c8c4a", "#8a5fa8", "#888888", "#b0413e", "#3d8f8f", "#a08a2c"]


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def bars(title, rows):
    """Rows of (label, value, text); the first one is what the others are compared with."""
    height, left, width = 24, 190, 420
    most = max(value for _, value, _ in rows)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{40 + height * len(rows)}" role="img">',
             STYLE, f'<text x="8" y="20" font-weight="bold">{escaped(title)}</text>']
    for n, (label, value, text) in enumerate(rows):
        y, length = 34 + n * height, max(1, width * value / most)
        color = COLORS[0] if label.startswith(("apply", "load", "rollback")) else COLORS[4]
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escaped(label)}</text>'
                     f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="16" fill="{color}"/>'
                     f'<text class="v" x="{left + length + 6:.1f}" y="{y + 14}">{escaped(text)}</text>')
    return "\n".join(parts + ["</svg>", ""])


def lines(title, axis, numbers, series):
    """A line for each of the series {label: [value for each of the numbers]}."""
    left, top, width, height = 60, 40, 440, 220
    most = max(max(values) for values in series.values()) * 1.1
    x = {n: left + width * i / max(1, len(numbers) - 1) for i, n in enumerate(numbers)}
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="310" role="img">', STYLE,
             f'<text x="8" y="20" font-weight="bold">{escaped(title)}</text>',
             f'<path d="M{left} {top}V{top + height}H{left + width}" stroke="#888" fill="none"/>',
             f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">{escaped(axis)}</text>']
    for n in numbers:
        parts.append(f'<text x="{x[n]:.0f}" y="{top + height + 18}" text-anchor="middle">{n}</text>')
    for i in range(5):
        y = top + height - height * i / 4
        parts.append(f'<text class="v" x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{most * i / 4:.2f}</text>')
    for k, (label, values) in enumerate(series.items()):
        points = " ".join(f"{x[n]:.1f},{top + height - height * v / most:.1f}" for n, v in zip(numbers, values))
        y = top + 12 + 20 * k
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[k]}" stroke-width="2"/>'
                     f'<rect x="{left + width + 16}" y="{y - 9}" width="12" height="12" fill="{COLORS[k]}"/>'
                     f'<text x="{left + width + 34}" y="{y + 2}">{escaped(label)}</text>')
    return "\n".join(parts + ["</svg>", ""])
