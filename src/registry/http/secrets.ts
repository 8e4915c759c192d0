import type { ProgressEvent } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'

/** Shorter secrets occur in ordinary text by chance. To cut them out would hide and reveal text. */
const minLength = 4
/** Fewer characters of Base64 occur in other text by chance. */
const minBase64 = 8
/** No server accepts longer secrets in a header. */
const maxLength = 16 * 1024
/** A long run gets many tokens one after another, and the older ones have expired. */
const maxTokens = 64
/** Tokens are long. This much of the beginning identifies one. */
const tokenHead = 128

const mark = '…'

/**
 * The secrets that one run has sent or may send, so that they can be removed from every text of a
 * registry. Servers repeat secrets in messages, headers and URLs, unchanged or encoded.
 */
export class Secrets {
  readonly #kept = new Set<string>()
  readonly #tokens: string[] = []
  #forms: readonly string[] | undefined

  get #isEmpty(): boolean {
    return this.#kept.size === 0 && this.#tokens.length === 0
  }

  /** Adds a password, a refresh token, or the pair of user and password of a header. */
  add(given: string): void {
    const secret = given.slice(0, maxLength)
    if (secret.length < minLength || this.#kept.has(secret)) return
    this.#kept.add(secret)
    this.#forms = undefined
  }

  /** Adds a bearer token. Only the newest ones are kept. */
  addToken(token: string): void {
    const head = token.slice(0, tokenHead)
    if (token.length < minLength || this.#tokens.includes(head)) return
    this.#tokens.push(head)
    if (this.#tokens.length > maxTokens) this.#tokens.shift()
  }

  /**
   * Returns the text with `…` for each secret, in upper or lower case: unchanged, and as
   * URLs, JSON and Base64 have it.
   */
  redact(text: string): string {
    if (this.#isEmpty) return text
    this.#forms ??= [...this.#kept].flatMap(formsOf).map(foldCase)
    return withoutSpans(text, spansOf(foldCase(text), this.#forms, this.#tokens.map(foldCase)))
  }

  redactEvent(event: ProgressEvent): ProgressEvent {
    if (this.#isEmpty) return event
    if (event.kind === 'request') {
      const { kind, method, status, ms } = event
      const redacted = (): string => this.redact(event.url)
      return {
        kind,
        method,
        get url() {
          return redacted()
        },
        status,
        ms,
      }
    }
    if (event.kind === 'retry') return { ...event, url: this.redact(event.url), why: this.redact(event.why) }
    if (event.kind === 'warning') return { ...event, text: this.redact(event.text) }
    return event
  }

  /**
   * Returns what was thrown. A `DrayError` that has a secret in it becomes a new one without the
   * secret and without its causes.
   */
  redactError(thrown: unknown): unknown {
    if (!isDrayError(thrown)) return thrown
    const { code, message, details, subject, why, hint, status, registryCode, cause } = thrown
    const redact = (text: string): string => this.redact(text)
    const texts = [message, ...(details ?? []), subject, why, hint, registryCode, ...textsOfCauses(cause)]
    if (texts.every((text) => text === undefined || redact(text) === text)) return thrown
    const redactAny = (text: string | undefined): string | undefined => text && redact(text)
    return new DrayError(code, redact(message), {
      details: details?.map(redact),
      subject: redactAny(subject),
      why: redactAny(why),
      hint: redactAny(hint),
      status,
      registryCode: redactAny(registryCode),
    })
  }
}

/** The text that a log of all causes would print. */
function textsOfCauses(cause: unknown): string[] {
  const texts: string[] = []
  for (let at = cause; at instanceof Error && texts.length < 32; at = at.cause)
    texts.push(at.stack ?? '', at.message)
  return texts
}

/** The range of a part of a text: its first character, and the one after its last. */
type Span = readonly [start: number, end: number]

/**
 * Returns where the forms are in the text, and the tokens that begin with `heads`. Both are folded
 * as the text is. Secrets are too long for regular expressions.
 */
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

/** RFC 6750, section 2.1; percent-encoded too. */
const tokenCharacter = /[\w.~+/=%-]/

function endOfToken(text: string, start: number): number {
  let at = start
  while (tokenCharacter.test(text.charAt(at))) at++
  return at
}

/** Returns the text with one mark for all spans that touch or overlap. */
function withoutSpans(text: string, spans: readonly Span[]): string {
  let result = ''
  let from = 0
  for (const [start, end] of spans) {
    if (start > from || from === 0) result += `${text.slice(from, start)}${mark}`
    from = Math.max(from, end)
  }
  return result + text.slice(from)
}

/** Keeps the length, unlike `toLowerCase`. */
function foldCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** A secret unchanged, in URLs and forms, in JSON, and in Base64. */
function formsOf(secret: string): string[] {
  const text = secret.toWellFormed()
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    new URLSearchParams([['', text]]).toString().slice(1),
    ...base64Of(text).flatMap((one) => [one, one.replaceAll('+', '-').replaceAll('/', '_')]),
  ]
}

/**
 * The part of the Base64 of a longer text that depends on the secret alone, for each offset at
 * which the secret can begin there; and the whole Base64 of the secret, which ends differently.
 */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const whole = bytes.toString('base64')
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.byteLength) * 8) / 6))
  })
  return [whole, whole.replace(/=+$/, ''), ...inside].filter((text) => text.length >= minBase64)
}
