import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { History } from './history.ts'
import { isEvidence } from './names.ts'
import { Graph, type Verdicts, verdictsOf, visibleIn } from './oracle.ts'
import { Others } from './others.ts'
import { carryOut, plan, product } from './product.ts'
import { build } from './build.ts'
import { now } from './recipes.ts'
import type { Scenario } from './scenarios.ts'
import { SimulatedRegistry } from './simulated-registry.ts'
import type { Snapshot } from './snapshot.ts'
import { randomFrom } from '../random.ts'
import { Turns } from './turns.ts'
import { Witness } from './witness.ts'

/** What a scenario came to. */
export interface Account {
  /** promises that were broken; empty is right */
  readonly complaints: readonly string[]
  /** every request and every deed of others in their order, for whoever looks into a complaint */
  readonly story: readonly string[]
  readonly requests: number
  readonly deletes: number
  /** deletes of what was needed, where nothing had told the run so */
  readonly excused: number
  readonly conflicts: number
  readonly isKilled: boolean
  readonly isRefused: boolean
}

/** Plays a scenario to its end, then a further run that nobody disturbs, and compares with what the oracle says. */
export async function play(scenario: Scenario): Promise<Account> {
  return await new Play(scenario).run()
}

class Play {
  readonly #scenario: Scenario
  readonly #registry: SimulatedRegistry
  readonly #history: History
  readonly #others: Others
  readonly #turns: Turns
  readonly #witnesses: Witness[] = []
  readonly #complaints: string[] = []
  #inUse: readonly string[] = []
  readonly #requests = { reading: 0, deleting: 0 }
  #phase: 'reading' | 'deleting' = 'reading'
  readonly #story: string[] = []
  #conflicts = 0
  #plan: { readonly made: PrunePlan; readonly witness: Witness } | undefined

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#registry = new SimulatedRegistry(scenario.abilities)
    this.#history = new History(this.#registry)
    this.#others = new Others(this.#history)
    this.#turns = new Turns(randomFrom(scenario.seed))
  }

  async run(): Promise<Account> {
    const { recipe, inUse, isTwice, others } = this.#scenario
    await this.#registry.load(build(recipe, this.#registry.abilities.referrers))
    const start = await this.#history.now()
    const all = [...start.manifests.keys()]
    this.#inUse = [...new Set(inUse.flatMap((n) => all[n % all.length] ?? []))]
    const actors = { first: this.#prune('first'), ...(isTwice && { second: this.#prune('second') }) }
    await this.#turns.run(actors, () => this.#before())
    for (;;) {
      // what others had begun they end
      const before = JSON.stringify([...(await this.#history.now()).tags])
      for (let i = 0; i < 8; i++) await this.#others.pass()
      if (JSON.stringify([...(await this.#history.now()).tags]) === before) break
    }
    this.#checkWhole(start, await this.#history.now())
    const isKilled = this.#turns.isDead('first')
    if (isKilled) await this.#resume()
    const hasPlanned = !isKilled || this.#plan !== undefined
    if (others.length === 0 && !isTwice && hasPlanned) await this.#checkEnd(start)
    const middle = await this.#history.now()
    await this.#alone('last')
    await this.#checkEnd(middle)
    this.#checkWhole(start, await this.#history.now())
    await this.#checkIdle()
    const witnesses = this.#witnesses
    return {
      complaints: [...this.#complaints, ...witnesses.flatMap((one) => one.complaints), ...this.#writes()],
      story: this.#story,
      requests: this.#requests.reading + this.#requests.deleting,
      deletes: witnesses.reduce((sum, one) => sum + one.deleted.size, 0),
      excused: witnesses.reduce((sum, one) => sum + one.excused.size, 0),
      conflicts: this.#conflicts,
      isKilled,
      isRefused: witnesses.some(({ verdicts }) => verdicts?.refused !== undefined),
    }
  }

  #writes(): readonly string[] {
    const seen = new Set(this.#witnesses.flatMap(({ methods }) => [...methods]))
    return [...seen]
      .filter((method) => !['GET', 'HEAD', 'DELETE'].includes(method))
      .map((m) => `a ${m} was sent`)
  }

  #client(actor: string, witness: Witness): ReturnType<typeof product> {
    this.#witnesses.push(witness)
    return product(
      this.#registry.client({
        actor,
        turn: () => this.#turns.take(actor),
        before: (method, kind, reference) => witness.before(method, kind, reference),
        told: async (handled) => {
          const { method, kind, reference, status, headers } = handled
          const what = reference.replace(/([0-9a-f]{8})[0-9a-f]{56}/, '$1')
          const is = headers['docker-content-digest']?.slice(7, 15) ?? ''
          this.#story.push([actor, method, kind, what, status, is].join(' '))
          await this.#tellOf(actor)
          if (this.#turns.isDead(actor)) await new Promise(() => undefined)
          await witness.told(handled)
        },
      }),
      this.#registry.abilities.deleteTagged ? {} : { deleteTagged: 'no' },
    )
  }

  /** Reads, decides, and carries out at once or as another run does. */
  async #prune(actor: string): Promise<readonly DeleteOutcome[]> {
    const { policy, isSaved } = this.#scenario
    const witness = new Witness(this.#history, { policy, now, inUse: this.#inUse }, this.#others.added)
    const client = this.#client(actor, witness)
    const made = await plan(client, policy, this.#inUse)
    witness.plan(!isSaved)
    for (const method of witness.methods)
      if (method !== 'GET' && method !== 'HEAD')
        this.#complaints.push(`a ${method} was sent before there was a plan`)
    if (actor === 'first') {
      this.#phase = 'deleting'
      this.#plan = { made, witness }
    }
    const outcomes = await carryOut(client, made, { isImmediate: !isSaved, sink: this.#sink(actor) })
    this.#conflicts += outcomes.filter(({ result }) => result === 'conflict').length
    return outcomes
  }

  #sink(actor: string) {
    return {
      place: 'memory',
      write: async (): Promise<void> => {
        if (this.#turns.isDead(actor)) await new Promise(() => undefined)
      },
    }
  }

  async #alone(actor: string): Promise<void> {
    await this.#turns.run({ [actor]: this.#prune(actor) }, async () => undefined)
  }

  /** The run after one that was killed carries out what that one had planned. */
  async #resume(): Promise<void> {
    if (this.#plan === undefined) return
    const { policy } = this.#scenario
    const witness = new Witness(this.#history, { policy, now, inUse: this.#inUse }, this.#others.added)
    witness.planOf(this.#plan.witness)
    const actor = 'resuming'
    const client = this.#client(actor, witness)
    await this.#turns.run(
      { [actor]: carryOut(client, this.#plan.made, { sink: this.#sink(actor) }) },
      async () => undefined,
    )
  }

  /** Before each request of anybody is handled. */
  async #before(): Promise<void> {
    await this.#others.pass()
    const at = this.#requests[this.#phase]++
    for (const one of this.#scenario.others)
      if (one.phase === this.#phase && one.at === at) {
        this.#story.push(`others ${JSON.stringify(one.deed)}`)
        await this.#others.do(one.deed)
      }
    const { kill } = this.#scenario
    if (this.#phase === 'deleting' && kill?.when === 'before' && kill.at <= at) this.#turns.kill('first')
  }

  async #tellOf(actor: string): Promise<void> {
    const { kill } = this.#scenario
    if (actor !== 'first' || this.#phase !== 'deleting' || kill?.when !== 'after') return
    if (kill.at < this.#requests.deleting) this.#turns.kill('first')
  }

  /** What tags of people, uses and evidence that stays reach is there, but for what was not there before, others deleted, or nobody had told of. */
  #checkWhole(start: Snapshot, end: Snapshot): void {
    const forgiven = new Set([
      ...this.#others.deleted,
      ...this.#others.broken,
      ...this.#witnesses.flatMap(({ excused }) => [...excused]),
    ])
    const roots = [...end.tags].flatMap(([tag, digest]) => (isEvidence(tag) ? [] : [digest]))
    const graph = new Graph(end, visibleIn(end, this.#inUse))
    for (const digest of graph.reach([...roots, ...this.#inUse])) {
      for (const child of end.manifests.get(digest)?.children ?? []) {
        if (end.manifests.has(child.digest) || forgiven.has(child.digest)) continue
        if (!this.#history.manifests.has(child.digest)) continue
        this.#complaints.push(`${digest.slice(7, 15)} lacks its part ${child.digest.slice(7, 15)}`)
      }
    }
    for (const used of this.#inUse)
      if (start.manifests.has(used) && !end.manifests.has(used) && !forgiven.has(used))
        this.#complaints.push(`${used.slice(7, 15)} is in use, and gone`)
  }

  /** After a run that nobody disturbed: what was condemned is gone, as far as the registry can, and nothing else. */
  async #checkEnd(before: Snapshot): Promise<void> {
    const { policy } = this.#scenario
    const verdicts = verdictsOf(before, { policy, now, inUse: this.#inUse })
    const end = await this.#history.now()
    const witness = this.#witnesses.at(-1)
    if (verdicts.refused !== undefined) {
      if (end.manifests.size !== before.manifests.size || end.tags.size !== before.tags.size)
        this.#complaints.push(`something went, though ${verdicts.refused} refuses all`)
      return
    }
    const stuck = this.#stuck(before, verdicts)
    // a registry that refuses the first delete is not asked for more
    const isRefused = (witness?.answers[0] ?? 202) >= 400
    for (const digest of before.manifests.keys()) {
      const isThere = end.manifests.has(digest)
      if (!verdicts.dead.has(digest) && !isThere)
        this.#complaints.push(`${digest.slice(7, 15)} is gone and was to stay`)
      if (verdicts.dead.has(digest) && isThere && !stuck.has(digest) && !isRefused)
        this.#complaints.push(`${digest.slice(7, 15)} is still there and was to go`)
    }
    const canUntag = this.#registry.abilities.deleteTag === 'yes'
    for (const [tag, digest] of before.tags) {
      const isThere = end.tags.get(tag) === digest
      if ((verdicts.kept.has(tag) || (verdicts.untagged.has(tag) && !canUntag)) && !isThere)
        this.#complaints.push(`the tag ${tag} is gone and was to stay`)
      if (verdicts.untagged.has(tag) && canUntag && isThere && !isRefused)
        this.#complaints.push(`the tag ${tag} is still there`)
    }
  }

  /** What dies and cannot be deleted, since an index that nobody sees has it; and what that leads to. */
  #stuck(before: Snapshot, verdicts: Verdicts): ReadonlySet<string> {
    if (this.#registry.abilities.deleteInsideIndex) return new Set()
    const held = [...before.manifests.values()]
      .filter(({ digest }) => !verdicts.dead.has(digest))
      .flatMap(({ children }) => children.map((child) => child.digest))
      .filter((digest) => verdicts.dead.has(digest))
    return new Graph(before, visibleIn(before, this.#inUse)).reach(held)
  }

  /** A run after one that did all of it has nothing to do. */
  async #checkIdle(): Promise<void> {
    const before = await this.#history.now()
    const { policy } = this.#scenario
    const { dead, untagged, loose, refused } = verdictsOf(before, { policy, now, inUse: this.#inUse })
    await this.#alone('idle')
    const witness = this.#witnesses.at(-1)
    if (
      refused === undefined &&
      dead.size === 0 &&
      untagged.size + loose.size === 0 &&
      witness?.methods.has('DELETE') === true
    )
      this.#complaints.push('a run deletes something where all is done')
  }
}
