/** The fallback tag of a manifest. With a suffix it is a cosign tag. */
export function fallbackTag(subject: string): string {
  return subject.replace(':', '-')
}

/** Whether a tag is a fallback tag or a cosign tag, which may have a prefix. */
export function isEvidence(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}$/.test(tag) || /sha256-[0-9a-f]{64}\.[a-z]+$/.test(tag)
}

export function subjectOf(tag: string): string {
  const at = tag.lastIndexOf('sha256-') + 'sha256-'.length
  return `sha256:${tag.slice(at, at + 64)}`
}
