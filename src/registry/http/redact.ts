/** Query parameters whose values say what was asked for and carry no secret. */
const shownParameters: ReadonlySet<string> = new Set([
  'n',
  'last',
  'tag',
  'mount',
  'from',
  'digest',
  'digest-algorithm',
  'artifactType',
  'scope',
  'service',
])

/**
 * A URL for messages, events and logs: without user and fragment, and with the values of all query parameters but those of the allowlist
 * replaced by `…`. Signed URLs and upload sessions carry secrets in parameters of any name.
 */
export function redactUrl(url: URL): string {
  const parameters = [...url.searchParams].map(([name, value]) =>
    shownParameters.has(name)
      ? `${encodeURIComponent(name)}=${shown(value)}`
      : `${encodeURIComponent(name)}=…`,
  )
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return `${url.origin}${url.pathname}${query}`
}

/** Readable where that is safe: `:`, `/` and `,` stay as they are. */
function shown(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',')
}

/** With the characters that end a sentence or a quotation left outside. */
const addresses = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>`]*[^\s"'<>`.,;:!?)\]}]/gi
/** What follows the name of a scheme in an `Authorization` header (RFC 9110, section 11.4). */
const authorizations = /\b(Basic|Bearer|Token|Negotiate)\s+[A-Za-z0-9._~+/=-]{6,}/gi
/** Tokens are long and mix small letters, capitals and digits; digests, ids of requests and names do not. */
const tokens =
  /(?<![A-Za-z0-9_=+.-])(?=[A-Za-z0-9_=+.-]*[a-z])(?=[A-Za-z0-9_=+.-]*[A-Z])(?=[A-Za-z0-9_=+.-]*\d)[A-Za-z0-9_=+.-]{20,}/g

/**
 * What another side says, for messages and records: addresses as `redactUrl` shows them, and what looks like a token or like the credentials of a header
 * replaced by `…`. A server may repeat what it was sent.
 */
export function redactText(text: string): string {
  return text.replaceAll(authorizations, '$1 …').replaceAll(addresses, redactAddress).replaceAll(tokens, '…')
}

function redactAddress(address: string): string {
  if (URL.canParse(address)) {
    const url = new URL(address)
    // only the schemes of the web have an origin
    if (url.origin !== 'null') return redactUrl(url)
  }
  return address.replace(/\/\/[^/]*@/, '//').replace(/[?#].*$/, '')
}
