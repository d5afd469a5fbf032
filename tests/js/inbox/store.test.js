/** The inbox's store: whatever comes twice, late or out of order, it ends where a fresh look at the server would. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { laterState, shownMessages } from '../../../flask_pocketping/static/inbox/store/messages.js';
import { byActivity } from '../../../flask_pocketping/static/inbox/store/sessions.js';
import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

const time = (n) => new Date(Date.UTC(2024, 0, 15, 10, 0, n)).toISOString();

const message = (seq, more = {}) => ({
  id: `msg_${seq}`,
  sessionId: 'sess_1',
  seq,
  content: `Text ${seq}`,
  type: 'visitor',
  createdAt: time(seq),
  status: 'sent',
  ...more,
});

const session = (id, at, more = {}) => ({
  id,
  visitorId: `vis_${id}`,
  projectId: 'proj_default',
  status: 'active',
  createdAt: time(0),
  lastActivity: time(at),
  metadata: {},
  identity: null,
  aiEnabled: true,
  aiActive: false,
  unread: 0,
  unanswered: false,
  visitorOnline: false,
  closedAt: null,
  lastMessage: message(at, { id: `msg_${id}_${at}`, sessionId: id, type: 'operator' }),
  ...more,
});

/** A store whose list shows these sessions. */
function listed(sessions, { filter = 'open', query = '', nextCursor = null } = {}) {
  const store = new Store();
  const listing = store.sessions.list(filter, query);
  store.takePage(listing, { sessions, nextCursor }, store.moment);
  return store;
}

let events = 0;
const event = (type, sessionId, more = {}) => ({
  type,
  id: `evt_${(events += 1)}`,
  sessionId,
  timestamp: time(59),
  ...more,
});
const created = (sessionId, seq, more = {}) =>
  event('message.created', sessionId, { message: message(seq, { id: `msg_${sessionId}_${seq}`, sessionId, ...more }) });
const order = (store) => store.sessions.listing.rows.map(({ id }) => id);

test('a new message brings its conversation to the top and counts as unread', () => {
  const store = listed([session('b', 20), session('a', 10)]);
  store.apply(created('a', 30));
  assert.deepEqual(order(store), ['a', 'b']);
  assert.equal(store.sessions.get('a').unread, 1);
  assert.equal(store.sessions.get('a').lastMessage.seq, 30);
  assert.equal(store.sessions.waiting, 1);
});

test('an event that comes twice counts once', () => {
  const store = listed([session('a', 10)]);
  const frame = created('a', 30);
  store.apply(frame);
  store.apply(frame);
  assert.equal(store.sessions.get('a').unread, 1);
});

test('a page that was asked for before an event does not undo it', () => {
  const store = listed([session('a', 10)]);
  const since = store.moment;
  store.apply(created('a', 30));
  store.takeSessions([session('a', 10)], since);
  assert.equal(store.sessions.get('a').lastMessage.seq, 30);
  assert.deepEqual([...store.stale], ['a'], 'and the session is asked for again');
});

test('a conversation that began while the list was loading is in it', () => {
  const store = new Store();
  const listing = store.sessions.list('open', '');
  const since = store.moment;
  store.apply(event('session.created', 'new', { session: session('new', 5, { lastMessage: null }) }));
  store.apply(created('new', 40));
  store.takePage(listing, { sessions: [session('a', 10)], nextCursor: null }, since);
  assert.deepEqual(order(store), ['new', 'a']);
});

test('what happens while a conversation is loading is not lost', () => {
  const store = listed([session('a', 2)]);
  store.conversations.open('a');
  const page = [1, 2, 3].map((seq) => message(seq, { id: `msg_a_${seq}`, sessionId: 'a', type: 'operator' }));
  store.apply(created('a', 4));
  store.apply(
    event('message.read', 'a', { messageIds: ['msg_a_1', 'msg_a_2'], status: 'delivered', deliveredAt: time(40) }),
  );
  store.apply(event('message.read', 'a', { messageIds: ['msg_a_1'], status: 'read', readAt: time(41) }));
  store.apply(event('message.updated', 'a', { message: { ...page[1], content: 'Better', editedAt: time(42) } }));
  store.apply(event('message.deleted', 'a', { message: { ...page[2], content: '', deletedAt: time(43) } }));
  store.takeMessages('a', page, false);
  const { messages } = store.conversations.open('a');
  assert.deepEqual(
    messages.map(({ seq, content, status }) => [seq, content, status]),
    [
      [1, 'Text 1', 'read'],
      [2, 'Better', 'delivered'],
      [3, '', 'sent'],
      [4, 'Text 4', 'sent'],
    ],
  );
  assert.equal(messages[0].deliveredAt, time(40));
  assert.equal(messages[2].deletedAt, time(43));
});

