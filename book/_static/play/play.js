// The stage of the figures that run in the page: controls, picture, and a sentence that says what the picture shows.
//
// A figure is a module beside this file, named like the figure of the book that it follows. It exports
//   title      what there is to try
//   controls   [{name, label, values, value, format?, play?}]; `values` of strings make a list, of numbers a slider,
//              `play: ms` adds a button that runs through the values
//   compute    state -> what is to be shown; numbers only, so that a test can run it without a page
//   describe   (result, state) -> one or two sentences: the picture's text alternative, which everybody reads
//   draw       (stage, result, state, set): draws it with D3; `set({name: value})` moves controls, for a pointer that drags
//   data       (optional) name of data/NAME.json, made at build time from a stored run: compute's second argument
//   table, rows  (optional) a table below the picture: see table.js

import {axisBottom, axisLeft, select} from "./d3.js";
import {addTable, say} from "./table.js";

const NARROW = 560; // below it panels lie under each other

for (const root of document.querySelectorAll(".play[data-figure]")) {
  const near = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    near.disconnect();
    mount(root);
  }, {rootMargin: "800px"});
  near.observe(root);
}

async function mount(root) {
  const name = root.dataset.figure;
  const figure = await import(`./${name}.js`);
  const data = figure.data && (await (await fetch(new URL(`data/${figure.data}.json`, import.meta.url))).json());
  const body = select(root);
  body.append("p").attr("class", "play-title").html(`<strong>Try it.</strong> ${figure.title}`);
  const form = body.append("form").attr("class", "play-controls").on("submit", (event) => event.preventDefault());
  const picture = body.append("svg").attr("role", "img");
  const reading = body.append("p").attr("class", "play-reading").attr("role", "status");
  const showRows = figure.table && addTable(body, figure.table, set, `${name}-filter`);
  const state = Object.fromEntries(figure.controls.map((control) => [control.name, control.value]));
  const shows = figure.controls.map((control) => addControl(form, control, set, `${name}-${control.name}`));
  function set(values) {
    Object.assign(state, values);
    shows.forEach((tell, i) => tell(state[figure.controls[i].name]));
    show();
  }

  let result;
  function show() {
    result = figure.compute(state, data);
    const text = figure.describe(result, state);
    picture.attr("aria-label", text);
    say(reading, text);
    if (showRows) showRows(figure.rows(result));
    paint();
  }
  function paint() {
    const {paddingLeft, paddingRight} = getComputedStyle(root);
    const width = root.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    if (width < 50 || !result) return;
    picture.selectAll("*").remove();
    figure.draw(new Stage(picture, width), result, state, set);
  }
  set({});
  let painted = root.clientWidth;
  new ResizeObserver(() => {
    if (root.clientWidth === painted) return;
    painted = root.clientWidth;
    paint();
  }).observe(root);
}

// Adds one control; returns what shows a value on it.
function addControl(form, {name, label, values, format = String, play}, set, id) {
  const box = form.append("div").attr("class", "play-control");
  box.append("label").attr("for", id).text(label);
  if (typeof values[0] === "string") {
    const list = box.append("select").attr("id", id).on("change", () => set({[name]: list.property("value")}));
    for (const value of values) list.append("option").attr("value", value).text(value);
    return (value) => list.property("value", value);
  }
  const last = values.length - 1;
  const slider = box.append("input").attr("type", "range").attr("id", id).attr("min", 0).attr("max", last);
  const shown = box.append("output").attr("for", id);
  const go = (index) => set({[name]: values[index]});
  if (play) {
    let timer;
    const button = box.append("button").attr("type", "button").text("Play");
    const stop = () => {
      timer = clearInterval(timer);
      button.text("Play");
    };
    button.on("click", () => {
      if (timer) return stop();
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return go(last);
      let index = +slider.property("value");
      if (index === last) go((index = 0));
      button.text("Pause");
      timer = setInterval(() => {
        go((index += 1));
        if (index === last) stop();
      }, play);
    });
    slider.on("pointerdown keydown", stop);
  }
  slider.on("input", () => go(+slider.property("value")));
  return (value) => {
    slider.property("value", values.indexOf(value)).attr("aria-valuetext", format(value));
    shown.text(format(value));
  };
}

class Stage {
  constructor(svg, width) {
    this.svg = svg;
    this.width = width;
  }

  // Places for n panels of a height: beside each other, on a phone below each other. The picture takes their size.
  places(n, height, shares = Array(n).fill(1 / n)) {
    const stacked = this.width < NARROW;
    const gap = 16; // or one panel's last words run into the next one's first
    const total = stacked ? n * (height + gap) - gap : height;
    this.svg.attr("viewBox", `0 0 ${this.width} ${total}`).attr("width", this.width).attr("height", total);
    let left = 0;
    return shares.map((share, i) => {
      const place = stacked
        ? {left: 0, top: i * (height + gap), width: this.width, height}
        : {left, top: 0, width: share * this.width, height};
      left += share * this.width;
      return place;
    });
  }

  // A panel with axes. `x` and `y` are D3 scales without a range; `square` keeps both to the same length; `bare` has no words.
  panel(place, {x, y, xLabel = "", yLabel = "", title = "", ticks = 5, yTicks = ticks, xTicks = null, xFormat, yFormat, square = false, bare = false}) {
    const margin = bare ? {left: 1, right: 1, top: 1, bottom: 1} : {left: 52, right: 14, top: title ? 30 : 12, bottom: 44};
    let width = place.width - margin.left - margin.right;
    let height = place.height - margin.top - margin.bottom;
    let left = place.left + margin.left;
    if (square) {
      const side = Math.min(width, height);
      left += (width - side) / 2;
      width = height = side;
    }
    const at = this.svg.append("g").attr("transform", `translate(${left},${place.top + margin.top})`);
    x = x.copy().range([0, width]);
    y = y.copy().range([height, 0]);
    at.append("g").attr("class", "play-axis").attr("transform", `translate(0,${height})`)
      .call(axisBottom(x).ticks(ticks, xFormat).tickValues(xTicks).tickSizeOuter(0));
    at.append("g").attr("class", "play-axis").call(axisLeft(y).ticks(yTicks, yFormat).tickSizeOuter(0));
    const words = (text, px, py, anchor = "middle") =>
      at.append("text").attr("class", "play-words").attr("x", px).attr("y", py).attr("text-anchor", anchor).text(text);
    words(xLabel, width / 2, height + 38);
    if (yLabel) words(yLabel, 0, 0).attr("transform", `translate(${-40},${height / 2}) rotate(-90)`);
    if (title) words(title, width / 2, -12);
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    at.append("clipPath").attr("id", clip).append("rect").attr("width", width).attr("height", height);
    const inside = at.append("g").attr("clip-path", `url(#${clip})`);
    // Names of lines, in the upper right corner: [[name, class of its tone], ...].
    const legend = (entries) => entries.forEach(([name, tone], i) => {
      const row = at.append("g").attr("transform", `translate(${width - 6},${14 + 18 * i})`);
      row.append("text").attr("x", -26).attr("text-anchor", "end").text(name);
      row.append("line").attr("class", `play-line ${tone}`).attr("x1", -20).attr("y1", -4).attr("y2", -4);
    });
    return {at, inside, x, y, width, height, words, legend};
  }
}
