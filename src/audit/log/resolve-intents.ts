import type { Call } from '../../lib/call.ts'
import { type Clock, withTimeLimit } from '../../lib/clock.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import type { EditStep } from '../../plan/edits/edit-step.ts'
import {
  type AttachStep,
  type AttestStep,
  type CopyStep,
  type Hash,
  targetOf,
  type TagStep,
} from '../../plan/plan.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { attestationAnnotations } from '../attestation/attestation-artifact.ts'
import type { ChainedLog } from './chained-log.ts'
import { isAlive, removeDeadHeartbeats } from './heartbeat.ts'
import type { OpenIntent } from './open-intents.ts'
import type { AuditRecord, RecordedStep, StatementStep } from './record.ts'
import { checkEdited } from './resolve-edit.ts'

const checksAtOnce = 8
/** For all checks together. A step that is unknown by then stays open for the next run. */
const maxTimeMs = 30_000

export interface ResolvePorts {
  readonly log: ChainedLog
  /** opens stores without cached reads, if there is an intent to check */
  readonly openStores: () => Promise<Repositories>
  /** the folder of dray.yaml, for edits of files */
  readonly folder: string
  readonly clock: Clock
  readonly newId: () => string
  /** id of the run that resolves the intents */
  readonly run: string
  /** version of dray */
  readonly tool: string
}

/** The outcome of a step by the current state of its registry. */
type IntentOutcome = Pick<AuditRecord, 'result' | 'after' | 'losesTags' | 'error'>

