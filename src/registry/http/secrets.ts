import type { ProgressEvent } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'

/** Shorter ones occur in ordinary text by chance: cutting them out would hide that text, and tell of them by what is missing. */
const minLength = 4
/** A piece of Base64 of fewer characters is in other text by chance. */
const minBase64 = 8
/** No server takes longer ones in a header. */
const maxLength = 16 * 1024
/** A run that takes long has many tokens after each other, and the older ones have run out. */
const maxTokens = 64
/** Tokens are long, and of those of one server the beginnings are alike: by so much of it one is known. */
const tokenHead = 128

const mark = '…'

/**
 * The secrets that one run has sent or may send, so that they can be cut out of whatever a registry says: servers repeat what they were sent, in
 * messages, headers and addresses, in clear or encoded.
 */
export class Secrets {
  readonly #kept = new Set<string>()
  readonly #tokens: string[] = []
  #forms: readonly string[] | undefined

  /** A password, a refresh token, or the pair of user and password that a header is made of. */
  add(given: string): void {
    const secret = given.slice(0, maxLength)
    if (secret.length < minLength || this.#kept.has(secret)) return
    this.#kept.add(secret)
    this.#forms = undefined
  }

  /** A bearer token. Of these the last ones are remembered. */
  addToken(token: string): void {
    const head = token.slice(0, tokenHead)
    if (token.length < minLength || this.#tokens.includes(head)) return
    this.#tokens.push(head)
    if (this.#tokens.length > maxTokens) this.#tokens.shift()
    this.#forms = undefined
  }

  /** The text with `…` for each secret, whatever its upper and lower case, also as URLs, HTML, quoted strings and Base64 have it. */
  redact(text: string): string {
    if (this.#kept.size === 0 && this.#tokens.length === 0) return text
    this.#forms ??= [...this.#kept].flatMap(formsOf).map(foldCase)
    return withoutSpans(text, spansOf(foldCase(text), this.#forms, this.#tokens.map(foldCase)))
  }

  /** The event as it may be told. */
  redactEvent(event: ProgressEvent): ProgressEvent {
    if (event.kind === 'request') return { ...event, url: this.redact(event.url) }
    if (event.kind === 'retry') return { ...event, url: this.redact(event.url), why: this.redact(event.why) }
    if (event.kind === 'warning') return { ...event, text: this.redact(event.text) }
    return event
  }

  /** What was thrown; an error of ours in which a secret stands as a new one without it, and without the causes that have it. */
  redactError(thrown: unknown): unknown {
    if (!isDrayError(thrown)) return thrown
    const { code, message, details, subject, why, hint, status, registryCode, cause } = thrown
    const redact = (text: string): string => this.redact(text)
    const told = [message, ...(details ?? []), subject, why, hint, registryCode, ...wordsBehind(cause)]
    if (told.every((text) => text === undefined || redact(text) === text)) return thrown
    return new DrayError(code, redact(message), {
      ...(details !== undefined && { details: details.map(redact) }),
      ...(subject !== undefined && { subject: redact(subject) }),
      ...(why !== undefined && { why: redact(why) }),
      ...(hint !== undefined && { hint: redact(hint) }),
      ...(status !== undefined && { status }),
      ...(registryCode !== undefined && { registryCode: redact(registryCode) }),
    })
  }
}

/** What a log of all causes would print. */
function wordsBehind(cause: unknown): string[] {
  const words: string[] = []
  for (let at = cause; at instanceof Error && words.length < 32; at = at.cause)
    words.push(at.stack ?? '', at.message)
  return words
}

/** From the first character of a piece of text to behind its last. */
type Span = readonly [start: number, end: number]

/** Where the forms stand in the text, and the tokens that begin as `heads`; both are folded as the text is. No regular expression: secrets are long. */
function spansOf(text: string, forms: readonly string[], heads: readonly string[]): Span[] {
  const spans: Span[] = []
  const find = (wanted: string, endOf: (behind: number) => number): void => {
    for (let at = text.indexOf(wanted); at >= 0;) {
      const end = endOf(at + wanted.length)
      spans.push([at, end])
      at = text.indexOf(wanted, end)
    }
  }
  for (const form of forms) find(form, (behind) => behind)
  for (const head of heads)
    find(head, (behind) => (head.length < tokenHead ? behind : endOfToken(text, behind)))
  return spans.sort(([a], [b]) => a - b)
}

/** RFC 6750, 2.1; percent-encoded too. */
const tokenCharacter = /[\w.~+/=%-]/

function endOfToken(text: string, start: number): number {
  let at = start
  while (tokenCharacter.test(text.charAt(at))) at++
  return at
}

/** The text with one mark for spans that touch or overlap. */
function withoutSpans(text: string, spans: readonly Span[]): string {
  let left = ''
  let from = 0
  for (const [start, end] of spans) {
    if (start > from || from === 0) left += `${text.slice(from, start)}${mark}`
    from = Math.max(from, end)
  }
  return left + text.slice(from)
}

/** Of the same length, unlike `toLowerCase`. Base64 in another case than its own is found as well, which harms nobody. */
function foldCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** A secret as other programs write it: as it is, quoted, in URLs and forms, in HTML, and in Base64. */
function formsOf(secret: string): string[] {
  const text = secret.toWellFormed()
  const quoted = JSON.stringify(text).slice(1, -1)
  const component = encodeURIComponent(text)
  // other languages leave fewer characters as they are (RFC 3986, 2.3), or more where it is a segment of a path (3.3)
  const strict = component.replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
  const base64 = base64Of(text)
  return [
    ...new Set([
      text,
      quoted,
      quoted.replaceAll(/[&<>]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
      component,
      strict,
      strict.replaceAll(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent),
      encodeURI(text),
      new URLSearchParams([['', text]]).toString().slice(1),
      text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`),
      text.replaceAll(/[&<>"']/g, (one) => entities.get(one) ?? one),
      ...base64,
      ...base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')),
      ...base64.map(encodeURIComponent),
    ]),
  ]
}

/** As Go's html package writes them. */
const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&#34;'],
  ["'", '&#39;'],
])

/** What of the Base64 of a longer text hangs on the secret alone, wherever it begins there; and its whole Base64, which ends otherwise. */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const whole = bytes.toString('base64')
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.byteLength) * 8) / 6))
  })
  return [whole, whole.replace(/=+$/, ''), ...inside].filter((text) => text.length >= minBase64)
}
