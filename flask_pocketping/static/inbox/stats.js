/** The statistics: how many conversations there were, how fast the replies came, and visitor satisfaction. */

import { SignedOut } from './api.js';
import { el, fill, setAttribute } from './dom.js';
import { duration, percent, scaleTop, statsDay } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Stats} Stats */
/** @typedef {import('./types.js').StatsDay} StatsDay */
/** @typedef {'7d' | '30d'} Period */

const WIDEST = 820;
const NARROWEST = 300;
const HEIGHT = 200;
const LEFT = 32;
const BOTTOM = 22;
const TOP = 10;
/** The pixels around the chart. */
const FRAME = 34;
const svgNamespace = 'http://www.w3.org/2000/svg';

export class StatsPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    /** @type {Period} */
    this.period = '7d';
    this.body = el('div', { class: 'stats-body' });
    this.buttons = el(
      'div',
      { class: 'filters', role: 'group', 'aria-label': texts.period },
      this.button('7d'),
      this.button('30d'),
    );
    this.title = el('h2', { tabindex: -1 }, texts.statistics);
    this.element = el(
      'div',
      { class: 'pane stats-pane', hidden: true },
      el('header', { class: 'stats-head' }, this.title, this.buttons),
      el(
        'div',
        { class: 'scroller stats-scroller', tabindex: 0, role: 'region', 'aria-label': texts.statistics },
        this.body,
      ),
    );
  }

  /** @param {Period} period */
  button(period) {
    return el(
      'button',
      { type: 'button', 'data-period': period, onClick: () => void this.load(period) },
      texts.periods[period],
    );
  }

  /** @param {Period} [period] */
  async load(period = this.period) {
    this.period = period;
    for (const button of this.buttons.querySelectorAll('button'))
      setAttribute(button, 'aria-pressed', String(button.dataset.period === period));
    if (!this.body.childElementCount)
      fill(
        this.body,
        el(
          'div',
          { class: 'skeleton stats-skeleton' },
          el('p', { class: 'unseen' }, texts.loading),
          ...Array.from({ length: 5 }, () => el('b', {})),
        ),
      );
    try {
      const found = await this.app.api.call('GET', '/stats', { query: { period } });
      if (period === this.period) this.paint(found);
    } catch (error) {
      if (error instanceof SignedOut || period !== this.period) return;
      fill(
        this.body,
        el(
          'div',
          { class: 'blank', role: 'alert' },
          icon('alert'),
          el('p', {}, texts.statsFailed),
          el('button', { type: 'button', class: 'button', onClick: () => void this.load() }, texts.tryAgain),
        ),
      );
    }
  }

  /** @param {Stats} stats */
  paint(stats) {
    const { csat } = stats;
    fill(
      this.body,
      el(
        'dl',
        { class: 'figures' },
        figure(texts.statConversations, String(stats.conversations)),
        figure(
          texts.statAnswered,
          String(stats.answered),
          stats.responseRate !== null && texts.statRate(percent(stats.responseRate)),
        ),
        figure(texts.statUnanswered, String(stats.unanswered)),
        figure(
          texts.statResponse,
          stats.medianFirstResponse === null ? texts.none : duration(stats.medianFirstResponse),
        ),
        figure(
          texts.statSatisfaction,
          csat.score === null ? texts.none : `${csat.score.toFixed(1)} / 5`,
          csat.satisfied !== null &&
            `${texts.statSatisfied(percent(csat.satisfied))} · ${texts.statRatings(csat.count)}`,
        ),
      ),
      el(
        'section',
        { class: 'card chart-card' },
        el('h3', {}, texts.perDay),
        legend(),
        stats.conversations === 0
          ? el('p', { class: 'quiet' }, texts.statsEmpty)
          : chart(stats.days, Math.max(NARROWEST, Math.min(WIDEST, this.body.clientWidth - FRAME))),
        el('details', {}, el('summary', {}, texts.perDayTable), daysTable(stats.days)),
      ),
      csat.count > 0 &&
        el('section', { class: 'card chart-card' }, el('h3', {}, texts.ratingsChart), ratings(csat.scores)),
    );
  }
}

