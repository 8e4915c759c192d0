/**
 * Returns the URL of the next page of the list at `current`. A link may omit the beginning of
 * the repository's path (Artifactory omits its virtual repository): then the path of the list is
 * kept, because that link leads to another repository or nowhere.
 */
export function withinList(next: URL, current: URL): URL {
  const path = next.pathname.replace(/^\/v2\//, '/')
  if (next.pathname === current.pathname || !current.pathname.endsWith(path)) return next
  const url = new URL(next)
  url.pathname = current.pathname
  return url
}
