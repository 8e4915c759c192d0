import { HeaderScanner } from './header-scanner.ts'

/** dray ignores longer values of these headers. */
const maxLength = 16 * 1024

interface Link {
  readonly target: string
  readonly relations: readonly string[]
}

/**
 * Returns the target of `rel=next` in a `Link` header (RFC 8288), relative or absolute as it was
 * sent. A link without `rel` is no next page.
 */
export function nextLink(value: string): string | undefined {
  return linkTo(value, 'next')
}

/** Returns the target of the first link with a relation in lower case, as `nextLink` does. */
export function linkTo(value: string, relation: string): string | undefined {
  if (value.length > maxLength) return undefined
  return links(value).find((link) => link.relations.includes(relation))?.target
}

/** Reads the links up to the first malformed one. */
function links(value: string): Link[] {
  const scanner = new HeaderScanner(value)
  const found: Link[] = []
  for (;;) {
    scanner.takeWhile((c) => c === ',' || c === ' ' || c === '\t')
    if (!scanner.eat('<')) return found
    const target = scanner.takeWhile((c) => c !== '>')
    if (!scanner.eat('>')) return found
    found.push({ target, relations: relationsOf(scanner) })
  }
}

/** Reads the parameters of one link. Only the first `rel` counts (RFC 8288, section 3.3). */
function relationsOf(scanner: HeaderScanner): string[] {
  let relations: string[] | undefined
  for (;;) {
    scanner.skipSpace()
    if (!scanner.eat(';')) return relations ?? []
    scanner.skipSpace()
    const name = scanner.token()
    scanner.skipSpace()
    if (name === undefined || !scanner.eat('=')) continue
    scanner.skipSpace()
    const text = scanner.peek() === '"' ? scanner.quoted() : scanner.token()
    if (name.toLowerCase() === 'rel') relations ??= text?.toLowerCase().split(/[ \t]+/) ?? []
  }
}

/**
 * Parses `Retry-After` (RFC 9110, section 10.2.3): seconds, or an HTTP date of any of the three
 * forms. Returns milliseconds from `now`, never negative; undefined for other text.
 */
export function retryAfterMs(value: string, now: number): number | undefined {
  const text = value.slice(0, 64).trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  const date = httpDate(text, now)
  return date === undefined ? undefined : Math.max(0, date - now)
}

/**
 * Parses an HTTP date (RFC 9110, section 5.6.7). Returns milliseconds since 1970; undefined for
 * other text. `now` decides the century of a year with two digits.
 */
export function httpDate(text: string, now: number): number | undefined {
  const [, day, month, year, time] = rfc850.exec(text) ?? []
  const date = imfFixdate.test(text)
    ? Date.parse(text)
    : asctime.test(text)
      ? Date.parse(`${text} GMT`)
      : Date.parse(`${day} ${month} ${fullYear(Number(year), now)} ${time}`)
  return Number.isNaN(date) ? undefined : date
}

const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const rfc850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2} GMT)$/
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/** A year with two digits is at most 50 years in the future (RFC 9110, section 5.6.7). */
function fullYear(year: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const candidate = Math.floor(thisYear / 100) * 100 + year
  return candidate > thisYear + 50 ? candidate - 100 : candidate
}

/**
 * Parses a rate limit and what is left of it: `100;w=21600`, the number and the window in seconds
 * (Docker Hub, docs.docker.com, docker-hub/usage/pulls; draft-ietf-httpapi-ratelimit-headers-05).
 * Undefined if the headers are absent or have another form.
 */
export function rateLimitOf(
  headers: ReadonlyMap<string, string>,
): { readonly limit: number; readonly remaining: number; readonly windowS: number } | undefined {
  const named = headers.get('ratelimit-limit')
  if (named === undefined) return undefined
  const form = /^(\d{1,9})(?:;w=(\d{1,9}))?$/
  const limit = form.exec(named.trim())
  const remaining = form.exec(headers.get('ratelimit-remaining')?.trim() ?? '')
  const windowS = limit?.[2] ?? remaining?.[2]
  if (limit === null || remaining === null || windowS === undefined) return undefined
  return { limit: Number(limit[1]), remaining: Number(remaining[1]), windowS: Number(windowS) }
}

/**
 * Parses `RateLimit-Reset`, the seconds until the quota resets
 * (draft-ietf-httpapi-ratelimit-headers-05). Docker Hub does not send it.
 */
export function rateLimitResetS(headers: ReadonlyMap<string, string>): number | undefined {
  const text = headers.get('ratelimit-reset')?.trim() ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/**
 * Returns the unescaped texts of `Warning: 299` (distribution-spec, Warnings; RFC 7234, section
 * 5.5). Ignores other codes.
 */
export function warningTexts(value: string): string[] {
  if (value.length > maxLength) return []
  const scanner = new HeaderScanner(value)
  const texts: string[] = []
  for (;;) {
    scanner.takeWhile((c) => c === ',' || c === ' ' || c === '\t')
    const code = scanner.takeWhile((c) => c >= '0' && c <= '9')
    if (code === '' || !scanner.skipSpace()) return texts
    scanner.takeWhile((c) => c !== ' ' && c !== '\t')
    scanner.skipSpace()
    const text = scanner.quoted()
    if (text === undefined) return texts
    if (code === '299') texts.push(text)
    scanner.skipSpace()
    // A date may follow.
    if (scanner.peek() === '"') scanner.quoted()
  }
}

/**
 * Returns each header once: its values are joined by `, `. A proxy may add a header that the
 * registry has sent already, so equal values count once.
 */
export function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ReadonlyMap<string, string> {
  const flat = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      flat.set(name.toLowerCase(), typeof value === 'string' ? value : [...new Set(value)].join(', '))
  }
  return flat
}
