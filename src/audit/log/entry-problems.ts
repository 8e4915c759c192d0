import { isRecord } from '../../oci/json.ts'
import type { LogEntry, RecordedStep } from './record.ts'
import { findRecordProblem } from './record-problems.ts'

const ciFields = ['service', 'user', 'run', 'job', 'commit', 'repository'] as const

/**
 * Returns the problem of the fields that are shown, exported and filtered, or undefined. It is
 * stricter than the verification, because dray also shows logs of other tools. Accepts unknown
 * kinds of steps, which later versions may write.
 */
export function findEntryProblem(entry: LogEntry): string | undefined {
  const complaint = findRecordProblem(entry)
  if (complaint !== undefined || entry.phase === 'recovered') return complaint
  const { actor, by, environment, error, losesTags, sparse, step } = entry
  if (!hasTexts(actor, ['says'])) return 'its actor is invalid'
  if (actor.ci !== undefined && !(isRecord(actor.ci) && hasTexts(actor.ci, ciFields)))
    return 'its CI job is invalid'
  if (environment !== undefined && !(isRecord(environment) && hasTexts(environment, ['from', 'to'])))
    return 'its environments are invalid'
  if (error !== undefined && typeof error.message !== 'string') return 'its error has no message'
  if (losesTags !== undefined && !isTexts(losesTags)) return 'its losesTags are invalid'
  if (sparse !== undefined && !(isRecord(sparse) && isTexts(sparse['platforms'])))
    return 'its platforms are invalid'
  if (by !== undefined && typeof by !== 'string') return 'its field by is invalid'
  return step === undefined || isWhole({ ...step }) ? undefined : 'its step is incomplete'
}

interface StepFields {
  readonly repositories: readonly string[]
  readonly contents?: readonly string[]
  readonly texts?: readonly string[]
  readonly tags?: readonly string[]
}

const fieldsOfSteps: ReadonlyMap<unknown, StepFields> = new Map<RecordedStep['kind'], StepFields>([
  ['copy', { repositories: ['to', 'from'], contents: ['root'] }],
  ['attach', { repositories: ['to', 'from'], contents: ['manifest'] }],
  ['attest', { repositories: ['repository'], contents: ['subject'] }],
  ['tag', { repositories: ['repository', 'from'], contents: ['target'], texts: ['tag'] }],
  ['deleteManifest', { repositories: ['repository'], contents: ['target'], tags: ['losesTags'] }],
  ['deleteTag', { repositories: ['repository'], texts: ['tag', 'digest'] }],
])

function isWhole(step: Readonly<Record<string, unknown>>): boolean {
  const fields = fieldsOfSteps.get(step['kind'])
  if (fields === undefined) return true
  const { repositories, contents = [], texts = [], tags = [] } = fields
  return (
    repositories.every((name) => isRepository(step[name])) &&
    contents.every((name) => isContent(step[name])) &&
    texts.every((name) => typeof step[name] === 'string') &&
    tags.every((name) => isTexts(step[name]))
  )
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isRepository(value: unknown): boolean {
  return isRecord(value) && typeof value['registry'] === 'string' && typeof value['path'] === 'string'
}

function isContent(value: unknown): boolean {
  return isRecord(value) && typeof value['digest'] === 'string'
}

function hasTexts(value: object, names: readonly string[]): boolean {
  const fields = new Map<string, unknown>(Object.entries(value))
  return names.every((name) => ['undefined', 'string'].includes(typeof fields.get(name)))
}
