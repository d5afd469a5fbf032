/** What the widget says: English, with another language or the page's own words over it. */

import { languages } from './languages.js';

/** What the widget says. */
export const english = {
  open: 'Open chat',
  close: 'Close chat',
  team: 'Support',
  online: 'Online',
  away: 'We reply as soon as we can',
  ai: 'AI assistant',
  welcome: 'Hi! How can we help?',
  messages: 'Messages',
  placeholder: 'Write a message…',
  send: 'Send',
  attach: 'Attach a file',
  reply: 'Reply',
  edit: 'Edit',
  remove: 'Delete',
  sure: 'Really delete?',
  deleted: 'Message deleted',
  edited: 'edited',
  sending: 'Sending',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Not sent',
  retry: 'Try again',
  cancel: 'Cancel',
  offline: 'No connection. What you write is sent later.',
  typing: '{name} is typing…',
  contact: 'How can we reach you?',
  email: 'Email',
  phone: 'Phone (+1 …)',
  save: 'Continue',
  skip: 'Not now',
  rate: 'How did we do?',
  stars: '{count} of 5',
  comment: 'Anything to add?',
  thanks: 'Thank you!',
};

/**
 * The texts of a language, and of the page where it has its own.
 * @param {string} language
 * @param {Partial<WidgetTexts>} [own]
 * @returns {WidgetTexts}
 */
export function textsFor(language, own) {
  const lines = languages[language.split('-')[0].toLowerCase()]?.split('\n');
  const texts = Object.entries(english).map(([name, text], at) => [name, lines?.[at] ?? text]);
  return { ...Object.fromEntries(texts), ...own };
}
