// A text of which every character can be pointed at: with the pointer, a finger, or the arrow keys.
import {el} from './dom.js';
import {percent, visible} from './format.js';

export class TextView {
  // `chosen(i)` hears which character was pointed at.
  constructor(label, chosen) {
    this.node = el('div', {class: 'text', tabindex: 0, role: 'textbox', 'aria-readonly': 'true', 'aria-multiline': 'true', 'aria-label': label});
    this.spans = [];
    this.at = -1;
    this.chosen = chosen;
    const pointed = (event) => {
      const i = this.spans.indexOf(event.target);
      if (i < 0) return;
      this.node.closest('.desk')?.classList.add('pointed');
      if (i !== this.at) this.choose(i);
    };
    this.node.addEventListener('pointerover', pointed);
    this.node.addEventListener('click', pointed);
    this.node.addEventListener('keydown', (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 20, ArrowUp: -20, Home: -Infinity, End: Infinity}[event.key];
      if (!step || !this.spans.length) return;
      event.preventDefault();
      this.node.closest('.desk')?.classList.add('pointed');
      this.choose(Math.max(0, Math.min(this.spans.length - 1, this.at + step)), true);
    });
  }

  clear() {
    this.node.replaceChildren();
    this.spans = [];
    this.at = -1;
  }

  // Adds characters; `look(span, i)` may colour each.
  add(characters, look) {
    const spans = characters.map((c, i) => {
      const span = el('span', {}, c);
      if (c === '\n') span.className = 'line-end';
      look?.(span, this.spans.length + i);
      return span;
    });
    this.spans.push(...spans);
    this.node.append(...spans);
  }

  choose(i, scroll = false) {
    this.spans[this.at]?.classList.remove('at');
    this.at = i;
    const span = this.spans[i];
    span?.classList.add('at');
    if (scroll) span?.scrollIntoView({block: 'nearest'});
    this.chosen(i);
  }
}

// What a model expected at a place: [[character, probability], …] as bars. `actual`: what stood there, marked.
export function bars(list, actual) {
  const most = Math.max(...list.map(([, p]) => p), 1e-9);
  return el('ol', {class: 'bars'}, list.map(([c, p]) => {
    const bar = el('i', {});
    bar.style.width = `${100 * p / most}%`;
    return el('li', {class: c === actual ? 'actual' : ''}, el('code', {}, visible(c)), el('span', {class: 'track'}, bar), el('span', {class: 'percent'}, percent(p)));
  }));
}

// Surprise in 9 shades: nothing at one bit, everything at nine.
export const shade = (p) => `s${Math.max(0, Math.min(8, Math.round(-Math.log2(Math.max(p, 1e-9)) - 1)))}`;
