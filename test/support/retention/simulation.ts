import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { ManifestHistory } from './manifest-history.ts'
import { isEvidence } from './evidence-tags.ts'
import { Graph, type Verdicts, verdictsOf, visibleIn } from './oracle.ts'
import { OtherClients } from './concurrent-changes.ts'
import { executePlan, planPrune, pruneClient } from './prune-client.ts'
import { buildRepository } from './repository-builder.ts'
import { now } from './recipes.ts'
import type { Scenario } from './scenarios.ts'
import { SimulatedRegistry } from './simulated-registry.ts'
import type { Snapshot } from './snapshot.ts'
import { randomFrom } from '../random.ts'
import { RequestOrder } from './request-order.ts'
import { RunObserver } from './run-observer.ts'

/** The result of a scenario. */
export interface SimulationResult {
  /** broken promises */
  readonly complaints: readonly string[]
  /** every request and every concurrent change, in order */
  readonly events: readonly string[]
  readonly requests: number
  readonly deletes: number
  /** needed manifests that were deleted before a response showed that they were needed */
  readonly unseenLosses: number
  readonly conflicts: number
  readonly isKilled: boolean
  readonly isRefused: boolean
}

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
  #inUse: readonly string[] = []
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
    const { recipe, inUse, isTwice, changes } = this.#scenario
    await this.#registry.load(buildRepository(recipe, this.#registry.abilities.referrers))
    const start = await this.#history.now()
    const all = [...start.manifests.keys()]
    this.#inUse = [...new Set(inUse.flatMap((n) => all[n % all.length] ?? []))]
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
    if (changes.length === 0 && !isTwice && hasPlanned) await this.#checkEnd(start)
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
      deletes: observers.reduce((sum, one) => sum + one.deleted.size, 0),
      unseenLosses: observers.reduce((sum, one) => sum + one.unseenLosses.size, 0),
      conflicts: this.#conflicts,
      isKilled,
      isRefused: observers.some(({ verdicts }) => verdicts?.refused !== undefined),
    }
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
    const { policy, isSaved } = this.#scenario
    const observer = new RunObserver(
      this.#history,
      { policy, now, inUse: this.#inUse },
      this.#otherClients.added,
    )
    const client = this.#client(actor, observer)
    const made = await planPrune(client, policy, this.#inUse)
    observer.onPlan(!isSaved)
    for (const method of observer.methods)
      if (method !== 'GET' && method !== 'HEAD')
        this.#complaints.push(`a ${method} was sent before the plan was made`)
    if (actor === 'first') {
      this.#phase = 'deleting'
      this.#plan = { made, observer }
    }
    const outcomes = await executePlan(client, made, { isImmediate: !isSaved, sink: this.#sink(actor) })
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

  async #runAlone(actor: string): Promise<void> {
    await this.#order.run({ [actor]: this.#prune(actor) }, async () => undefined)
  }

  /** Executes the plan of the killed run. */
  async #resume(): Promise<void> {
    if (this.#plan === undefined) return
    const { policy } = this.#scenario
    const observer = new RunObserver(
      this.#history,
      { policy, now, inUse: this.#inUse },
      this.#otherClients.added,
    )
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
    const graph = new Graph(end, visibleIn(end, this.#inUse))
    for (const digest of graph.reach([...roots, ...this.#inUse])) {
      for (const child of end.manifests.get(digest)?.children ?? []) {
        if (end.manifests.has(child.digest) || excused.has(child.digest)) continue
        if (!this.#history.manifests.has(child.digest)) continue
        this.#complaints.push(`${digest.slice(7, 15)} lacks its child ${child.digest.slice(7, 15)}`)
      }
    }
    for (const used of this.#inUse)
      if (start.manifests.has(used) && !end.manifests.has(used) && !excused.has(used))
        this.#complaints.push(`${used.slice(7, 15)} is in use, and gone`)
  }

  /**
   * After a run without other clients, the garbage that the registry can delete is gone, and
   * nothing else.
   */
  async #checkEnd(before: Snapshot): Promise<void> {
    const { policy } = this.#scenario
    const verdicts = verdictsOf(before, { policy, now, inUse: this.#inUse })
    const end = await this.#history.now()
    const observer = this.#observers.at(-1)
    if (verdicts.refused !== undefined) {
      if (end.manifests.size !== before.manifests.size || end.tags.size !== before.tags.size)
        this.#complaints.push(`something was deleted although ${verdicts.refused} refuses all`)
      return
    }
    const undeletable = this.#undeletable(before, verdicts)
    // After a refused first delete, dray sends no other.
    const isRefused = (observer?.deleteStatuses[0] ?? 202) >= 400
    for (const digest of before.manifests.keys()) {
      const isThere = end.manifests.has(digest)
      if (!verdicts.garbage.has(digest) && !isThere)
        this.#complaints.push(`${digest.slice(7, 15)} is gone although it is kept`)
      if (verdicts.garbage.has(digest) && isThere && !undeletable.has(digest) && !isRefused)
        this.#complaints.push(`${digest.slice(7, 15)} exists although it is garbage`)
    }
    const canUntag = this.#registry.abilities.deleteTag === 'yes'
    for (const [tag, digest] of before.tags) {
      const isThere = end.tags.get(tag) === digest
      if ((verdicts.kept.has(tag) || (verdicts.untagged.has(tag) && !canUntag)) && !isThere)
        this.#complaints.push(`the tag ${tag} is gone although it is kept`)
      if (verdicts.untagged.has(tag) && canUntag && isThere && !isRefused)
        this.#complaints.push(`the tag ${tag} exists although it is untagged`)
    }
  }

  /**
   * Garbage that the registry cannot delete because an invisible index lists it, and what that
   * reaches.
   */
  #undeletable(before: Snapshot, verdicts: Verdicts): ReadonlySet<string> {
    if (this.#registry.abilities.deleteInsideIndex) return new Set()
    const listed = [...before.manifests.values()]
      .filter(({ digest }) => !verdicts.garbage.has(digest))
      .flatMap(({ children }) => children.map((child) => child.digest))
      .filter((digest) => verdicts.garbage.has(digest))
    return new Graph(before, visibleIn(before, this.#inUse)).reach(listed)
  }

  /** A run after a complete one has nothing to do. */
  async #checkIdle(): Promise<void> {
    const before = await this.#history.now()
    const { policy } = this.#scenario
    const { garbage, untagged, optional, refused } = verdictsOf(before, { policy, now, inUse: this.#inUse })
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
