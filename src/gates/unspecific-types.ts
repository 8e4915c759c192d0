const unspecificTypes: ReadonlySet<string> = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'text/plain',
  'application/vnd.oci.empty.v1+json',
  'application/vnd.oci.image.config.v1+json',
])

/** Whether a media type or artifact type says nothing about the format of an attached document. */
export function isUnspecificType(type: string): boolean {
  return unspecificTypes.has(type)
}
