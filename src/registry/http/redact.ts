/** Query parameters whose values contain no secret. */
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
  'page',
  'per_page',
  'page_size',
])

/** The number or the size of a page in the API of a vendor, shown if it is a number. */
const pageParameters: ReadonlySet<string> = new Set(['page', 'page_size', 'per_page', 'pageSize', 'limit'])

/**
 * Returns a URL for messages, events and logs: without user and fragment, and with `…` for the
 * values of all query parameters that are not on the allowlist. Signed URLs and upload sessions
 * have secrets in parameters of any name.
 */
export function redactUrl(url: URL): string {
  if (url.search === '') return `${url.origin}${url.pathname}`
  const parameters = [...url.searchParams].map(([name, value]) =>
    shownParameters.has(name) || (pageParameters.has(name) && /^\d{1,9}$/.test(value))
      ? `${encodeURIComponent(name)}=${shown(value)}`
      : `${encodeURIComponent(name)}=…`,
  )
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`
  return `${url.origin}${url.pathname}${query}`
}

/** Keeps `:`, `/` and `,` readable. */
function shown(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',')
}

/** Without the characters that end a sentence or a quotation. */
const addresses = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>`]*[^\s"'<>`.,;:!?)\]}]/gi
/** The credentials after a scheme in an `Authorization` header (RFC 9110, section 11.4). */
const authorizations = /\b(Basic|Bearer|Token|Negotiate)\s+[A-Za-z0-9._~+/=-]{6,}/gi
/**
 * Tokens are long and mix lower case, upper case and digits. Digests, request ids and names do not.
 */
const tokens =
  /(?<![A-Za-z0-9_=+.-])(?=[A-Za-z0-9_=+.-]*[a-z])(?=[A-Za-z0-9_=+.-]*[A-Z])(?=[A-Za-z0-9_=+.-]*\d)[A-Za-z0-9_=+.-]{20,}/g

/**
 * Returns text of another party for messages and records: URLs as `redactUrl` shows them, and `…`
 * for what looks like a token or like credentials in a header. A server may repeat what it was
 * sent.
 */
export function redactText(text: string): string {
  const shownText = text.replaceAll(authorizations, '$1 …')
  // The first use of the expression takes 0.4 ms, and most texts have no address.
  const withAddresses = shownText.includes('://') ? shownText.replaceAll(addresses, redactAddress) : shownText
  return withAddresses.replaceAll(tokens, '…')
}

function redactAddress(address: string): string {
  if (URL.canParse(address)) {
    const url = new URL(address)
    // Only http and https URLs have an origin.
    if (url.origin !== 'null') return redactUrl(url)
  }
  return address.replace(/\/\/[^/]*@/, '//').replace(/[?#].*$/, '')
}
