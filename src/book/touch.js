/* Generated from README.org by tangle.el; edit README.org instead. */
// The trained networks: weights in 16 bits, and the arithmetic that they need.
const half = (bits) => { // a float16; weights are finite
  const size = bits & 0x7fff, exponent = size >> 10, sign = bits >> 15 ? -1 : 1;
  return sign * (exponent ? (1024 + (size & 1023)) * 2 ** (exponent - 25) : size * 2 ** -24);
};
const unpack = ({ shape, data }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { shape, values: Float32Array.from(new Uint16Array(bytes.buffer), half) };
};
const linear = (x, { shape: [outputs, inputs], values }, bias) => { // rows of INPUTS numbers
  const y = new Float32Array((x.length / inputs) * outputs);
  y.forEach((_, at) => {
    const output = at % outputs, row = ((at - output) / outputs) * inputs;
    let sum = bias ? bias.values[output] : 0;
    for (let i = 0; i < inputs; i += 1) sum += values[output * inputs + i] * x[row + i];
    y[at] = sum;
  });
  return y;
};
const softmax = (logits, temperature = 1) => {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  const total = powers.reduce((sum, power) => sum + power);
  return powers.map((power) => power / total);
};

// The trained GPT: which letter comes next, and names drawn from it.
const normalise = (x, { values: weight }, { values: bias }) => {
  const width = weight.length, y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += width) {
    const row = x.subarray(at, at + width), mean = row.reduce((sum, v) => sum + v) / width;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    row.forEach((v, i) => { y[at + i] = (v - mean) * scale * weight[i] + bias[i]; });
  }
  return y;
};
const attend = (qkv, width, heads) => { // rows of q, k, v: causal attention, head by head
  const rows = qkv.length / 3 / width, size = width / heads, y = new Float32Array(rows * width);
  const part = (row, which, head) => { // of a row's q (0), k (1) or v (2)
    const at = (3 * row + which) * width + head * size;
    return qkv.subarray(at, at + size);
  };
  for (let head = 0; head < heads; head += 1) for (let row = 0; row < rows; row += 1) {
    const q = part(row, 0, head), scores = Array.from({ length: row + 1 }, (_, past) =>
      part(past, 1, head).reduce((sum, k, i) => sum + k * q[i], 0) / Math.sqrt(size));
    softmax(scores).forEach((share, past) => part(past, 2, head).forEach((v, i) => {
      y[row * width + head * size + i] += share * v;
    }));
  }
  return y;
};
const gelu = (z) => { // the error function to 2e-7: Abramowitz and Stegun (1964), 7.1.26
  const x = Math.abs(z) / Math.SQRT2, t = 1 / (1 + 0.3275911 * x);
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t
    + 0.254829592) * t * Math.exp(-x * x); // 1 - erf(x)
  return z > 0 ? z * (1 - tail / 2) : (z * tail) / 2;
};
const predict = (tokens, weights, heads) => { // the logits of what follows TOKENS
  const use = (x, name) => linear(x, weights[`${name}.weight`], weights[`${name}.bias`]);
  const level = (x, name) => normalise(x, weights[`${name}.weight`], weights[`${name}.bias`]);
  const width = weights["norm.bias"].values.length, table = weights["token.weight"].values;
  let x = Float32Array.from({ length: tokens.length * width }, (_, at) =>
    table[tokens[Math.floor(at / width)] * width + (at % width)]
    + weights["position.weight"].values[at]);
  const add = (more) => { x = x.map((value, at) => value + more[at]); };
  for (let n = 0; weights[`blocks.${n}.norm1.bias`]; n += 1) {
    const block = `blocks.${n}`, qkv = use(level(x, `${block}.norm1`), `${block}.attention.qkv`);
    add(use(attend(qkv, width, heads), `${block}.attention.project`));
    add(use(use(level(x, `${block}.norm2`), `${block}.expand`).map(gelu), `${block}.contract`));
  }
  return use(level(x.slice(-width), "norm"), "output");
};