test('an older message that is changed before its page comes stands in no other place', () => {
  const store = listed([session('a', 9)]);
  store.takeMessages('a', [message(9, { id: 'msg_9', sessionId: 'a' })], true);
  store.apply(
    event('message.updated', 'a', {
      message: message(3, { id: 'msg_3', sessionId: 'a', content: 'Better', editedAt: time(42) }),
    }),
  );
  assert.deepEqual(
    store.conversations.open('a').messages.map(({ seq }) => seq),
    [9],
  );
  store.takeMessages('a', [message(3, { id: 'msg_3', sessionId: 'a' })], false);
  assert.deepEqual(
    store.conversations.open('a').messages.map(({ content }) => content),
    ['Better', 'Text 9'],
  );
});

test('a page for a list that is not shown any more changes no other list', () => {
  const store = new Store();
  const old = store.sessions.list('open', '');
  const shown = store.sessions.list('closed', '');
  store.takePage(old, { sessions: [session('a', 10)], nextCursor: null }, store.moment);
  assert.equal(store.sessions.listing, shown);
  assert.deepEqual(order(store), []);
});

test('what lies below the loaded part is not put at its end', () => {
  const store = listed([session('c', 30), session('b', 20)], { nextCursor: 'more' });
  store.takeSession(session('old', 5));
  assert.deepEqual(order(store), ['c', 'b']);
  store.takePage(store.sessions.listing, { sessions: [session('old', 5)], nextCursor: null }, store.moment);
  assert.deepEqual(order(store), ['c', 'b', 'old']);
});

test('each filter follows what happens', () => {
  const open = listed([session('a', 10)]);
  open.apply(event('session.closed', 'a'));
  assert.deepEqual(order(open), []);
  open.apply(event('session.reopened', 'a'));
  assert.deepEqual(order(open), ['a']);

  const unanswered = listed([session('a', 10, { unanswered: true })], { filter: 'unanswered' });
  unanswered.apply(created('a', 30, { type: 'operator' }));
  assert.deepEqual(order(unanswered), []);
  assert.equal(unanswered.sessions.waiting, 0);
});

test('what a search found stays until another search', () => {
  const store = listed([session('a', 10)], { filter: 'all', query: 'tea' });
  store.apply(created('a', 30, { content: 'something else' }));
  assert.deepEqual(order(store), ['a']);
});

test('a session that nobody knows is asked for', () => {
  const store = listed([]);
  store.apply(created('unknown', 3));
  assert.deepEqual([...store.stale], ['unknown']);
});

test('receipts lower the unread count by what was read', () => {
  const store = listed([session('a', 10, { unread: 2 })]);
  store.takeMessages('a', [message(1, { sessionId: 'a' }), message(2, { sessionId: 'a' })], false);
  store.apply(event('message.read', 'a', { messageIds: ['msg_1'], status: 'read', readAt: time(50) }));
  assert.equal(store.sessions.get('a').unread, 1);
  assert.equal(store.conversations.open('a').byId.get('msg_1').status, 'read');
});

test('messages stand by their seq, once each, whatever order they come in', () => {
  const store = listed([session('sess_1', 1)]);
  store.takeMessages('sess_1', [message(5), message(6)], true);
  store.apply(event('message.created', 'sess_1', { message: message(7) }));
  store.takeMessages('sess_1', [message(3), message(4), message(5)], false);
  assert.deepEqual(
    store.conversations.open('sess_1').messages.map(({ seq }) => seq),
    [3, 4, 5, 6, 7],
  );
});

