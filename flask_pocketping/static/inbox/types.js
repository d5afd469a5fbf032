/**
 * The shapes that travel between the inbox and the server, and those that its modules share. Only types live here:
 * nothing loads this file at run time.
 *
 * @typedef {'visitor' | 'operator' | 'ai' | 'system'} MessageType
 * @typedef {'sent' | 'delivered' | 'read'} MessageStatus
 *
 * @typedef {object} Attachment
 * @property {string} id
 * @property {string} filename
 * @property {string} mimeType
 * @property {number} size
 * @property {string} url
 * @property {string} [thumbnailUrl]
 * @property {number} [width]
 * @property {number} [height]
 * @property {'pending' | 'ready'} status
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} sessionId
 * @property {number} seq
 * @property {string} content
 * @property {MessageType} type
 * @property {'session.closed' | 'session.reopened'} [kind] what a system message of the server announces
 * @property {string} createdAt
 * @property {MessageStatus} status
 * @property {string} [operatorId]
 * @property {string} [operatorName]
 * @property {string} [sourceBridge]
 * @property {string} [replyTo]
 * @property {Attachment[]} [attachments]
 * @property {string} [deliveredAt]
 * @property {string} [readAt]
 * @property {string} [editedAt]
 * @property {string} [deletedAt]
 * @property {true} [internal] only operators see it
 * @property {Delivery[]} [deliveries] what became of it on each bridge, in a page of messages
 *
 * @typedef {object} Delivery what became of a message on a bridge
 * @property {string} bridge
 * @property {'queued' | 'sent' | 'maybe' | 'failed'} state maybe: the chat app did not confirm it
 * @property {string} [reason]
 * @property {number} [waitSeconds] estimated, while it is queued
 *
 * @typedef {object} BridgeThread a conversation's thread on a bridge
 * @property {string} bridge
 * @property {'open' | 'closed'} state
 * @property {string} [link]
 *
 * @typedef {object} Claim who answered a conversation first
 * @property {string} name
 * @property {string} [bridge]
 *
 * @typedef {object} Identity
 * @property {string} [customerId]
 * @property {string} [email]
 * @property {string} [name]
 * @property {Record<string, unknown>} [metadata]
 * @property {boolean} verified
 *
 * @typedef {object} CSAT
 * @property {number} score
 * @property {string} [comment]
 * @property {string} submittedAt
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {string} visitorId
 * @property {string} projectId
 * @property {'active' | 'closed'} status
 * @property {string} createdAt
 * @property {string} lastActivity
 * @property {Record<string, any>} metadata
 * @property {Identity | null} identity
 * @property {boolean} aiEnabled
 * @property {boolean} aiActive
 * @property {true} [aiHandedOver] the AI is silent, because it has handed over to people
 * @property {number} unread
 * @property {boolean} unanswered
 * @property {boolean} visitorOnline
 * @property {Message | null} lastMessage
 * @property {string | null} closedAt
 * @property {CSAT} [csat]
 * @property {string} [csatRequestedAt]
 *
 * @typedef {object} AISource a passage that the AI was given
 * @property {string} id
 * @property {string} version
 * @property {string} title
 * @property {string} [url]
 *
 * @typedef {object} AIDraft
 * @property {string} id
 * @property {string} sessionId
 * @property {string} content
 * @property {'pending' | 'sent' | 'dropped' | 'stale'} state
 * @property {AISource[]} passages
 * @property {string} createdAt
 * @property {string} [messageId]
 *
 * @typedef {'waiting' | 'accepted' | 'running' | 'done' | 'failed' | 'refused' | 'stale'} AIActionState
 *
 * @typedef {object} AIAction a call of a tool with effects
 * @property {string} id
 * @property {string} sessionId
 * @property {string} tool
 * @property {Record<string, unknown>} arguments
 * @property {string} question
 * @property {'visitor' | 'operator'} asks whose yes it needs
 * @property {AIActionState} state
 * @property {string} [result]
 * @property {string} createdAt
 *
 * @typedef {object} AIAnswer
 * @property {string} id
 * @property {'answered' | 'drafted' | 'asked' | 'handed_over' | 'failed'} outcome
 * @property {string} [messageId]
 * @property {string} [draftId]
 * @property {string} [reason]
 * @property {number} inputTokens
 * @property {number} outputTokens
 * @property {number} duration in milliseconds
 * @property {AISource[]} passages
 * @property {{name: string, ok: boolean}[]} calls
 * @property {string} createdAt
 *
 * @typedef {object} AIStatus
 * @property {boolean} enabled
 * @property {string} [model]
 * @property {'answer' | 'draft'} [mode]
 * @property {number} usedToday in tokens
 * @property {number} [dailyBudget]
 *
 * @typedef {object} Operator
 * @property {string} id
 * @property {string} name
 * @property {string} [avatar]
 * @property {boolean} [available]
 *
 * @typedef {object} SavedReply
 * @property {string} id
 * @property {string} shortcut
 * @property {string} content
 *
 * @typedef {object} PageVisit
 * @property {string} url
 * @property {string | null} [title]
 * @property {string} visitedAt
 *
 * @typedef {object} Fact
 * @property {string} label
 * @property {string | number | boolean | null} value
 * @property {string} [url]
 *
 * @typedef {object} StatsDay
 * @property {string} date
 * @property {number} conversations
 * @property {number} answered
 *
 * @typedef {object} Stats
 * @property {string} period
 * @property {number} conversations
 * @property {number} answered
 * @property {number} unanswered
 * @property {number | null} responseRate
 * @property {number | null} medianFirstResponse in seconds
 * @property {{score: number | null, satisfied: number | null, count: number, scores: Record<string, number>}} csat
 * @property {StatsDay[]} days
 *
 * @typedef {Record<string, any> & {type: string}} Frame
 *
 * @typedef {object} Note a quiet line between the messages
 * @property {string} key
 * @property {'page' | 'rated' | 'asked' | 'received' | 'sent' | 'ai' | 'identified'} kind
 * @property {string} at
 * @property {string} text
 * @property {string} [url]
 *
 * @typedef {object} Pending a message that the server has not confirmed yet
 * @property {string} key the Idempotency-Key of all its tries
 * @property {string} sessionId
 * @property {string} content
 * @property {string} [replyTo]
 * @property {Attachment[]} attachments
 * @property {'sending' | 'waiting' | 'failed'} state
 * @property {string} [error]
 * @property {string} createdAt
 * @property {string} [arrivedAs] the id of the message that came as an event before the answer did
 *
 * @typedef {'open' | 'unanswered' | 'closed' | 'all'} Filter
 *
 * @typedef {object} SessionsPage
 * @property {Session[]} sessions
 * @property {string | null} nextCursor
 * @property {SearchMatch[]} [matches]
 *
 * @typedef {object} SearchMatch the newest message of a session that matches a search
 * @property {string} sessionId
 * @property {string} messageId
 * @property {MessageType} type
 * @property {string} [operatorId]
 * @property {string} [operatorName]
 * @property {string} excerpt
 *
 * @typedef {object} SessionCounts how many sessions there are, each up to 1000
 * @property {number} open
 * @property {number} unanswered
 * @property {number} closed
 *
 * @typedef {object} Capabilities
 * @property {boolean} ai whether there is an AI
 * @property {boolean} editOthers whether operators may change each other's messages
 * @property {string[]} [bridges] those that are set up
 * @property {number} [maxUploadSize] in bytes; undefined: no uploads
 */
export {};
