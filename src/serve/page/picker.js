// Which model: a run and one of its checkpoints, or a file that has a model alone.
import * as api from './api.js';
import {el} from './dom.js';

export function picker(query, change) {
  const run = el('select', {'aria-label': 'Run', onchange: () => choose(run.value)});
  const checkpoint = el('select', {'aria-label': 'Checkpoint', onchange: () => change()});
  const which = el('label', {}, 'Checkpoint', checkpoint);
  const node = el('div', {class: 'picker'}, el('label', {}, 'Run or model', run), which);
  const message = el('p', {class: 'none', hidden: true}, 'No run has a checkpoint yet: a training saves one every ten minutes and at the end of each epoch.');

  async function choose(name) {
    const about = await api.run(name);
    if (name !== run.value) return;  // another one was chosen meanwhile
    which.hidden = about.state === 'model';
    const has = {best: about.checkpoints.some((c) => c.best), latest: about.checkpoints.some((c) => c.latest)};
    const named = [['best', 'best'], ['latest', 'latest']].filter(([key]) => has[key]);
    checkpoint.replaceChildren(...[...named, ...about.checkpoints.map((c) => [c.name, c.name])].map(([value, text]) => el('option', {value}, text)));
    change();
  }

  async function load() {
    const runs = (await api.get('/api/runs')).runs.filter((one) => one.checkpoints);
    runs.sort((a, b) => (a.state === 'model') - (b.state === 'model') || b.updated - a.updated);  // as the page Runs has them
    run.replaceChildren(...runs.map((one) => el('option', {value: one.name}, one.name)));
    message.hidden = runs.length > 0;
    node.hidden = !runs.length;
    if (!runs.length) return;
    const wanted = query.get('run');
    if (runs.some((one) => one.name === wanted)) run.value = wanted;
    await choose(run.value);
  }
  return {
    node: el('div', {}, node, message),
    load,
    model: () => ({run: run.value, checkpoint: checkpoint.value}),
    isReady: () => Boolean(run.value && checkpoint.value),
  };
}
