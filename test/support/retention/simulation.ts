import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { ManifestHistory } from './manifest-history.ts'
import { isEvidence } from './evidence-tags.ts'
import { verdictsOf } from './oracle.ts'
import { OtherClients } from './concurrent-changes.ts'
import type { RepositoryPolicy } from '../../../src/usecases/prune/policy/policy.ts'
import { Graph, visibleIn } from './oracle/graph.ts'
import { factsOf, type ScenarioFacts } from './scenario-facts.ts'
import { historyOf } from './history-sources.ts'
import { planComplaints } from './plan-complaints.ts'
import { endComplaints } from './end-complaints.ts'
import { executePlan, type PlanFacts, planWith, policyOf, pruneClient } from './prune-client.ts'
import { buildRepository } from './repository-builder.ts'
import type { Scenario } from './scenarios.ts'
import { SimulatedRegistry } from './simulated-registry.ts'
import { refusedPolicy, type SimulationResult, sum } from './simulation-result.ts'
import type { Snapshot } from './snapshot.ts'
import { randomFrom } from '../random.ts'
import { RequestOrder } from './request-order.ts'
import { RunObserver } from './run-observer.ts'

/**
 * Simulates a scenario and a further run without other clients, and compares both with the oracle.
 */
export async function simulatePrune(scenario: Scenario): Promise<SimulationResult> {
  return await new Simulation(scenario).run()
}

