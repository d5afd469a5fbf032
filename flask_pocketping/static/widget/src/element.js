/** The element on the page: launcher, panel, and in it the head, the messages, the forms and the composer. */

import { sheet } from './look.js';
import { MessageList } from './messages.js';
import { Composer } from './composer.js';
import { contactForm, ratingForm } from './forms.js';
import { h, icon, iconButton, say } from './dom.js';

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
    this.#launcher = h('button', 'launcher', { onclick: () => chat.toggle() }, icon('chat'), this.#badge);
    this.#panel = h(
      'section',
      'panel',
      { role: 'dialog', ariaLabel: texts.team, hidden: true },
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
    // Keys that are typed here are not for the page's shortcuts.
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

  get draft() {
    return this.#composer.text.value;
  }

  /** Show what was being written. */
  restore() {
    this.#composer.restore();
  }

  /** Show everything but the messages as it is now. */
  refresh() {
    const { greeting, config, texts, typist, store, lost, problem } = this.#chat;
    this.#paint();
    this.#turn();
    const last = store.messages.findLast(({ sender, operatorName }) => sender === 'operator' && operatorName);
    const name = last?.operatorName ?? greeting.operatorName ?? config.operatorName ?? texts.team;
    const picture = greeting.operatorAvatar ?? config.operatorAvatar;
    this.#avatar.hidden = !picture;
    if (picture && this.#avatar.getAttribute('src') !== picture) this.#avatar.src = picture;
    this.#state.classList.toggle('online', Boolean(greeting.operatorOnline));
    say(this.#name, name);
    say(this.#state, texts[greeting.operatorOnline ? 'online' : greeting.aiActive ? 'ai' : 'away']);
    say(this.#notice, lost ? texts.offline : problem);
    say(this.#typing, typist === undefined ? '' : texts.typing.replace('{name}', typist || name));
    this.#offerForm();
  }

  /** A short sound, made and not loaded. */
  chime() {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.1;
    volume.gain.linearRampToValueAtTime(0, 0.4);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(0.4);
    // A tone that the browser does not allow never ends.
    setTimeout(() => audio.close(), 500);
  }

  /** The brand's colours; what is behind the messages may be the name of a pattern too. */
  #paint() {
    const { config, greeting } = this.#chat;
    const brand = config.primaryColor ?? greeting.primaryColor ?? '#1f5eff';
    const { headerColor: head = brand, toggleColor: toggle = brand } = greeting;
    const { footerColor: foot = '', chatBackground: wall = '' } = greeting;
    const colors = Object.entries({ brand, head, toggle, foot, wall });
    for (const [name, color] of colors) this.style.setProperty(`--${name}`, color);
    this.#panel.className = `panel ${wall}`;
  }

  /** Open or close, count what is unread, and hide where the page's address says so. */
  #turn() {
    const { opened, config, texts, store } = this.#chat;
    const { showOnPages, hideOnPages, launcher, titleBadge } = config;
    const count = opened ? 0 : store.unread().length;
    if (count !== this.#unread) this.#chat.emit('unread', count);
    this.#unread = count;
    say(this.#badge, count ? `${count}` : '');
    const label = opened ? texts.close : texts.open;
    this.#launcher.ariaLabel = count ? `${label} (${count})` : label;
    this.#launcher.ariaExpanded = `${opened}`;
    const fits = (/** @type {string} */ pattern) => new RegExp(pattern).test(location.pathname);
    this.#launcher.hidden = launcher === false || showOnPages?.some(fits) === false || Boolean(hideOnPages?.some(fits));
    const turned = this.#panel.hidden === opened;
    this.#panel.hidden = !opened;
    if (titleBadge) {
      const title = document.title === this.#title ? document.title.replace(/^\(\d+\) /, '') : document.title;
      document.title = this.#title = count ? `(${count}) ${title}` : title;
    }
    if (!turned) return;
    if (!opened) return this.#launcher.focus();
    this.#fit();
    this.list.toEnd();
    this.#composer.text.focus();
  }

  /** The form that is due, if any. */
  #offerForm() {
    const { greeting, store } = this.#chat;
    const { preChatForm: form, csatRequestedAt } = greeting;
    const written = store.messages.some(({ sender }) => sender === 'visitor');
    const contact = form && !form.completed && (written || form.timing.startsWith('before'));
    this.#composer.text.disabled = Boolean(contact && form.required && !written);
    // What is no must may have been passed over, and is no reason not to ask for more.
    const due = (!(contact && form.required) && csatRequestedAt) || (contact ? 'contact' : '');
    if (due === this.#form) return;
    this.#form = due;
    const done = (thanks = '') => {
      this.#forms.replaceChildren(...(thanks ? [h('p', 'notice', { role: 'status' }, thanks)] : []));
      this.refresh();
      this.#composer.text.focus();
    };
    if (!due) return this.#forms.querySelector('form')?.remove();
    this.#forms.replaceChildren((due === 'contact' ? contactForm : ratingForm)(this.#chat, done));
    this.list.toEnd();
  }

  /** Keep above the keyboard of a phone. */
  #fit() {
    if (!visualViewport) return;
    this.#panel.style.setProperty('--height', `${visualViewport.height}px`);
    this.#panel.style.setProperty('--above', `${visualViewport.offsetTop}px`);
  }
}

// A page may include the script twice.
if (!customElements.get('pocketping-chat')) customElements.define('pocketping-chat', ChatElement);