test('of two states of a message the later one stays', () => {
  const sent = message(1);
  const edited = message(1, { content: 'New', editedAt: time(5) });
  const read = message(1, { status: 'read', readAt: time(6) });
  const gone = message(1, { content: '', deletedAt: time(7) });
  assert.equal(laterState(sent, edited).content, 'New');
  assert.deepEqual([laterState(edited, read).content, laterState(edited, read).status], ['New', 'read']);
  assert.deepEqual([laterState(read, edited).content, laterState(read, edited).status], ['New', 'read']);
  assert.equal(laterState(gone, edited), gone);
});

test('a message on its way is shown once when the socket is faster than the answer', () => {
  const store = listed([session('sess_1', 1)]);
  store.takeMessages('sess_1', [message(1)], false);
  const pending = {
    key: 'k',
    sessionId: 'sess_1',
    content: 'Hello',
    attachments: [],
    state: 'sending',
    createdAt: time(9),
  };
  store.pending.add(pending);
  store.me = { id: 'ana', name: 'Ana' };
  const stored = message(9, { type: 'operator', operatorId: 'ana', content: 'Hello' });
  store.apply(event('message.created', 'sess_1', { message: stored }));
  assert.equal(store.pending.of('sess_1')[0].arrivedAs, 'msg_9');
  store.confirm(pending, stored);
  assert.deepEqual(store.pending.of('sess_1'), []);
  assert.equal(store.conversations.open('sess_1').messages.length, 2);
});

test('only the other operators are said to answer', () => {
  const store = listed([session('a', 10)]);
  store.me = { id: 'ana', name: 'Ana' };
  const types = (operator, isTyping = true) =>
    store.apply({ type: 'typing', sessionId: 'a', sender: 'operator', isTyping, operator });
  types({ id: 'ana', name: 'Ana' });
  assert.deepEqual(store.typing.operators('a'), []);
  types({ id: 'tom', name: 'Tom' });
  assert.deepEqual(store.typing.operators('a'), [{ id: 'tom', name: 'Tom' }]);
  types({ id: 'tom', name: 'Tom' }, false);
  assert.deepEqual(store.typing.operators('a'), []);
});

test('a message of another operator of the same name is not the own one', () => {
  const store = listed([session('sess_1', 1)]);
  store.takeMe({ id: '7', name: 'Ana' }, { ai: false, editOthers: false });
  store.takeMessages('sess_1', [message(1)], false);
  const pending = { key: 'k', sessionId: 'sess_1', content: 'Hello', attachments: [], state: 'sending', createdAt: '' };
  store.pending.add(pending);
  const theirs = message(9, { type: 'operator', operatorId: '8', operatorName: 'Ana', content: 'Hello' });
  store.apply(event('message.created', 'sess_1', { message: theirs }));
  assert.equal(store.pending.of('sess_1')[0].arrivedAs, undefined);
  assert.deepEqual([store.authorOf(theirs), store.mayChange(theirs)], ['Ana (8)', false]);
  const mine = { ...theirs, operatorId: '7' };
  assert.deepEqual([store.authorOf(mine), store.mayChange(mine)], ['You', true]);
  const program = message(10, { type: 'operator', operatorName: 'Ana' });
  assert.deepEqual([store.authorOf(program), store.mayChange(program)], ['Ana', false]);
  store.capabilities = { ai: false, editOthers: true };
  assert.deepEqual(
    [theirs, program, message(11), { ...theirs, deletedAt: '' }].map((one) => store.mayChange(one)),
    [true, true, false, true],
  );
});

