import type { Clock } from '../../../src/lib/clock.ts'
import { isChanged } from '../../../src/plan/outcome.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { injuringProxy, type Injury, type ProxiedRequest, type ProxyOptions } from '../faulty-proxy.ts'
import { leapingClock } from '../manual-clock.ts'
import { type Bench, bench, type ExecutedPlan, promote } from '../promotion.ts'
import type { FaultKind, FaultTarget } from './fault-kinds.ts'
import { globs, sync, type Syncing } from '../syncing.ts'
import { type SetUp, source, type Registries, startRegistries, tag, target, user } from './set-ups.ts'
import { stallClock } from './stall-clock.ts'

/**
 * Identifies a request of a run. Numbers would not, because the order of concurrent requests
 * varies.
 */
export interface RequestKey {
  readonly side: 'from' | 'to'
  readonly method: string
  /** without parts that differ in each run */
  readonly path: string
  /** the number of equal requests before it */
  readonly nth: number
  readonly sends: boolean
}

export interface FaultRunResult {
  readonly verdict: 'survived' | 'clean error' | 'broken'
  /** broken promises */
  readonly complaints: readonly string[]
  /** the errors of the run; empty if it succeeded */
  readonly failure: string
  /** to both registries */
  readonly requests: number
  readonly keys: readonly RequestKey[]
  /** whether the fault occurred */
  readonly hasOccurred: boolean
}

/** One fault at one request, or a function that chooses the fault of each request. */
export type PlannedFaults =
  | { readonly at: RequestKey; readonly kind: FaultKind }
  | { readonly each: (request: RequestKey) => Injury | undefined }
  | undefined

/** More than any correct run needs. */
const maxRequests = 3000

/** Promotes or syncs once with these faults, and checks the result with the oracle. */
export async function promoteWithFaults(setUp: SetUp, faults: PlannedFaults): Promise<FaultRunResult> {
  const registries = await startRegistries(setUp)
  const clock = leapingClock(Date.now())
  const keys: RequestKey[] = []
  const complaints: string[] = []
  const counts = new Map<string, number>()
  const locations = new Map<string, { sent: string; received: string | undefined }>()
  const stalls = stallClock()
  let occurrences = 0

  const choose =
    (side: 'from' | 'to') =>
    (request: ProxiedRequest): Injury | undefined => {
      if (keys.length > maxRequests) return { kind: 'reset', when: 'before' }
      const key = keyOf(side, request, counts)
      keys.push(key)
      if (faults === undefined) return undefined
      if ('each' in faults) return faults.each(key)
      const { at, kind } = faults
      const isTarget = kind.times === 1 ? isSame(key, at) : isLike(key, at) && key.nth >= at.nth
      if (!isTarget || occurrences >= kind.times) return undefined
      const injury = kind.injury(targetOf(key, setUp, clock))
      if (injury !== undefined) occurrences++
      return injury
    }
  const answered: ProxyOptions['onResponse'] = (_, { location = '' }, wasSent) => {
    const id = /\/blobs\/uploads\/([^/?]+)/.exec(location)?.[1]
    if (id === undefined) return
    const before = locations.get(id)
    locations.set(id, { sent: location, received: wasSent ? location : before?.received })
  }
  const around = async ({ method, path }: ProxiedRequest): Promise<void> => {
    if (method !== 'PUT' || !path.includes('/manifests/')) return
    if (occurrences > 0 && mayBreakTag(faults)) return
    complaints.push(...(await tagComplaints(setUp, registries)))
  }
  const proxyOf = (side: 'from' | 'to', host: string) =>
    injuringProxy(host, {
      choose: (request) => {
        stalls.moved()
        return choose(side)(request)
      },
      onResponse: answered,
      around,
      onStall: () => stalls.stalled(),
      onEnd: () => stalls.moved(),
    })
  await using to = await proxyOf('to', registries.to)
  await using from = await proxyOf('from', registries.from)
  const fromHost = setUp.within ? to.host : from.host
  const credential: Credential = { kind: 'basic', username: user.name, password: user.password }
  const acceptingClock: Clock = {
    now: () => clock.now(),
    // A registry that refused connections accepts them again after a backoff.
    sleep: async (ms, signal) => {
      await Promise.all([to.accept(), from.accept()])
      await clock.sleep(ms, signal)
    },
  }
  await using run = await bench({
    clock: acceptingClock,
    transferClock: stalls.clock,
    ...(setUp.uploads !== undefined && { uploads: setUp.uploads }),
    ...(setUp.guarded && { credential }),
  })
  try {
    const places = {
      from: { registry: fromHost, path: source },
      to: [{ registry: to.host, path: target }],
    }
    const copying = setUp.syncs
      ? syncTag(run, places, acceptingClock)
      : promote(run, { ...places, policy: { moveTags: true } })
    const ended = await copying.catch((error: unknown) => String(error))
    const failure = failureOf(ended)
    const found = await registries.oracle.differences(target, setUp.content, tag)
    if (failure === '') complaints.push(...found.map((one) => `it reported success: ${one}`))
    else complaints.push(...(await tagComplaints(setUp, registries)))
    for (const id of registries.openUploads()) {
      const location = locations.get(id)
      if (location?.received !== undefined && location.received === location.sent)
        complaints.push('an upload session whose location was received is open')
    }
    if (keys.length > maxRequests) complaints.push(`it made more than ${maxRequests} requests`)
    const verdict = complaints.length > 0 ? 'broken' : failure === '' ? 'survived' : 'clean error'
    return { verdict, complaints, failure, requests: keys.length, keys, hasOccurred: occurrences > 0 }
  } finally {
    stalls.stop()
    await registries.close()
  }
}

