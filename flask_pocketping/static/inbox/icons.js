/** The inbox's own icons, drawn on a grid of 24 with round strokes. */

/** @type {Record<string, string[]>} */
const paths = {
  chats: [
    'M4 5.5h11a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H9l-4 3.2v-3.2H4a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2z',
    'M20 9.5a2 2 0 0 1 2 2v4.5a2 2 0 0 1-2 2v3l-3.5-3H12',
  ],
  stats: ['M4 20V11', 'M10 20V4', 'M16 20v-6', 'M22 20H2', 'M21 8v12'],
  bolt: ['M13 2 5 13.5h6L10 22l8.5-12H12z'],
  gear: [
    'M4 7h9',
    'M19 7h1',
    'M16 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z',
    'M4 17h1',
    'M11 17h9',
    'M8 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z',
  ],
  search: ['M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14z', 'm16.2 16.2 4.3 4.3'],
  cross: ['M6 6l12 12', 'M18 6 6 18'],
  back: ['M15 5l-7 7 7 7'],
  info: ['M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z', 'M12 11v5.5', 'M12 7.6v.1'],
  panel: ['M4 4.5h16a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1z', 'M15 4.5v15'],
  check: ['m5 12.5 4.5 4.5L19 7.5'],
  checks: ['m2 12.5 4.5 4.5L15 8', 'm12 16.5.8.6L22 8'],
  clock: ['M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z', 'M12 7.5V12l3 2'],
  alert: ['M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z', 'M12 7.5v5.5', 'M12 16.4v.1'],
  send: ['M4 12 20.5 4.5 15 20l-3.5-6.5z', 'm11.5 13.5 4-4.2'],
  clip: ['m20 11.5-8 8a5 5 0 0 1-7.1-7.1l8.6-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6'],
  reply: ['M9 6 4 11l5 5', 'M4 11h9a7 7 0 0 1 7 7v1'],
  edit: ['M4 20l.8-4L16 4.8a2.1 2.1 0 0 1 3 3L7.9 19z', 'm14 7 3 3'],
  trash: ['M4 7h16', 'M9 7V4.5h6V7', 'm6 7 1 13h10l1-13', 'M10 11v5.5', 'M14 11v5.5'],
  file: ['M6 3h8l5 5v13H6z', 'M14 3v5h5'],
  down: ['M12 5v13', 'm6 12.5 6 6 6-6'],
  verified: ['M12 2.8 19 6v5.5c0 4.5-2.9 7.9-7 9.7-4.1-1.8-7-5.2-7-9.7V6z', 'm8.8 11.8 2.4 2.4 4.2-4.4'],
  globe: ['M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z', 'M3 12h18', 'M12 3c5 5.5 5 12.5 0 18', 'M12 3c-5 5.5-5 12.5 0 18'],
  star: ['m12 3.5 2.6 5.5 6 .8-4.4 4.2 1.1 6-5.3-2.9-5.3 2.9 1.1-6-4.4-4.2 6-.8z'],
  spark: ['M12 3c.8 5.2 3 7.8 8.5 9-5.5 1.2-7.7 3.8-8.5 9-.8-5.2-3-7.8-8.5-9 5.5-1.2 7.7-3.8 8.5-9z'],
  archive: ['M3.5 5h17v4h-17z', 'M5 9v10.5h14V9', 'M10 13h4'],
  open: ['M4 12a8 8 0 1 0 2.5-5.8', 'M4 4v4.5h4.5'],
  again: ['M20 12a8 8 0 1 1-2.5-5.8', 'M20 4v4.5h-4.5'],
  eye: ['M2.5 12c5-7.5 14-7.5 19 0-5 7.5-14 7.5-19 0z', 'M12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z'],
  plus: ['M12 5v14', 'M5 12h14'],
  keys: ['M3 6.5h18v11H3z', 'M7 10.2v.1', 'M12 10.2v.1', 'M17 10.2v.1', 'M8 14h8'],
  link: ['M14 5h5v5', 'm19 5-8 8', 'M17 14v5H5V7h5'],
};

const namespace = 'http://www.w3.org/2000/svg';

/**
 * An icon. It says nothing to a screen reader: what it stands on has the words.
 *
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths[name] ?? []) {
    const path = document.createElementNS(namespace, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
