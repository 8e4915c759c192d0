import type { Call } from '../../lib/call.ts'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import {
  type AttachStep,
  type AttestStep,
  type CopyStep,
  type Hash,
  targetOf,
  type TagStep,
} from '../../plan/plan.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { listReferrers } from '../../images/evidence/evidence.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { attestationAnnotations } from '../attestation/attestation-artifact.ts'
import type { ChainedLog } from './chained-log.ts'
import { isAlive, sweepDeadRuns } from './living-runs.ts'
import type { OpenIntent } from './open-intents.ts'
import type { AuditRecord, RecordedStep } from './record.ts'

const looksAtOnce = 8
/** For all checks together. A step that is unknown by then stays open for the next run. */
const maxTimeMs = 30_000

export interface ResolvePorts {
  readonly log: ChainedLog
  /** stores without cached reads */
  readonly stores: Repositories
  readonly clock: Clock
  readonly newId: () => string
  /** id of the run that resolves the intents */
  readonly run: string
  /** version of dray */
  readonly tool: string
}

/** The outcome of a step by the current state of its registry. */
type Finding = Pick<AuditRecord, 'result' | 'after' | 'error'>

/**
 * Finds out the outcome of steps that dead runs began: reads their registries and records outcomes
 * with `resolvedBy`. Skips the intents of living runs. If a registry does not answer, its intents
 * stay open, with a warning. Returns how many were resolved and left open. @throws `audit`; the
 * signal's reason.
 */
export async function resolveIntents(
  ports: ResolvePorts,
  call: Call,
): Promise<{ readonly resolved: number; readonly left: number }> {
  const orphans = await findOrphans(ports)
  if (orphans.length === 0) return { resolved: 0, left: 0 }
  const { clock, log } = ports
  const reason = (): DrayError => new DrayError('timeout', `it took longer than ${maxTimeMs / 1000} seconds`)
  return withTimeLimit({ ms: maxTimeMs, clock, reason }, call.signal, async (signal) => {
    const looks = new Looks(ports, { ...call, signal }, call)
    const found = await inParallel(orphans, looksAtOnce, call, (orphan) => looks.at(orphan))
    const records = found.flatMap((one) => one ?? [])
    await log.write(records)
    if (records.length === orphans.length) await sweepDeadRuns(log.place, clock)
    return { resolved: records.length, left: orphans.length - records.length }
  })
}

async function findOrphans({ log, run, clock }: ResolvePorts): Promise<readonly OpenIntent[]> {
  const alive = new Map<string, boolean>([[run, true]])
  const orphans: OpenIntent[] = []
  for (const intent of await log.openIntents()) {
    const { run: of } = intent.record
    const lives = alive.get(of) ?? (await isAlive(log.place, of, clock))
    alive.set(of, lives)
    if (!lives) orphans.push(intent)
  }
  return orphans
}

class Looks {
  readonly #ports: ResolvePorts
  readonly #inTime: Call
  readonly #call: Call
  /** registries that did not answer: dray warns once for each and does not ask again */
  readonly #silent = new Set<string>()

  constructor(ports: ResolvePorts, inTime: Call, call: Call) {
    this.#ports = ports
    this.#inTime = inTime
    this.#call = call
  }

  /** The outcome, or undefined if it is unknown for now. */
  async at({ record }: OpenIntent): Promise<AuditRecord | undefined> {
    const { step } = record
    if (step === undefined) return undefined
    const target = targetOf(step)
    if (this.#silent.has(target.registry)) return undefined
    try {
      return this.#outcome(record, await lookAt(record, step, this.#ports.stores, this.#inTime))
    } catch (error) {
      this.#call.signal.throwIfAborted()
      const isFirst = !this.#silent.has(target.registry)
      this.#silent.add(target.registry)
      if (isFirst) this.#warn(target, toErrorInfo(error))
      return undefined
    }
  }

  #outcome(intent: AuditRecord, finding: Finding): AuditRecord {
    const { newId, clock, run, tool } = this.#ports
    return {
      ...intent,
      id: newId(),
      time: new Date(clock.now()).toISOString(),
      phase: 'outcome',
      tool,
      ...finding,
      resolvedBy: run,
    }
  }