// The trained convolutional network, run as you draw.
const convolve = (maps, side, { shape: [outputs, inputs], values }, bias) => {
  const result = new Float32Array(outputs * side * side); // 3 x 3, padding 1, then ReLU
  result.forEach((_, at) => {
    const column = at % side, row = Math.floor(at / side) % side;
    const output = Math.floor(at / side / side);
    let sum = bias.values[output];
    for (let input = 0; input < inputs; input += 1) {
      const kernel = (output * inputs + input) * 9, map = input * side * side;
      for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r += 1) {
        for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c += 1) {
          sum += values[kernel + (r - row + 1) * 3 + c - column + 1] * maps[map + r * side + c];
        }
      }
    }
    result[at] = Math.max(0, sum);
  });
  return result;
};
const pool = (maps, side) => Float32Array.from({ length: maps.length / 4 }, (_, at) => {
  const column = at % (side / 2), corner = 4 * (at - column) + 2 * column; // of its 2 x 2
  return Math.max(maps[corner], maps[corner + 1], maps[corner + side], maps[corner + side + 1]);
});
const classify = (image, weights) => { // 64 numbers, 0 to 1: ten probabilities, and some maps
  let maps = image, side = 8, first;
  for (const layer of [0, 2, 5, 7]) { // after 2 and after 7 it pools
    maps = convolve(maps, side, weights[`${layer}.weight`], weights[`${layer}.bias`]);
    first ??= maps;
    if (layer % 5) { maps = pool(maps, side); side /= 2; }
  }
  return { p: softmax(linear(maps, weights["11.weight"], weights["11.bias"])), first };
};

// Pictures to touch: each stands in for the drawing of its figure, on screens only.
const SVG = "http://www.w3.org/2000/svg";
const make = (name, attributes = {}, ...inside) => {
  const drawn = ["svg", "g", "path", "line", "circle", "rect", "text"].includes(name);
  const element = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
};
const slider = (words, attributes, change) => {
  const input = make("input", { type: "range", ...attributes }), said = make("output");
  input.addEventListener("input", change);
  return { input, said, label: make("label", {}, `${words} `, input, " ", said) };
};
const next = (work) => { // run WORK at the next frame, once however often it is asked for
  let asked = false;
  return () => {
    if (!asked) requestAnimationFrame(() => { asked = false; work(); });
    asked = true;
  };
};

// Gradient descent on a line, with the learning rate in your hand.
const descent = (stage, { x, y, steps, rate }) => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const errors = (w, b) => x.map((value, i) => w * value + b - y[i]);
  const times = (these, those) => mean(these.map((value, i) => value * those[i]));
  const loss = (w, b) => times(errors(w, b), errors(w, b));
  const limit = 1 / times(x, x); // 2 / lambda, and lambda is 2 mean(x²)
  const best = times(x, y) / times(x, x), floor = loss(best, mean(y)); // mean(x) is 0

  const inside = (height) => Math.max(10, Math.min(170, height));
  const across = (value) => 40 + (value + 100) * 0.85, up = (value) => inside(90 - value * 0.2);
  const along = (step) => 270 + (step * 180) / steps;
  const high = (value) => inside(165 - (Math.log10(value) - 2.5) * 30);
  const minus = (value) => `${value}`.replace("-", "−");
  const line = (x1, y1, x2, y2, more) => make("line", { x1, y1, x2, y2, ...more });
  const picture = make("svg", { viewBox: "0 0 460.8 205", role: "img" });
  const write = (x, y, words, anchor = "middle") =>
    picture.append(make("text", { x, y, "text-anchor": anchor }, minus(words)));
  for (const [left, right] of [[40, 210], [270, 450]]) {
    picture.append(line(left, 10, left, 170), line(left, 170, right, 170));
  }
  for (const value of [-100, -50, 0, 50, 100]) write(across(value), 184, value);
  for (const value of [-300, 0, 300]) write(35, up(value) + 3, value, "end");
  for (let step = 0; step <= steps; step += 4) write(along(step), 184, step);
  for (const power of [3, 4, 5, 6, 7]) {
    write(265, high(10 ** power) + 3, `10${"³⁴⁵⁶⁷"[power - 3]}`, "end");
  }
  for (const [left, top, words] of [[45, 10, "y"], [275, 10, "loss (squared units of y)"],
    [122, 202, "x"], [345, 202, "epoch"], [275, high(floor) + 11, "least squares"]]) {
    write(left, top, words, "start");
  }
  const curve = make("g", { class: "curve" });
  picture.append(line(270, high(floor), 450, high(floor), { "stroke-dasharray": "4 3" }), curve,
    ...x.map((value, i) => make("circle", { cx: across(value), cy: up(y[i]), r: 1.3 })));

  const draw = next(() => {
    const share = Number(control.input.value), lr = share * limit, history = [[0, 0]];
    for (let step = 0; step < steps; step += 1) {
      const [w, b] = history.at(-1), error = errors(w, b);
      history.push([w - lr * 2 * times(error, x), b - lr * 2 * mean(error)]);
    }
    const losses = history.map(([w, b]) => loss(w, b)), last = losses.at(-1);
    const points = losses.map((value, step) => [along(step), high(value)]);
    curve.replaceChildren(...history.map(([w, b], step) => {
      const reach = Math.min(100, 400 / Math.abs(w)); // where a steep line leaves the panel
      return line(across(-reach), up(b - w * reach), across(reach), up(b + w * reach),
        { opacity: 0.2 + (0.8 * step) / steps });
    }), make("path", { fill: "none", d: `M${points.join("L")}` }),
    ...points.map(([cx, cy]) => make("circle", { cx, cy, r: 2 })));
    control.said.textContent = `${minus(lr.toExponential(1))}, ${share.toFixed(2)} of the limit`;
    said.textContent = `Loss after ${steps} epochs: ${last < 1e6 ? last.toFixed(0)
      : last.toExponential(1)}. ${share > 1 ? "Every step overshoots by more than the last."
      : share > 0.5 ? "Every step crosses the valley." : "Every step goes part of the way down."}`;
    picture.setAttribute("aria-label", said.textContent);
    stage.dataset.answer = last;
  });
  const control = slider("Learning rate",
    { min: 0.02, max: 1.1, step: 0.01, value: (rate / limit).toFixed(2) }, draw);
  const said = make("p", { "aria-live": "polite" });
  stage.append(make("div", { class: "controls" }, control.label), picture, said);
  draw();
};