test('a part of a conversation far from its end is shown until it meets the newest messages', () => {
  const store = listed([session('sess_1', 100)]);
  const page = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => message(from + at));
  const conversation = () => store.conversations.get('sess_1');
  const shown = () => shownMessages(conversation()).map(({ seq }) => seq);
  store.takeMessages('sess_1', page(90, 100), true);
  assert.equal(store.conversations.reveal('sess_1', 'msg_20'), false);
  store.takePart('sess_1', page(18, 22), { hasOlder: true, hasNewer: true });
  assert.deepEqual(shown(), [18, 19, 20, 21, 22]);
  store.apply(event('message.created', 'sess_1', { message: message(101) }));
  assert.deepEqual(shown(), [18, 19, 20, 21, 22], 'a new message waits below');
  store.takeNewer('sess_1', page(23, 40), true);
  assert.equal(shown().length, 23);
  store.takePart('sess_1', page(50, 52), { hasOlder: true, hasNewer: true });
  assert.deepEqual(shown(), [50, 51, 52], 'another part takes its place');
  store.takeNewer('sess_1', page(53, 90), true);
  assert.deepEqual([shown()[0], shown().at(-1), conversation().gapAfter], [50, 101, null]);
  store.takePart('sess_1', page(1, 3), { hasOlder: false, hasNewer: true });
  assert.equal(conversation().hasMore, false);
  store.conversations.forgetOlderPart('sess_1');
  assert.deepEqual([shown()[0], conversation().hasMore], [50, true]);
  assert.equal(conversation().byId.has('msg_2'), false);
  store.takePart('sess_1', page(10, 12), { hasOlder: true, hasNewer: true });
  assert.equal(store.conversations.reveal('sess_1', 'msg_99'), true);
  assert.equal(shown().at(-1), 101, 'a message of the newest part ends the view of the older one');
  store.conversations.trim('sess_1', 20, 10);
  assert.deepEqual([shown()[0], shown().length, conversation().hasMore], [92, 10, true]);
});

test('typing ends with the message', () => {
  const store = listed([session('a', 10)]);
  store.apply({ type: 'typing', sessionId: 'a', sender: 'visitor', isTyping: true });
  assert.equal(store.typing.isVisitorTyping('a'), true);
  store.apply(created('a', 30));
  assert.equal(store.typing.isVisitorTyping('a'), false);
});

test('a random storm ends as the server would list it', () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
  const truth = new Map(Array.from({ length: 60 }, (_, n) => [`s${n}`, session(`s${n}`, n)]));
  const page = [...truth.values()].sort(byActivity).slice(0, 20);
  const store = listed(page, { nextCursor: 'more' });
  for (let seq = 100; seq < 400; seq += 1) {
    const id = `s${random(60)}`;
    const known = truth.get(id);
    const frame = created(id, seq, {
      type: random(2) ? 'visitor' : 'operator',
      createdAt: new Date(Date.UTC(2024, 0, 16, 0, 0, seq)).toISOString(),
    });
    truth.set(id, { ...known, lastMessage: frame.message, lastActivity: frame.message.createdAt });
    store.apply(frame);
    // What the store asks for again comes at some later time.
    if (random(3) === 0)
      for (const stale of [...store.stale]) (store.takeSession(truth.get(stale)), store.stale.delete(stale));
  }
  for (const stale of store.stale) store.takeSession(truth.get(stale));
  const reach = store.sessions.listing.rows.length;
  assert.deepEqual(
    order(store),
    [...truth.values()]
      .sort(byActivity)
      .slice(0, reach)
      .map(({ id }) => id),
  );
  assert.ok(reach >= 20);
});

test('a rating that the session tells and an event tells too is one line', () => {
  const store = listed([session('a', 10)]);
  store.conversations.open('a').loaded = true;
  store.takeSessionNotes({ id: 'a', csatRequestedAt: time(59) });
  store.apply(event('csat.requested', 'a'));
  store.apply(event('event.received', 'a', { name: 'ordered', data: null }));
  store.apply(event('event.received', 'a', { name: 'ordered', data: null }));
  const kinds = [...store.conversations.get('a').notes.values()].map(({ kind }) => kind);
  assert.deepEqual(kinds, ['asked', 'received', 'received']);
});

test('that a conversation was closed is one line of it, and no message that anybody said', () => {
  const store = listed([
    session('a', 10, { unread: 1, unanswered: true, lastMessage: message(10, { sessionId: 'a' }) }),
  ]);
  store.conversations.open('a').loaded = true;
  const told = [];
  store.on('message', ({ seq }) => told.push(seq));
  const before = store.sessions.get('a');
  store.apply(created('a', 30, { type: 'system', kind: 'session.closed', content: 'Session closed' }));
  assert.deepEqual(store.sessions.get('a'), before);
  store.apply(event('session.closed', 'a'));
  const { messages, notes } = store.conversations.get('a');
  assert.deepEqual(
    messages.map(({ seq }) => seq),
    [30],
  );
  assert.equal(notes.size, 0);
  assert.deepEqual(told, []);
  const { status, lastMessage, unread, lastActivity } = store.sessions.get('a');
  assert.deepEqual([status, lastMessage.seq, unread, lastActivity], ['closed', 10, 1, time(10)]);
  assert.equal(store.sessions.waiting, 0);
});

