import { Copier } from '../../images/copy.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { repeatStaleCheck } from '../../lib/freshness.ts'
import { formatAt } from '../../oci/reference.ts'
import type { HoldItem } from '../../plan/holds/hold-plan.ts'
import type { TagStep } from '../../plan/plan.ts'
import type { DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { fieldsOf } from '../attach-statement.ts'
import { RecordWriter } from '../records/record-writer.ts'
import { TagChecks } from '../tags/tag-checks.ts'
import { TagWriter } from '../tags/tag-writer.ts'
import type { HoldPorts } from './hold-ports.ts'

/** `left`: the registry does not delete single tags */
export interface ChangedHoldTag {
  readonly result: 'done' | 'unchanged' | 'left' | 'failed'
  /** with `failed` */
  readonly error?: ErrorInfo
}

/** Sets the tag of a hold, unless another client has put it on another image. @throws `audit`. */
export async function writeHoldTag(item: HoldItem, ports: HoldPorts, call: Call): Promise<ChangedHoldTag> {
  const {
    image,
    repository,
    subject,
    tag: { name },
  } = item
  if (subject === null) return { result: 'unchanged' }
  const { stores, clock, tagLocks: locks, stop } = ports
  const step: TagStep = {
    id: `t.${repository.registry}/${repository.path}:${name}`,
    placement: image,
    after: [],
    expect: [{ kind: 'tag', repository, tag: name, digest: null }],
    kind: 'tag',
    repository,
    tag: name,
    target: subject,
    from: repository,
  }
  const records = new RecordWriter({ operation: 'hold', steps: [step] }, ports)
  const fields = { step, ...fieldsOf(item) }
  const writer = new TagWriter({
    stores,
    copier: new Copier(),
    checks: new TagChecks(stores, clock),
    clock,
    locks,
  })
  const check = await writer.check(step, call)
  if (check.state === 'upToDate') return { result: 'unchanged' }
  if (check.state === 'conflict') {
    const error = toErrorInfo(check.error)
    await records.outcomes([{ ...fields, before: check.found, result: 'conflict', error }])
    return { result: 'failed', error }
  }
  const recordIntent = async (): Promise<void> => await records.intents([{ ...fields, before: check.found }])
  const { result, before, error: thrown } = await writer.write(step, check, { recordIntent, stop }, call)
  if (result !== 'failed') {
    await records.outcomes([{ ...fields, before, after: subject.digest, result }])
    return { result }
  }
  const error = toErrorInfo(thrown)
  const isConflict = error.code === 'conflict'
  await records.outcomes([{ ...fields, before, result: isConflict ? 'conflict' : 'failed', error }])
  return { result, error }
}

/**
 * Deletes the tag of an ended hold, and checks that the image is still there. A registry that
 * cannot delete a single tag keeps it: the tag of an ended hold holds nothing. @throws `audit`.
 */
export async function deleteHoldTag(item: HoldItem, ports: HoldPorts, call: Call): Promise<ChangedHoldTag> {
  const {
    repository,
    digest,
    subject,
    tag: { name },
  } = item
  const { stores, clock, neverUntag } = ports
  const store = stores.target(repository)
  if (neverUntag.has(repository.registry) || store.capability('deleteTag') === 'no') return { result: 'left' }
  const step: DeleteTagStep = {
    kind: 'deleteTag',
    id: `t.${name}`,
    repository,
    after: [],
    why: { kind: 'hold', text: 'the hold has ended' },
    tag: name,
    digest,
  }
  const records = new RecordWriter({ operation: 'hold', steps: [step] }, ports)
  const fields = { step, ...fieldsOf(item), before: digest }
  const checkedAt = clock.now()
  const check = async (): Promise<void> => {
    const found = await store.resolve({ tag: name }, call)
    if (found !== undefined && found.digest !== digest) throw movedHold(formatAt(repository, { tag: name }))
  }
  await records.intents([fields])
  try {
    await check()
    const deleted = await store.deleteTag(name, call, repeatStaleCheck(checkedAt, clock, check))
    const isLost = subject !== null && (await store.resolve({ digest }, call)) === undefined
    if (isLost) {
      neverUntag.add(repository.registry)
      throw lostWithTag(formatAt(repository, { digest }), name)
    }
    await records.outcomes([{ ...fields, after: null, result: deleted === 'deleted' ? 'done' : 'unchanged' }])
    return { result: deleted === 'deleted' ? 'done' : 'unchanged' }
  } catch (thrown) {
    const error = toErrorInfo(thrown)
    if (error.code === 'audit') throw thrown
    const isLeft = isDrayError(thrown) && thrown.code === 'unsupported'
    await records.outcomes([{ ...fields, result: isLeft ? 'unchanged' : 'failed', error }])
    return isLeft ? { result: 'left' } : { result: 'failed', error }
  }
}

function movedHold(subject: string): DrayError {
  return new DrayError('conflict', `cannot delete ${subject}`, {
    subject,
    why: 'another client moved it to another image',
    hint: 'Run the command again.',
  })
}

function lostWithTag(subject: string, tag: string): DrayError {
  return new DrayError('protocol', `${subject} does not exist any more`, {
    subject,
    why: `dray deleted only the tag ${tag}, and the registry deleted the image with it`,
    hint: 'dray deletes no more single tags at this registry. Push the image again from its build, or copy it from a repository that has it.',
  })
}
