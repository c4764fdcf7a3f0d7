// A run's metrics.jsonl as curves.

const NAMES = {loss: 'loss', learning_rate: 'rate', gradient_norm: 'norm', characters_per_second: 'speed'};

export class RunData {
  constructor() {
    this.clear();
  }

  clear() {
    this.curves = {loss: [], validation: [], train: [], rate: [], norm: [], speed: []};  // [[step, value], …]
    this.epochEnds = [];  // [[step, epochs], …]
    this.phases = [];     // [{label, seconds}]
    this.happened = [];   // events of history
    this.last = null;     // the last step event
    this.start = null;    // the last run event
    this.end = null;      // the end event, if nothing came after it
    this.epoch = null;
  }

  take(events) {
    for (const event of events) this.add(event);
  }

  add(event) {
    const {step} = event;
    const put = (name, value) => { if (Number.isFinite(value)) this.curves[name].push([step, value]); };
    if (event.event === 'step') {
      for (const [from, to] of Object.entries(NAMES)) put(to, event[from]);
      this.last = event;
    } else if (event.event === 'validation' && !event.final) {
      put('validation', event.val_loss);
    } else if (event.event === 'epoch') {
      put('validation', event.val_loss);
      put('train', event.train_loss);
      this.epochEnds.push([step, event.epoch + 1]);
      this.epoch = event;
    } else if (event.event === 'phases' && event.seconds && typeof event.seconds === 'object') {
      this.phases.push({label: this.epochEnds.at(-1)?.[0] === step ? String(this.epochEnds.at(-1)[1]) : '', seconds: event.seconds});
    }
    if (event.event === 'run') {
      this.start = event;
      this.end = null;
    }
    if (event.event === 'end') this.end = event;
    if (['run', 'end', 'skipped'].includes(event.event)) this.happened.push(event);
  }

  // The curve with another x: 'step', or 'epoch', of which the lengths are known once one has ended.
  curve(name, unit) {
    const points = this.curves[name];
    return unit === 'step' ? points : points.map(([step, value]) => [this.epochs(step), value]);
  }

  epochs(step) {
    const ends = this.epochEnds;
    let i = ends.findIndex(([end]) => end >= step);
    if (i < 0) i = ends.length - 1;
    if (i < 0) return 0;
    const [end, epoch] = ends[i], [before, number] = i > 0 ? ends[i - 1] : [0, Math.max(0, epoch - 1)];
    return number + (step - before) / Math.max(end - before, 1) * (epoch - number);
  }
}
