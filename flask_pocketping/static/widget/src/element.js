/** The element on the page: launcher, panel, and in it the head, the messages, the forms and the composer. */

import { sheet } from './look.js';
import { MessageList } from './messages.js';
import { Composer } from './composer.js';
import { contactForm, ratingForm } from './forms.js';
import { h, icon, iconButton, say } from './dom.js';
import { isTouched } from './phone.js';
import { A_WHILE } from './timers.js';

/** @typedef {import('./chat.js').Chat} Chat */

export class ChatElement extends HTMLElement {
  #avatar = h('img', 'avatar', { alt: '' });
  #name = h('h2');
  #state = h('p', 'state', { role: 'status' });
  #notice = h('p', 'notice', { role: 'status' });
  #typing = h('p', 'typing', { role: 'status' });
  #badge = h('span', 'badge', { ariaHidden: 'true' });
  #forms = h('div');
  #title = '';
  #unread = 0;
  #form = '';
  #chat;
  #composer;
  #launcher;
  #panel;

  /** @param {Chat} chat */
  constructor(chat) {
    super();
    this.#chat = chat;
    const { config, texts, language } = chat;
    this.#composer = new Composer(chat);
    this.list = new MessageList(chat, this.#composer);
    this.#launcher = h(
      'button',
      'launcher',
      { onclick: () => chat.toggle() },
      icon('chat'),
      icon('close'),
      this.#badge,
    );
    this.#panel = h(
      'section',
      'panel',
      { role: 'dialog', ariaLabel: texts.team, hidden: true, tabIndex: -1 },
      h(
        'div',
        'head',
        {},
        this.#avatar,
        h('div', '', {}, this.#name, this.#state),
        iconButton('close', texts.close, () => chat.close()),
      ),
      this.#notice,
      this.list.element,
      this.list.pill,
      this.#typing,
      this.#forms,
      this.#composer.element,
    );
    this.#panel.onkeydown = ({ key }) => {
      if (key === 'Escape') chat.close();
    };
    this.#composer.takeDrops(this.#panel);
    const dir = /^(ar|fa|he|ur)/.test(language) ? 'rtl' : 'ltr';
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    root.append(h('div', `root ${config.position}`, { lang: language, dir }, this.#panel, this.#launcher));
    // What is typed here must not trigger the page's shortcuts.
    root.addEventListener('keydown', (event) => event.stopPropagation());
    const { theme = '' } = config;
    this.style.colorScheme = /light|dark/.test(theme) ? theme : 'light dark';
    this.hidden = true;
    setTimeout(() => (this.hidden = false), config.showDelay);
    visualViewport?.addEventListener('resize', () => this.#fit());
    this.refresh();
  }

  /** Show messages that are new or changed, and the rest. @param {WidgetMessage[]} changed */
  show(changed) {
    this.list.show(changed);
    this.refresh();
  }

  /** Let the visitor write. On a phone the keyboard comes only when the field is touched. */
  focus() {
    (isTouched() ? this.#panel : this.#composer.text).focus();
  }

  get draft() {
    return this.#composer.text.value;
  }

  /** Show what was being written. */
  restore() {
    this.#composer.restore();
  }

  /** Show the present state of everything but the messages. */
  refresh() {
    const { greeting, config, connection, texts, typist, growing, store, lost, problem } = this.#chat;
    this.#paint();
    this.#composer.attach.hidden = connection.connected && !greeting.maxUploadSize;
    this.#turn();
    const last = store.messages.findLast(({ sender, operatorName }) => sender === 'operator' && operatorName);
    const name = last?.operatorName ?? greeting.operatorName ?? config.operatorName ?? texts.team;
    const picture = this.#chat.pictureOf(last?.operatorName);
    this.#avatar.hidden = !picture;
    if (picture && this.#avatar.getAttribute('src') !== picture) this.#avatar.src = picture;
    this.#state.classList.toggle('online', Boolean(greeting.operatorOnline));
    say(this.#name, name);
    say(this.#state, texts[greeting.operatorOnline ? 'online' : greeting.aiActive ? 'ai' : 'away']);
    say(this.#notice, lost ? (lost === true ? texts.offline : this.#chat.explain(lost)) : problem);
    this.list.grow(growing);
    say(this.#typing, typist === undefined || growing ? '' : texts.typing.replace('{name}', typist || name));
    this.#offerForm();
  }

  /** Play a short sound; no file has to be loaded. */
  chime() {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.1;
    volume.gain.linearRampToValueAtTime(0, 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(0.4);
    // If the browser allows no sound, the tone never ends.
    setTimeout(() => audio.close(), 500);
  }

  /** Set the brand's colours. `wall`, behind the messages, is a colour or the name of a pattern. */
  #paint() {
    const { config, greeting } = this.#chat;
    const brand = config.primaryColor ?? greeting.primaryColor ?? '#1f5eff';
    const { headerColor: head = brand, toggleColor: toggle = brand } = greeting;
    const { footerColor: foot = '', chatBackground: wall = '' } = greeting;
    const colors = Object.entries({ brand, head, toggle, foot, wall });
    for (const [name, color] of colors) this.style.setProperty(`--${name}`, color);
    this.#panel.className = `panel ${wall}`;
  }

  /** Open or close the panel, count unread messages, and hide the launcher on the pages that say so. */
  #turn() {
    const { opened, config, texts, store } = this.#chat;
    const { showOnPages, hideOnPages, launcher, titleBadge } = config;
    const unread = opened ? 0 : store.unread().length;
    if (unread !== this.#unread) this.#chat.emit('unread', unread);
    this.#unread = unread;
    const count = unread > 99 ? '99+' : unread ? `${unread}` : '';
    say(this.#badge, count);
    const label = opened ? texts.close : texts.open;
    this.#launcher.ariaLabel = count ? `${label} (${count})` : label;
    this.#launcher.ariaExpanded = `${opened}`;
    const fits = (/** @type {string} */ pattern) => new RegExp(pattern).test(location.pathname);
    this.#launcher.hidden = launcher === false || showOnPages?.some(fits) === false || Boolean(hideOnPages?.some(fits));
    const turned = this.#panel.hidden === opened;
    this.#panel.hidden = !opened;
    this.#fit();
    if (titleBadge) {
      const title = document.title === this.#title ? document.title.replace(/^\(\d+\+?\) /, '') : document.title;
      document.title = this.#title = count ? `(${count}) ${title}` : title;
    }
    if (!turned) return;
    if (!opened) return this.#launcher.focus();
    this.list.toEnd();
    this.focus();
  }

  /** Show the form that is due, if any. */
  #offerForm() {
    const { greeting, store } = this.#chat;
    const { preChatForm: form, csatRequestedAt } = greeting;
    const written = store.messages.some(({ sender }) => sender === 'visitor');
    const contact = form && !form.completed && (written || form.timing.startsWith('before'));
    this.#composer.text.disabled = Boolean(contact && form.required && !written);
    // A form that may be skipped does not keep another one away.
    const due = (!(contact && form.required) && csatRequestedAt) || (contact ? 'contact' : '');
    if (due === this.#form) return;
    this.#form = due;
    const done = (thanks = '') => {
      const note = h('p', 'notice', { role: 'status' }, thanks);
      this.#forms.replaceChildren(...(thanks ? [note] : []));
      this.#chat.timers.later('thanks', () => note.remove(), A_WHILE);
      this.refresh();
      this.focus();
    };
    if (!due) return this.#forms.querySelector('form')?.remove();
    this.#forms.replaceChildren((due === 'contact' ? contactForm : ratingForm)(this.#chat, done));
  }

  /** Cover the page on a phone, and keep the panel above its keyboard. */
  #fit() {
    this.#chat.cover(this, this.#panel);
    if (!visualViewport) return;
    this.#panel.style.setProperty('--height', `${visualViewport.height}px`);
    this.#panel.style.setProperty('--above', `${visualViewport.offsetTop}px`);
  }
}

// A page may include the script twice.
if (!customElements.get('pocketping-chat')) customElements.define('pocketping-chat', ChatElement);