/** Whether the tag may point at a manifest that the fault damaged, until it is repaired. */
function mayBreakTag(faults: PlannedFaults): boolean {
  return faults !== undefined && 'kind' in faults && faults.kind.mayBreakTag === true && isOfTag(faults.at)
}

function isOfTag({ path }: RequestKey): boolean {
  return path.endsWith(`/manifests/${tag}`)
}

/** Problems of the tag, which must point at the old image or at the complete new one. */
export async function tagComplaints(
  setUp: SetUp,
  { oracle }: Pick<Registries, 'oracle'>,
): Promise<readonly string[]> {
  const digest = await oracle.digest(target, tag)
  if (digest === setUp.old?.root.digest) return []
  if (digest !== setUp.content.root.digest) return [`the tag points at ${digest}`]
  return (await oracle.complaints(target, tag)).map((one) => `the tag points at an incomplete image: ${one}`)
}

function failureOf(ended: ExecutedPlan | string): string {
  if (typeof ended === 'string') return ended
  const errors = [
    ...ended.refusals.map(({ error }) => error),
    ...ended.placements.flatMap((placement) => placement.errors),
  ]
  const isDone = ended.placements.every((one) => isChanged(one) || one.status === 'unchanged')
  if (isDone && errors.length === 0) return ''
  return errors.map(({ code, message, why }) => `${code}: ${message} (${why ?? ''})`).join('; ') || 'not done'
}

function keyOf(
  side: 'from' | 'to',
  { method, path }: ProxiedRequest,
  counts: Map<string, number>,
): RequestKey {
  const plain = path
    .replace(/(\/blobs\/uploads\/)[^/?]+/, '$1*')
    .replace(/_state=[^&]*&?/, '')
    .replace(/service=[^&]*&?/, '')
    .replace(/\?$/, '')
  const name = `${side} ${method} ${plain}`
  const nth = counts.get(name) ?? 0
  counts.set(name, nth + 1)
  return { side, method, path: plain, nth, sends: method === 'PUT' || method === 'PATCH' }
}

function isLike(a: RequestKey, b: RequestKey): boolean {
  return a.side === b.side && a.method === b.method && a.path === b.path
}

function isSame(a: RequestKey, b: RequestKey): boolean {
  return isLike(a, b) && a.nth === b.nth
}

function targetOf({ method, path, sends }: RequestKey, setUp: SetUp, clock: Clock): FaultTarget {
  return { method, path, sends, guarded: setUp.guarded, now: () => clock.now() }
}

/** Whether a fault can occur at a request. */
export function applies(kind: FaultKind, key: RequestKey, setUp: SetUp): boolean {
  return kind.injury(targetOf(key, setUp, leapingClock(0))) !== undefined
}

export function describeKey({ side, method, path, nth }: RequestKey): string {
  return `${side} ${method} ${path}${nth === 0 ? '' : ` (${nth + 1})`}`
}

/** Syncs the tag. @throws why a side could not be read. */
async function syncTag(
  run: Bench,
  places: Pick<Syncing, 'from' | 'to'>,
  clock: Clock,
): Promise<ExecutedPlan> {
  const rule = { include: [{ tags: globs(tag) }] }
  const synced = await sync(run, { ...places, rule, options: { clock } })
  for (const { drift, unread } of synced.decisions) {
    const [failure] = [
      ...drift.flatMap(({ error }) => error?.message ?? []),
      ...unread.map(({ error }) => error.message),
    ]
    if (failure !== undefined) throw new Error(failure)
  }
  return synced
}
