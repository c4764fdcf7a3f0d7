// The model writes; or says how well it would have guessed a text.
import * as api from './api.js';
import {choice, el} from './dom.js';
import {bits, percent, visible} from './format.js';
import {picker} from './picker.js';
import {bars, shade, TextView} from './text_view.js';

function slider(label, help, {min, max, step, value, show = String}) {
  const output = el('output', {}, show(value));
  const input = el('input', {type: 'range', min, max, step, value, 'aria-label': label, oninput: () => { output.textContent = show(Number(input.value)); }});
  return {node: el('label', {class: 'slider', title: help}, el('span', {}, label, output), input), value: () => Number(input.value)};
}

export function write(place, {query}, signal) {
  document.title = 'Write · charrnn_dist';
  const models = picker(query, () => update());
  const prime = el('textarea', {rows: 3, 'aria-label': 'Beginning', spellcheck: 'false', maxlength: 16000, value: 'The '});
  const temperature = slider('Temperature', 'below 1: more conservative', {min: 0.1, max: 2, step: 0.05, value: 0.8, show: (v) => v.toFixed(2)});
  const topK = slider('Top-k', 'only the k most probable characters', {min: 0, max: 50, step: 1, value: 0, show: (v) => (v ? String(v) : 'all')});
  const topP = slider('Top-p', 'only the most probable characters that together reach p', {min: 0.05, max: 1, step: 0.05, value: 1, show: (v) => v.toFixed(2)});
  const length = slider('Length', 'characters to write', {min: 50, max: 4000, step: 50, value: 600});
  const seed = el('input', {type: 'number', min: 0, step: 1, value: '1', 'aria-label': 'Seed'});
  const dice = el('button', {type: 'button', class: 'quiet', title: 'Another seed', 'aria-label': 'Another seed', onclick: () => { seed.value = Math.floor(Math.random() * 1e6); }}, '⚄');
  const greedy = el('input', {type: 'checkbox', 'aria-label': 'Greedy'});
  const go = el('button', {type: 'submit', class: 'button primary'}, 'Write');
  const pasted = el('textarea', {rows: 12, 'aria-label': 'Text to score', spellcheck: 'false', maxlength: 60000,
    placeholder: 'Paste a text here. The model reads it, and every character is coloured by how much it surprised the model.'});
  const fields = el('div', {class: 'fields'}, el('label', {class: 'stacked'}, 'Beginning', prime), temperature.node, topK.node, topP.node, length.node,
    el('div', {class: 'row'}, el('label', {class: 'seed'}, 'Seed', seed), dice, el('label', {class: 'check'}, greedy, 'Greedy')));
  const scoring = el('div', {class: 'fields', hidden: true}, el('label', {class: 'stacked'}, 'Text', pasted));
  let mode = 'write', tops = [], probabilities = [], running = null;
  const modes = choice('What to do', [['write', 'Write'], ['score', 'Score a text']], mode, (value) => {
    mode = value;
    fields.hidden = mode !== 'write';
    scoring.hidden = mode !== 'score';
    update();
  });
  const form = el('form', {class: 'card controls', onsubmit: (event) => { event.preventDefault(); running ? running.abort() : start(); }},
    modes, models.node, fields, scoring, go);

  const view = new TextView('The text', (i) => explain(i));
  const colours = el('input', {type: 'checkbox', checked: true, onchange: () => view.node.classList.toggle('plain', !colours.checked)});
  const status = el('span', {class: 'status', role: 'status'});
  const scale = el('span', {class: 'scale', title: 'bits of surprise: 1 to 9'}, 'expected', Array.from({length: 9}, (_, i) => el('i', {class: `s${i}`})), 'surprising');
  const hint = el('p', {class: 'none'}, 'Point at a character, or use the arrow keys: here you see what the model expected in its place.');
  const detail = el('aside', {class: 'card detail', 'aria-live': 'polite'}, el('h3', {}, 'Expected here'), hint);
  place.append(el('div', {class: 'heading'}, el('h1', {}, 'Write'), el('p', {class: 'lead'}, 'A model goes on from your beginning, one character at a time.')),
    el('div', {class: 'desk'}, form, el('section', {class: 'card paper'},
      el('div', {class: 'row'}, el('label', {class: 'check'}, colours, 'Colour by surprise'), scale, status), view.node), detail));

  function update() {
    go.disabled = !models.isReady() && !running;
    go.textContent = running ? 'Stop' : mode === 'write' ? 'Write' : 'Score';
  }

  function explain(i) {
    const c = view.spans[i]?.textContent ?? '', p = probabilities[i];
    const parts = [el('h3', {}, 'Expected here')];
    if (p === null || p === undefined) parts.push(el('p', {class: 'none'}, 'This was given; the model did not write it.'));
    else parts.push(el('p', {class: 'what'}, el('code', {}, visible(c)), el('span', {}, percent(p), el('small', {}, `${(-Math.log2(Math.max(p, 1e-9))).toFixed(1)} bits of surprise`))));
    if (tops[i]) parts.push(bars(tops[i], c));
    detail.replaceChildren(...parts);
  }

  function begin() {
    view.clear();
    tops = [];
    probabilities = [];
    view.node.classList.remove('failed');
    running = new AbortController();
    update();
  }

  function fail(error) {
    if (error.name === 'AbortError') return;
    status.textContent = '';
    view.node.classList.add('failed');
    view.clear();
    view.node.textContent = error.message;
  }

  function end() {
    running = null;
    update();
  }

  function summary(count, seconds) {
    const known = probabilities.filter((p) => p !== null);
    if (!known.length) return '';
    // Of probabilities as they are told, in four digits.
    const mean = known.reduce((sum, p) => sum - Math.log(Math.max(p, 5e-5)), 0) / known.length;
    return `${count.toLocaleString('en')} characters${seconds ? `, ${Math.round(count / seconds).toLocaleString('en')} per second` : ''} · ${bits(mean).toFixed(2)} bits each`;
  }

  async function start() {
    begin();
    const {run, checkpoint} = models.model();
    try {
      if (mode === 'score') await score(run, checkpoint);
      else await compose(run, checkpoint);
    } catch (error) {
      fail(error);
    }
    end();
  }

  async function compose(run, checkpoint) {
    const given = [...prime.value];
    view.add(given, (span) => { span.className = span.className ? `${span.className} given` : 'given'; });
    probabilities = given.map(() => null);
    status.textContent = 'the model is being loaded …';
    const began = performance.now();
    let written = 0, note = '';
    const body = {run, checkpoint, prime: prime.value, length: length.value(), temperature: temperature.value(), top_k: topK.value(), top_p: topP.value(),
      seed: Math.max(0, Math.floor(Number(seed.value)) || 0), greedy: greedy.checked};
    await api.sample(body, AbortSignal.any([running.signal, signal]), (objects) => {
      for (const object of objects) {
        if (object.unknown?.length) note = ` · unknown to the model: ${object.unknown.join(', ')}`;
        if (object.c === undefined) continue;
        probabilities.push(object.p);
        tops[view.spans.length] = object.top;
        view.add([object.c], (span) => { span.classList.add(shade(object.p)); });
        ++written;
      }
      status.textContent = summary(written, (performance.now() - began) / 1000) + note;
    });
  }

  async function score(run, checkpoint) {
    status.textContent = 'reading …';
    const answer = await api.score({run, checkpoint, text: pasted.value.replaceAll('\r\n', '\n')});
    if (signal.aborted) return;
    probabilities = answer.probabilities;
    view.add(answer.characters, (span, i) => { if (probabilities[i] !== null) span.classList.add(shade(probabilities[i])); });
    status.textContent = `${answer.characters.length.toLocaleString('en')} characters · ${answer.loss.toFixed(4)} nats, ${bits(answer.loss).toFixed(3)} bits each`;
  }

  update();
  models.load().catch(fail).finally(update);
}
