/**
 * Shows the small part of Markdown that people and models write in a chat: emphasis, code, lists and links. The inbox
 * imports it, and it is part of the widget's bundle.
 *
 * A text becomes a tree first, which needs no page. The elements are made from the tree, and text goes into them as text
 * nodes only. A mark without its counterpart is text. The time is linear in the length of the text, and no element is
 * more than a dozen levels deep.
 */

/** @typedef {string | {tag: string, parts: Part[], href?: string, value?: number}} Part */

/** An escaped mark, code, a link to an address or a path of the site, a bare address, a paragraph's end, or a mark. */
const TOKEN =
  /\\[*_~`]|(`{1,3})([^`\n]+)\1|\[([^\][\n]+)\]\(((?:https?:\/|(?![/\\]{2}))\/[^\s()<>"]+(?:\([^\s()<>"]*\)[^\s()<>"]*)*)\)|https?:\/\/[^\s<>"'`]*[^\s<>"'`.,:;!?)\]}*~]|\n\s*\n|\*+|~+/gi;
const ITEM = /^( *)(?:[-*]|(\d{1,9})\.) +(?=\S)/;
/** A fence may name a language. */
const FENCE = /^( *)```[\w+#.-]*\s*$/;
const FENCE_END = /^ *```\s*$/;
/** The marks that each run of characters stands for, and the elements that they make. */
const RUNS = /** @type {Record<string, string[]>} */ ({ '*': ['*'], '**': ['**'], '***': ['**', '*'], '~~': ['~~'] });
const TAGS = /** @type {Record<string, string>} */ ({ '*': 'em', '**': 'strong', '~~': 's' });
/** Lists in lists, at most. */
const DEPTH = 4;

/**
 * Make the nodes that show a text.
 *
 * @template {Node | string} Leaf
 * @param {string} text
 * @param {(text: string, bare: boolean) => Leaf[]} leaf makes the nodes of plain text; if `bare`, without links
 * @returns {(HTMLElement | Leaf)[]}
 */
export function markdown(text, leaf) {
  return nodes(parse(text), leaf, false);
}

/**
 * Return a text without its marks, for a line that stands for a message.
 *
 * @param {string} text
 */
export function toPlain(text) {
  return flat(parse(text)).trim();
}

/**
 * @template {Node | string} Leaf
 * @param {Part[]} parts
 * @param {(text: string, bare: boolean) => Leaf[]} leaf
 * @param {boolean} bare
 * @returns {(HTMLElement | Leaf)[]}
 */
function nodes(parts, leaf, bare) {
  /** @type {(HTMLElement | Leaf)[]} */
  const made = [];
  for (const part of parts) {
    if (typeof part === 'string') made.push(...leaf(part, bare));
    else {
      const { tag, href, value } = part;
      const element = Object.assign(
        document.createElement(tag),
        href && { href, target: '_blank', rel: 'noopener noreferrer' },
        value !== undefined && { value },
        tag === 'pre' && { dir: 'ltr' },
      );
      for (const child of nodes(part.parts, leaf, bare || /^(a|code)$/.test(tag))) element.append(child);
      made.push(element);
    }
  }
  return made;
}

/** @param {Part[]} parts @returns {string} */
function flat(parts) {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part;
      const { tag, value } = part;
      const inner = flat(part.parts);
      if (tag === 'li') return `\n${value === undefined ? '•' : `${value}.`} ${inner.trimEnd()}`;
      if (tag === 'pre') return `\n${inner}\n`;
      return /^[uo]l$/.test(tag) ? `${inner}\n` : inner;
    })
    .join('');
}

/**
 * Read a text.
 *
 * @param {string} text
 * @returns {Part[]}
 */
