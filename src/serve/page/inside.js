// What the units of a model do while it reads a text, and what it expects next.
import * as api from './api.js';
import {calmly, choice, el} from './dom.js';
import {signed, visible} from './format.js';
import {picker} from './picker.js';
import {bars, TextView} from './text_view.js';

const SEARCHES = [['quotes', 'Quotes'], ['word', 'Word position'], ['line', 'Line position'], ['indent', 'Indentation'], ['', 'Units by number']];

const EXAMPLE = `What is it that we call "free will," asked the old man, and
why do we want it? "I will," says the one; "I must," says the
other; and both mean the same thing by it, namely that which
they have always done.

  He who says "I know," should have said "I believe"; and he
  who says "I believe," has perhaps only been told so. The
  "good," too, was once an evil to somebody: "And who is that?"
`;

// Blue for -1, red for +1.
const tint = (a) => (a < 0 ? `rgba(37, 99, 235, ${Math.min(0.85, -a * 0.85)})` : `rgba(226, 62, 46, ${Math.min(0.85, a * 0.85)})`);

function strip(activations) {
  const canvas = el('canvas', {width: Math.max(1, activations.length), height: 1, class: 'strip', 'aria-hidden': 'true'});
  const context = canvas.getContext('2d');
  activations.forEach((a, i) => {
    context.fillStyle = tint(a);
    context.fillRect(i, 0, 1, 1);
  });
  return canvas;
}

export function inside(place, {query}, signal) {
  document.title = 'Inside · charrnn_dist';
  let search = 'quotes', answer = null, shown = 0, asked = 0;
  const models = picker(query, () => read());
  const text = el('textarea', {rows: 7, 'aria-label': 'Text to read', spellcheck: 'false', maxlength: 4000, value: EXAMPLE, oninput: () => soon()});
  const layer = el('input', {type: 'number', min: 0, value: '0', 'aria-label': 'Layer', oninput: () => soon()});
  const numbers = el('input', {type: 'text', value: '0 1 2 3 4 5 6 7', 'aria-label': 'Units', oninput: () => soon()});
  const byNumber = el('div', {class: 'row', hidden: true}, el('label', {class: 'stacked narrow'}, 'Layer', layer), el('label', {class: 'stacked'}, 'Units', numbers));
  const searches = choice('Units that follow', SEARCHES, search, (value) => {
    search = value;
    byNumber.hidden = Boolean(search);
    read();
  });
  const message = el('p', {class: 'notice', role: 'status', hidden: true});
  const list = el('div', {class: 'units', role: 'listbox', 'aria-label': 'Units'});
  const view = new TextView('The text as the unit sees it', (i) => explain(i));
  const title = el('h3', {});
  const next = el('div', {class: 'next'});
  const step = (by) => el('button', {type: 'button', 'aria-label': by < 0 ? 'One character back' : 'One character on', onclick: () => view.choose(Math.max(0, Math.min(view.spans.length - 1, view.at + by)), true)}, by < 0 ? '◀' : '▶');
  place.append(
    el('div', {class: 'heading'}, el('h1', {}, 'Inside'), el('p', {class: 'lead'}, 'Each unit is one number, and changes with every character that is read. Some of them mean something.')),
    el('div', {class: 'desk'},
      el('form', {class: 'card controls', onsubmit: (event) => event.preventDefault()}, models.node,
        el('div', {class: 'fields'}, el('label', {class: 'stacked'}, 'Text to read', text)), el('span', {class: 'label'}, 'Find units that follow'), searches, byNumber),
      el('section', {class: 'card paper'}, message, el('div', {class: 'row between'}, title,
        el('span', {class: 'scale'}, '−1', Array.from({length: 9}, (_, i) => { const box = el('i', {}); box.style.backgroundColor = tint((i - 4) / 4); return box; }), '+1')), view.node, list),
      el('aside', {class: 'card detail'}, el('div', {class: 'row between'}, el('h3', {}, 'What comes next'), el('span', {class: 'steps'}, step(-1), step(1))), next)));

  const soon = calmly(400, () => read());

  async function read() {
    if (!models.isReady() || signal.aborted) return;
    const mine = ++asked;
    const body = {...models.model(), text: text.value.replaceAll('\r\n', '\n')};
    if (search) body.search = search;
    else Object.assign(body, {layer: Math.floor(Number(layer.value)) || 0, units: numbers.value.split(/[^0-9]+/).filter(Boolean).map(Number).slice(0, 64)});
    try {
      const found = await api.neurons(body);
      if (mine !== asked || signal.aborted) return;
      answer = found;
      message.hidden = answer.units.length > 0;
      message.textContent = search ? 'This does not change in the text: there is nothing to follow.' : 'Name some units.';
      showText();
      showUnits();
      show(0);
    } catch (error) {
      if (mine !== asked || signal.aborted) return;
      message.hidden = false;
      message.textContent = error.message;
    }
  }

  function showText() {
    const at = Math.min(Math.max(view.at, 0), answer.characters.length - 1);
    view.clear();
    view.add(answer.characters);
    if (answer.characters.length) view.choose(view.at < 0 ? Math.min(23, answer.characters.length - 1) : at);
  }

  const nameOf = (unit) => (answer.layers > 1 ? `layer ${unit.layer}, unit ${unit.unit}` : `unit ${unit.unit}`);

  function showUnits() {
    list.replaceChildren(...answer.units.map((unit, i) => el('button', {type: 'button', role: 'option', 'aria-selected': 'false', onclick: () => show(i)},
      el('span', {}, nameOf(unit)), unit.correlation === undefined ? null : el('small', {}, `correlation ${signed(unit.correlation, 2)}`), strip(unit.activations))));
  }

  function show(i) {
    shown = i;
    const unit = answer.units[i];
    [...list.children].forEach((button, j) => button.setAttribute('aria-selected', String(j === i)));
    title.textContent = unit ? nameOf(unit) : '';
    view.spans.forEach((span, j) => { span.style.backgroundColor = unit ? tint(unit.activations[j]) : ''; });
    if (view.at >= 0) explain(view.at);
  }

  function explain(i) {
    if (!answer?.next[i]) return;
    const before = answer.characters.slice(Math.max(0, i - 11), i + 1).map(visible).join('');
    const activation = answer.units[shown]?.activations[i];
    next.replaceChildren(el('p', {class: 'what'}, el('code', {}, `${i > 11 ? '…' : ''}${before}`), activation === undefined ? null : el('small', {}, `${nameOf(answer.units[shown])}: ${signed(activation, 3)}`)),
      bars(answer.next[i], answer.characters[i + 1]));
  }

  models.load().catch((error) => { message.hidden = false; message.textContent = error.message; });
}