class Simulation {
  readonly #scenario: Scenario
  readonly #registry: SimulatedRegistry
  readonly #history: ManifestHistory
  readonly #otherClients: OtherClients
  readonly #order: RequestOrder
  readonly #observers: RunObserver[] = []
  readonly #complaints: string[] = []
  #facts: ScenarioFacts | undefined
  #policy: RepositoryPolicy | undefined
  readonly #requests = { reading: 0, deleting: 0 }
  #phase: 'reading' | 'deleting' = 'reading'
  readonly #events: string[] = []
  #conflicts = 0
  #plan: { readonly made: PrunePlan; readonly observer: RunObserver } | undefined

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#registry = new SimulatedRegistry(scenario.abilities)
    this.#history = new ManifestHistory(this.#registry)
    this.#otherClients = new OtherClients(this.#history)
    this.#order = new RequestOrder(randomFrom(scenario.seed))
  }

  async run(): Promise<SimulationResult> {
    const { recipe, isTwice } = this.#scenario
    this.#policy = await policyOf(this.#scenario)
    if (this.#policy === undefined) return refusedPolicy
    await this.#registry.load(buildRepository(recipe, this.#registry.abilities.referrers))
    const start = await this.#history.now()
    const facts = factsOf(this.#scenario, start)
    this.#facts = facts
    for (const [locked, refusal] of facts.locks) this.#registry.locks.set(locked, refusal)
    await this.#checkUnreadable(start)
    const clients = { first: this.#prune('first'), ...(isTwice && { second: this.#prune('second') }) }
    await this.#order.run(clients, () => this.#before())
    for (;;) {
      // Other clients complete their pending changes.
      const before = JSON.stringify([...(await this.#history.now()).tags])
      for (let i = 0; i < 8; i++) await this.#otherClients.continuePending()
      if (JSON.stringify([...(await this.#history.now()).tags]) === before) break
    }
    this.#checkComplete(start, await this.#history.now())
    const isKilled = this.#order.isDead('first')
    if (isKilled) await this.#resume()
    const hasPlanned = !isKilled || this.#plan !== undefined
    if (this.#isUndisturbed && hasPlanned) await this.#checkEnd(start)
    const middle = await this.#history.now()
    await this.#runAlone('last')
    await this.#checkEnd(middle)
    this.#checkComplete(start, await this.#history.now())
    await this.#checkIdle()
    const observers = this.#observers
    return {
      complaints: [...this.#complaints, ...observers.flatMap((one) => one.complaints), ...this.#writes()],
      events: this.#events,
      requests: this.#requests.reading + this.#requests.deleting,
      deletes: sum(observers.map((one) => one.deleted.size)),
      untags: sum(observers.map(({ untagged }) => untagged)),
      locked: sum(observers.map(({ locked }) => locked)),
      unseenLosses: sum(observers.map((one) => one.unseenLosses.size)),
      conflicts: this.#conflicts,
      isKilled,
      isRefused: observers.some(({ verdicts }) => verdicts?.refused !== undefined),
      isInvalid: false,
    }
  }

  get #known(): ScenarioFacts {
    if (this.#facts === undefined) throw new Error('the repository is not there yet')
    return this.#facts
  }

  get #dangling(): ReadonlySet<string> {
    return new Set(this.#scenario.recipe.dangling)
  }

  get #isUndisturbed(): boolean {
    return this.#scenario.changes.length === 0 && !this.#scenario.isTwice
  }

  #writes(): readonly string[] {
    const seen = new Set(this.#observers.flatMap(({ methods }) => [...methods]))
    return [...seen]
      .filter((method) => !['GET', 'HEAD', 'DELETE'].includes(method))
      .map((m) => `a ${m} was sent`)
  }

  #client(actor: string, observer: RunObserver): ReturnType<typeof pruneClient> {
    this.#observers.push(observer)
    return pruneClient(
      this.#registry.client({
        actor,
        waitForTurn: () => this.#order.waitForTurn(actor),
        onRequest: (method, kind, reference) => observer.onRequest(method, kind, reference),
        onResponse: async (handled) => {
          const { method, kind, reference, status, headers } = handled
          const what = reference.replace(/([0-9a-f]{8})[0-9a-f]{56}/, '$1')
          const is = headers['docker-content-digest']?.slice(7, 15) ?? ''
          this.#events.push([actor, method, kind, what, status, is].join(' '))
          await this.#killAfter(actor)
          if (this.#order.isDead(actor)) await new Promise(() => undefined)
          await observer.onResponse(handled)
        },
      }),
      this.#registry.abilities.deleteTagged ? {} : { deleteTagged: 'no' },
    )
  }

  /** Reads, decides, and executes the plan, either at once or like a saved one. */
  async #prune(actor: string): Promise<readonly DeleteOutcome[]> {
    const { isSaved } = this.#scenario
    const observer = new RunObserver(this.#history, this.#known, this.#otherClients.added)
    const client = this.#client(actor, observer)
    const made = await planWith(client, this.#needPolicy(), this.#planFacts)
    const verdicts = observer.onPlan(!isSaved)
    if (this.#isUndisturbed) this.#complaints.push(...planComplaints(made, verdicts, this.#dangling))
    for (const method of observer.methods)
      if (method !== 'GET' && method !== 'HEAD')
        this.#complaints.push(`a ${method} was sent before the plan was made`)
    if (actor === 'first') {
      this.#phase = 'deleting'
      this.#plan = { made, observer }
    }
    const outcomes = await executePlan(client, made, { isImmediate: !isSaved, sink: this.#sink(actor) })
    if (this.#isUndisturbed) this.#complaints.push(...this.#badOutcomes(outcomes))
    this.#conflicts += outcomes.filter(({ result }) => result === 'conflict').length
    return outcomes
  }

  #sink(actor: string) {
    return {
      path: 'memory',
      write: async (): Promise<void> => {
        if (this.#order.isDead(actor)) await new Promise(() => undefined)
      },
    }
  }

  /** If a manifest that a tag leads to cannot be read, there is no plan, or it has no deletes. */
  async #checkUnreadable(start: Snapshot): Promise<void> {
    const { unreadable, inUse } = this.#known
    if (unreadable === undefined) return
    this.#registry.unreadable.add(unreadable)
    const made = { steps: 0 }
    const plan = async (): Promise<void> => {
      const observer = new RunObserver(this.#history, this.#known, this.#otherClients.added)
      const client = this.#client('unlucky', observer)
      const { repositories } = await planWith(client, this.#needPolicy(), this.#planFacts)
      made.steps = repositories.flatMap(({ steps }) => steps).length
    }
    await this.#order.run({ unlucky: plan().catch(() => undefined) }, async () => undefined)
    this.#registry.unreadable.clear()
    this.#observers.length = 0
    const children = new Graph({ ...start, referrers: () => [] }, new Set())
    const isRead = children.reach([...start.tags.values(), ...inUse]).has(unreadable)
    if (isRead && made.steps > 0) this.#complaints.push('a plan deletes although a manifest is unreadable')
  }

  /**
   * If a registry wants tags deleted first, an image may stay without its tags. What it leads to is
   * not attempted then.
   */
  #badOutcomes(outcomes: readonly DeleteOutcome[]): readonly string[] {
    const bad: readonly DeleteOutcome['result'][] = this.#registry.abilities.deleteTagged
      ? ['failed', 'conflict', 'notAttempted']
      : ['failed', 'conflict']
    return outcomes.flatMap(({ result, error }) =>
      bad.includes(result) ? [`a delete is ${result}: ${error?.message ?? ''}`] : [],
    )
  }

  #needPolicy(): RepositoryPolicy {
    if (this.#policy === undefined) throw new Error('there is no policy')
    return this.#policy
  }

  get #planFacts(): PlanFacts {
    return { inUse: this.#known.inUse, sources: historyOf(this.#known) }
  }

  async #runAlone(actor: string): Promise<void> {
    await this.#order.run({ [actor]: this.#prune(actor) }, async () => undefined)
  }

  /** Executes the plan of the killed run. */
  async #resume(): Promise<void> {
    if (this.#plan === undefined) return
    const observer = new RunObserver(this.#history, this.#known, this.#otherClients.added)
    observer.usePlanOf(this.#plan.observer)
    const actor = 'resuming'
    const client = this.#client(actor, observer)
    await this.#order.run(
      { [actor]: executePlan(client, this.#plan.made, { sink: this.#sink(actor) }) },
      async () => undefined,
    )
  }

  /** Called before each request is handled. */
  async #before(): Promise<void> {
    await this.#otherClients.continuePending()
    const at = this.#requests[this.#phase]++
    for (const one of this.#scenario.changes)
      if (one.phase === this.#phase && one.at === at) {
        this.#events.push(`other client: ${JSON.stringify(one.change)}`)
        await this.#otherClients.apply(one.change)
      }
    const { kill } = this.#scenario
    if (this.#phase === 'deleting' && kill?.when === 'before' && kill.at <= at) this.#order.kill('first')
  }

  async #killAfter(actor: string): Promise<void> {
    const { kill } = this.#scenario
    if (actor !== 'first' || this.#phase !== 'deleting' || kill?.when !== 'after') return
    if (kill.at < this.#requests.deleting) this.#order.kill('first')
  }

  /**
   * Everything that image tags, use and kept evidence reach exists, unless it never existed,
   * another client deleted it, or no response showed that it was needed.
   */
  #checkComplete(start: Snapshot, end: Snapshot): void {
    const excused = new Set([
      ...this.#otherClients.deleted,
      ...this.#otherClients.broken,
      ...this.#observers.flatMap(({ unseenLosses }) => [...unseenLosses]),
    ])
    const roots = [...end.tags].flatMap(([tag, digest]) => (isEvidence(tag) ? [] : [digest]))
    const graph = new Graph(end, visibleIn(end, this.#known.inUse))
    for (const digest of graph.reach([...roots, ...this.#known.inUse])) {
      for (const child of end.manifests.get(digest)?.children ?? []) {
        if (end.manifests.has(child.digest) || excused.has(child.digest)) continue
        if (!this.#history.manifests.has(child.digest)) continue
        this.#complaints.push(`${digest.slice(7, 15)} lacks its child ${child.digest.slice(7, 15)}`)
      }
    }
    for (const used of this.#known.inUse)
      if (start.manifests.has(used) && !end.manifests.has(used) && !excused.has(used))
        this.#complaints.push(`${used.slice(7, 15)} is in use, and gone`)
  }

  async #checkEnd(before: Snapshot): Promise<void> {
    const observer = this.#observers.at(-1)
    this.#complaints.push(
      ...endComplaints({
        before,
        end: await this.#history.now(),
        facts: this.#known,
        registry: this.#registry,
        // After a refused first delete, dray sends no other.
        isRefused: (observer?.deleteStatuses[0] ?? 202) >= 400,
      }),
    )
  }

  /** A run after a complete one has nothing to do. */
  async #checkIdle(): Promise<void> {
    const before = await this.#history.now()
    const { garbage, untagged, optional, refused } = verdictsOf(before, this.#known)
    await this.#runAlone('idle')
    const observer = this.#observers.at(-1)
    if (
      refused === undefined &&
      garbage.size === 0 &&
      untagged.size + optional.size === 0 &&
      observer?.methods.has('DELETE') === true
    )
      this.#complaints.push('a run deletes something after a complete run')
  }
}