const names = (stage, { letters, list, context, heads }, weights) => {
  const code = new Map([...letters].map((letter, i) => [letter, i + 1]));
  const memory = new Map(), known = new Set();
  let last = "";
  for (const [, shared, rest] of list.matchAll(/([A-Z])([^A-Z]*)/g)) {
    known.add(last = last.slice(0, shared.charCodeAt(0) - 65) + rest);
  }
  const after = (text) => { // the logits of what follows TEXT, kept for the next time
    const tokens = [0, ...Array.from(text, (letter) => code.get(letter))].slice(-context);
    if (!memory.has(text)) memory.set(text, predict(tokens, weights, heads));
    return memory.get(text);
  };
  const beginning = make("input", { type: "text", value: "mar", maxlength: 12,
    autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  const bars = ["·", ...letters].map((letter) => {
    const bar = make("div", { class: "bar" }), track = make("div", { class: "track" }, bar);
    return { bar, column: make("div", { class: "column" }, track, letter) };
  });
  const said = make("p", { "aria-live": "polite" }), drawn = make("ul", { class: "drawn" });
  const uniform = (state) => () => { // Marsaglia's xorshift: the same names for the same turn
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  let turn = 1, asked;
  const draw = next(() => {
    const text = beginning.value.toLowerCase(), temperature = Number(warmth.input.value);
    const strange = [...text].find((letter) => !code.has(letter)), mine = asked = {};
    warmth.said.textContent = temperature.toFixed(2);
    beginning.setAttribute("aria-invalid", Boolean(strange));
    if (strange) { said.textContent = `No name of the list has “${strange}”.`; return; }
    const p = softmax(after(text), temperature), order = [...p.keys()].sort((a, b) => p[b] - p[a]);
    bars.forEach(({ bar, column }, token) => {
      bar.style.transform = `scaleY(${p[token]})`;
      column.classList.toggle("best", token === order[0]);
    });
    said.textContent = `After “${text}”: ${order.slice(0, 3).map((token) =>
      `${token ? letters[token - 1] : "the end"} ${p[token].toFixed(2)}`).join(", ")}.`;
    stage.dataset.answer = p[order[0]];
    const random = uniform(turn * 2654435769), found = [];
    let word = text;
    const write = () => { // for 6 ms a frame, so that the slider stays smooth
      for (const end = performance.now() + 6; performance.now() < end && found.length < 10;) {
        const shares = softmax(after(word), temperature);
        if (!word) shares[0] = 0; // no name is empty
        let rest = random() * shares.reduce((sum, share) => sum + share);
        const token = shares.findIndex((share) => (rest -= share) < 0);
        if (token > 0 && word.length < 24) { word += letters[token - 1]; continue; }
        const kind = make("span", { class: "kind" }, known.has(word) ? "in the list" : "new");
        found.push(make("li", {}, word, kind));
        word = text;
      }
      if (mine !== asked) return;
      if (found.length < 10) requestAnimationFrame(write); else drawn.replaceChildren(...found);
    };
    requestAnimationFrame(write);
  });
  const warmth = slider("Temperature", { min: 0.2, max: 2, step: 0.05, value: 1 }, draw);
  const button = make("button", { type: "button" }, "Draw others");
  beginning.addEventListener("input", draw);
  button.addEventListener("click", () => { turn += 1; draw(); });
  stage.append(make("div", { class: "controls" }, make("label", {}, "Beginning ", beginning),
    warmth.label, button),
  make("div", { class: "columns", "aria-hidden": "true" }, ...bars.map(({ column }) => column)),
  said, drawn);
  draw();
};

const digits = (stage, { samples }, weights) => {
  const image = new Float32Array(64);
  let row = 3, column = 3, truth = "";
  const grid = make("canvas", { width: 8, height: 8, tabindex: 0, role: "application",
    "aria-label": "8 by 8 pixels: arrow keys move, space inks or clears, Delete clears all" });
  const cursor = make("div", { class: "cursor" }), said = make("p", { "aria-live": "polite" });
  const bars = [...Array(10).keys()].map((digit) => {
    const bar = make("div", { class: "bar" }), p = make("span");
    const track = make("div", { class: "track" }, bar);
    return { bar, p, row: make("div", { class: "row" }, `${digit} `, track, p) };
  });
  const sheets = [...Array(32)].map(() => make("canvas", { width: 8, height: 8 }));
  const paint = (canvas, values, most) => {
    const ink = getComputedStyle(stage).color.match(/\d+/g).slice(0, 3);
    const pixels = new ImageData(8, 8);
    values.forEach((value, i) => pixels.data.set([...ink, (255 * value) / most], 4 * i));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  };
  const draw = next(() => {
    const { p, first } = classify(image, weights), guess = p.indexOf(Math.max(...p));
    const most = Math.max(...first) || 1;
    paint(grid, image, 1);
    sheets.forEach((canvas, i) => paint(canvas, first.subarray(64 * i, 64 * i + 64), most));
    bars.forEach((line, digit) => {
      line.bar.style.transform = `scaleX(${p[digit]})`;
      line.p.textContent = p[digit].toFixed(2);
      line.row.classList.toggle("best", digit === guess);
    });
    cursor.style.translate = `${100 * column}% ${100 * row}%`;
    said.textContent = `It says ${guess}, with probability ${p[guess].toFixed(2)}${truth}.`;
    stage.dataset.answer = guess;
  });
  const pen = (event) => {
    const box = grid.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    image.forEach((old, i) => { // ink fades over the edge of the pen
      const away = Math.hypot((i % 8) + 0.5 - 8 * x, Math.floor(i / 8) + 0.5 - 8 * y);
      image[i] = Math.max(old, Math.min(1, 1.4 - away));
    });
    truth = "";
    draw();
  };
  grid.addEventListener("pointerdown", (event) => {
    grid.setPointerCapture(event.pointerId);
    pen(event);
  });
  grid.addEventListener("pointermove", (event) => { if (event.buttons) pen(event); });
  const clear = () => { image.fill(0); truth = ""; draw(); };
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const keys = { " ": () => { image[8 * row + column] = image[8 * row + column] ? 0 : 1; },
    Delete: clear };
  for (const [key, [down, right]] of Object.entries(moves)) {
    keys[key] = () => { row = (row + down + 8) % 8; column = (column + right + 8) % 8; };
  }
  grid.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
    draw();
  });
  const pick = slider("Image of the test half", { min: 1, max: samples.length, value: 1 }, () => {
    const [label, levels] = samples[pick.input.value - 1];
    image.set(Array.from(levels, (level) => parseInt(level, 17) / 16));
    truth = `; the writer meant ${label}`;
    pick.said.textContent = `${pick.input.value} of ${samples.length}`;
    draw();
  });
  const button = make("button", { type: "button" }, "Clear");
  button.addEventListener("click", clear);
  stage.append(make("div", { class: "controls" }, pick.label, button),
    make("div", { class: "sides" }, make("div", { class: "paper" }, grid, cursor),
      make("div", { class: "bars", "aria-hidden": "true" }, ...bars.map((line) => line.row))),
    make("div", { class: "maps", role: "img", "aria-label": "Feature maps" }, ...sheets), said);
  pick.input.dispatchEvent(new Event("input"));
};

// A picture is made when its figure comes near; the weights are read then.
let knowledge;
const weightsOf = (kind) => {
  knowledge ??= JSON.parse(document.getElementById("weights").textContent);
  const tensors = Object.entries(knowledge[kind].tensors ?? {});
  return Object.fromEntries(tensors.map(([name, tensor]) => [name, unpack(tensor)]));
};
const pictures = { descent, names, digits };
const near = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    const kind = target.dataset.touch, stage = make("div", { class: "touch" });
    const weights = weightsOf(kind);
    near.unobserve(target);
    target.querySelector(".scroll").after(stage);
    target.classList.add("touched");
    pictures[kind](stage, knowledge[kind], weights);
  }
}, { rootMargin: "600px" });
for (const figure of document.querySelectorAll("[data-touch]")) near.observe(figure);
