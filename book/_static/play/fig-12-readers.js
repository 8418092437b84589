import {line, pointer, scaleLinear} from "./d3.js";
import {number} from "./maths.js";

export const title = "Push a letter, by the slider or with a finger. You hardly see it. Who still reads it, and which setting helps?";
export const data = "fig-12-readers";

const FONTS = [
  "DejaVu Sans", "DejaVu Serif", "Computer Modern", "Computer Modern Sans", "STIX", "STIX Sans", "Typewriter",
  "Script", "Calligraphic", "Fraktur", "Double-struck",
];
const SETTINGS = [
  "as in the chapter", "scale 0.01", "start 0.01", "scale and start 0.01", "scale and start 0.02", "scale and start 0.1",
  "32 hidden units", "512 hidden units", "the best fifth breeds", "300 generations more", "trained on pushes of 2, too", ...FONTS,
];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const PUSHES = [0, 1, 2, 3, 4, 6, 8];
const SIDE = 100;
const READERS = { // name in the stored run: its tone, and what it is called in a sentence
  "evolved": ["tone-evolution", "the evolved network (seed 0)"],
  "evolved, without drift": ["tone-highlight", "the same without its drift"],
  "gradient": ["", "a network trained by gradient"],
  "template": ["tone-linear", "the nearest template"],
};

export const controls = [
  {name: "setting", label: "Setting or font", values: SETTINGS, value: SETTINGS[0]},
  {name: "letter", label: "Letter", values: LETTERS, value: "A"},
  {name: "pixels", label: "Push to the right, of 100 pixels", values: PUSHES, value: 0, play: 900},
];

// Of each reader: letters right after each push (mean over seeds and sides), and what that of seed 0 says to the letter.
export function compute({setting, letter, pixels}, stored) {
  const rows = stored.setting.flatMap((name, i) => (name === setting ? [Object.fromEntries(Object.keys(stored).map((key) => [key, stored[key][i]]))] : []));
  return Object.keys(READERS).flatMap((reader) => {
    const own = rows.filter((row) => row.reader === reader);
    const now = own.find((row) => row.pixels === pixels);
    return now ? [{reader, curve: own.map((row) => [row.pixels, row.right]), now: now.right, said: now.said[LETTERS.indexOf(letter)]}] : [];
  });
}

export function describe(readers, {setting, letter, pixels}) {
  const said = [...new Set(readers.map((one) => one.said))].map((name) =>
    `as ${name} by ${readers.filter((one) => one.said === name).map(({reader}) => READERS[reader][1]).join(", ")}`);
  const told = readers.map(({reader, now}) => `${reader} ${number(now)}`).join("; ");
  return `This ${letter}, ${pixels} of 100 pixels to the right of where it was learned, is read ${said.join("; ")}. ` +
    `Letters read of 26, ${setting} (mean over seeds and sides): ${told}.`;
}

export function draw(stage, readers, {setting, letter, pixels}, set) {
  const [one, two] = stage.places(2, 350, [0.38, 0.62]);
  drawLetter(stage.panel({...one, height: 230}, {x: scaleLinear([0, SIDE], [0, 1]), y: scaleLinear([0, SIDE], [0, 1]), ticks: 0, square: true, bare: true}), setting, letter, pixels, set);
  readers.forEach(({reader, said}, i) => {
    const row = stage.svg.append("g").attr("transform", `translate(${one.left + one.width / 2 - 100},${one.top + 256 + 25 * i})`);
    row.append("circle").attr("class", `play-dot ${READERS[reader][0]}`).attr("r", 7).attr("cx", 8).attr("cy", -5);
    row.append("text").attr("x", 24).text(`${said} ${said === letter ? "✓" : "✗"}`);
    row.append("text").attr("x", 64).text(reader);
  });
  const plot = stage.panel(two, {x: scaleLinear([0, 8], [0, 1]), y: scaleLinear([0, 27], [0, 1]), xLabel: "push, pixels", yLabel: "letters read, of 26", ticks: 8, yTicks: 5});
  plot.inside.append("line").attr("class", "play-mark").attr("x1", plot.x(pixels)).attr("x2", plot.x(pixels)).attr("y2", plot.height);
  const path = line((p) => plot.x(p[0]), (p) => plot.y(p[1]));
  for (const {reader, curve, now} of readers) {
    const tone = READERS[reader][0];
    plot.inside.append("path").attr("class", `play-line ${tone}`).attr("d", path(curve));
    plot.inside.append("circle").attr("class", `play-dot ${tone}`).attr("r", 7).attr("cx", plot.x(pixels)).attr("cy", plot.y(now));
  }
}

let grabbed; // where a pointer took the letter, and how far it had been pushed

// The experiment's own picture: A to Z stand beside each other in a PNG, white on black, which serves as a mask for ink.
function drawLetter({inside, at, width, x}, setting, letter, pixels, set) {
  const font = FONTS.includes(setting) ? setting : FONTS[0];
  const href = new URL(`data/letters-${font.replaceAll(" ", "-")}.png`, import.meta.url).href;
  at.append("mask").attr("id", "fig-12-letter").attr("maskUnits", "userSpaceOnUse").attr("x", 0).attr("y", 0).attr("width", width).attr("height", width)
    .append("image").attr("href", href).attr("x", -LETTERS.indexOf(letter) * width).attr("width", 26 * width).attr("height", width).style("image-rendering", "pixelated");
  inside.append("rect").attr("class", "play-idle").attr("width", width).attr("height", width);
  for (const [ink, push] of [["play-band tone-evolution", 0], ["play-full", pixels]]) {
    inside.append("g").attr("transform", `translate(${x(push)},0)`)
      .append("rect").attr("class", ink).attr("mask", "url(#fig-12-letter)").attr("width", width).attr("height", width);
  }
  inside.append("rect").attr("class", "play-touch").attr("width", width).attr("height", width)
    .on("pointerdown pointermove", (event) => {
      const [here] = pointer(event, at.node());
      if (event.type === "pointerdown") grabbed = {here, pixels};
      if (!event.buttons || !grabbed) return;
      const wanted = grabbed.pixels + x.invert(here - grabbed.here);
      const nearest = PUSHES.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
      if (nearest !== pixels) set({pixels: nearest});
    });
}
