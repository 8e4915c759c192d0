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
