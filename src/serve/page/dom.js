// Elements. Text is always text: nothing here, or on this page, makes markup of a string.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'hidden') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// el('p', {class: 'quiet', onclick: f}, 'some text', el('b', {}, 'more'))
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// A few buttons of which one is pressed. `choices`: [[value, label], …].
export function choice(label, choices, value, change) {
  const buttons = choices.map(([key, text]) =>
    el('button', {type: 'button', 'aria-pressed': String(key === value), onclick: () => {
      for (const button of buttons) button.setAttribute('aria-pressed', String(button === buttons[choices.findIndex((c) => c[0] === key)]));
      change(key);
    }}, text));
  return el('div', {class: 'choice', role: 'group', 'aria-label': label}, buttons);
}

// Calls `work` at most once every `pause` ms, the last time included.
export function calmly(pause, work) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => { timer = 0; work(); }, pause);
  };
}
