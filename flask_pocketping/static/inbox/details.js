/** The pane beside a conversation: who the visitor is, what they view, customer data, and the switches. */

import { AICard } from './aiCard.js';
import { BridgesCard } from './bridgesCard.js';
import { el, fill, iconButton, inNextFrame, setAttribute } from './dom.js';
import { fullTime, initials, localTime, nameOf, safeUrl, shortTime, shortUrl, siteUrl, tint } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';
import { language } from './texts.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Fact} Fact */
/** @typedef {import('./types.js').PageVisit} PageVisit */

export class DetailsPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.sessionId = '';
    /** @type {Fact[] | null} */
    this.facts = [];
    /** @type {PageVisit[]} */
    this.pages = [];
    this.who = el('div', { class: 'who' });
    this.control = el('section', { class: 'card' });
    this.ai = new AICard(app.store);
    this.bridges = new BridgesCard(app.store);
    this.host = el('section', { class: 'card' });
    this.where = el('section', { class: 'card' });
    this.machine = el('section', { class: 'card' });
    this.element = el(
      'section',
      { class: 'pane details-pane', 'aria-label': texts.aboutVisitor },
      el(
        'header',
        { class: 'details-head' },
        iconButton('back', texts.hideDetails, () => app.toggleDetails(), { class: 'icon-button back' }),
        el('h2', {}, texts.details),
        iconButton('cross', texts.hideDetails, () => app.toggleDetails(), { class: 'icon-button details-close' }),
      ),
      el(
        'div',
        { class: 'scroller details-scroller', tabindex: 0, role: 'region', 'aria-label': texts.details },
        this.who,
        this.control,
        this.ai.element,
        this.bridges.element,
        this.host,
        this.where,
        this.machine,
      ),
    );
    this.render = inNextFrame(() => this.paint());
    app.store.on('session', (id) => id === this.sessionId && this.render());
    app.store.on('operators', this.render);
  }

  /** @param {string} sessionId */
  show(sessionId) {
    this.sessionId = sessionId;
    this.facts = [];
    this.pages = [];
    this.paint();
    this.ai.show(sessionId);
    this.bridges.show(sessionId);
  }

  /**
   * @param {string} sessionId for which they were asked
   * @param {{facts?: Fact[] | null, pages?: PageVisit[]}} found facts: null where they could not be had
   */
  take(sessionId, { facts, pages }) {
    if (sessionId !== this.sessionId) return;
    if (facts !== undefined) this.facts = facts;
    if (pages) this.pages = pages;
    this.render();
  }

  paint() {
    const session = this.app.store.sessions.get(this.sessionId);
    for (const part of [this.who, this.control, this.host, this.where, this.machine]) part.hidden = !session;
    if (!session) return;
    this.paintWho(session);
    this.paintControl(session);
    this.paintFacts();
    this.paintPages(session);
    this.paintMachine(session);
  }

  /** @param {Session} session */
  paintWho(session) {
    const { identity } = session;
    const name = nameOf(session);
    const mark =
      identity &&
      (identity.verified
        ? el('span', { class: 'mark is-verified' }, icon('verified'), texts.verified)
        : el('span', { class: 'mark' }, texts.unverified));
    const metadata = Object.entries(identity?.metadata ?? {}).filter(([, value]) =>
      ['string', 'number', 'boolean'].includes(typeof value),
    );
    const phone = identity?.metadata?.phone;
    fill(
      this.who,
      el(
        'span',
        { class: 'avatar large', 'data-tint': tint(session.visitorId), 'aria-hidden': 'true' },
        initials(name),
      ),
      el('p', { class: 'who-name', dir: 'auto' }, name),
      mark ?? el('span', { class: 'mark' }, texts.anonymous),
      table([
        [
          texts.email,
          identity?.email &&
            el('a', { href: `mailto:${encodeURIComponent(identity.email).replace('%40', '@')}` }, identity.email),
        ],
        [texts.phone, typeof phone === 'string' && el('a', { href: `tel:${phone.replace(/[^+\d]/g, '')}` }, phone)],
        [texts.customerId, identity?.customerId],
        ...metadata
          .filter(([label]) => label !== 'phone')
          .map(([label, value]) => /** @type {Row} */ ([label, String(value)])),
      ]),
    );
  }

  /** @param {Session} session */
  paintControl(session) {
    const asked = session.csatRequestedAt && !session.csat;
    const replies = session.aiEnabled && !session.aiHandedOver;
    const ai =
      this.app.store.capabilities.ai &&
      el(
        'button',
        {
          type: 'button',
          class: 'switch',
          role: 'switch',
          'aria-checked': String(replies),
          'data-name': 'ai',
          onClick: () => void this.app.actions.setAi(!replies),
        },
        el('span', {}, texts.assistantSwitch),
        el('span', { class: 'knob', 'aria-hidden': 'true' }),
      );
    const rating = session.csat
      ? stars(session.csat)
      : el(
          'p',
          { class: 'quiet' },
          asked ? `${texts.ratingAsked} · ${shortTime(session.csatRequestedAt ?? '')}` : texts.notRated,
        );
    const ask =
      !session.csat &&
      el(
        'button',
        { type: 'button', class: 'button', 'data-name': 'ask', onClick: () => void this.app.actions.askRating() },
        icon('star'),
        texts.askRating,
      );
    this.keepFocus(this.control, () =>
      fill(
        this.control,
        el('h3', {}, texts.conversationSection),
        ai,
        el('h4', {}, texts.rating),
        rating,
        ask,
        table([[texts.startedAt, el('time', { datetime: session.createdAt }, fullTime(session.createdAt))]]),
      ),
    );
  }

  paintFacts() {
    this.host.hidden = this.facts?.length === 0;
    fill(
      this.host,
      el('h3', {}, texts.facts),
      this.facts === null
        ? el('p', { class: 'problem' }, texts.factsFailed)
        : table(
            this.facts.map(({ label, value, url }) => {
              const shown =
                value === true ? texts.yes : value === false ? texts.no : value === null ? texts.none : String(value);
              const href = siteUrl(url);
              return [
                label,
                href ? el('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, shown) : shown,
              ];
            }),
          ),
    );
  }

  /** @param {Session} session */
  paintPages(session) {
    const { pageUrl, pageTitle, referrer } = session.metadata;
    const before = this.pages.filter((page, index) => !(index === 0 && page.url === pageUrl)).slice(0, 8);
    this.where.hidden = !pageUrl && before.length === 0;
    fill(
      this.where,
      el('h3', {}, session.visitorOnline ? texts.currentPage : texts.lastPage),
      pageUrl && pageLink(String(pageUrl), pageTitle && String(pageTitle)),
      referrer && !sameSite(String(referrer), String(pageUrl)) && table([[texts.cameFrom, address(String(referrer))]]),
      before.length > 0 && el('h4', {}, texts.earlierPages),
      before.length > 0 &&
        el(
          'ol',
          { class: 'pages' },
          ...before.map((page) =>
            el(
              'li',
              {},
              pageLink(page.url, page.title),
              el('time', { datetime: page.visitedAt, title: fullTime(page.visitedAt) }, shortTime(page.visitedAt)),
            ),
          ),
        ),
    );
  }

  /** @param {Session} session */
  paintMachine({ metadata }) {
    const rows = table([
      [texts.device, metadata.device && capital(String(metadata.device))],
      [texts.browser, metadata.browser && String(metadata.browser)],
      [texts.system, metadata.os && String(metadata.os)],
      [texts.screen, metadata.screenResolution && String(metadata.screenResolution)],
      [texts.language, metadata.language && named('language', String(metadata.language))],
      [texts.country, metadata.country && named('region', String(metadata.country))],
      [texts.city, metadata.city && String(metadata.city)],
      [texts.address, metadata.ip && String(metadata.ip)],
      [texts.localTime, metadata.timezone && localTime(String(metadata.timezone))],
    ]);
    this.machine.hidden = !rows;
    fill(this.machine, el('h3', {}, texts.technology), rows);
  }

  /**
   * @param {Element} part
   * @param {() => void} change
   */
  keepFocus(part, change) {
    const focused = document.activeElement;
    const name = focused instanceof HTMLElement && part.contains(focused) ? focused.dataset.name : '';
    change();
    const again = name && part.querySelector(`[data-name="${name}"]`);
    if (again instanceof HTMLElement) again.focus();
  }
}

