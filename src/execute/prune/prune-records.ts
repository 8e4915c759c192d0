import type { Actor, AuditRecord, Run } from '../../audit/log/record.ts'
import type { AuditSink } from '../../audit/log/sink.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'

export interface RecordPorts {
  /** without a place for records there is no change */
  readonly sink: AuditSink
  readonly clock: Clock
  readonly actor: Actor
  /** why, in a person's words, and the ticket that asked for it */
  readonly reason?: string
  readonly ticket?: string
  /** version of dray, for the records */
  readonly tool: string
  readonly newId: () => string
  /** of this run, unique */
  readonly runId: string
}

/** A step with what became of it. */
export interface EndedDelete {
  readonly step: DeleteStep
  readonly outcome: DeleteOutcome
}

/** What a prune puts on record. Once a record could not be written nothing may change any more: see `failed`. */
export class PruneRecords {
  readonly #plan: PrunePlan
  readonly #ports: RecordPorts
  readonly #run: Run
  readonly #failed = new AbortController()

  constructor(plan: PrunePlan, ports: RecordPorts) {
    this.#plan = plan
    this.#ports = ports
    this.#run = {
      id: ports.runId,
      operation: plan.operation,
      plan: hashOfPlan(plan),
      policy: plan.policy,
      actor: ports.actor,
      ...(ports.reason !== undefined && { reason: ports.reason }),
      ...(ports.ticket !== undefined && { ticket: ports.ticket }),
      tool: ports.tool,
    }
  }

  /** aborted, with the error, by a record that cannot be written */
  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** One for each refusal; that of the whole run names no image. @throws `audit`. */
  async refusals(): Promise<void> {
    const plans = new Map(this.#plan.repositories.map((one) => [formatRepository(one.repository), one]))
    await this.#write(
      this.#plan.refusals.map(({ repository, error }) => {
        const of = repository && plans.get(formatRepository(repository))
        return { ...this.#base(), phase: 'refused', ...imageOf(of), error }
      }),
    )
  }

  /** That of every step, all together: written before the first delete anywhere. @throws `audit`. */
  async intents(): Promise<void> {
    await this.#write(
      this.#plan.repositories.flatMap((of) =>
        of.steps.map((step) => ({ ...this.#record(of, step, 'intent'), before: digestOf(step) })),
      ),
    )
  }

  /** @throws `audit`. */
  async outcomes(of: RepositoryPlan, ended: readonly EndedDelete[]): Promise<void> {
    await this.#write(
      ended.map(({ step, outcome }) => ({
        ...this.#record(of, step, 'outcome'),
        ...resultOf(step, outcome),
        ...(outcome.error !== undefined && { error: outcome.error }),
      })),
    )
  }

  #base(): Omit<AuditRecord, 'phase'> {
    const { id: run, ...rest } = this.#run
    return {
      schema: 'dray.audit/1',
      id: this.#ports.newId(),
      run,
      time: new Date(this.#ports.clock.now()).toISOString(),
      ...rest,
    }
  }

  #record(of: RepositoryPlan, step: DeleteStep, phase: AuditRecord['phase']): AuditRecord {
    return { ...this.#base(), phase, step, ...imageOf(of) }
  }

  async #write(records: readonly AuditRecord[]): Promise<void> {
    this.#failed.signal.throwIfAborted()
    if (records.length === 0) return
    try {
      await this.#ports.sink.write(records)
    } catch (cause) {
      const error =
        isDrayError(cause) && cause.code === 'audit'
          ? cause
          : new DrayError('audit', `the record cannot be written to ${this.#ports.sink.place}`, { cause })
      this.#failed.abort(error)
      throw error
    }
  }
}

function digestOf(step: DeleteStep): Digest {
  return step.kind === 'deleteTag' ? step.digest : step.target.digest
}

/**
 * The results of records are those of all operations: what a registry does not delete, and keeps, is unchanged; what it lets nobody delete, and what was not
 * attempted, has failed. The error says which.
 */
function resultOf(
  step: DeleteStep,
  { result }: DeleteOutcome,
): Pick<AuditRecord, 'result' | 'before' | 'after'> {
  const before = digestOf(step)
  switch (result) {
    case 'done':
      return { before, after: null, result }
    case 'unchanged':
      return { before: null, after: null, result }
    case 'kept':
      return { before, result: 'unchanged' }
    case 'conflict':
      return { before, result }
    case 'refused':
    case 'failed':
    case 'notAttempted':
      return { before, result: 'failed' }
  }
}

/** The environment stands at both ends, as with every operation that changes an image in its place. */
function imageOf(of: RepositoryPlan | undefined): Pick<AuditRecord, 'image' | 'environment'> {
  if (of === undefined) return {}
  const { image, environment } = of
  return { image, ...(environment !== undefined && { environment: { from: environment, to: environment } }) }
}
