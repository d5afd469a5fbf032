/** How bridges, and what became of a message on them, are told in words. */

import { el } from './dom.js';
import { duration } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Delivery} Delivery */

/**
 * What people call a bridge.
 *
 * @param {string} bridge
 */
export function bridgeName(bridge) {
  const known = Object.entries(texts.bridgeNames).find(([name]) => name === bridge);
  return known?.[1] ?? bridge.slice(0, 1).toUpperCase() + bridge.slice(1);
}

/**
 * Tell whether the operator may send a message to a bridge again.
 *
 * @param {Delivery} delivery
 */
export const isHeldUp = ({ state }) => state === 'failed' || state === 'maybe';

/**
 * Lines for the bridges to which a message is not simply sent.
 *
 * @param {readonly Delivery[]} deliveries
 * @param {(delivery: Delivery) => import('./dom.js').Child} [more] what stands behind a line
 */
export function deliveryLines(deliveries, more = () => null) {
  const shown = deliveries.filter(({ state }) => state !== 'sent');
  if (!shown.length) return null;
  return el(
    'ul',
    { class: 'deliveries', 'aria-label': texts.deliveries },
    ...shown.map((one) =>
      el(
        'li',
        { class: `delivery delivery-${one.state}` },
        icon(one.state === 'queued' ? 'clock' : 'alert'),
        el('span', { dir: 'auto' }, deliveryText(one)),
        more(one),
      ),
    ),
  );
}

/** @param {Delivery} delivery */
export function deliveryText({ bridge, state, reason, waitSeconds }) {
  const name = bridgeName(bridge);
  if (state === 'failed') return texts.notSentTo(name, plainReason(reason));
  if (state === 'maybe') return texts.mayHaveArrived(name);
  return texts.waitingFor(name, waitSeconds ? duration(waitSeconds) : '');
}

/**
 * Say in plain words why a platform refused a message.
 *
 * @param {string | undefined} reason
 */
function plainReason(reason) {
  if (!reason) return '';
  for (const [signs, text] of texts.refusals) if (signs.test(reason)) return text;
  const said = reason.replace(/^(Bad Request|Forbidden|Not Found): /, '').replace(/\.$/, '');
  return `${said.slice(0, 1).toUpperCase()}${said.slice(1)}.`;
}
