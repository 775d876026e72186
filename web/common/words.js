// What the server has written into the page: the texts in the reader's language, and what of its configuration the page
// shows.
const { texts, settings } = JSON.parse(document.getElementById('data').textContent);

export { settings };
export const language = document.documentElement.lang;

const find = (name) => name.split('.').reduce((node, key) => node?.[key], texts);

// namesIn are the last parts of the paths that begin so.
export const namesIn = (name) => Object.keys(find(name) ?? {});

export const has = (name) => typeof find(name) === 'string';

// t is a text by its path, with values in place of {names}.
export function t(name, values = {}) {
  return (find(name) ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
}

export const number = (n) => new Intl.NumberFormat(language).format(n);

// dates makes a format of Intl when it is first used: that is slow, and the form of sign-in needs none.
function dates(options) {
  let format;
  return (time) => {
    format ??= new Intl.DateTimeFormat(language, options);
    return format.format(new Date(time));
  };
}
export const moment = dates({ dateStyle: 'medium', timeStyle: 'short' });
export const day = dates({ dateStyle: 'medium' });

// seconds is a time to wait, in the largest unit that fits.
export function duration(seconds) {
  const [unit, value] = seconds < 120 ? ['second', seconds] : ['minute', Math.ceil(seconds / 60)];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

const browsers = [
  ['Edge', /\bEdg/], ['Opera', /\bOPR\//], ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(HeadlessChrome|Chrome|Chromium|CriOS)\//],
  ['Safari', /\bSafari\//],
];
const systems = [
  ['iPhone', /\biPhone\b/], ['iPad', /\biPad\b/], ['Android', /\bAndroid\b/], ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/], ['macOS', /\bMac OS X\b/], ['Linux', /\bLinux\b/],
];
const nameIn = (names, text) => names.find(([, pattern]) => pattern.test(text))?.[0];

// device is what a reader knows a program by, of what it calls itself.
export function device(userAgent) {
  if (!userAgent) return t('device.unknown');
  const [browser, system] = [nameIn(browsers, userAgent), nameIn(systems, userAgent)];
  return browser && system ? t('device.on', { browser, system }) : userAgent.slice(0, 60);
}
