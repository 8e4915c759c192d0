import { formatAt } from '../../../oci/reference.ts'
import { bounds, cutName, omission } from '../bounds.ts'
import type { ChangeFinding } from '../finding.ts'
import type { Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'
import { TagVersions } from './tag-versions.ts'

/** The part of a change that a rule found in one record; undefined: nothing. */
interface FoundPart {
  readonly gates?: readonly string[]
  readonly versions?: ChangeFinding['versions']
}

type Matcher = (one: Observation) => FoundPart | undefined

interface FoundChange {
  readonly first: Observation
  readonly links: RecordLinks
  readonly tags: Set<string>
  readonly gates: Set<string>
  readonly results: Set<ChangeFinding['result']>
  versions: ChangeFinding['versions']
}

const everything: FoundPart = {}

function withOverride(override: 'allowBackward' | 'moveTag'): Matcher {
  return ({ entry: { step } }) =>
    step?.kind === 'tag' && step.override === override ? everything : undefined
}

const matchers: Readonly<Record<ChangeFinding['rule'], () => Matcher>> = {
  downgrade: () => {
    const versions = new TagVersions()
    return (one) => {
      const lower = versions.note(one)
      return lower === undefined ? undefined : { versions: lower }
    }
  },
  rollback: () => (one) => (one.entry.operation === 'rollback' ? everything : undefined),
  allowBackward: () => withOverride('allowBackward'),
  moveTag: () => withOverride('moveTag'),
  overriddenGate:
    () =>
    ({ entry: { gates = [] } }) => {
      const names = gates.flatMap(({ effect, name }) => (effect === 'overridden' ? [cutName(name)] : []))
      return names.length === 0 ? undefined : { gates: names }
    },
}

const results = ['failed', 'done', 'refused', 'open'] as const

/** Changes that are listed whenever they occur: one finding for each image of a run. */
export class ListedChanges implements RuleDetector {
  readonly #rule: ChangeFinding['rule']
  readonly #matches: Matcher
  readonly #found = new Map<string, FoundChange>()
  #ignored = 0

  constructor(rule: ChangeFinding['rule']) {
    this.#rule = rule
    this.#matches = matchers[rule]()
  }

  add(one: Observation): void {
    // A matcher may learn from every record.
    const part = this.#matches(one)
    if (part === undefined || !one.isShown) return
    const change = this.#changeOf(one)
    if (change === undefined) return
    change.links.add(one)
    const { step, phase, result } = one.entry
    if (step?.kind === 'tag') addSome(change.tags, cutName(formatAt(step.repository, { tag: step.tag })))
    for (const gate of part.gates ?? []) addSome(change.gates, gate)
    change.versions ??= part.versions
    change.results.add(
      phase === 'outcome'
        ? result === 'done' || result === 'unchanged'
          ? 'done'
          : 'failed'
        : phase === 'refused'
          ? 'refused'
          : 'open',
    )
  }

  result(): AnomalyRuleResult {
    const findings = [...this.#found.values()].map((change) => this.#findingOf(change))
    const { omissions = [] } = omission(this.#ignored, 'changes')
    return { findings, omissions }
  }

  #changeOf(one: Observation): FoundChange | undefined {
    const { run, image, environment } = one.entry
    const key = JSON.stringify([run, image, environment?.to].map((text) => cutName(text ?? '')))
    const known = this.#found.get(key)
    if (known !== undefined) return known
    if (this.#found.size >= bounds.groups) {
      this.#ignored++
      return undefined
    }
    const made = {
      first: one,
      links: new RecordLinks(),
      tags: new Set<string>(),
      gates: new Set<string>(),
      results: new Set<ChangeFinding['result']>(),
      versions: undefined,
    }
    this.#found.set(key, made)
    return made
  }

  #findingOf({ first, links, tags, gates, results: found, versions }: FoundChange): ChangeFinding {
    const { operation, image, environment } = first.entry
    return {
      rule: this.#rule,
      actor: first.actor,
      operation,
      ...(image !== undefined && { image: cutName(image) }),
      ...(environment?.to !== undefined && { environment: cutName(environment.to) }),
      tags: [...tags],
      gates: [...gates],
      ...(versions !== undefined && { versions }),
      result: results.find((one) => found.has(one)) ?? 'open',
      ...links.fields({ by: ['actor', 'image'] }),
    }
  }
}

function addSome(set: Set<string>, text: string): void {
  if (set.size < bounds.details) set.add(text)
}
