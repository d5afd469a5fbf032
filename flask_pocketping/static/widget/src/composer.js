/** Where the visitor writes, replies, edits and attaches files. */

import { h, iconButton, say, textButton } from './dom.js';
import { plain } from './messages.js';

/** @typedef {import('./chat.js').Chat} Chat */

/** Files that a message may have. */
const MOST = 10;

export class Composer {
  text = h('textarea', '', { rows: 1, maxLength: 4000, dir: 'auto' });
  #about = h('div', 'chip', { hidden: true });
  #files = h('div');
  #crowded = h('p', 'error', { role: 'alert' });
  /** @type {{kind?: 'reply' | 'edit', message?: WidgetMessage}} */
  #picked = {};
  /** The files of the message, uploaded or not. @type {Set<{done?: WidgetAttachment}>} */
  #uploads = new Set();
  #sendWhenReady = false;
  #chat;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const { texts, config } = chat;
    const { text } = this;
    text.placeholder = text.ariaLabel = config.placeholder ?? texts.placeholder;
    text.value = chat.draft;
    const chosen = h('input', '', { type: 'file', multiple: true, hidden: true });
    chosen.onchange = () => this.#attach(chosen.files);
    this.attach = iconButton('attach', texts.attach, () => chosen.click());
    const field = h('div', 'field', {}, this.attach, text, iconButton('send', texts.send));
    this.element = h('form', 'composer', {}, this.#about, this.#files, this.#crowded, field, chosen);
    this.element.onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    text.oninput = () => this.#typed();
    text.onkeydown = (event) => this.#key(event);
    text.onpaste = ({ clipboardData }) => this.#attach(clipboardData?.files);
  }

  /** Show what was being written, unless something is already. */
  restore() {
    if (!this.text.value) this.text.value = this.#chat.draft;
  }

  /** Take dropped files from anywhere in the panel. @param {HTMLElement} panel */
  takeDrops(panel) {
    const over = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      panel.classList.toggle('over', event.type === 'dragover');
    };
    panel.ondragover = panel.ondragleave = over;
    panel.ondrop = (event) => (over(event), this.#attach(event.dataTransfer?.files));
  }

  /** Answer or change a message, or neither. @param {'reply' | 'edit'} [kind] @param {WidgetMessage} [message] */
  pick(kind, message) {
    const { texts } = this.#chat;
    const edited = this.#picked.kind === 'edit';
    this.#picked = { kind, message };
    this.#sendWhenReady = false;
    if (edited) this.#write(this.#chat.draft ?? '');
    this.#about.hidden = !message;
    if (!kind || !message) return;
    if (kind === 'edit') this.#write(message.content);
    const excerpt = h(
      'span',
      'excerpt',
      { dir: 'auto' },
      `${texts[kind]}: ${kind === 'edit' ? message.content : plain(message)}`,
    );
    this.#about.replaceChildren(
      excerpt,
      iconButton('close', texts.cancel, () => this.pick()),
    );
    this.text.focus();
  }

  /** @param {string} content */
  #write(content) {
    this.text.value = content;
    this.#typed();
  }

  #typed() {
    const { text } = this;
    const chat = this.#chat;
    if (this.#picked.kind !== 'edit') chat.storage.set('draft', text.value);
    chat.typing(text.value !== '');
    text.style.height = '';
    if (text.value) text.style.height = `${text.scrollHeight}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key, shiftKey, isComposing } = event;
    if (key === 'Enter' && !shiftKey && !isComposing) {
      event.preventDefault();
      this.#send();
    } else if (key === 'Escape' && this.#picked.kind) {
      event.stopPropagation();
      this.pick();
    }
  }

  #send() {
    const chat = this.#chat;
    const { kind, message } = this.#picked;
    const content = this.text.value.trim();
    if (kind === 'edit' && message) return content && this.#edit(message, content);
    const uploads = [...this.#uploads];
    this.#sendWhenReady = uploads.some(({ done }) => !done);
    if (this.#sendWhenReady || !(content || uploads.length) || this.text.disabled) return;
    const attachments = uploads.flatMap(({ done }) => done ?? []);
    chat.sendMessage(content, { replyTo: message?.id, attachments: uploads.length ? attachments : undefined });
    this.#uploads.clear();
    this.#files.replaceChildren();
    say(this.#crowded);
    this.pick();
    this.#write('');
  }

  /**
   * Save an edit. If that fails, the visitor can try again, unless something else is being written by then.
   * @param {WidgetMessage} message
   * @param {string} content
   */
  async #edit(message, content) {
    this.pick();
    const { value } = this.text;
    const done = await this.#chat.edit(message, content);
    if (!done && this.text.value === value && !this.#picked.kind) this.pick('edit', { ...message, content });
  }

  /** @param {FileList | null | undefined} files */
  #attach(files) {
    if (this.attach.hidden || !files?.length) return;
    const given = [...files];
    const taken = given.slice(0, MOST - this.#uploads.size);
    say(this.#crowded, taken.length < given.length ? this.#chat.texts.many : '');
    for (const file of taken) this.#add(file);
  }

  /** @param {File} file */
  #add(file) {
    const { texts } = this.#chat;
    /** @type {{done?: WidgetAttachment}} */
    const item = {};
    const leaving = new AbortController();
    const bar = h('progress', '', { ariaLabel: file.name, value: 0 });
    const wrong = h('p', 'error', { role: 'alert' });
    const start = async () => {
      wrong.textContent = '';
      retry.hidden = true;
      bar.hidden = false;
      try {
        item.done = await this.#chat.upload(file, (share) => (bar.value = share), leaving.signal);
        bar.remove();
        if (this.#sendWhenReady) this.#send();
      } catch (/** @type {any} */ error) {
        wrong.textContent = this.#chat.explain(error);
        bar.hidden = true;
        if (error.passes !== false) retry.hidden = false;
        // The message goes without it, once the visitor says so.
        else this.#sendWhenReady = !this.#uploads.delete(item);
      }
    };
    const retry = textButton(texts.retry, start);
    const remove = () => {
      leaving.abort();
      this.#uploads.delete(item);
      this.#sendWhenReady = false;
      say(this.#crowded);
      chip.remove();
    };
    const chip = h(
      'div',
      'chip',
      {},
      h('div', '', {}, h('span', 'excerpt', {}, file.name), wrong),
      bar,
      retry,
      iconButton('close', `${texts.remove} ${file.name}`, remove),
    );
    this.#uploads.add(item);
    this.#files.append(chip);
    preview(file, chip);
    start();
  }
}

/** Drawn, not loaded: a page's policy may forbid images without an address. @param {File} file @param {HTMLElement} chip */
async function preview(file, chip) {
  const picture =
    file.type.startsWith('image/') && (await createImageBitmap(file, { resizeHeight: 48 }).catch(() => null));
  if (!picture) return;
  const { width, height } = picture;
  const canvas = h('canvas', '', { width, height });
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
  chip.prepend(canvas);
}