/**
 * Finds out the outcome of steps that dead runs began: reads their registries, and the files of
 * edits, and records outcomes with `resolvedBy`. Skips the intents of living runs. If a registry
 * does not answer, its intents stay open, with a warning. Returns how many were resolved and left
 * open. @throws `audit`; the signal's reason.
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
    const checks = new IntentChecks(ports, await ports.openStores(), { ...call, signal }, call)
    const found = await inParallel(orphans, checksAtOnce, call, (orphan) => checks.resolve(orphan))
    const records = found.flatMap((one) => one ?? [])
    await log.write(records)
    if (records.length === orphans.length) await removeDeadHeartbeats(log.path, clock)
    return { resolved: records.length, left: orphans.length - records.length }
  })
}

async function findOrphans({ log, run, clock }: ResolvePorts): Promise<readonly OpenIntent[]> {
  const alive = new Map<string, boolean>([[run, true]])
  const orphans: OpenIntent[] = []
  for (const intent of await log.openIntents()) {
    const { run: of } = intent.record
    const lives = alive.get(of) ?? (await isAlive(log.path, of, clock))
    alive.set(of, lives)
    if (!lives) orphans.push(intent)
  }
  return orphans
}

class IntentChecks {
  readonly #ports: ResolvePorts
  readonly #stores: Repositories
  readonly #inTime: Call
  readonly #call: Call
  /** registries that did not answer: dray warns once for each and does not ask again */
  readonly #silent = new Set<string>()

  constructor(ports: ResolvePorts, stores: Repositories, inTime: Call, call: Call) {
    this.#ports = ports
    this.#stores = stores
    this.#inTime = inTime
    this.#call = call
  }

  /** The outcome, or undefined if it is unknown for now. */
  async resolve({ record }: OpenIntent): Promise<AuditRecord | undefined> {
    const { step } = record
    if (step === undefined) return undefined
    if (step.kind === 'edit') return this.#outcome(record, await checkEdited(step, this.#ports.folder))
    const target = targetOf(step)
    if (this.#silent.has(target.registry)) return undefined
    try {
      return this.#outcome(record, await this.#check(record, step))
    } catch (error) {
      this.#call.signal.throwIfAborted()
      const isFirst = !this.#silent.has(target.registry)
      this.#silent.add(target.registry)
      if (isFirst) this.#warn(target, toErrorInfo(error))
      return undefined
    }
  }

  #outcome(intent: AuditRecord, outcome: IntentOutcome): AuditRecord {
    const { newId, clock, run, tool } = this.#ports
    return {
      ...intent,
      id: newId(),
      time: new Date(clock.now()).toISOString(),
      phase: 'outcome',
      tool,
      ...outcome,
      resolvedBy: run,
    }
  }

  #warn(target: RepositoryName, { message, why }: ErrorInfo): void {
    this.#call.notify({
      kind: 'warning',
      text: `the outcome of an interrupted earlier run in ${formatRepository(target)} is still unknown; the next run checks again`,
      from: why ?? message,
    })
  }

  async #check({ before, plan }: AuditRecord, step: Exclude<RecordedStep, EditStep>): Promise<IntentOutcome> {
    switch (step.kind) {
      case 'tag':
        return this.#checkTag(step, before)
      case 'copy':
        return this.#checkCopy(step)
      case 'attach':
        return this.#checkAttached(step)
      case 'attest':
        return this.#checkAttested(step, plan)
      case 'deleteManifest':
        return this.#checkDeleted(step)
      case 'deleteTag':
        return this.#checkUntagged(step)
    }
  }

  async #checkTag(
    { repository, tag, target }: TagStep,
    before: Digest | null | undefined,
  ): Promise<IntentOutcome> {
    const after = await this.#digest(repository, { tag })
    if (after === target.digest) return { result: 'done', after }
    const name = formatAt(repository, { tag })
    if (after === before) return { ...failed(`${name} was not written: it has not changed`, name), after }
    const found = after === null ? 'the tag does not exist' : `the tag points to ${after}`
    return { ...failed(`the outcome of ${name} is unknown: ${found}`, name), after }
  }

  async #checkCopy({ to, root: { digest }, rootBy }: CopyStep): Promise<IntentOutcome> {
    if ((await this.#digest(to, { digest })) !== null) return { result: 'done' }
    const name = formatAt(to, { digest })
    // The root is pushed with the tag. Content without it has no effect.
    const rest = rootBy === 'tag' ? '; some of its content may exist' : ''
    return failed(`${name} does not exist${rest}`, name)
  }

  async #checkAttached({ to, tag, via, manifest, subject }: AttachStep): Promise<IntentOutcome> {
    const isAttached =
      via === 'tag' && tag !== undefined
        ? (await this.#digest(to, { tag })) === manifest.digest
        : (await this.#referrers(to, subject)).some(({ digest }) => digest === manifest.digest)
    if (isAttached) return { result: 'done' }
    const name = formatAt(to, { digest: manifest.digest })
    return failed(`${name} is not attached to ${subject}`, name)
  }

  async #checkAttested(step: AttestStep | StatementStep, plan: Hash): Promise<IntentOutcome> {
    const { repository, subject } = step
    const listed = await this.#referrers(repository, subject.digest)
    const name = formatAt(repository, subject)
    if ('predicateType' in step) {
      const isAttached = listed.some(({ digest }) => digest === step.artifact)
      return isAttached ? { result: 'done' } : failed(`the statement is not attached to ${name}`, name)
    }
    if (listed.some(({ annotations }) => annotations?.[attestationAnnotations.plan] === plan))
      return { result: 'done' }
    return failed(`no attestation of this plan is attached to ${name}`, name)
  }

  async #checkDeleted({ repository, target: { digest } }: DeleteManifestStep): Promise<IntentOutcome> {
    const after = await this.#digest(repository, { digest })
    return after === null ? { result: 'done', after } : notDeleted(formatAt(repository, { digest }), after)
  }

  async #checkUntagged({ repository, tag, digest }: DeleteTagStep): Promise<IntentOutcome> {
    const after = await this.#digest(repository, { tag })
    const name = formatAt(repository, { tag })
    if (after === null) {
      if ((await this.#digest(repository, { digest })) !== null) return { result: 'done', after }
      return { result: 'done', after, losesTags: [tag], error: lostWithTag(name, digest) }
    }
    if (after === digest) return notDeleted(name, after)
    return { ...failed(`the outcome of ${name} is unknown: the tag points to ${after}`, name), after }
  }

  async #digest(repository: RepositoryName, at: TagOrDigest): Promise<Digest | null> {
    return (await this.#stores.target(repository).resolve(at, this.#inTime))?.digest ?? null
  }

  #referrers(repository: RepositoryName, subject: Digest): Promise<readonly Descriptor[]> {
    return listReferrers(this.#stores.target(repository), subject, this.#inTime)
  }
}

function notDeleted(name: string, after: Digest): IntentOutcome {
  return { ...failed(`${name} was not deleted: it still exists`, name), after }
}

/** The run ended before it could check whether the registry deletes an image with its tag. */
function lostWithTag(name: string, digest: Digest): ErrorInfo {
  return {
    code: 'protocol',
    message: `${name} was deleted, and its image does not exist any more`,
    subject: name,
    why: `the registry does not have ${digest}, which was to be kept`,
    hint: 'If other tags of the image are missing, push the image again.',
  }
}

function failed(message: string, subject: string): IntentOutcome {
  return {
    result: 'failed',
    error: { code: 'interrupted', message, subject, why: 'the run ended before it recorded an outcome' },
  }
}
