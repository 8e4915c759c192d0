import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { EditStep } from '../../plan/edits/edit-step.ts'
import type { CommitOutcome, EditingPlan, EditOutcome, FileOutcome } from '../../plan/edits/editing-plan.ts'
import type { Hash } from '../../plan/plan.ts'
import { type RecordFields, type RecordPorts, RecordWriter } from '../records/record-writer.ts'

/** A file to edit, decided from its current bytes. */
export interface FileToEdit {
  /** as in the plan, or with fewer images than the plan has */
  readonly step: EditStep
  /** the result */
  readonly bytes: Uint8Array
  /** images of the planned step that are not written */
  readonly omitted: readonly string[]
}

export interface EditPorts extends RecordPorts {
  /** aborted: no further file is written */
  readonly stop: AbortSignal
  /**
   * Writes a file whose bytes have the hash `expected`. @throws `conflict` for other bytes; `io`;
   * `refused` for a link that leaves the folder.
   */
  readonly write: (file: string, expected: Hash, bytes: Uint8Array, call: Call) => Promise<unknown>
  /** commits the edits; absent: they stay in the working tree */
  readonly publish?: (writer: EditWriter, call: Call) => Promise<CommitOutcome>
}

/** Writes edits that were decided again, with audit records of their own. */
export interface EditWriter {
  /** @throws the first failure; `audit`. */
  writeAgain(edits: readonly FileToEdit[], write: EditPorts['write']): Promise<void>
}

/**
 * Writes the edits of a plan, after everything that they wait for. The intents of all files are on
 * record before the first file changes. A failure leaves the other files to be written. The
 * outcomes follow when the edits are committed, with the id of the commit.
 * @param settled outcomes that are known without a write
 * @throws `audit` if a record cannot be written
 */
export async function executeEdits(
  plan: EditingPlan,
  edits: readonly FileToEdit[],
  settled: readonly SettledEdit[],
  ports: EditPorts,
  call: Call,
): Promise<EditOutcome> {
  const run = new EditRun(plan, ports, call)
  return await run.execute(edits, settled)
}

/** An edit that needs no write, or that must not be written. */
export interface SettledEdit {
  readonly step: EditStep
  readonly outcome: FileOutcome
}

class EditRun implements EditWriter {
  readonly #records: RecordWriter
  readonly #ports: EditPorts
  readonly #call: Call
  /** records of edits that were decided again, by file: the last one is what was committed */
  readonly #again = new Map<string, EditStep>()
  #attempts = 1

  constructor(plan: EditingPlan, ports: EditPorts, call: Call) {
    this.#records = new RecordWriter(plan, ports)
    this.#ports = ports
    this.#call = call
  }

  async execute(edits: readonly FileToEdit[], settled: readonly SettledEdit[]): Promise<EditOutcome> {
    await this.#records.intents(edits.map(({ step }) => fieldsOf(step)))
    const written: SettledEdit[] = []
    for (const edit of edits) written.push({ step: edit.step, outcome: await this.#write(edit) })
    const all = [...written, ...settled].sort((a, b) => (a.step.file < b.step.file ? -1 : 1))
    const files = all.map(({ outcome }) => outcome)
    const published = files.every(isDone) ? await this.#publish() : {}
    const { commit, error } = published
    // A commit that was not made takes its edits with it.
    const again = error === undefined ? { status: 'edited' as const } : { status: 'failed' as const, error }
    await this.#records.outcomes([
      ...all.map(({ step, outcome }) => recordOf(step, outcome, commit)),
      ...[...this.#again.values()].map((step) => recordOf(step, again, commit)),
    ])
    return { files, ...published }
  }

  async writeAgain(edits: readonly FileToEdit[], write: EditPorts['write']): Promise<void> {
    this.#attempts += 1
    // Each attempt is a step of its own: the log pairs intents and outcomes by the id of the step.
    const steps = edits.map(({ step, bytes }) => ({
      step: { ...step, id: `${step.id}.${this.#attempts}` },
      bytes,
    }))
    await this.#records.intents(steps.map(({ step }) => fieldsOf(step)))
    for (const { step, bytes } of steps) {
      await write(step.file, step.fileHash, bytes, this.#call)
      this.#again.set(step.id, step)
    }
  }

  async #write({ step, bytes, omitted }: FileToEdit): Promise<FileOutcome> {
    const outcome = { step: step.id, file: step.file, edits: step.edits, ...omittedOf(omitted) }
    try {
      this.#ports.stop.throwIfAborted()
      this.#call.signal.throwIfAborted()
      await this.#ports.write(step.file, step.fileHash, bytes, this.#call)
      return { ...outcome, status: 'edited' }
    } catch (error) {
      return { ...outcome, ...failureOf(error) }
    }
  }

  async #publish(): Promise<Pick<EditOutcome, 'commit' | 'error'>> {
    const { publish } = this.#ports
    if (publish === undefined) return {}
    try {
      return { commit: await publish(this, this.#call) }
    } catch (error) {
      const info = toErrorInfo(error)
      if (info.code === 'audit') throw error
      return { error: info }
    }
  }
}

/** Whether a file has its images, as far as they were confirmed. */
export function isDone({ status }: FileOutcome): boolean {
  return status === 'edited' || status === 'unchanged'
}

export function omittedOf(omitted: readonly string[]): Pick<FileOutcome, 'omitted'> {
  return omitted.length === 0 ? {} : { omitted }
}

function failureOf(error: unknown): Pick<FileOutcome, 'status' | 'error'> {
  const info = toErrorInfo(error)
  return { status: info.code === 'conflict' ? 'conflict' : 'failed', error: info }
}

function fieldsOf(step: EditStep): RecordFields {
  const [first, ...more] = step.images
  return {
    step,
    // A file with several images has them in the step.
    ...(first !== undefined && more.length === 0 && { image: nameOf(first) }),
    ...(first !== undefined && { environment: { to: first.environment } }),
  }
}

function nameOf({ image, tag }: EditStep['images'][number]): string {
  return tag === undefined ? image : `${image}:${tag}`
}

function recordOf(
  step: EditStep,
  { status, error }: Pick<FileOutcome, 'status' | 'error'>,
  commit: CommitOutcome | undefined,
): RecordFields {
  const result = results[status]
  return {
    ...fieldsOf(step),
    ...(result !== undefined && { result }),
    ...(error !== undefined && { error }),
    ...(commit?.id !== undefined && { commit: commit.id }),
  }
}

const results = {
  edited: 'done',
  unchanged: 'unchanged',
  conflict: 'conflict',
  failed: 'failed',
  notAttempted: undefined,
} as const
