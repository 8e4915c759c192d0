import { holdPredicate } from '../../audit/holds/hold-statement.ts'
import { holdPredicateType } from '../../images/holds/hold-tag.ts'
import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { HoldItem, HoldOutcome, HoldPlan } from '../../plan/holds/hold-plan.ts'
import {
  attachStatement,
  recordStatement,
  recordStatementRefusals,
  type StatementToAttach,
} from '../attach-statement.ts'
import type { HoldPorts } from './hold-ports.ts'
import { type ChangedHoldTag, deleteHoldTag, writeHoldTag } from './hold-tags.ts'

/**
 * Executes a plan, one image after another: the statement first, so that the image is held, or its
 * hold is ended, with a reason; then the tag. Resolves with an outcome for each image.
 * @throws `audit` if a record cannot be written
 */
export async function executeHolds(
  plan: HoldPlan,
  ports: HoldPorts,
  call: Call,
): Promise<readonly HoldOutcome[]> {
  await recordStatementRefusals(plan.operation, plan.refusals, ports)
  const outcomes: HoldOutcome[] = []
  for (const item of plan.images)
    outcomes.push(
      ports.stop.aborted
        ? outcomeOf(item, { status: 'notAttempted' })
        : await execute(item, plan, ports, call),
    )
  return outcomes
}

async function execute(item: HoldItem, plan: HoldPlan, ports: HoldPorts, call: Call): Promise<HoldOutcome> {
  try {
    const statement = await writeStatement(item, plan, ports, call)
    const written = statement === undefined ? {} : { statement }
    const tag = await changeTag(item, ports, call)
    if (tag.error !== undefined) return outcomeOf(item, { ...written, ...failed(tag.error) })
    const isChanged = item.statement === 'attach' || tag.result === 'done'
    const done = plan.decision === 'hold' ? 'held' : 'released'
    return outcomeOf(item, {
      ...written,
      status: isChanged ? done : 'unchanged',
      ...(tag.result === 'left' && { isTagLeft: true }),
    })
  } catch (error) {
    const info = toErrorInfo(error)
    if (info.code === 'audit') throw error
    return outcomeOf(item, failed(info))
  }
}

/** Returns the manifest of the statement; undefined if none is attached. */
async function writeStatement(
  item: HoldItem,
  plan: HoldPlan,
  ports: HoldPorts,
  call: Call,
): Promise<Digest | undefined> {
  if (item.statement === 'unchanged') return undefined
  const { subject } = item
  if (subject !== null)
    return (await attachStatement(statementOf(item, subject, plan, ports), ports, call)).artifact
  await recordStatement(statementOf(item, absent(item), plan, ports), ports)
  return undefined
}

function failed(error: ErrorInfo): Pick<HoldOutcome, 'status' | 'error'> {
  return { status: error.code === 'conflict' ? 'conflict' : 'failed', error }
}

function outcomeOf(
  { image, environment, repository, digest, tag }: HoldItem,
  rest: Pick<HoldOutcome, 'status' | 'statement' | 'error' | 'isTagLeft'>,
): HoldOutcome {
  return {
    image,
    ...(environment !== undefined && { environment }),
    repository,
    digest,
    tag: tag.name,
    ...rest,
  }
}

/** Only the audit log has the hold of an image that does not exist any more. */
function absent({ digest }: HoldItem): Descriptor {
  return { mediaType: '', digest, size: 0 }
}

function statementOf(
  { image, environment, repository, digest, time }: HoldItem,
  subject: Descriptor,
  { decision, reason, ticket, expires }: HoldPlan,
  { actor, runId: run, tool, signingKey }: HoldPorts,
): StatementToAttach {
  const statement = {
    digest,
    decision,
    time: Date.parse(time),
    reason,
    ...(ticket !== undefined && { ticket }),
    ...(expires !== undefined && { expires }),
  }
  return {
    operation: 'hold',
    image,
    ...(environment !== undefined && { environment }),
    repository,
    subject,
    predicateType: holdPredicateType,
    predicate: holdPredicate(statement, { repository, actor, run, tool }),
    ...(signingKey !== undefined && { key: signingKey }),
  }
}

async function changeTag(item: HoldItem, ports: HoldPorts, call: Call): Promise<ChangedHoldTag> {
  const { change, name } = item.tag
  if (change === 'unchanged' || (change === 'create' && item.subject === null)) return { result: 'unchanged' }
  try {
    return change === 'create'
      ? await writeHoldTag(item, ports, call)
      : await deleteHoldTag(item, ports, call)
  } catch (error) {
    const info = toErrorInfo(error)
    if (info.code === 'audit') throw error
    return { result: 'failed', error: { ...info, subject: formatAt(item.repository, { tag: name }) } }
  }
}
