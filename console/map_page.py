"""A map as one HTML page that needs nothing else: points on a canvas, names under the pointer, a legend; three dimensions turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from online_models.arrays import F64

COLOURS: Final = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee7733", "#0077bb", "#33bbee", "#ee3377", "#cc3311",
    "#009988", "#997700", "#6699cc", "#994455", "#004488", "#eecc66", "#88ccaa", "#882255", "#44aa99", "#999933", "#332288", "#117733",
)  # fmt: skip
"""Paul Tol's bright, vibrant, high-contrast and muted schemes, for eyes that see colours otherwise too; further groups begin anew."""
DIGITS: Final = 3

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Segue: a map of tracks</title>
<style>
body{margin:0;font:14px/1.4 system-ui,sans-serif;background:#111;color:#ddd;display:flex;height:100vh}
#side{width:19em;padding:1em;overflow:auto;box-sizing:border-box}#side h1{font-size:1.1em;margin:0 0 .3em}
#legend div{cursor:pointer;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}#legend .off{opacity:.35}
#legend i{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.5em}
#view{flex:1;position:relative;overflow:hidden}canvas{display:block}
#tip{position:absolute;pointer-events:none;background:#000c;padding:.2em .5em;border-radius:.3em;display:none;max-width:24em}
</style></head><body>
<div id="side"><h1>A map of tracks</h1><p id="about"></p><div id="legend"></div></div>
<div id="view"><canvas id="map"></canvas><div id="tip"></div></div>
<script type="application/json" id="data">@DATA@</script>
<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const view = document.getElementById("view"), canvas = document.getElementById("map"), tip = document.getElementById("tip");
const pen = canvas.getContext("2d"), n = data.names.length, dims = data.dims, off = new Set();
let a = 0.6, b = 0.4, zoom = 1, dx = 0, dy = 0, drag = null, xs = new Float32Array(n), ys = new Float32Array(n);
document.getElementById("about").textContent = data.about;
data.groups.forEach((group, g) => {
  const row = document.createElement("div"), dot = document.createElement("i");
  dot.style.background = group.colour;
  row.append(dot, `${group.name} (${group.tracks})`);
  row.title = group.name;
  row.onclick = () => { off.has(g) ? off.delete(g) : off.add(g); row.classList.toggle("off"); draw(); };
  document.getElementById("legend").append(row);
});
function project() {
  const scale = zoom * Math.min(canvas.width, canvas.height) / 2.1 / data.radius;
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
  for (let i = 0; i < n; i++) {
    let x = data.at[dims * i], y = data.at[dims * i + 1];
    if (dims === 3) {
      const z = data.at[3 * i + 2], u = ca * x + sa * z, w = ca * z - sa * x;
      x = u; y = cb * y - sb * w;
    }
    xs[i] = canvas.width / 2 + dx + scale * x;
    ys[i] = canvas.height / 2 + dy - scale * y;
  }
}
function draw() {
  canvas.width = view.clientWidth; canvas.height = view.clientHeight;
  project();
  pen.globalAlpha = n > 5000 ? 0.5 : 0.8;
  const size = n > 5000 ? 2 : 4;
  for (let i = 0; i < n; i++) {
    if (off.has(data.group[i])) continue;
    pen.fillStyle = data.groups[data.group[i]].colour;
    pen.fillRect(xs[i] - size / 2, ys[i] - size / 2, size, size);
  }
}
function hover(event) {
  const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  let best = -1, least = 100;
  for (let i = 0; i < n; i++) {
    const d = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (d < least && !off.has(data.group[i])) { least = d; best = i; }
  }
  tip.style.display = best < 0 ? "none" : "block";
  if (best < 0) return;
  tip.textContent = `${data.names[best]} (${data.groups[data.group[best]].name})`;
  tip.style.left = `${Math.min(x + 12, view.clientWidth - 200)}px`;
  tip.style.top = `${y + 12}px`;
}
canvas.onpointerdown = event => { drag = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); };
canvas.onpointerup = () => { drag = null; };
canvas.onpointermove = event => {
  if (!drag) return hover(event);
  const [x, y] = [event.clientX - drag[0], event.clientY - drag[1]];
  drag = [event.clientX, event.clientY];
  if (dims === 3) { a += x / 200; b += y / 200; } else { dx += x; dy += y; }
  draw();
};
canvas.onwheel = event => { event.preventDefault(); zoom *= event.deltaY < 0 ? 1.1 : 1 / 1.1; draw(); };
window.onresize = draw;
draw();
</script></body></html>
"""


def page(places: F64, names: Sequence[str], groups: Sequence[str], about: str) -> str:
    """The page.

    Parameters
    ----------
    places : (n, 2) or (n, 3)
    names, groups : (n,) what the pointer shows, and what colours
    about : one sentence
    """
    centred = places - places.mean(axis=0)
    counts = sorted(Counter(groups).items(), key=lambda pair: (-pair[1], pair[0]))
    number = {name: i for i, (name, _) in enumerate(counts)}
    data = {
        "dims": places.shape[1],
        "about": about,
        "radius": max(round(float((centred**2).sum(axis=1).max() ** 0.5), DIGITS), 10.0**-DIGITS),
        "groups": [{"name": name, "tracks": n, "colour": COLOURS[i % len(COLOURS)]} for i, (name, n) in enumerate(counts)],
        "group": [number[name] for name in groups],
        "at": [round(value, DIGITS) for value in centred.ravel().tolist()],
        "names": list(names),
    }
    # A title may hold `</script>`: inside JSON the sign can be written otherwise.
    return PAGE.replace("@DATA@", msgspec.json.encode(data).decode().replace("<", "\\u003c"))
