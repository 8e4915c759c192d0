import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { type RepositoryName, sameRepository } from '../../oci/reference.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Repositories } from '../../images/ports.ts'
import { deleteConflict } from './delete-conflicts.ts'
import type { DeleteLedger } from './delete-ledger.ts'
import { describePut, findLiveDeletes, type PendingDeletes } from './live-set.ts'

export interface OtherRunsPorts {
  readonly deletes: PendingDeletes
  readonly clock: Pick<Clock, 'now'>
  /** reads the repository that is pruned */
  readonly reader: RepositoryReader
  readonly stores: Pick<Repositories, 'source'>
  /** reads the audit log for what other runs put into the repository; undefined: there is no log */
  readonly recordedPuts: (() => Promise<readonly RecordedPut[]>) | undefined
}

/**
 * Keeps what other runs put into a repository while it is pruned. A run records its intent before
 * it puts content or a tag there, so this shows content before a tag leads to it.
 */
export class OtherRuns {
  readonly #ports: OtherRunsPorts
  /** what was put there and needs no further reading */
  readonly #settled = new Set<string>()

  constructor(ports: OtherRunsPorts) {
    this.#ports = ports
  }

  /** Returns what other runs put into the repository so far. @throws what reading the log throws */
  async puts(): Promise<readonly RecordedPut[]> {
    return (await this.#ports.recordedPuts?.()) ?? []
  }

  /**
   * Settles the deletes of what other runs put there, and of what that reaches, as conflicts.
   * @throws what reading the log and the repository throws
   */
  async settleLive(ledger: DeleteLedger, call: Call): Promise<void> {
    const puts = await this.#newPuts()
    if (puts.length === 0) return
    ledger.settleConflicts(await this.#findLive(puts, call))
    for (const put of puts) this.#settled.add(keyOf(put))
  }

  /** Returns the deletes that `settleLive` would settle. @throws as `settleLive` */
  async findLive(call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    const puts = await this.#newPuts()
    return puts.length === 0 ? new Map() : await this.#findLive(puts, call)
  }

  async #newPuts(): Promise<readonly RecordedPut[]> {
    return (await this.puts()).filter((put) => !this.#settled.has(keyOf(put)))
  }

  async #findLive(puts: readonly RecordedPut[], call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    const { deletes, clock } = this.#ports
    // A put with the source of its content wins over one without.
    const sourced = puts.filter(({ from }) => from !== undefined)
    const byDigest = new Map([...puts, ...sourced].map((put) => [put.digest, put]))
    const { graph, unreadable } = await this.read([...byDigest.values()], call)
    if (unreadable !== undefined) return this.#keepAll(unreadable)
    const manifests = findLiveDeletes(deletes, [], graph, clock.now(), byDigest)
    const untags = puts.flatMap((put) => {
      const step = put.tag === undefined ? undefined : deletes.ofTag(put.tag)
      return step === undefined ? [] : [[step, toErrorInfo(deleteConflict(step, describePut(put)))] as const]
    })
    return new Map<DeleteStep, ErrorInfo>([...manifests, ...untags])
  }

  /**
   * Reads what other runs put there: from the repository, or from its source if it is not there
   * yet. `unreadable` is one whose source cannot be read.
   * @throws what the repository throws
   */
  async read(
    puts: readonly RecordedPut[],
    call: Call,
  ): Promise<{ readonly graph: RepositoryGraph; readonly unreadable?: RecordedPut }> {
    const reading = this.#ports.reader.begin()
    await reading.addDigests(
      puts.map(({ digest }) => digest),
      call,
    )
    await reading.addReferrers('all', call)
    const { graph } = reading
    const nodes = new Map(graph.nodes)
    for (const put of puts) {
      if (nodes.has(put.digest) || put.from === undefined) continue
      if (sameRepository(put.from, put.repository)) continue
      const found = await this.#readSource(put.from, put.digest, call)
      if (found === undefined) return { graph, unreadable: put }
      for (const [digest, node] of found.nodes) nodes.set(digest, node)
    }
    return { graph: { ...graph, nodes } }
  }

  /** The image of a run that is not at its destination yet; undefined if it cannot be read. */
  async #readSource(from: RepositoryName, digest: Digest, call: Call): Promise<RepositoryGraph | undefined> {
    const reading = new RepositoryReader(this.#ports.stores.source(from)).begin()
    try {
      await reading.addDigests([digest], call)
    } catch {
      call.signal.throwIfAborted()
      return undefined
    }
    return reading.graph.nodes.has(digest) ? reading.graph : undefined
  }

  /** The image of a run is unknown, and any manifest may belong to it. */
  #keepAll(put: RecordedPut): ReadonlyMap<DeleteStep, ErrorInfo> {
    const why = `${describePut(put)}, and dray cannot read the content of ${put.digest}`
    return new Map(
      this.#ports.deletes.all().map((step) => [step, toErrorInfo(deleteConflict(step, why))] as const),
    )
  }
}

function keyOf({ digest, tag = '' }: RecordedPut): string {
  return `${digest} ${tag}`
}
