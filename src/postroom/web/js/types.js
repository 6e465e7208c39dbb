/**
 * Types of what the API answers, as far as the client uses it. No code: only for the checker.
 *
 * @typedef {{id: string, name: string, parentId: string, role: string, ownerUsername: string, ownerFullname: string,
 *   folderSize: number, folderType: string, accessMode: string, totalItems: number, unreadItems: number,
 *   permissions: string[]}} Folder
 * @typedef {{id: number, mailId: string, name: string, contentId: string, contentType: string, size: number,
 *   isInline: boolean}} Attachment
 * @typedef {{id: string, folderId: string, size: number, from: string, to: string, cc: string, bcc: string,
 *   sender: string, subject: string, messageId: string, replyTo: string, replyToAll: string, snippet: string,
 *   date: string, isUnread: boolean, isFlagged: boolean, isDraft: boolean, isDeleted: boolean, refwFlags: string,
 *   refwType: string, refwMailId: string, hasAttachments: boolean, isItip: boolean, returnReceipt: boolean,
 *   importance: string, originalFolderId: string, originalMailId: string, attachments: Attachment[],
 *   labelIds: string[], bimiLocation: string}} Mail
 * @typedef {{fullEmailAddress: string, isMe: boolean, hasUnreadMessages?: boolean}} Participant
 * @typedef {{mailId: string, normalizedMessageId: string, folderId: string, isUnread: boolean, isFlagged: boolean,
 *   isDraft: boolean, originalFolderId: string, originalMailId: string}} ConversationMail
 * @typedef {{id: string, subject: string, snippet: string, date: string, isUnread: boolean, isFlagged: boolean,
 *   hasAttachments: boolean, hasDrafts: boolean, refwFlags: string, importance: string, labelIds: string[],
 *   attachments: Attachment[], participants: Participant[], myRecipients: Participant[], mailCount: string,
 *   mails: ConversationMail[]}} Conversation
 * @typedef {{id: string, name: string}} Label
 * @typedef {{syncToken: string, totalItems: number, sortInfo: {field: string, direction: string,
 *   activeRowIndex: number}, items: (Mail | Conversation)[]}} ListPage
 * @typedef {{id: number, contentType: string, estimatedSize: number, hasExternalImages: boolean,
 *   isTruncated: boolean, data: string}} Body
 * @typedef {{accountName: string, domainName: string, fullName: string, folderContainerId: string,
 *   allowConversationView: boolean, twoFactorAuthConfigured: boolean, isFirstApiLogin: boolean,
 *   totalQuota: number, usedQuota: number, remainingQuota: number, overQuotaThreshold: number,
 *   restrictions: {passwordPolicy: {mustChangePassword: boolean}, [name: string]: any}, [name: string]: any}} AccountInfo
 * @typedef {{conversationView: boolean, language: string, timezone: string, dateFormat: string, timeFormat: string,
 *   theme: string, confirmMailDelete: boolean, deleteToTrash: boolean, bodyHtmlFilteringLevel: number,
 *   externalImages: string, archivingPolicy: string, pageSize: number, [name: string]: any}} Settings
 * @typedef {{field: string, value?: string, negate?: boolean}} Criterion
 * @typedef {{jobKey?: string, status: string, progress: number, failedItems?: string[],
 *   batchOperationDetails: {failedItems: string[]}}} BatchAnswer
 */
export {};
