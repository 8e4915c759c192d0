import type { Actor, AuditRecord, AuditedRun, RecordedStep } from '../../audit/log/record.ts'
import type { AuditSink } from '../../audit/log/sink.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import { digestOf } from '../../oci/digest.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import type { Plan, StatementOperation } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'

export interface RecordPorts {
  /** nothing is changed without a place for the records */
  readonly sink: AuditSink
  readonly clock: Clock
  readonly actor: Actor
  /** the justification of the change: free text, and a ticket */
  readonly reason?: string
  readonly ticket?: string
  /** the version of dray */
  readonly tool: string
  readonly newId: () => string
  /** unique to this run */
  readonly runId: string
}

/** Steps that are executed without a plan that a person reviews. */
export interface PlainChange {
  readonly operation: StatementOperation
  readonly steps: readonly RecordedStep[]
}

/** The fields of a record, without those of its run. */
export type RecordFields = Pick<
  AuditRecord,
  | 'step'
  | 'image'
  | 'environment'
  | 'rule'
  | 'before'
  | 'after'
  | 'result'
  | 'losesTags'
  | 'by'
  | 'error'
  | 'movedBy'
  | 'gates'
  | 'bundle'
  | 'sparse'
  | 'commit'
>

/** A record of a step. */
export interface StepRecord {
  readonly phase: 'intent' | 'outcome'
  readonly fields: RecordFields
}

/**
 * Writes the audit records of a run. Once a record could not be written nothing may change any
 * more: `failed` is aborted, and no further intent is written. Outcomes of changes that were made
 * are still written if that is possible.
 */
export class RecordWriter {
  readonly run: AuditedRun
  readonly #ports: RecordPorts
  readonly #failed = new AbortController()

  constructor(plan: Plan | PrunePlan | PlainChange, ports: RecordPorts) {
    this.#ports = ports
    this.run = {
      id: ports.runId,
      operation: plan.operation,
      ...('schema' in plan
        ? { plan: hashOfPlan(plan), policy: plan.policy }
        : { plan: digestOf(canonicalJson(plan)), policy: '' }),
      actor: ports.actor,
      ...(ports.reason !== undefined && { reason: ports.reason }),
      ...(ports.ticket !== undefined && { ticket: ports.ticket }),
      tool: ports.tool,
    }
  }

  /** aborted with the error if a record cannot be written */
  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** @throws `audit` */
  async refusals(fields: readonly RecordFields[]): Promise<void> {
    await this.#write(fields.map((one) => this.#record('refused', one)))
  }

  /** Resolves if the steps may change something. @throws `audit` */
  async intents(fields: readonly RecordFields[]): Promise<void> {
    this.failed.throwIfAborted()
    await this.#write(fields.map((one) => this.#record('intent', one)))
  }

  /** @throws `audit` */
  async outcomes(fields: readonly RecordFields[]): Promise<void> {
    await this.#write(fields.map((one) => this.#record('outcome', one)))
  }

  /**
   * Writes intents and outcomes in this order. If that fails, repeats the outcomes alone.
   * @throws `audit`
   */
  async write(records: readonly StepRecord[]): Promise<void> {
    const all = records.map(({ phase, fields }) => this.#record(phase, fields))
    const outcomes = all.filter(({ phase }) => phase === 'outcome')
    try {
      if (outcomes.length < all.length) this.failed.throwIfAborted()
      await this.#write(all)
    } catch (error) {
      await this.#write(outcomes).catch(() => undefined)
      throw error
    }
  }

  async #write(records: readonly AuditRecord[]): Promise<void> {
    if (records.length === 0) return
    try {
      await this.#ports.sink.write(records)
    } catch (cause) {
      const error =
        isDrayError(cause) && cause.code === 'audit'
          ? cause
          : new DrayError('audit', `cannot write to the audit log ${this.#ports.sink.path}`, {
              cause,
              why: toErrorInfo(cause).message,
              hint: 'Free disk space or grant write access to the audit log. Then run the command again.',
            })
      this.#failed.abort(error)
      throw error
    }
  }

  #record(phase: AuditRecord['phase'], { step, image, environment, ...result }: RecordFields): AuditRecord {
    const { id: run, ...rest } = this.run
    return {
      schema: 'dray.audit/1',
      id: this.#ports.newId(),
      run,
      time: new Date(this.#ports.clock.now()).toISOString(),
      ...rest,
      phase,
      ...(step !== undefined && { step }),
      ...(image !== undefined && { image }),
      ...(environment !== undefined && { environment }),
      ...result,
    }
  }
}
