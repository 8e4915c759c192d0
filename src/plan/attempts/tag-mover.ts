import type { RecordedOperation } from '../plan.ts'

/** The run that moved a tag, as its record in the audit log names it. */
export interface TagMover {
  readonly run: string
  readonly operation: RecordedOperation
  /** as the run named it */
  readonly image?: string
  readonly actor: TagMoverActor
  /** of the record; ISO 8601, UTC */
  readonly time: string
  /** `intent`: the log has no outcome of the move yet */
  readonly phase: 'intent' | 'outcome'
}

interface TagMoverActor {
  readonly user: string
  readonly host: string
  readonly ci?: { readonly service: string; readonly user?: string; readonly run?: string }
  readonly says?: string
}

/** Returns a sentence about the run that moved a tag; null: the audit log has no record of it. */
export function formatTagMover(mover: TagMover | null): string {
  if (mover === null) return 'The audit log has no record of that change.'
  const { run, operation, image, actor, time, phase } = mover
  const did = phase === 'intent' ? 'recorded the intent of that change' : 'made that change'
  const what = image === undefined ? operation : `${operation} of ${image}`
  return `Run ${run} ${did}: ${what} by ${formatActor(actor)} at ${time}.`
}

function formatActor({ user, host, ci, says }: TagMoverActor): string {
  const name = ci === undefined ? `${user}@${host}` : `${ci.user ?? user} (${ci.run ?? ci.service})`
  return says === undefined ? name : `${name} (--actor ${JSON.stringify(says)})`
}
