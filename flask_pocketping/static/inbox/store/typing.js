/** Who is typing in which conversation. */

import { texts } from '../texts.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').Operator} Operator */

/** Milliseconds after which somebody who does not go on typing has stopped. */
const TYPING_ENDS = 6000;

export class Typing {
  /**
   * Until when they count as typing.
   * @type {Map<string, {visitor: number, operators: Map<string, {name: string, until: number}>}>}
   */
  #bySession = new Map();
  #emit;

  /** @param {import('./emitter.js').Emit} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /**
   * Apply a `typing` frame.
   *
   * @param {Frame} frame
   * @param {Operator | null} me whose own typing is not shown
   */
  apply({ sessionId, sender, isTyping, operator }, me) {
    const now = Date.now();
    const found = this.#bySession.get(sessionId) ?? { visitor: 0, operators: new Map() };
    this.#bySession.set(sessionId, found);
    const until = isTyping ? now + TYPING_ENDS : 0;
    if (sender === 'visitor') found.visitor = until;
    else if (operator?.id !== undefined && operator.id === me?.id) return;
    else if (isTyping) {
      const name = operator?.name ?? (sender === 'ai' ? texts.assistant : texts.operator);
      found.operators.set(operator?.id ?? '', { name, until });
    } else found.operators.delete(operator?.id ?? '');
    this.#emit('typing', sessionId);
  }

  /**
   * Tell whether the visitor of a session is typing.
   *
   * @param {string} sessionId
   */
  isVisitorTyping(sessionId) {
    return (this.#bySession.get(sessionId)?.visitor ?? 0) > Date.now();
  }

  /**
   * Return the other operators who are typing. A program has no id.
   *
   * @param {string} sessionId
   * @returns {{id: string | undefined, name: string}[]}
   */
  operators(sessionId) {
    const found = this.#bySession.get(sessionId)?.operators ?? [];
    return [...found]
      .filter(([, { until }]) => until > Date.now())
      .map(([id, { name }]) => ({ id: id || undefined, name }));
  }

  /** Forget everybody who has stopped. The app calls this once a second. */
  expire() {
    const now = Date.now();
    for (const [sessionId, found] of this.#bySession) {
      const before = (found.visitor ? 1 : 0) + found.operators.size;
      if (found.visitor <= now) found.visitor = 0;
      for (const [id, { until }] of found.operators) if (until <= now) found.operators.delete(id);
      const after = (found.visitor ? 1 : 0) + found.operators.size;
      if (after === 0) this.#bySession.delete(sessionId);
      if (after !== before) this.#emit('typing', sessionId);
    }
  }

  /**
   * A message arrived, so its author has stopped typing.
   *
   * @param {Message} message
   */
  stop(message) {
    const found = this.#bySession.get(message.sessionId);
    if (!found) return;
    if (message.type === 'visitor') found.visitor = 0;
    else if (message.type !== 'system') found.operators.delete(message.operatorId ?? '');
    this.#emit('typing', message.sessionId);
  }
}
