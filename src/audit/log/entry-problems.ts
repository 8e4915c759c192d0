import { isRecord } from '../../oci/json.ts'
import type { LogEntry } from './record.ts'
import { findRecordProblem } from './record-problems.ts'

const ciFields = ['service', 'user', 'run', 'job', 'commit', 'repository'] as const

/**
 * What is wrong with the fields that are shown, exported and filtered, or undefined. Stricter than
 * the verification, because dray also shows logs of other tools. Accepts unknown kinds of steps,
 * which later versions may write.
 */
export function findEntryProblem(entry: LogEntry): string | undefined {
  const complaint = findRecordProblem(entry)
  if (complaint !== undefined || entry.phase === 'recovered') return complaint
  const { actor, environment, error, step } = entry
  if (!hasTexts(actor, ['says'])) return 'its actor is not one'
  if (actor.ci !== undefined && !(isRecord(actor.ci) && hasTexts(actor.ci, ciFields)))
    return 'its CI job is not one'
  if (environment !== undefined && !(isRecord(environment) && hasTexts(environment, ['from', 'to'])))
    return 'its environments are not such'
  if (error !== undefined && typeof error.message !== 'string') return 'its error says nothing'
  return step === undefined || isWhole({ ...step }) ? undefined : 'its step is not whole'
}

function isWhole(step: Readonly<Record<string, unknown>>): boolean {
  switch (step['kind']) {
    case 'copy':
      return isPlace(step['to']) && isPlace(step['from']) && isContent(step['root'])
    case 'attach':
      return isPlace(step['to']) && isPlace(step['from']) && isContent(step['manifest'])
    case 'attest':
      return isPlace(step['repository']) && isContent(step['subject'])
    case 'tag':
      return (
        isPlace(step['repository']) &&
        isPlace(step['from']) &&
        isContent(step['target']) &&
        typeof step['tag'] === 'string'
      )
    case 'deleteManifest': {
      const lost: unknown = step['losesTags']
      return (
        isPlace(step['repository']) &&
        isContent(step['target']) &&
        Array.isArray(lost) &&
        lost.every((tag) => typeof tag === 'string')
      )
    }
    case 'deleteTag':
      return (
        isPlace(step['repository']) && typeof step['tag'] === 'string' && typeof step['digest'] === 'string'
      )
    default:
      return true
  }
}

function isPlace(value: unknown): boolean {
  return isRecord(value) && typeof value['registry'] === 'string' && typeof value['path'] === 'string'
}

function isContent(value: unknown): boolean {
  return isRecord(value) && typeof value['digest'] === 'string'
}

function hasTexts(value: object, names: readonly string[]): boolean {
  const fields = new Map<string, unknown>(Object.entries(value))
  return names.every((name) => ['undefined', 'string'].includes(typeof fields.get(name)))
}
