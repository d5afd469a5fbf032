/** The forms that a visitor may be asked to fill in: how to be reached, and a rating. */

import { h, icon, textButton } from './dom.js';

/** @typedef {import('./chat.js').Chat} Chat */

/** @param {Chat} chat @param {() => void} done */
export function contactForm(chat, done) {
  const { texts, greeting } = chat;
  const { fields = '', required } = greeting.preChatForm ?? {};
  const inputs = [];
  for (const [name, type, label] of [
    ['email', 'email', texts.email],
    ['phone', 'tel', texts.phone],
  ]) {
    const required = !fields.includes('-or-');
    const given = { name, type, autocomplete: type, placeholder: label, ariaLabel: label, required };
    if (fields.includes(name)) inputs.push(h('input', '', given));
  }
  return form(
    chat,
    texts.contact,
    texts.save,
    required ? '' : textButton(texts.skip, done),
    inputs,
    async ({ email, phone }) => {
      if (!email && !phone) return texts.reach;
      await chat.tellContact({ email, phone: phone?.replace(/[^+\d]/g, '') });
      done();
    },
  );
}

/** @param {Chat} chat @param {(thanks?: string) => void} done */
export function ratingForm(chat, done) {
  const { texts } = chat;
  const stars = [1, 2, 3, 4, 5].map((value) => {
    const label = texts.stars.replace('{count}', `${value}`);
    const input = h('input', '', { type: 'radio', name: 'score', value, ariaLabel: label, required: true });
    return h('label', '', { title: label }, input, icon('star'));
  });
  const given = { name: 'comment', rows: 1, maxLength: 1000, placeholder: texts.comment, ariaLabel: texts.comment };
  const comment = h('textarea', '', given);
  const fields = [h('div', 'stars', {}, ...stars), comment];
  return form(chat, texts.rate, texts.send, textButton(texts.skip, done), fields, async ({ score, comment }) => {
    await chat.rate({ score: Number(score), comment });
    done(texts.thanks);
  });
}

/**
 * @param {Chat} chat
 * @param {string} title
 * @param {string} label of the button that sends it
 * @param {Node | string} other another way out
 * @param {Node[]} fields
 * @param {(filled: Record<string, string | undefined>) => Promise<string | void>} send gets the fields that are not
 *   empty; it may return what is wrong with them
 */
function form(chat, title, label, other, fields, send) {
  const error = h('p', 'error', { role: 'alert' });
  const card = h(
    'form',
    'card',
    { ariaLabel: title },
    h('b', '', {}, title),
    ...fields,
    error,
    h('button', 'main', {}, label),
    other,
  );
  card.onsubmit = (event) => {
    event.preventDefault();
    const filled = [...new FormData(card)].map(([name, value]) => [name, `${value}`.trim() || undefined]);
    send(Object.fromEntries(filled))
      .catch((problem) => chat.explain(problem))
      .then((text) => (error.textContent = text ?? ''));
  };
  return card;
}
