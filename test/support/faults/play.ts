import type { Clock } from '../../../src/lib/clock.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { injuringProxy, type Injury, type Passing, type ProxyOptions } from '../faulty-proxy.ts'
import { leapingClock } from '../manual-clock.ts'
import { bench, type Carried, promote } from '../promotion.ts'
import type { FaultKind, Target } from './kinds.ts'
import { type SetUp, source, type Stage, stageOf, tag, target, user } from './set-ups.ts'
import { stallClock } from './stall-clock.ts'

/** One request of a run, by what it is: numbers differ from run to run where requests go side by side. */
export interface RequestKey {
  readonly side: 'from' | 'to'
  readonly method: string
  /** without what is made anew in every run */
  readonly path: string
  /** how many like it came before */
  readonly nth: number
  readonly sends: boolean
}

export interface Account {
  readonly verdict: 'survived' | 'clean error' | 'broken'
  /** why it is broken */
  readonly complaints: readonly string[]
  /** what the run said, where it did not end well */
  readonly said: string
  /** of both sides */
  readonly requests: number
  readonly keys: readonly RequestKey[]
  /** whether the fault happened at all */
  readonly struck: boolean
}

/** What is to go wrong: one fault at one request; or what a function says of each. */
export type Plot =
  | { readonly at: RequestKey; readonly kind: FaultKind }
  | { readonly each: (request: RequestKey) => Injury | undefined }
  | undefined

/** More than any run that goes on as it should. */
const maxRequests = 3000

/** Promotes once, with what the plot has go wrong, and lets the oracle judge. */
export async function play(setUp: SetUp, plot: Plot): Promise<Account> {
  const stage = await stageOf(setUp)
  const clock = leapingClock(Date.now())
  const keys: RequestKey[] = []
  const complaints: string[] = []
  const counts = new Map<string, number>()
  const locations = new Map<string, { sent: string; given: string | undefined }>()
  const stalls = stallClock()
  let struck = 0

  const choose =
    (side: 'from' | 'to') =>
    (request: Passing): Injury | undefined => {
      if (keys.length > maxRequests) return { kind: 'reset', when: 'before' }
      const key = keyOf(side, request, counts)
      keys.push(key)
      if (plot === undefined) return undefined
      if ('each' in plot) return plot.each(key)
      const { at, kind } = plot
      const isIt = kind.times === 1 ? isSame(key, at) : isLike(key, at) && key.nth >= at.nth
      if (!isIt || struck >= kind.times) return undefined
      const injury = kind.injury(targetOf(key, setUp, clock))
      if (injury !== undefined) struck++
      return injury
    }
  const answered: ProxyOptions['answered'] = (_, { location = '' }, wasGiven) => {
    const id = /\/blobs\/uploads\/([^/?]+)/.exec(location)?.[1]
    if (id === undefined) return
    const before = locations.get(id)
    locations.set(id, { sent: location, given: wasGiven ? location : before?.given })
  }
  const around = async ({ method, path }: Passing): Promise<void> => {
    if (method !== 'PUT' || !path.includes('/manifests/')) return
    if (struck > 0 && showsOther(plot)) return
    complaints.push(...(await tagComplaints(setUp, stage)))
  }
  const proxyOf = (side: 'from' | 'to', host: string) =>
    injuringProxy(host, {
      choose: (request) => {
        stalls.moved()
        return choose(side)(request)
      },
      answered,
      around,
      stalled: () => stalls.stalled(),
      over: () => stalls.moved(),
    })
  await using to = await proxyOf('to', stage.to)
  await using from = await proxyOf('from', stage.from)
  const fromHost = setUp.within ? to.host : from.host
  const credential: Credential = { kind: 'basic', username: user.name, password: user.password }
  const patient: Clock = {
    now: () => clock.now(),
    // whoever waits comes back to a registry that is there again
    sleep: async (ms, signal) => {
      await Promise.all([to.accept(), from.accept()])
      await clock.sleep(ms, signal)
    },
  }
  await using run = await bench({
    clock: patient,
    transferClock: stalls.clock,
    ...(setUp.uploads !== undefined && { uploads: setUp.uploads }),
    ...(setUp.guarded && { credential }),
  })
  try {
    const ended = await promote(run, {
      from: { registry: fromHost, path: source },
      to: [{ registry: to.host, path: target }],
      policy: { moveTags: true },
    }).catch((error: unknown) => String(error))
    const said = failureOf(ended)
    const found = await stage.oracle.differences(target, setUp.content, tag)
    if (said === '') complaints.push(...found.map((one) => `it said that all is well: ${one}`))
    else complaints.push(...(await tagComplaints(setUp, stage)))
    for (const id of stage.openUploads()) {
      const location = locations.get(id)
      if (location?.given !== undefined && location.given === location.sent)
        complaints.push('an upload session whose location was received is open')
    }
    if (keys.length > maxRequests) complaints.push(`it made more than ${maxRequests} requests`)
    const verdict = complaints.length > 0 ? 'broken' : said === '' ? 'survived' : 'clean error'
    return { verdict, complaints, said, requests: keys.length, keys, struck: struck > 0 }
  } finally {
    stalls.stop()
    await stage.close()
  }
}

/** Whether the tag may be on what a fault made of the image, until that is mended. */
function showsOther(plot: Plot): boolean {
  return plot !== undefined && 'kind' in plot && plot.kind.showsOther === true && isOfTag(plot.at)
}

function isOfTag({ path }: RequestKey): boolean {
  return path.endsWith(`/manifests/${tag}`)
}

/** What is wrong with the tag, which is to be what it was, or the whole new image. */
export async function tagComplaints(
  setUp: SetUp,
  { oracle }: Pick<Stage, 'oracle'>,
): Promise<readonly string[]> {
  const digest = await oracle.digest(target, tag)
  if (digest === setUp.old?.root.digest) return []
  if (digest !== setUp.content.root.digest) return [`the tag is on ${digest}`]
  return (await oracle.complaints(target, tag)).map((one) => `the tag shows an unfinished image: ${one}`)
}

function failureOf(ended: Carried | string): string {
  if (typeof ended === 'string') return ended
  const errors = [
    ...ended.refusals.map(({ error }) => error),
    ...ended.placements.flatMap((placement) => placement.errors),
  ]
  const isDone = ended.placements.every(({ status }) => status === 'promoted' || status === 'unchanged')
  if (isDone && errors.length === 0) return ''
  return errors.map(({ code, message, why }) => `${code}: ${message} (${why ?? ''})`).join('; ') || 'not done'
}

function keyOf(side: 'from' | 'to', { method, path }: Passing, counts: Map<string, number>): RequestKey {
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

function targetOf({ method, path, sends }: RequestKey, setUp: SetUp, clock: Clock): Target {
  return { method, path, sends, guarded: setUp.guarded, now: () => clock.now() }
}

/** Whether a fault can happen to a request at all. */
export function applies(kind: FaultKind, key: RequestKey, setUp: SetUp): boolean {
  return kind.injury(targetOf(key, setUp, leapingClock(0))) !== undefined
}

export function describeKey({ side, method, path, nth }: RequestKey): string {
  return `${side} ${method} ${path}${nth === 0 ? '' : ` (${nth + 1})`}`
}
