/** The part of the details about the AI: what it did in this conversation, and what it has used today. */

import { el, fill, inNextFrame } from './dom.js';
import { clockTime, duration, fullTime, wholeNumber } from './format.js';
import { resultOf, stateOf } from './requestCard.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').AIAction} AIAction */
/** @typedef {import('./types.js').AIAnswer} AIAnswer */
/** @typedef {import('./types.js').AIStatus} AIStatus */

/** How many answers and calls are shown. */
const MOST = 5;

export class AICard {
  /** @param {import('./store/store.js').Store} store */
  constructor(store) {
    this.store = store;
    this.sessionId = '';
    /** What is shown, to leave it alone while nothing changes. */
    this.shown = '';
    this.element = el('section', { class: 'card ai-details', hidden: true });
    const render = inNextFrame(() => this.paint());
    store.on('ai', (id) => (!id || id === this.sessionId) && render());
    store.on('operators', render);
  }

  /** @param {string} sessionId '' shows none */
  show(sessionId) {
    this.sessionId = sessionId;
    this.paint();
  }

  paint() {
    const { ai, capabilities } = this.store;
    const { answers, actions } = ai.of(this.sessionId);
    this.element.hidden = !capabilities.ai || !this.sessionId;
    const parts = [this.sessionId, ai.status, answers.slice(0, MOST), actions.slice(0, MOST)];
    const shown = JSON.stringify(parts);
    if (shown === this.shown) return;
    this.shown = shown;
    fill(
      this.element,
      el('h3', {}, texts.ai.title),
      ...(ai.status ? spendOf(ai.status) : []),
      actions.length > 0 && el('h4', {}, texts.ai.requests),
      actions.length > 0 && el('ul', { class: 'ai-list' }, ...actions.slice(0, MOST).map(actionLine)),
      el('h4', {}, texts.ai.recent),
      answers.length > 0
        ? el('ul', { class: 'ai-list' }, ...answers.slice(0, MOST).map(answerLine))
        : el('p', { class: 'quiet' }, texts.ai.noAnswers),
    );
  }
}

/**
 * @param {AIStatus} status
 * @returns {import('./dom.js').Child[]}
 */
function spendOf({ model, mode, usedToday, dailyBudget }) {
  const budget = dailyBudget ? wholeNumber(dailyBudget) : '';
  const usedUp = dailyBudget !== undefined && usedToday >= dailyBudget;
  return [
    model && el('p', { class: 'ai-model', dir: 'auto' }, model, mode && ` · ${texts.ai.modes[mode]}`),
    el('p', { dir: 'auto' }, texts.ai.spent(wholeNumber(usedToday), budget)),
    budget && el('progress', { value: Math.min(usedToday, dailyBudget ?? 0), max: dailyBudget, 'aria-hidden': 'true' }),
    el('p', { class: usedUp ? 'problem' : 'quiet' }, usedUp ? texts.ai.spentUp : texts.ai.spentNote),
  ];
}

/** @param {AIAction} action */
function actionLine(action) {
  return el(
    'li',
    {},
    el('p', { class: 'ai-line' }, el('span', { dir: 'auto' }, action.question), time(action.createdAt)),
    el(
      'p',
      { class: action.state === 'failed' ? 'problem' : 'quiet' },
      el('code', {}, action.tool),
      ` · ${stateOf(action)}`,
    ),
    resultOf(action),
  );
}

/** @param {AIAnswer} answer */
function answerLine({ outcome, reason, inputTokens, outputTokens, duration: took, calls, createdAt }) {
  const tokens = inputTokens + outputTokens;
  const names = calls.map(({ name, ok }) => (ok ? name : texts.ai.toolFailed(name)));
  return el(
    'li',
    {},
    el('p', { class: 'ai-line' }, el('span', {}, texts.ai.outcomes[outcome] ?? outcome), time(createdAt)),
    reason && el('p', { class: outcome === 'failed' ? 'problem' : 'quiet', dir: 'auto' }, reason),
    names.length > 0 && el('p', { class: 'quiet', dir: 'auto' }, texts.ai.called(names.join(', '))),
    tokens > 0 && el('p', { class: 'quiet', dir: 'auto' }, texts.ai.cost(wholeNumber(tokens), seconds(took))),
  );
}

/** @param {number} milliseconds */
const seconds = (milliseconds) =>
  milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : duration(milliseconds / 1000);

/** @param {string} at */
function time(at) {
  return el('time', { class: 'quiet', datetime: at, title: fullTime(at) }, clockTime(at));
}
