const special = /[\x00-\x08\x0a-\x1f\x7f\x9b]/;
const sequence = /\x1b\[([0-9;:]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\x9b[0-9;:]*[@-~]/y;

/** The pen a terminal writes with; kept from line to line of one step. */
export class Pen {
  constructor() { this.reset(); }

  reset() { Object.assign(this, { fg: null, bg: null, bold: false, dim: false, italic: false, line: false, swap: false }); }

  /** Class names for text written now; "" for plain text. */
  get classes() {
    const names = [];
    if (this.fg !== null) names.push(`f${this.fg}`);
    if (this.bg !== null) names.push(`b${this.bg}`);
    for (const flag of ["bold", "dim", "italic", "line", "swap"]) if (this[flag]) names.push(flag);
    return names.join(" ");
  }

  /** Select Graphic Rendition (ECMA-48 8.3.117); 256 and true colours go to the nearest of the sixteen. */
  select(parameters) {
    const codes = parameters.split(/[;:]/).map((code) => Number(code || 0));
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === 0) this.reset();
      else if (code === 1) this.bold = true;
      else if (code === 2) this.dim = true;
      else if (code === 3) this.italic = true;
      else if (code === 4) this.line = true;
      else if (code === 7) this.swap = true;
      else if (code === 22) this.bold = this.dim = false;
      else if (code === 23) this.italic = false;
      else if (code === 24) this.line = false;
      else if (code === 27) this.swap = false;
      else if (code === 39) this.fg = null;
      else if (code === 49) this.bg = null;
      else if (code >= 30 && code <= 37) this.fg = code - 30;
      else if (code >= 40 && code <= 47) this.bg = code - 40;
      else if (code >= 90 && code <= 97) this.fg = code - 82;
      else if (code >= 100 && code <= 107) this.bg = code - 92;
      else if (code === 38 || code === 48) {
        const wide = codes[i + 1] === 2;
        const colour = wide ? nearest(codes[i + 2], codes[i + 3], codes[i + 4]) : indexed(codes[i + 2]);
        this[code === 38 ? "fg" : "bg"] = colour;
        i += wide ? 4 : 2;
      }
    }
  }
}

function indexed(index = 0) {
  if (index < 16) return index;
  if (index >= 232) return index < 238 ? 0 : index < 244 ? 8 : index < 250 ? 7 : 15;
  const level = (value) => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red = 0, green = 0, blue = 0) {
  const high = Math.max(red, green, blue);
  const low = Math.min(red, green, blue);
  if (high - low < 40) return high < 64 ? 0 : high < 150 ? 8 : high < 220 ? 7 : 15;
  const half = (high + low) / 2;
  return (red > half ? 1 : 0) + (green > half ? 2 : 0) + (blue > half ? 4 : 0) + (high > 220 ? 8 : 0);
}

/**
 * One line of output as runs of `[text, classes]`, as a terminal would leave it on the screen: a carriage return
 * starts writing over the line, backspace steps back, `ESC[K` erases, every other control is dropped.
 */
export function runs(text, pen) {
  if (!special.test(text)) return [[text, pen.classes]];
  const cells = [];
  let column = 0;
  let classes = pen.classes;
  for (let i = 0; i < text.length;) {
    sequence.lastIndex = i;
    const match = sequence.exec(text);
    if (match) {
      i += match[0].length;
      if (match[2] === "m") {
        pen.select(match[1]);
        classes = pen.classes;
      } else if (match[2] === "K") erase(cells, column, match[1]);
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(i));
    i += character.length;
    if (character === "\r") column = 0;
    else if (character === "\b") column = Math.max(0, column - 1);
    else if (!special.test(character)) cells[column++] = [character, classes];
  }
  return joined(cells);
}

function erase(cells, column, how) {
  if (how === "1") cells.fill([" ", ""], 0, Math.min(column + 1, cells.length));
  else if (how === "2") cells.fill([" ", ""]);
  else cells.length = Math.min(cells.length, column);
}

function joined(cells) {
  const out = [];
  for (const cell of cells) {
    const [character, classes] = cell ?? [" ", ""];
    const last = out.at(-1);
    if (last && last[1] === classes) last[0] += character;
    else out.push([character, classes]);
  }
  return out;
}
