// Numbers as people read them.

export const whole = (number) => Math.round(number).toLocaleString('en');
export const bits = (nats) => nats / Math.LN2;
export const loss = (nats) => (nats === null || nats === undefined ? '–' : Math.abs(nats) < 1e4 ? nats.toFixed(4) : nats.toPrecision(4));

export const signed = (number, digits) => number.toFixed(digits).replace('-', '−');

export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return '–';
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)}M`;
  return perSecond >= 1e4 ? `${(perSecond / 1e3).toFixed(1)}k` : whole(perSecond);
}

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function ago(time) {
  if (!time) return '–';
  const seconds = Date.now() / 1000 - time;
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 86400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} d ago`;
}

export const clock = (time) => (time ? new Date(time * 1000).toLocaleString('en-GB', {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit'}) : '');

export function size(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${whole(bytes / 1e3)} kB`;
}

export const percent = (p) => (p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : p >= 0.00095 ? `${(100 * p).toFixed(1)} %` : '< 0.1 %');

const NAMED = {'\n': '↵', ' ': '␣', '\t': '⇥', '\r': '␍', '\u00a0': '⍽'};
// A character that can be seen.
export function visible(c) {
  if (c === '') return '␀';
  if (NAMED[c]) return NAMED[c];
  const code = c.codePointAt(0);
  const isHidden = code < 32 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e);
  return isHidden ? `U+${code.toString(16).toUpperCase().padStart(4, '0')}` : c;
}
