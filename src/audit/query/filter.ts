import { DrayError } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { normalRegistry, withoutUsualPort } from '../../oci/registry-host.ts'
import type { RecordedOperation } from '../../plan/plan.ts'
import { type Affected, affectedBy, resultOf } from './affected.ts'
import type { AuditRecord, LogRecord } from '../log/record.ts'

export const filterResults = ['done', 'unchanged', 'conflict', 'failed', 'refused'] as const

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const dayMs = unitMs.d

/** Conditions on records. Each field that is given must match one of its values. */
export interface LogFilter {
  /** image in the plan with or without tag, repository with or without registry, or digest */
  readonly image?: readonly string[] | undefined
  /** the image is promoted from it or to it */
  readonly environment?: readonly string[] | undefined
  /** milliseconds since 1970, inclusive */
  readonly since?: number | undefined
  /** milliseconds since 1970, exclusive */
  readonly until?: number | undefined
  /** the user, the user of the CI job, or the value of `--actor` */
  readonly actor?: readonly string[] | undefined
  readonly operation?: readonly RecordedOperation[] | undefined
  readonly result?: readonly (typeof filterResults)[number][] | undefined
}

/** Returns a function that tests a record. A recovered tail matches only by time. */
export function matcher(filter: LogFilter): (record: LogRecord) => boolean {
  const { since = -Infinity, until = Infinity } = filter
  const images = filter.image?.flatMap((image) => [image, comparable(image)])
  return (record) => {
    const time = Date.parse(record.time)
    if (!(time >= since && time < until)) return false
    if (record.phase === 'recovered') return !asksMoreThanTime(filter)
    return (
      someOf(filter.operation, [record.operation]) &&
      someOf(filter.result, [resultOf(record)]) &&
      someOf(filter.environment, [record.environment?.from, record.environment?.to]) &&
      someOf(filter.actor, actorNames(record)) &&
      (images === undefined || someOf(images, imageNames(record)))
    )
  }
}

/**
 * Parses a date of `--since` or `--until` to milliseconds since 1970: a day in UTC (`2026-03-04`),
 * an instant (`2026-03-04T05:06:07Z`; seconds are optional, and an offset such as `+02:00` may
 * replace `Z`), or a duration ago (`90m`, `24h`, `7d`, `2w`). A day means its start, and for
 * `until` its end. @throws `usage`, naming `flag`.
 */
export function parseMoment(text: string, edge: 'since' | 'until', now: number, flag: string): number {
  const moment = ago(text, now) ?? dayOf(text, edge) ?? instantOf(text)
  if (moment !== undefined) return moment
  throw new DrayError(
    'usage',
    `${flag} ${JSON.stringify(text.slice(0, 100))} is not a date, a time or a duration`,
    {
      hint: `Write ${flag} 2026-03-04, ${flag} 2026-03-04T05:06Z, or a duration before now: ${flag} 90m, 24h, 7d, 2w.`,
    },
  )
}

function ago(text: string, now: number): number | undefined {
  const [, amount, unit] = /^([1-9]\d{0,5})([mhdw])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  return now - Number(amount) * unitMs[unit as keyof typeof unitMs]
}

function dayOf(text: string, edge: 'since' | 'until'): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const start = calendarTime(text, 'T00:00:00Z')
  return start === undefined || edge === 'since' ? start : start + dayMs
}

function instantOf(text: string): number | undefined {
  const [, day, time] =
    /^(\d{4}-\d\d-\d\d)(T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d))$/.exec(
      text,
    ) ?? []
  return day === undefined || time === undefined ? undefined : calendarTime(day, time)
}

/** Rejects days that do not exist, such as 30 February. */
function calendarTime(day: string, time: string): number | undefined {
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return undefined
  const at = Date.parse(day + time)
  return Number.isNaN(at) ? undefined : at
}

function asksMoreThanTime(filter: LogFilter): boolean {
  const { image, environment, actor, operation, result } = filter
  return [image, environment, actor, operation, result].some((asked) => asked !== undefined)
}

function someOf<T extends string>(
  asked: readonly T[] | undefined,
  found: readonly (T | undefined)[],
): boolean {
  return asked === undefined || found.some((name) => name !== undefined && asked.includes(name))
}

function actorNames({ actor }: AuditRecord): readonly (string | undefined)[] {
  return [actor.user, actor.ci?.user, actor.says]
}

/** All names that an image matches by. */
function imageNames(record: AuditRecord): readonly (string | undefined)[] {
  const affected = affectedBy(record)
  return [
    ...editedNames(record),
    record.image,
    // `api:1.4.2` and `api@sha256:…` match `api` too.
    record.image?.replace(/@.*$/, '').replace(/:[^:/]*$/, ''),
    record.before ?? undefined,
    record.after ?? undefined,
    ...(affected === undefined ? [] : [affected.digest, ...repositoryNames(affected)]),
    ...subjectOf(record),
  ]
}

/** The images of an edit, by all of their names. */
function editedNames({ step }: AuditRecord): readonly string[] {
  if (step?.kind !== 'edit') return []
  return step.images.flatMap(({ image, repository, digest, tag }) => [
    image,
    ...(tag === undefined ? [] : [`${image}:${tag}`]),
    digest,
    ...repositoryNames({ repository, digest, ...(tag !== undefined && { tag }) }),
  ])
}

/** The subject of an attached artifact that is copied or deleted. */
function subjectOf({ step }: AuditRecord): readonly (string | undefined)[] {
  return step?.kind === 'attach' || step?.kind === 'deleteManifest' ? [step.subject] : []
}

/** A name with its registry in normal form. Older records have it as the user wrote it. */
function comparable(name: string): string {
  const slash = name.indexOf('/')
  const registry = normalRegistry(name.slice(0, Math.max(slash, 0)))
  return registry === undefined ? name : withoutUsualPort(registry) + name.slice(slash)
}

function repositoryNames({ repository, tag, lostTags = [], from }: Affected): readonly string[] {
  const names = [repository, from].flatMap((name) => (name === undefined ? [] : namesOf(name)))
  const tags = tag === undefined ? lostTags : [tag, ...lostTags]
  const tagged = tags.flatMap((one) => namesOf(repository).map((name) => `${name}:${one}`))
  return [...names, ...tagged]
}

function namesOf(repository: RepositoryName): readonly string[] {
  const name = formatRepository(repository)
  return [name, comparable(name), repository.path]
}
