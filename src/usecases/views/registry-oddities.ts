import type { Oddity, OddityKind } from '../../images/registry-facts.ts'

/** An answer of a registry that differs from the specification, and what dray does about it. */
export interface OddityFinding {
  readonly check: OddityKind
  readonly state: 'note'
  readonly saw: string
  readonly hint: string
}

const effects: Readonly<Record<OddityKind, string>> = {
  challenge: 'dray uses Basic authentication if it has credentials and the connection uses TLS.',
  anonymous:
    'If dray has credentials, it authenticates by the challenge of /v2/ before it accepts such an answer.',
  tagList:
    'dray skips them in reads and promotions. prune refuses this repository until they are deleted with the tools of the registry.',
  head: 'dray confirms by GET that a version tag does not exist before it writes it.',
  missingTag:
    'dray reads the tag list to check whether such a tag exists. It needs the permission to list tags.',
}

export function oddityFindings(oddities: readonly Oddity[] = []): readonly OddityFinding[] {
  return oddities.map(({ kind, saw }) => ({ check: kind, state: 'note', saw, hint: effects[kind] }))
}
