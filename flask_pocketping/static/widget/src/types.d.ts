/**
 * What crosses the border of the widget, for the type checker: the server's JSON, what the browser stores, what other
 * tabs and the page get. These names stay in the bundle as they are; others become shorter ones.
 */

interface WidgetAttachment {
  id: string;
  filename: string;
  mimeType: string;
  size: number;
  url: string;
  thumbnailUrl?: string;
  width?: number;
  height?: number;
}

interface WidgetMessage {
  id: string;
  content: string;
  sender: 'visitor' | 'operator' | 'ai';
  timestamp: string;
  /** Missing while the message is on its way. */
  seq?: number;
  status?: string;
  /** Why the server refused it, or when it takes more. */
  error?: string;
  /** It was refused for what it says: to send it again as it is would be in vain. */
  fix?: boolean;
  /** The seq of the message that it was written below. */
  after?: number;
  clientId?: string;
  replyTo?: string;
  operatorName?: string;
  attachments?: WidgetAttachment[];
  metadata?: { system?: boolean; kind?: string };
  readAt?: string;
  deliveredAt?: string;
  editedAt?: string;
  deletedAt?: string;
}

/** What is known of who wrote a message, also of one that was never sent, such as the welcome. */
type WidgetAuthored = Pick<WidgetMessage, 'sender' | 'operatorName'> & Partial<WidgetMessage>;

interface WidgetFrame {
  type: string;
  data: any;
  cursor?: string;
}

/** A message that the visitor wrote and the server does not have yet. */
interface WidgetEntry {
  clientId: string;
  at: number;
  content: string;
  replyTo?: string;
  attachments?: WidgetAttachment[];
  error?: string;
  fix?: boolean;
  after?: number;
}

interface WidgetSent {
  messageId: string;
  timestamp: string;
  attachments?: WidgetAttachment[];
}

/** What the server answers to a request that it refuses. */
interface WidgetRefusal {
  message?: string;
  code?: string;
  /** Of bad input: what is wrong with each field. */
  details?: Record<string, string[]>;
}

/** What the browser stores of the visitor. */
interface WidgetStored {
  handle?: string;
  visitorId?: string;
  /** The customer who was signed in. */
  user?: string;
  /** What the page told about the visitor. */
  identity?: object;
}

/** What `PocketPing.trigger` takes beside the name of the event and its data. */
interface WidgetTrigger {
  /** Shown in place of the welcome, in the chat that opens. */
  widgetMessage?: string;
}

type Words<Line extends string, Found = never> = Line extends `${infer First} ${infer Rest}`
  ? Words<Rest, Found | First>
  : Found | Line;
type WidgetTexts = Record<Words<typeof import('./texts.js').names>, string>;

/** What a page sets, by its tag or by PocketPing.init. */
interface WidgetConfig {
  endpoint: string;
  theme?: string;
  position?: string;
  primaryColor?: string;
  welcomeMessage?: string;
  placeholder?: string;
  operatorName?: string;
  operatorAvatar?: string;
  showOnPages?: string[];
  hideOnPages?: string[];
  showDelay?: number;
  onOpen?: () => void;
  onClose?: () => void;
  onMessage?: (message: WidgetMessage) => void;
  onConnect?: (sessionId: string) => void;
  onError?: (error: Error) => void;
  language?: string;
  texts?: Partial<WidgetTexts>;
  transport?: 'ws' | 'sse' | 'poll';
  open?: boolean;
  sound?: boolean;
  titleBadge?: boolean;
  launcher?: boolean;
  /** The id of the project that the conversation belongs to. */
  project?: string;
  /** A signed identity, where the app can't tell it by the browser's cookies. */
  identity?: string;
}

/** What the server tells a page that connects, beside the conversation. */
interface WidgetGreeting {
  operatorOnline?: boolean;
  operatorName?: string;
  operatorAvatar?: string;
  welcomeMessage?: string;
  primaryColor?: string;
  headerColor?: string;
  footerColor?: string;
  chatBackground?: string;
  toggleColor?: string;
  preChatForm?: { enabled: boolean; required: boolean; timing: string; fields: string; completed: boolean };
  csatRequestedAt?: string;
  aiActive?: boolean;
  transports?: ('ws' | 'sse' | 'poll')[];
  hasMore?: boolean;
  /** Seconds in which half of the first replies came. */
  replyTime?: number;
  /** In bytes; missing where there are no files. */
  maxUploadSize?: number;
}

interface WidgetStorage {
  /** Whether other tabs see what this one stores. */
  shared: boolean;
  get(key: string): any;
  set(key: string, value: unknown): void;
  remove(key: string): void;
  /** The keys that begin so. */
  keys(start: string): string[];
}
