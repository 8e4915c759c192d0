/** The tag under which a manifest's referrers are listed, and with a suffix cosign's. */
export function fallbackTag(subject: string): string {
  return subject.replace(':', '-')
}

/** Whether a tag says what a manifest is evidence of, and is not a name that a person gave. */
export function isEvidence(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}(\.[a-z]+)?$/.test(tag)
}

export function subjectOf(tag: string): string {
  return `sha256:${tag.slice(7, 71)}`
}