export function parse(text) {
  /** @type {Part[]} */
  const whole = [];
  /** Where the next part goes: into the whole, or into the last item. */
  let place = whole;
  /** The lists that are open, the outermost first. @type {{indent: number, tag: string, items: Part[]}[]} */
  let lists = [];
  /** The lines of text that wait. @type {string[]} */
  let waiting = [];
  let closable = true;
  const lines = text.split('\n');

  const flush = () => {
    for (const part of inline(waiting.join('\n').trimEnd())) place.push(part);
    waiting = [];
  };

  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const item = ITEM.exec(line);
    if (item) {
      flush();
      place = openItem(item);
      waiting = [line.slice(item[0].length)];
      continue;
    }
    // Indented lines belong to the item above them.
    if (lists.length && line.trim() && !line.startsWith('  ')) {
      flush();
      place = whole;
      lists = [];
    }
    const fence = closable && FENCE.exec(line);
    if (fence) {
      let end = at + 1;
      while (end < lines.length && !FENCE_END.test(lines[end])) end++;
      closable = end < lines.length;
      if (closable) {
        flush();
        const [, indent] = fence;
        const code = lines.slice(at + 1, end).map((one) => (one.startsWith(indent) ? one.slice(indent.length) : one));
        place.push({ tag: 'pre', parts: [{ tag: 'code', parts: [code.join('\n')] }] });
        at = end;
        continue;
      }
    }
    if (waiting.length || line.trim()) waiting.push(line);
  }
  flush();
  return whole;

  /** @param {RegExpExecArray} found @returns {Part[]} where the parts of the item go */
  function openItem([, { length: indent }, number]) {
    const tag = number ? 'ol' : 'ul';
    let last = lists.at(-1);
    const isDeeper = () => last && indent > last.indent + 1 && lists.length < DEPTH;
    while (last && !isDeeper() && (indent < last.indent || last.tag !== tag)) {
      lists.pop();
      last = lists.at(-1);
    }
    if (!last || isDeeper()) {
      const { parts: outer } = /** @type {{parts: Part[]}} */ (last?.items.at(-1) ?? { parts: whole });
      last = { indent, tag, items: [] };
      lists.push(last);
      outer.push({ tag, parts: last.items });
    }
    /** @type {Part[]} */
    const parts = [];
    // Each number is shown as it was written.
    last.items.push({ tag: 'li', parts, ...(number && { value: +number }) });
    return parts;
  }
}

/**
 * Read emphasis, code and links.
 *
 * @param {string} text
 * @returns {Part[]}
 */
function inline(text) {
  /** @type {Part[]} */
  const parts = [];
  /** Where in `parts` each mark stands that may begin something: one of each kind, so nothing nests deeply. */
  const open = /** @type {Map<string, number>} */ (new Map());
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    const [token, ticks, code, label, href] = found;
    const before = text[found.index - 1] ?? ' ';
    parts.push(text.slice(end, found.index));
    end = found.index + token.length;
    if (ticks) parts.push({ tag: 'code', parts: [code] });
    else if (label) parts.push({ tag: 'a', href, parts: inline(label) });
    else if (token[0] === '\\') parts.push(token[1]);
    else if (RUNS[token]) emphasize(RUNS[token], before, text[end] ?? ' ');
    else {
      if (token[0] === '\n') open.clear();
      parts.push(token);
    }
  }
  parts.push(text.slice(end));
  return joined(parts);

  /** @param {string[]} marks @param {string} before @param {string} after */
  function emphasize(marks, before, after) {
    // Marks inside a word, as in 2*3*4, are none.
    const opens = /\S/.test(after) && !/\w/.test(before);
    const closes = /\S/.test(before) && !/\w/.test(after);
    // What was opened last is closed first.
    for (const mark of [...marks].sort((a, b) => (open.get(b) ?? -1) - (open.get(a) ?? -1))) {
      const from = open.get(mark);
      if (closes && from !== undefined) {
        const [, ...inner] = parts.splice(from);
        for (const [other, at] of open) if (at >= from) open.delete(other);
        parts.push({ tag: TAGS[mark], parts: joined(inner) });
      } else {
        if (opens) open.set(mark, parts.length);
        parts.push(mark);
      }
    }
  }
}

/** Join neighbouring texts: an address may be in two of them. @param {Part[]} parts */
function joined(parts) {
  /** @type {Part[]} */
  const made = [];
  for (const part of parts) {
    const last = made.length - 1;
    if (typeof part === 'string' && typeof made[last] === 'string') made[last] += part;
    else if (part) made.push(part);
  }
  return made;
}