  #warn(target: RepositoryName, { message, why }: ErrorInfo): void {
    this.#call.notify({
      kind: 'warning',
      text: `what an earlier run that was broken off did at ${formatRepository(target)} cannot be told now; the next run looks again`,
      from: why ?? message,
    })
  }
}

async function lookAt(
  { before, plan }: AuditRecord,
  step: RecordedStep,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  switch (step.kind) {
    case 'tag':
      return lookAtTag(step, before, stores, call)
    case 'copy':
      return lookAtCopy(step, stores, call)
    case 'attach':
      return lookAtAttached(step, stores, call)
    case 'attest':
      return lookAtAttested(step, plan, stores, call)
    case 'deleteManifest':
      return lookAtDeleted(step, stores, call)
    case 'deleteTag':
      return lookAtUntagged(step, stores, call)
  }
}

async function lookAtTag(
  { repository, tag, target }: TagStep,
  before: Digest | null | undefined,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  const after = await digestOfTag(repository, tag, stores, call)
  if (after === target.digest) return { result: 'done', after }
  const name = formatAt(repository, { tag })
  if (after === before) return { ...failed(`${name} was not applied: it is as it was before`, name), after }
  const holds = after === null ? 'the tag is not there' : `the tag holds ${after}`
  return { ...failed(`what became of ${name} cannot be told: ${holds}`, name), after }
}

async function lookAtCopy(
  { to, root, rootBy }: CopyStep,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  const isThere = (await stores.target(to).resolve({ digest: root.digest }, call)) !== undefined
  if (isThere) return { result: 'done' }
  const name = formatAt(to, { digest: root.digest })
  // The root is pushed with the tag. Content without it has no effect.
  return failed(
    rootBy === 'tag' ? `${name} is not there, with or without its content` : `${name} is not there`,
    name,
  )
}

async function lookAtAttached(step: AttachStep, stores: Repositories, call: Call): Promise<Finding> {
  const { to, tag, manifest, subject } = step
  const isThere =
    step.via === 'tag' && tag !== undefined
      ? (await digestOfTag(to, tag, stores, call)) === manifest.digest
      : (await listReferrers(stores.target(to), subject, call)).some((d) => d.digest === manifest.digest)
  if (isThere) return { result: 'done' }
  const name = formatAt(to, { digest: manifest.digest })
  return failed(`${name} is not attached to ${subject}`, name)
}

async function lookAtAttested(
  { repository, subject }: AttestStep,
  plan: Hash,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  const listed = await listReferrers(stores.target(repository), subject.digest, call)
  if (listed.some((entry) => entry.annotations?.[attestationAnnotations.plan] === plan))
    return { result: 'done' }
  const name = formatAt(repository, { digest: subject.digest })
  return failed(`no attestation of this plan is attached to ${name}`, name)
}

async function lookAtDeleted(
  { repository, target: { digest } }: DeleteManifestStep,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  const isThere = (await stores.target(repository).resolve({ digest }, call)) !== undefined
  if (!isThere) return { result: 'done', after: null }
  const name = formatAt(repository, { digest })
  return { ...failed(`the delete of ${name} was not applied: it is still there`, name), after: digest }
}

async function lookAtUntagged(
  { repository, tag, digest }: DeleteTagStep,
  stores: Repositories,
  call: Call,
): Promise<Finding> {
  const after = await digestOfTag(repository, tag, stores, call)
  if (after === null) return { result: 'done', after }
  const name = formatAt(repository, { tag })
  if (after === digest)
    return { ...failed(`the delete of ${name} was not applied: it is still there`, name), after }
  return { ...failed(`what became of ${name} cannot be told: the tag holds ${after}`, name), after }
}

async function digestOfTag(
  repository: RepositoryName,
  tag: string,
  stores: Repositories,
  call: Call,
): Promise<Digest | null> {
  return (await stores.target(repository).resolve({ tag }, call))?.digest ?? null
}

function failed(message: string, subject: string): Finding {
  return {
    result: 'failed',
    error: { code: 'interrupted', message, subject, why: 'its run ended before it had an outcome' },
  }
}
