import {line, scaleLinear} from "./d3.js";
import {mean, number} from "./maths.js";

export const title = "Push the letters. Who still reads them, and which setting helps?";
export const data = "fig-12-readers";

const SETTINGS = [
  "as in the chapter", "scale 0.01", "start 0.01", "scale and start 0.01", "scale and start 0.02", "scale and start 0.1",
  "32 hidden units", "512 hidden units", "the best fifth breeds", "300 generations more", "trained on pushes of 2, too",
  "DejaVu Sans", "DejaVu Serif", "Computer Modern", "STIX", "Typewriter", "Script", "Calligraphic", "Fraktur", "Double-struck",
];
const TONES = {"evolved": "tone-evolution", "evolved, without drift": "tone-highlight", "gradient": "", "template": "tone-linear"};

export const controls = [
  {name: "setting", label: "Setting or font", values: SETTINGS, value: SETTINGS[0]},
  {name: "pixels", label: "Push, of 100 pixels", values: [0, 1, 2, 3, 4, 6, 8], value: 2},
];

export function compute({setting, pixels}, stored) {
  const readers = {};
  stored.setting.forEach((name, i) => {
    if (name !== setting || !(stored.reader[i] in TONES)) return;
    ((readers[stored.reader[i]] ??= {})[stored.pixels[i]] ??= []).push(stored.right[i]);
  });
  const curves = Object.entries(readers).map(([reader, byPush]) => ({
    reader, curve: Object.entries(byPush).map(([push, right]) => [+push, mean(right)]).sort((a, b) => a[0] - b[0]),
  }));
  return curves.map(({reader, curve}) => ({reader, curve, now: curve.find(([push]) => push === pixels)[1]}));
}

export function describe(readers, {setting, pixels}) {
  const told = readers.map(({reader, now}) => `${reader[0].toUpperCase()}${reader.slice(1)}: ${number(now)}`).join("; ");
  return `Letters read of 26 after a push of ${pixels} of 100 pixels, ${setting} (mean over seeds and directions). ${told}.`;
}

export function draw(stage, readers, {pixels}) {
  const [place] = stage.places(1, 320);
  const plot = stage.panel(place, {x: scaleLinear([0, 8], [0, 1]), y: scaleLinear([0, 27], [0, 1]), xLabel: "push, pixels", yLabel: "letters read, of 26", ticks: 8, yTicks: 5});
  plot.inside.append("line").attr("class", "play-mark").attr("x1", plot.x(pixels)).attr("x2", plot.x(pixels)).attr("y2", plot.height);
  const path = line((p) => plot.x(p[0]), (p) => plot.y(p[1]));
  for (const {reader, curve, now} of readers) {
    plot.inside.append("path").attr("class", `play-line ${TONES[reader]}`).attr("d", path(curve));
    plot.inside.append("circle").attr("class", `play-dot ${TONES[reader]}`).attr("r", 7).attr("cx", plot.x(pixels)).attr("cy", plot.y(now));
  }
  plot.legend(readers.map(({reader}) => [reader, TONES[reader]]));
}
