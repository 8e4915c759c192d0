import { BoundedMap, bounds, cutName, omission } from '../bounds.ts'
import type { NewNameFinding } from '../finding.ts'
import { hostOf, workflowOf } from '../names.ts'
import type { BaselineFacts, Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'

type NewNameRule = Exclude<NewNameFinding['rule'], 'newActorInEnvironment'>

const namers: Readonly<Record<NewNameRule, (one: Observation) => string | undefined>> = {
  newActor: ({ actor }) => actor,
  newHost: ({ entry }) => hostOf(entry.actor),
  newWorkflow: ({ entry }) => workflowOf(entry.actor),
}
const plurals: Readonly<Record<NewNameRule, string>> = {
  newActor: 'actors',
  newHost: 'hosts',
  newWorkflow: 'workflows',
}

class SeenName {
  isInBaseline = false
  runs = 0
  actor = ''
  readonly links = new RecordLinks()

  add(one: Observation): void {
    if (!one.isScored) this.isInBaseline = true
    if (!one.isShown || this.isInBaseline) return
    this.actor ||= one.actor
    if (one.isNewRun || this.runs === 0) this.runs++
    this.links.add(one)
  }

  get isNew(): boolean {
    return !this.isInBaseline && this.links.count > 0
  }
}

/** Actors, hosts or CI workflows that the baseline does not have. */
export class NewNames implements RuleDetector {
  readonly #rule: NewNameRule
  readonly #seen = new BoundedMap<string, SeenName>(bounds.names, () => new SeenName())

  constructor(rule: NewNameRule) {
    this.#rule = rule
  }

  add(one: Observation): void {
    const name = namers[this.#rule](one)
    if (name !== undefined) this.#seen.at(name)?.add(one)
  }

  result({ runs: baselineRuns, tooShort }: BaselineFacts): AnomalyRuleResult {
    if (tooShort !== undefined) return { findings: [], notEnoughData: tooShort }
    const findings = [...this.#seen.entries()].flatMap(([name, { actor, isNew, runs, links }]) =>
      isNew
        ? [{ rule: this.#rule, name, actor, runs, baselineRuns, ...links.fields({ by: ['actor'] }) }]
        : [],
    )
    return { findings, ...omission(this.#seen.ignored, plurals[this.#rule]) }
  }
}

/** Known actors that change an environment for the first time. */
export class NewActorsInEnvironments implements RuleDetector {
  /** the actors of the baseline */
  readonly #actors = new BoundedMap<string, true>(bounds.names, () => true)
  /** environments in the baseline */
  readonly #environments = new Set<string>()
  readonly #pairs = new BoundedMap<string, { environment: string; actor: string; seen: SeenName }>(
    bounds.names,
    (key) => {
      const [actor = '', environment = ''] = JSON.parse(key) as string[]
      return { actor, environment, seen: new SeenName() }
    },
  )

  add(one: Observation): void {
    if (!one.isScored) this.#actors.at(one.actor)
    const to = one.entry.environment?.to
    if (to === undefined) return
    const environment = cutName(to)
    if (!one.isScored && this.#environments.size < bounds.environments) this.#environments.add(environment)
    this.#pairs.at(JSON.stringify([one.actor, environment]))?.seen.add(one)
  }

  result({ runs: baselineRuns, tooShort }: BaselineFacts): AnomalyRuleResult {
    if (tooShort !== undefined) return { findings: [], notEnoughData: tooShort }
    const findings: NewNameFinding[] = []
    const unknown = new Set<string>()
    for (const [, { actor, environment, seen }] of this.#pairs.entries()) {
      // A new actor is a finding of its own.
      if (!seen.isNew || this.#actors.find(actor) === undefined) continue
      if (!this.#environments.has(environment)) {
        unknown.add(environment)
        continue
      }
      findings.push({
        rule: 'newActorInEnvironment',
        name: actor,
        actor,
        environment,
        runs: seen.runs,
        baselineRuns,
        ...seen.links.fields({ by: ['actor', 'env'] }),
      })
    }
    const { omissions = [] } = omission(this.#pairs.ignored, 'pairs of an actor and an environment')
    const unknownNames = [...unknown].map((name) => `the environment ${name} has no records in the baseline`)
    return { findings, omissions: [...unknownNames.slice(0, bounds.details), ...omissions] }
  }
}