/** @typedef {[string, import('./dom.js').Child | undefined]} Row */

/**
 * A list of labels and values, without those that are not known; nothing if none is known.
 *
 * @param {Row[]} rows
 */
function table(rows) {
  const known = rows.filter(([, value]) => value);
  if (!known.length) return null;
  return el(
    'dl',
    { class: 'facts' },
    ...known.map(([label, value]) => el('div', {}, el('dt', { dir: 'auto' }, label), el('dd', { dir: 'auto' }, value))),
  );
}

/**
 * @param {string} url
 * @param {string | null | undefined} title
 */
function pageLink(url, title) {
  const href = safeUrl(url);
  const words = [
    el('span', { class: 'page-title', dir: 'auto' }, title || shortUrl(url)),
    title && el('span', { class: 'page-path' }, shortUrl(url)),
  ];
  return href
    ? el('a', { class: 'page', href, target: '_blank', rel: 'noopener noreferrer' }, ...words)
    : el('span', { class: 'page' }, ...words);
}

/** @param {string} url */
function address(url) {
  const href = safeUrl(url);
  return href ? el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, new URL(href).host) : url;
}

/** @param {import('./types.js').CSAT} csat */
function stars({ score, comment, submittedAt }) {
  const row = el(
    'span',
    { class: 'stars', role: 'img', 'aria-label': texts.ratingOf(score) },
    ...[1, 2, 3, 4, 5].map((n) => {
      const star = icon('star');
      setAttribute(star, 'data-on', n <= score);
      return star;
    }),
  );
  return el(
    'div',
    { class: 'rating' },
    row,
    el('time', { class: 'quiet', datetime: submittedAt }, shortTime(submittedAt)),
    comment && el('blockquote', { dir: 'auto' }, comment),
  );
}

/** @param {string} text */
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/**
 * @param {'language' | 'region'} type
 * @param {string} code
 */
function named(type, code) {
  try {
    return new Intl.DisplayNames(language, { type }).of(code) ?? code;
  } catch {
    return code;
  }
}

/**
 * Tell whether two pages are on the same host: such a referrer tells nothing.
 *
 * @param {string} one
 * @param {string} other
 */
function sameSite(one, other) {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).host === new URL(other).host;
}
