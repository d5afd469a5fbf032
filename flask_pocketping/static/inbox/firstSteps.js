/** What an empty inbox says: how the first conversation comes. */

import { el } from './dom.js';
import { texts } from './texts.js';

/** @param {import('./app.js').App} app */
export function firstSteps({ api, site }) {
  const { firstSteps: words } = texts;
  const tag = api.project ? `pocketping_widget(project='${api.project}')` : 'pocketping_widget()';
  const outside = { target: '_blank', rel: 'noopener noreferrer' };
  return el(
    'div',
    { class: 'first-steps' },
    el('h2', {}, words.title),
    el(
      'ol',
      {},
      el('li', {}, el('h3', {}, words.tagTitle), el('p', {}, words.tagText), el('code', {}, `{{ ${tag} }}`)),
      el(
        'li',
        {},
        el('h3', {}, words.siteTitle),
        el('p', {}, words.siteText),
        el('a', { class: 'button', href: site, ...outside }, words.site),
      ),
      el('li', {}, el('h3', {}, words.replyTitle), el('p', {}, words.replyText)),
    ),
    el(
      'p',
      { class: 'quiet' },
      `${words.apiText} `,
      el('a', { href: `${api.base}/openapi.json`, ...outside }, words.api),
    ),
  );
}