test('what another operator read before the page with the conversation came is asked for again', () => {
  const store = new Store();
  const listing = store.sessions.list('open', '');
  const since = store.moment;
  store.apply(event('message.read', 'a', { seq: 3, messageIds: ['msg_a_1'], status: 'read', readAt: time(5) }));
  store.takePage(listing, { sessions: [session('a', 2, { unread: 1 })], nextCursor: null }, since);
  assert.deepEqual(order(store), ['a'], 'it is shown at once');
  assert.deepEqual([...store.stale], ['a']);
});

test('a message that came before the own answer, but is told after it, is not lost', () => {
  const store = listed([session('a', 10)]);
  store.takeMessages('a', [message(10, { id: 'msg_a_10', sessionId: 'a', type: 'operator' })], false);
  const told = [];
  store.on('message', ({ seq }) => told.push(seq));
  const pending = { key: 'k', sessionId: 'a', content: 'Bye', attachments: [], state: 'sending', createdAt: time(12) };
  store.pending.add(pending);
  store.confirm(pending, message(12, { id: 'msg_a_12', sessionId: 'a', type: 'operator', content: 'Bye' }));
  store.apply(created('a', 11));
  assert.deepEqual(
    store.conversations.open('a').messages.map(({ seq }) => seq),
    [10, 11, 12],
  );
  assert.deepEqual(told, [11]);
  assert.deepEqual([...store.stale], ['a'], 'only the server knows what is unread');
  assert.equal(store.sessions.get('a').lastMessage.seq, 12);
});

test('events that are older than what was read of a conversation end where it was', () => {
  const store = listed([session('a', 10)]);
  const newest = message(12, { id: 'msg_a_12', sessionId: 'a' });
  const now = session('a', 12, { unread: 1, unanswered: true, lastMessage: newest });
  store.takeSession(now);
  store.takeMessages('a', [newest], false);
  store.apply(
    event('session.updated', 'a', { seq: 11, session: session('a', 10, { metadata: { pageTitle: 'Tea' } }) }),
  );
  store.apply(event('message.created', 'a', { seq: 12, message: newest }));
  const { unread, unanswered, lastActivity, lastMessage } = store.sessions.get('a');
  assert.deepEqual(
    { unread, unanswered, lastActivity, lastMessage },
    { unread: 1, unanswered: true, lastActivity: time(12), lastMessage: newest },
  );
});

test('a receipt that is older than what was read of a conversation does not hide what is unread', () => {
  const store = listed([session('a', 10, { unread: 1, lastMessage: message(10, { id: 'msg_a_10', sessionId: 'a' }) })]);
  store.takeMessages('a', [message(10, { id: 'msg_a_10', sessionId: 'a' })], false);
  store.takeSession(session('a', 12, { unread: 1, lastMessage: message(12, { id: 'msg_a_12', sessionId: 'a' }) }));
  store.apply(event('message.read', 'a', { seq: 11, messageIds: ['msg_a_10'], status: 'read', readAt: time(11) }));
  store.apply(event('message.created', 'a', { seq: 12, message: message(12, { id: 'msg_a_12', sessionId: 'a' }) }));
  assert.deepEqual([...store.stale], ['a']);
});

test('a message of which an answer of the server knew first is told all the same, and once', () => {
  const store = listed([session('a', 10)]);
  const told = [];
  store.on('message', ({ seq }) => told.push(seq));
  const newest = message(11, { id: 'msg_a_11', sessionId: 'a' });
  store.takeSession(session('a', 11, { unread: 1, lastMessage: newest }));
  store.apply(event('message.created', 'a', { message: newest }));
  store.apply(event('message.created', 'a', { message: newest }));
  assert.deepEqual(told, [11]);
  assert.equal(store.sessions.get('a').unread, 1);
});

