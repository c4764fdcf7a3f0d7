// One run, as it goes on; others can be laid over it.
import * as api from './api.js';
import {chart, phaseBars} from './charts.js';
import {calmly, choice, el} from './dom.js';
import {ago, bits, clock, duration, loss, rate, size, whole} from './format.js';
import {RunData} from './run_data.js';
import {badge, progress} from './run_state.js';

const PHASES = ['forward', 'backward', 'update', 'reduce', 'idle', 'data', 'validate', 'save', 'other'];
const COLORS = 6;

const tile = (label, value, small) =>
  el('div', {class: 'tile'}, el('dt', {}, label), el('dd', {}, value, small ? el('small', {}, small) : null));

export function runPage(place, {path: name}, signal) {
  document.title = `${name} · charrnn_dist`;
  const compared = [{name, data: new RunData(), stop: new AbortController()}];  // the first one is this page's
  let about = null, unit = 'step', log = false, isGone = false, whyNot = '';  // why nothing new comes

  const state = el('span', {});
  const warning = el('p', {class: 'notice', role: 'status', hidden: true});
  const tiles = el('dl', {class: 'tiles'});
  const bar = el('div', {class: 'wide-bar'});
  const chips = el('div', {class: 'chips'});
  const others = el('select', {'aria-label': 'Lay another run over this one', onchange: () => { if (others.value) overlay(others.value); others.value = ''; }});
  const encoded = encodeURIComponent(name);
  const actions = el('div', {class: 'actions', hidden: true},
    el('a', {class: 'button', href: `#/write?run=${encoded}`}, 'Write with it'), el('a', {class: 'button', href: `#/inside?run=${encoded}`}, 'Look inside'));

  const charts = {
    loss: chart('Loss, nats per character', loss, 'tall', signal),
    rate: chart('Learning rate', (v) => v.toPrecision(3), 'low', signal),
    norm: chart('Gradient norm', (v) => v.toPrecision(3), 'low', signal),
    speed: chart('Characters per second', rate, 'low', signal),
  };
  const phases = el('div', {class: 'phase-picture'});
  const phaseCard = el('figure', {class: 'card chart'}, el('figcaption', {}, el('h3', {}, 'Share of the time, by epoch'),
    el('div', {class: 'legend'}, PHASES.map((phase, i) => el('span', {}, el('i', {class: `dot p${i}`}), phase)))), phases);
  const units = choice('Horizontal axis', [['step', 'Steps'], ['epoch', 'Epochs']], unit, (value) => { unit = value; draw(); });
  const scales = choice('Scale of the loss', [['linear', 'Linear'], ['log', 'Log']], 'linear', (value) => { log = value === 'log'; draw(); });

  const details = el('div', {class: 'details'});
  place.append(
    el('div', {class: 'heading'}, el('a', {class: 'back', href: '#/runs'}, '← Runs'), el('h1', {}, name), state, actions),
    warning, tiles, bar,
    el('div', {class: 'tools'}, units, scales, el('label', {class: 'compare'}, others), chips),
    charts.loss.figure, el('div', {class: 'grid'}, charts.rate.figure, charts.norm.figure, charts.speed.figure, phaseCard), details);

  const draw = calmly(150, () => {
    if (signal.aborted) return;
    const able = compared.filter((run) => unit === 'step' || run.data.epochEnds.length);
    const curves = (kind, label, names) => able.flatMap((run, i) => names.map(([curve, look, suffix]) => ({
      name: compared.length > 1 ? `${run.name}${suffix}` : label[look], points: run.data.curve(curve, unit).filter((p) => !(kind === 'loss' && log) || p[1] > 0), kind: look,
      color: `curve-${compared.length === 1 && look === 'dots' ? 2 : compared.indexOf(run) % COLORS + 1}`,
    })));
    const options = {unit, log};
    const both = compared.length === 1 ? '' : null;
    charts.loss.draw(curves('loss', {raw: 'training', smooth: 'training', dots: 'validation'},
      [['loss', 'raw', both ?? ' training'], ['loss', 'smooth', both ?? ' training'], ['validation', 'dots', both ?? ' validation']]), options);
    for (const key of ['rate', 'norm', 'speed']) {
      charts[key].draw(curves(key, {line: ''}, [[key, 'line', '']]), {unit, zero: key !== 'norm'});
    }
    phases.replaceChildren(compared[0].data.phases.length ? phaseBars(compared[0].data.phases, PHASES, phases.clientWidth || 600) : el('p', {class: 'none'}, 'known when an epoch has ended'));
    showTiles();
    showHistory();
  });

  function showTiles() {
    const {data} = compared[0];
    if (!about) return;
    const step = data.last ? Math.max(data.last.step, data.end?.step ?? 0) : about.step, steps = data.start?.steps ?? about.steps;
    const speed = data.last?.characters_per_second ?? about.characters_per_second;
    const validation = data.curves.validation.at(-1)?.[1] ?? about.val_loss;
    const best = Math.min(about.best_val_loss ?? Infinity, ...data.curves.validation.map((p) => p[1]));
    const isTraining = about.state === 'training';
    const perStep = data.curves.loss.length > 1 && data.last ? (data.last.time - (data.start?.time ?? 0)) / Math.max(1, data.last.step - (data.start?.step ?? 0)) : null;
    const left = isTraining && perStep > 0 && steps > step ? duration((steps - step) * perStep) : null;
    tiles.replaceChildren(
      tile('step', whole(step), steps ? `of ${whole(steps)}` : ''),
      tile('training loss', loss(data.last?.loss ?? about.loss), data.epoch ? `epoch: ${loss(data.epoch.train_loss)}` : ''),
      tile('validation loss', loss(validation), Number.isFinite(validation) ? `${bits(validation).toFixed(3)} bpc` : ''),
      tile('best', Number.isFinite(best) ? loss(best) : '–', Number.isFinite(best) ? `${bits(best).toFixed(3)} bpc` : ''),
      tile('speed', rate(speed), 'char/s'),
      left ? tile('time left', left, '') : tile(about.state === 'done' ? 'finished' : 'last news', ago(about.updated), clock(about.updated)),
      tile('model', about.model || '–', about.parameters ? `${whole(about.parameters)} parameters` : ''));
    bar.replaceChildren(progress({step, steps}));
  }

  // Below the curves: samples, history, log, config ------------------------------------------------------------------

  const sampleText = el('pre', {class: 'sample', tabindex: 0});
  const sampleStep = el('output', {});
  const slider = el('input', {type: 'range', min: 0, max: 0, value: 0, 'aria-label': 'Sample', oninput: () => showSample()});
  const history = el('ol', {class: 'history'}), logText = el('pre', {tabindex: 0}), config = el('pre', {tabindex: 0}), files = el('ul', {class: 'files'});
  const samples = el('section', {}, el('div', {class: 'row'}, slider, sampleStep), sampleText);
  const sections = {samples: ['Samples', samples], history: ['History', history], log: ['Log', logText], config: ['Config', config], files: ['Checkpoints', files]};
  const panel = el('div', {class: 'card panel'});
  details.append(choice('Details', Object.entries(sections).map(([key, [title]]) => [key, title]), 'samples', (key) => panel.replaceChildren(sections[key][1])), panel);
  panel.append(samples);

  function showSample() {
    const sample = about?.samples[Number(slider.value)];
    sampleText.textContent = sample ? sample.text : 'No sample yet: the model writes one after each validation.';
    sampleStep.textContent = sample ? `step ${whole(sample.step)}` : '';
  }

  function showHistory() {
    let attempt = 0;
    const items = compared[0].data.happened.map((event) => {
      if (event.event === 'run') {
        const what = attempt++ ? `resumed after step ${whole(event.step)}` : 'started';
        return [event.time, 'start', `${what}, ${event.ranks ?? '?'} rank(s), version ${event.program_version ?? '?'}`];
      }
      if (event.event === 'skipped') return [event.time, 'fault', `step ${whole(event.step)} left out: loss or gradient not finite`];
      const words = {0: 'done', 75: 'interrupted; can be resumed'}[event.exit_code] ?? `ended with exit code ${event.exit_code}`;
      return [event.time, event.exit_code ? 'fault' : 'end', `${words} at step ${whole(event.step)}`];
    });
    for (const line of (about?.log ?? '').split('\n')) {
      const found = /^(\S+ \S+) [WEC] (.*)/.exec(line);
      if (found) items.push([Date.parse(found[1].replace(' ', 'T')) / 1000, 'fault', found[2]]);
    }
    if (about?.state === 'died') items.push([about.updated, 'fault', 'its process ended without a word; resume it']);
    items.sort((a, b) => a[0] - b[0]);
    history.replaceChildren(...items.map(([time, kind, text]) => el('li', {class: kind}, el('time', {}, clock(time)), text)));
  }

  async function refresh() {
    try {
      const wasLast = !about || Number(slider.value) >= about.samples.length - 1;
      about = await api.run(name);
      if (signal.aborted) return;
      isGone = false;
      state.replaceChildren(badge(about));
      actions.hidden = !about.checkpoints.length;
      slider.max = Math.max(0, about.samples.length - 1);
      if (wasLast) slider.value = slider.max;
      slider.hidden = about.samples.length < 2;
      showSample();
      const atEnd = logText.scrollTop + logText.clientHeight >= logText.scrollHeight - 4;
      if (logText.textContent !== about.log) {
        logText.textContent = about.log || 'no log yet';
        if (atEnd) logText.scrollTop = logText.scrollHeight;
      }
      config.textContent = about.config || 'no config yet';
      files.replaceChildren(...about.checkpoints.map((file) => el('li', {}, el('code', {}, file.name), el('span', {}, size(file.bytes)), el('span', {}, clock(file.modified)),
        file.best && el('b', {class: 'badge done'}, 'best'), file.latest && el('b', {class: 'badge'}, 'latest'))));
      draw();
    } catch (error) {
      if (error.status === 404) isGone = true;  // that the server is away is noticed by those who follow
    }
    warn();
  }

  function warn() {
    warning.hidden = !isGone && !whyNot;
    warning.textContent = isGone ? 'This run’s folder is no longer there. What was read of it is still shown.' : whyNot;
  }

  async function refreshAlways() {
    while (!signal.aborted) {
      if (!document.hidden) await refresh();
      await new Promise((go) => setTimeout(go, 4000));
    }
  }

  function followRun(run) {
    signal.addEventListener('abort', () => run.stop.abort());
    api.follow(run.name, run === compared[0], run.stop.signal, {
      events(list) { run.data.take(list); isGone &&= run !== compared[0]; warn(); draw(); },
      reset() { run.data.clear(); draw(); },
      gone() { if (run === compared[0]) { isGone = true; warn(); } },
      connected(yes, why) { whyNot = yes ? '' : why; warn(); },
    });
  }

  // Other runs --------------------------------------------------------------------------------------------------------

  function overlay(other) {
    if (compared.some((run) => run.name === other) || compared.length >= COLORS) return;
    const run = {name: other, data: new RunData(), stop: new AbortController()};
    compared.push(run);
    followRun(run);
    showChips();
    draw();
  }

  function showChips() {
    chips.replaceChildren(...compared.slice(1).map((run) => el('button', {type: 'button', class: 'chip', 'aria-label': `Take ${run.name} away`, onclick: () => {
      run.stop.abort();
      compared.splice(compared.indexOf(run), 1);
      showChips();
      draw();
    }}, run.name, ' ×')));
  }

  async function listOthers() {
    const {runs} = await api.get('/api/runs').catch(() => ({runs: []}));
    const rest = runs.filter((run) => run.name !== name && run.state !== 'model');
    others.replaceChildren(el('option', {value: ''}, 'Compare with …'), ...rest.map((run) => el('option', {value: run.name}, run.name)));
    others.parentElement.hidden = !rest.length;
  }

  followRun(compared[0]);
  listOthers();
  refreshAlways();
}
