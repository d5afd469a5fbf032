/** The part of the details that tells where a conversation is in chat apps, and who has it there. */

import { bridgeName } from './bridges.js';
import { el, fill, inNextFrame } from './dom.js';
import { safeUrl } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

export class BridgesCard {
  /** @param {import('./store/store.js').Store} store */
  constructor(store) {
    this.deliveries = store.deliveries;
    this.sessionId = '';
    /** What is shown, to leave it alone while nothing changes. */
    this.shown = '';
    this.element = el('section', { class: 'card', hidden: true });
    const render = inNextFrame(() => this.paint());
    store.on('session', (id) => id === this.sessionId && render());
    store.on('operators', render);
  }

  /** @param {string} sessionId '' shows none */
  show(sessionId) {
    this.sessionId = sessionId;
    this.paint();
  }

  paint() {
    const { threads, claim } = this.deliveries.place(this.sessionId);
    const names = [...new Set([...this.deliveries.bridges, ...threads.map(({ bridge }) => bridge)])];
    const rows = names.map((bridge) => ({
      bridge,
      thread: threads.find((one) => one.bridge === bridge),
      count: this.deliveries.count(this.sessionId, bridge),
    }));
    const shown = JSON.stringify([this.sessionId, rows, claim]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.element.hidden = !this.sessionId || !names.length;
    const who = claim && texts.hasConversation(claim.name, claim.bridge ? bridgeName(claim.bridge) : '');
    fill(
      this.element,
      el('h3', {}, texts.chatApps),
      who && el('p', { class: 'claim', dir: 'auto' }, who),
      el('ul', { class: 'threads' }, ...rows.map((row) => el('li', {}, ...line(row)))),
    );
  }
}

/**
 * @param {{bridge: string, thread: import('./types.js').BridgeThread | undefined,
 *   count: ReturnType<import('./store/deliveries.js').Deliveries['count']>}} row
 */
function line({ bridge, thread, count }) {
  const name = bridgeName(bridge);
  const href = safeUrl(thread?.link);
  const closed = thread?.state === 'closed';
  const place = !thread ? texts.noThread : closed ? texts.threadClosed : href ? '' : texts.threadOpen;
  return [
    href
      ? el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, texts.openIn(name), icon('link'))
      : el('span', {}, name),
    place && el('span', { class: 'quiet' }, place),
    count.queued > 0 && el('span', { class: 'quiet' }, texts.messagesWaiting(count.queued)),
    count.failed > 0 && el('span', { class: 'problem' }, texts.messagesNotSent(count.failed)),
    count.maybe > 0 && el('span', { class: 'uncertain' }, texts.messagesUncertain(count.maybe)),
  ];
}