/**
 * @param {string} label
 * @param {string} value
 * @param {string | false} [more]
 */
function figure(label, value, more = false) {
  return el(
    'div',
    { class: 'figure' },
    el('dt', {}, label),
    el('dd', {}, el('strong', {}, value), more && el('span', { class: 'quiet' }, more)),
  );
}

function legend() {
  return el(
    'p',
    { class: 'legend', 'aria-hidden': 'true' },
    el('i', { class: 'key-answered' }),
    texts.statAnswered,
    el('i', { class: 'key-all' }),
    texts.all,
  );
}

/**
 * @param {StatsDay[]} days
 * @param {number} width
 */
function chart(days, width) {
  const top = scaleTop(Math.max(...days.map(({ conversations }) => conversations)));
  const step = (width - LEFT) / days.length;
  const bar = Math.min(36, step * 0.62);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const made = svg('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`,
    class: 'chart',
    role: 'img',
    'aria-label': texts.perDay,
  });
  for (const value of [0, top / 2, top]) {
    made.append(
      svg('line', { x1: LEFT, x2: width, y1: y(value), y2: y(value), class: 'grid' }),
      label(LEFT - 8, y(value) + 4, String(value), 'end'),
    );
  }
  days.forEach((day, index) => {
    const x = LEFT + step * index + (step - bar) / 2;
    const title = svg('title', {});
    title.textContent = `${statsDay(day.date)}: ${day.conversations}, ${day.answered} ${texts.answered}`;
    made.append(
      svg(
        'g',
        {},
        title,
        svg('rect', { x: LEFT + step * index, y: TOP, width: step, height: HEIGHT - TOP - BOTTOM, class: 'hit' }),
        svg('rect', {
          x,
          y: y(day.conversations),
          width: bar,
          height: y(0) - y(day.conversations),
          rx: 3,
          class: 'bar-all',
        }),
        svg('rect', {
          x,
          y: y(day.answered),
          width: bar,
          height: y(0) - y(day.answered),
          rx: 3,
          class: 'bar-answered',
        }),
      ),
    );
    const every = Math.ceil((days.length * 56) / width);
    if (index % every === 0) made.append(label(x + bar / 2, HEIGHT - 5, statsDay(day.date), 'middle'));
  });
  return made;
}

/** @param {StatsDay[]} days */
function daysTable(days) {
  const row = (/** @type {StatsDay} */ day) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, statsDay(day.date)),
      el('td', {}, String(day.conversations)),
      el('td', {}, String(day.answered)),
    );
  return el(
    'table',
    {},
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        ...[texts.day, texts.statConversations, texts.statAnswered].map((text) => el('th', { scope: 'col' }, text)),
      ),
    ),
    el('tbody', {}, ...days.map(row)),
  );
}

/** @param {Record<string, number>} scores */
function ratings(scores) {
  const most = Math.max(1, ...Object.values(scores));
  const line = (/** @type {number} */ score) => {
    const count = scores[String(score)] ?? 0;
    const bar = el('span', { class: 'rating-bar' });
    bar.style.width = `${(count / most) * 100}%`;
    return el(
      'li',
      {},
      el('span', { class: 'unseen' }, texts.ratingBar(score, count)),
      el('span', { class: 'rating-score', 'aria-hidden': 'true' }, String(score), icon('star')),
      el('span', { class: 'rating-track', 'aria-hidden': 'true' }, bar),
      el('span', { class: 'rating-count', 'aria-hidden': 'true' }, String(count)),
    );
  };
  return el('ul', { class: 'ratings', role: 'list' }, ...[5, 4, 3, 2, 1].map(line));
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Element} children
 */
function svg(tag, attributes, ...children) {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {'start' | 'middle' | 'end'} anchor
 */
function label(x, y, text, anchor) {
  const made = svg('text', { x, y, 'text-anchor': anchor, class: 'chart-label' });
  made.textContent = text;
  return made;
}
