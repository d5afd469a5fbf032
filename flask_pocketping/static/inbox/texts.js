/** The texts of the inbox, in English. A translation is another module of this form. */

export const language = 'en';

/** How the server's note of a draft begins. */
const draftNote = /^Draft of the AI:\s*/;

export const texts = {
  inbox: 'Inbox',
  conversations: 'Conversations',
  statistics: 'Statistics',
  savedReplies: 'Saved replies',
  preferences: 'Preferences',
  shortcuts: 'Keyboard shortcuts',
  mainNavigation: 'Main',
  skipToConversation: 'Skip to conversation',

  filterLabel: 'Filter conversations',
  filters: { open: 'Open', unanswered: 'Unanswered', closed: 'Closed', all: 'All' },
  searchHint: 'Search conversations',
  clearSearch: 'Clear search',
  loading: 'Loading…',
  listEmpty: {
    open: ['No open conversations', 'New conversations appear here as soon as a visitor writes.'],
    unanswered: ['All caught up', 'Nobody is waiting for a reply.'],
    closed: ['No closed conversations', 'Conversations you close appear here.'],
    all: ['No conversations yet', 'New conversations appear here as soon as a visitor writes.'],
  },
  /** @param {number} count */
  conversationCount: (count) =>
    count === 1 ? '1 conversation' : `${count < 1000 ? count : '1,000 or more'} conversations`,
  searchEmpty: ['No results', 'Try part of a name, an email address or a word from a message.'],
  listFailed: "Couldn't load conversations.",
  tryAgain: 'Try again',
  typing: 'typing…',
  you: 'You',
  draft: 'Draft:',
  deleted: 'Message deleted',
  /** @param {number} count */
  files: (count) => (count === 1 ? '1 file' : `${count} files`),
  /** @param {number} count */
  unread: (count) => (count === 1 ? '1 unread message' : `${count} unread messages`),
  waiting: 'waiting for a reply',
  waitingHint: 'Waiting for a reply',
  online: 'Online',
  offline: 'Offline',
  closed: 'Closed',
  /** @param {string} tail */
  visitor: (tail) => `Visitor ${tail}`,

  firstSteps: {
    title: 'Get your first conversation',
    tagTitle: 'Add the chat to your pages',
    tagText: 'Put this line before </body> in the template of your pages:',
    siteTitle: 'Write as a visitor',
    siteText:
      'Open your site as a visitor would, for example in a private window. Open the chat in its corner and write a message.',
    site: 'Open the site',
    replyTitle: 'Reply here',
    replyText: 'The conversation appears in this inbox as soon as the visitor writes.',
    apiText: 'Programs can open conversations, too:',
    api: 'the description of the API',
  },

  pickTitle: 'Select a conversation',
  pickText: 'Choose one from the list, or press j and k to move and Enter to open.',
  conversationFailed: "Couldn't load this conversation.",
  conversationGone: 'Conversation not found',
  backToList: 'Back to list',
  showDetails: 'Details',
  hideDetails: 'Hide details',
  messages: 'Messages',
  loadOlder: 'Load older messages',
  beginning: 'Start of conversation',
  newMessages: 'New messages',
  latestMessages: 'Latest messages',
  /** @param {number} count */
  moreMessages: (count) => `${count} new messages`,
  close: 'Close',
  closeConversation: 'Close conversation',
  reopen: 'Reopen',
  reopenConversation: 'Reopen conversation',
  today: 'Today',
  yesterday: 'Yesterday',
  now: 'now',
  /** @param {string} name */
  visitorTypes: (name) => `${name} is typing…`,
  /** @param {string[]} names */
  replying: (names) => (names.length === 1 ? `${names[0]} is replying…` : `${names.join(', ')} are replying…`),
  assistant: 'AI assistant',
  aiBadge: 'AI',
  operator: 'Operator',
  edited: 'edited',
  bridgeNames: { telegram: 'Telegram', slack: 'Slack', discord: 'Discord' },
  /** @param {string} bridge */
  via: (bridge) => `via ${bridge}`,
  onlyOperators: 'Only operators see this',
  visitorSees: 'Visitor sees:',
  /** @param {string} author */
  noteBy: (author) => `Note from ${author}`,
  deliveries: 'Chat apps',
  /** @param {string} bridge @param {string} wait '' if it is not known */
  waitingFor: (bridge, wait) => `Waiting for ${bridge}${wait && `, about ${wait}`}`,
  /** @param {string} bridge */
  mayHaveArrived: (bridge) => `May have arrived in ${bridge}`,
  /** @param {string} bridge @param {string} reason '' if it is not known */
  notSentTo: (bridge, reason) => `Not sent to ${bridge}${reason && `: ${reason}`}`,
  sendAgain: 'Send again',
  /** @param {string} bridge */
  sendAgainTo: (bridge) => `Send again to ${bridge}`,
  /** @param {string} bridge */
  sendAgainQuestion: (bridge) => `Send this message to ${bridge} again?`,
  /** @param {string} bridge */
  sendAgainText: (bridge) => `${bridge} didn't confirm it. If it did arrive, it will appear there twice.`,
  /** What chat apps say when they refuse a message, and what that means. */
  refusals: /** @type {[RegExp, string][]} */ ([
    [
      /not enough rights|have no rights|missing permissions|missing access|missing_scope/i,
      "The bot isn't allowed to post.",
    ],
    [
      /chat not found|kicked|not a member|not_in_channel|channel_not_found|unknown channel/i,
      "The bot can't find the chat. Check that it's still a member.",
    ],
    [/unauthorized|invalid_auth|token_revoked|account_inactive/i, "The bot's token is no longer valid."],
    [/too (big|large)/i, 'The file is too large.'],
  ]),
  states: {
    sending: 'Sending…',
    waiting: 'Waiting for connection',
    failed: 'Not sent',
    sent: 'Sent',
    delivered: 'Delivered',
    read: 'Read',
  },
  retry: 'Retry',
  discard: 'Discard',
  reply: 'Reply',
  edit: 'Edit',
  delete: 'Delete',
  save: 'Save',
  cancel: 'Cancel',
  messageActions: 'Message actions',
  editMessage: 'Edit message',
  deleteQuestion: 'Delete this message?',
  deleteText: "The visitor will see that a message was deleted. You can't undo this.",
  replyingTo: 'Replying to',
  cancelReply: 'Cancel reply',
  quoteUnknown: 'Earlier message',
  /** @param {string} name */
  openImage: (name) => `Open ${name}`,
  actionFailed: 'Something went wrong. Try again.',

  errors: {
    unreachable: "Couldn't reach the server. Check your connection and try again.",
    emptyFile: 'This file is empty',
    ALREADY_DECIDED: 'Someone has already decided this or replied.',
    DELIVERY_NOT_FOUND: 'This message has already been sent again.',
    ATTACHMENT_NOT_FOUND: 'This file is no longer available. Attach it again.',
    FORBIDDEN: "You don't have permission to do this.",
    MESSAGE_NOT_FOUND: 'This message was deleted.',
    PAYLOAD_TOO_LARGE: 'This file is too large',
    RATE_LIMITED: 'Too many requests. Wait a moment and try again.',
    SAVED_REPLY_NOT_FOUND: 'This saved reply was deleted.',
    SESSION_CLOSED: 'This conversation is closed. Reopen it to reply.',
    SESSION_NOT_FOUND: 'Conversation not found',
    UNAVAILABLE: 'The server is unavailable right now. Try again in a moment.',
  },

  compose: 'Your reply',
  composeHint: 'Write a reply…',
  send: 'Send',
  sendKeys: 'Press Enter to send, Shift+Enter for a new line',
  attach: 'Attach files (up to 10)',
  dropFiles: 'Drop up to 10 files to attach them',
  /** @param {string} name */
  removeFile: (name) => `Remove ${name}`,
  /** @param {string} name */
  uploading: (name) => `Uploading ${name}`,
  uploadFailed: 'Upload failed',
  /** @param {string} size */
  fileTooLarge: (size) => `This file is too large. Files can be up to ${size}.`,
  tooManyFiles: "Up to 10 files per message. The rest weren't added.",
  closedNotice: 'This conversation is closed.',
  tooLong: 'Replies can be up to 4,000 characters.',
  noSavedReply: 'No matching saved reply',
  /** @param {number} count */
  savedRepliesFound: (count) => (count === 1 ? '1 saved reply' : `${count} saved replies`),

  details: 'Details',
  aboutVisitor: 'About the visitor',
  verified: 'Verified by your site',
  unverified: 'Provided by visitor (unverified)',
  anonymous: 'Not identified',
  email: 'Email',
  phone: 'Phone',
  customerId: 'Customer ID',
  currentPage: 'Viewing now',
  lastPage: 'Last viewed',
  earlierPages: 'Previously viewed',
  cameFrom: 'Came from',
  device: 'Device',
  browser: 'Browser',
  system: 'OS',
  screen: 'Screen',
  language: 'Language',
  localTime: 'Local time',
  project: 'Project',
  country: 'Country',
  city: 'City',
  address: 'IP address',
  startedAt: 'Started',
  facts: 'Customer data',
  factsFailed: "Couldn't load customer data.",
  yes: 'Yes',
  no: 'No',
  rating: 'Rating',
  /** @param {number} score */
  ratingOf: (score) => `${score} out of 5 stars`,
  askRating: 'Ask for a rating',
  ratingAsked: 'Rating requested',
  notRated: 'Not rated yet',
  assistantSwitch: 'AI replies',
  technology: 'Technology',
  conversationSection: 'Conversation',
  chatApps: 'Chat apps',
  /** @param {string} name @param {string} bridge '' if they did not answer from one */
  hasConversation: (name, bridge) => `${name}${bridge && `, ${bridge},`} has this conversation.`,
  /** @param {string} bridge */
  openIn: (bridge) => `Open in ${bridge}`,
  noThread: 'No thread yet',
  threadClosed: 'Thread closed',
  threadOpen: 'Thread open',
  /** @param {number} count */
  messagesNotSent: (count) => (count === 1 ? '1 message not sent' : `${count} messages not sent`),
  /** @param {number} count */
  messagesUncertain: (count) => (count === 1 ? '1 message may have arrived' : `${count} messages may have arrived`),
  /** @param {number} count */
  messagesWaiting: (count) => (count === 1 ? '1 message waiting' : `${count} messages waiting`),

  notes: {
    /** @param {string} page */
    page: (page) => `Viewed ${page}`,
    /** @param {number} score @param {string | undefined} comment */
    rated: (score, comment) => `Rated ${score} out of 5${comment ? `: “${comment}”` : ''}`,
    asked: 'Rating requested',
    /** @param {string} name @param {string} data */
    received: (name, data) => `Event from page: ${name}${data && ` ${data}`}`,
    /** @param {string} name @param {string} data */
    sent: (name, data) => `Event sent to page: ${name}${data && ` ${data}`}`,
    takeover: 'AI assistant took over',
    aiOn: 'AI replies turned on',
    aiOff: 'AI replies turned off',
    /** @param {string} name */
    identified: (name) => `Identified as ${name}`,
  },

  announced: {
    'session.closed': 'Conversation closed',
    'session.reopened': 'Conversation reopened',
  },

  ai: {
    answers: 'AI is answering',
    handedOver: 'AI handed over to your team',
    isOff: 'AI replies are off here',
    takeOver: 'Take over',
    handBack: 'Hand back to AI',
    tookOver: 'You took over. The AI no longer replies here.',

    draft: 'AI draft',
    draftHint: 'Visitors see it only when you send it.',
    draftCame: 'New AI draft',
    draftText: 'Text of the draft',
    sendDraft: 'Send',
    editDraft: 'Edit',
    dropDraft: 'Discard',
    draftDropped: 'AI draft discarded',
    draftGone: 'This draft was already sent or discarded, or someone has replied.',
    draftMoved:
      'This draft was already sent or discarded, or someone has replied. Your changes are in the reply field.',

    request: 'AI action',
    asksYou: 'The AI needs your approval',
    asksVisitor: 'The AI waits for a yes of the visitor. You can also answer for them.',
    requestCame: 'The AI needs an approval',
    allow: 'Allow',
    refuse: 'Refuse',
    tool: 'Tool',
    noArguments: 'No arguments',
    actionGone: 'This request was already decided, or is no longer needed.',
    /** @type {Record<import('./types.js').AIActionState, string>} */
    actionStates: {
      waiting: 'Waiting',
      accepted: 'Allowed. The AI will do it in a moment.',
      running: 'Running…',
      done: 'Done',
      failed: 'Failed',
      refused: 'Refused',
      stale: 'No longer needed',
    },

    /** @param {number} count */
    sources: (count) => (count === 1 ? '1 source' : `${count} sources`),
    /** @param {string} version */
    version: (version) => `Version ${version}`,

    title: 'AI',
    modes: { answer: 'Answers visitors', draft: 'Writes drafts' },
    /** @param {string} used @param {string} budget '' if there is none */
    spent: (used, budget) => `${used}${budget && ` of ${budget}`} tokens used today`,
    spentNote: 'All conversations, since midnight UTC',
    spentUp: "Today's budget is used up. The AI doesn't answer until midnight UTC.",
    requests: 'Actions',
    recent: 'Recent answers',
    noAnswers: 'The AI has not answered here yet.',
    /** @type {Record<string, string>} */
    outcomes: {
      answered: 'Answered',
      drafted: 'Wrote a draft',
      asked: 'Asked for approval',
      handed_over: 'Handed over',
      failed: 'Failed',
      outdated: 'Outdated',
    },
    /** @param {string} tokens @param {string} time */
    cost: (tokens, time) => `${tokens} tokens · ${time}`,
    /** @param {string} names */
    called: (names) => `Tools: ${names}`,
    /** @param {string} name */
    toolFailed: (name) => `${name} (failed)`,

    /** How the server's notes begin, and what the inbox puts above them. */
    notes: /** @type {[RegExp, string][]} */ ([
      [draftNote, 'AI draft'],
      [/^The AI hands over to you: */, 'AI handed over'],
      [/^The AI would hand over to you: */, 'AI would hand over'],
      [/^The AI could not answer: */, "AI couldn't answer"],
      [/^The AI asks for your yes: */, 'AI asks for your approval'],
    ]),
    draftNote,
  },

  reconnecting: 'Connection lost. Reconnecting…',
  offlineBar: "You're offline. We'll send your messages when you're back.",
  signedOutTitle: "You're signed out",
  signedOutText: 'Sign in to your site again, then come back here. Your drafts are saved.',
  signedOutButton: 'Sign in again',
  noAccessTitle: 'No access',
  noAccessText: "You can't open the inbox of this project. Ask an administrator for access.",
  noAccessButton: 'Go to my inbox',
  startFailed: "Can't reach the server. Retrying automatically…",

  available: 'Available',
  away: 'Away',
  availableHint: 'Visitors see you as online',
  awayHint: "Visitors don't see you as online",
  notifications: 'Desktop notifications',
  notificationsHint: 'When a visitor writes while this page is in the background',
  notificationsBlocked: 'Blocked for this site in your browser settings',
  notificationsMissing: "Your browser doesn't support notifications",
  sound: 'Sound',
  soundHint: 'Play a sound when a visitor writes',
  theme: 'Theme',
  themes: { auto: 'System', light: 'Light', dark: 'Dark' },
  teamOnline: 'Online now',
  onlyYou: 'Only you are online.',
  /** @param {number} count */
  operatorsOnline: (count) => (count === 1 ? '1 operator online' : `${count} operators online`),
  /** @param {string} name */
  says: (name) => `${name} says`,

  savedRepliesIntro: 'To insert one, type / and its shortcut in a reply.',
  newSavedReply: 'New saved reply',
  shortcut: 'Shortcut',
  shortcutHint: 'Letters, numbers, - and _',
  content: 'Text',
  shortcutTaken: 'Another saved reply has this shortcut.',
  savedRepliesEmpty: 'No saved replies yet.',
  savedRepliesFailed: "Couldn't load saved replies.",
  /** @param {string} name */
  deleteSavedReply: (name) => `Delete /${name}?`,
  deleteSavedReplyText: 'This removes it for the whole team.',
  /** @param {string} name */
  editNamed: (name) => `Edit /${name}`,
  /** @param {string} name */
  deleteNamed: (name) => `Delete /${name}`,

  period: 'Period',
  periods: { '7d': '7 days', '30d': '30 days' },
  statsFailed: "Couldn't load statistics.",
  statsEmpty: 'No conversations in this period.',
  statConversations: 'Conversations',
  statAnswered: 'Answered',
  statUnanswered: 'Unanswered now',
  statResponse: 'Median first response',
  statSatisfaction: 'Satisfaction',
  /** @param {number} count */
  statRatings: (count) => (count === 1 ? '1 rating' : `${count} ratings`),
  /** @param {string} share */
  statSatisfied: (share) => `${share} satisfied`,
  /** @param {string} share */
  statRate: (share) => `${share} of conversations`,
  perDay: 'Conversations per day',
  perDayTable: 'View as table',
  day: 'Day',
  answered: 'answered',
  all: 'All',
  ratingsChart: 'Ratings',
  /** @param {number} score @param {number} count */
  ratingBar: (score, count) => `${score} out of 5 stars: ${count}`,
  none: '–',

  shortcutList: /** @type {[string[], string][]} */ ([
    [['j', '↓'], 'Next conversation'],
    [['k', '↑'], 'Previous conversation'],
    [['Enter'], 'Open conversation'],
    [['r'], 'Write a reply'],
    [['/'], 'Insert a saved reply'],
    [['e'], 'Close or reopen conversation'],
    [['d'], 'Show or hide details'],
    [['Ctrl', 'K'], 'Search'],
    [['Esc'], 'Back'],
    [['?'], 'Show this list'],
  ]),
  dismiss: 'Dismiss',
};