test('whether a conversation that somebody reopens waits for an answer is asked', () => {
  const store = listed(
    [session('a', 10, { status: 'closed', closedAt: time(20), lastMessage: message(10, { sessionId: 'a' }) })],
    { filter: 'closed' },
  );
  store.apply(event('session.reopened', 'a'));
  assert.deepEqual([...store.stale], ['a']);
});

test('one of two same answers is confirmed, and both are shown', () => {
  const store = listed([session('sess_1', 1)]);
  store.takeMessages('sess_1', [message(1)], false);
  const pending = (key) => ({
    key,
    sessionId: 'sess_1',
    content: 'Yes',
    attachments: [],
    state: 'sending',
    createdAt: time(9),
  });
  const [first, second] = [pending('k1'), pending('k2')];
  store.pending.add(first);
  store.pending.add(second);
  store.me = { id: 'ana', name: 'Ana' };
  const stored = message(9, { type: 'operator', operatorId: 'ana', content: 'Yes' });
  store.confirm(first, stored);
  store.apply(event('message.created', 'sess_1', { message: stored }));
  assert.deepEqual(
    store.pending.of('sess_1').map(({ key, arrivedAs }) => [key, arrivedAs]),
    [['k2', undefined]],
  );
});

test('who writes without a page that is open is not online', () => {
  const store = listed([session('a', 10)]);
  store.apply(created('a', 30));
  assert.equal(store.sessions.get('a').visitorOnline, false);
});

test('a page that the visitor went to is told, though an answer of the server knew of it first', () => {
  const on = (path, more = {}) => session('a', 10, { metadata: { pageUrl: `https://shop.example/${path}` }, ...more });
  const store = listed([on('one')]);
  store.takeMessages('a', [], false);
  store.takePages('a', [{ url: 'https://shop.example/one', visitedAt: time(1) }]);
  store.takeSession(on('two'));
  store.apply(event('session.updated', 'a', { session: on('two') }));
  store.apply(event('session.updated', 'a', { session: on('two', { aiEnabled: false }) }));
  assert.deepEqual(
    [...store.conversations.open('a').notes.values()].map(({ url }) => url),
    ['https://shop.example/one', 'https://shop.example/two'],
  );
});

test('what was asked for before the subscription does not undo what was asked for behind it', () => {
  const store = new Store();
  const since = store.moment;
  store.begin();
  store.takeSessions([session('a', 20)], store.moment);
  store.takeSessions([session('a', 10), session('b', 5)], since);
  assert.equal(store.sessions.get('a').lastActivity, time(20));
  assert.ok(store.sessions.has('b'));
});

test('the first answer of an operator asks who has the conversation now, and later ones do not', () => {
  const answer = (seq, more = {}) => created('a', seq, { type: 'operator', operatorName: 'Ana', ...more });
  const store = listed([session('a', 10)]);
  store.deliveries.bridges = ['telegram'];
  store.conversations.open('a');
  store.apply(answer(20, { internal: true }));
  store.apply(created('a', 25, { type: 'ai' }));
  assert.deepEqual([...store.stale], [], 'neither a note nor the AI claims it');
  store.apply(answer(30));
  assert.deepEqual([...store.stale], ['a']);
  store.stale.clear();
  store.deliveries.takePlace('a', { threads: [], claim: { name: 'Ana' } });
  assert.equal(store.deliveries.place('a').claim.name, 'Ana');
  store.apply(answer(40));
  assert.deepEqual([...store.stale], [], 'it is claimed already');

  const without = listed([session('a', 10)]);
  without.conversations.open('a');
  without.apply(answer(30));
  assert.deepEqual([...without.stale], [], 'without bridges there is no claim');
});

test('the end of a conversation asks for its threads and its claim', () => {
  for (const bridges of [['telegram'], []]) {
    const store = listed([session('a', 10)]);
    store.deliveries.bridges = bridges;
    store.conversations.open('a');
    store.deliveries.takePlace('a', { threads: [], claim: { name: 'Ana' } });
    store.apply(event('session.closed', 'a', { closedAt: time(59) }));
    assert.deepEqual([...store.stale], bridges.length ? ['a'] : []);
    store.deliveries.takePlace('a', { threads: [] });
    assert.equal(store.deliveries.place('a').claim, null);
  }
});
