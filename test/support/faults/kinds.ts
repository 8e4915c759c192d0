import type { Injury } from '../faulty-proxy.ts'

/** What a fault is for. */
export interface Target {
  readonly method: string
  readonly path: string
  /** whether the request has a body */
  readonly sends: boolean
  /** whether it goes to a registry that asks for tokens */
  readonly guarded: boolean
  /** by the clock of the client, milliseconds since 1970 */
  readonly now: () => number
}

export interface FaultKind {
  readonly name: string
  /** how often it happens to the same request; Infinity for one that stays */
  readonly times: number
  /**
   * `transient`: it passes, and has to be survived. `word`: the registry says once that it is not there, or not allowed, and nobody can know that it is wrong: survived, or a clear
   * error. `permanent`: the same, and it stays so.
   */
  readonly is: 'transient' | 'word' | 'permanent'
  /** It damages a manifest on its way to a tag: for as long as the client does not know, the tag is on that. */
  readonly showsOther?: boolean
  /** undefined where it cannot happen to such a request */
  readonly injury: (target: Target) => Injury | undefined
}

const refusal = (status: number, code: string): Injury => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: { errors: [{ code, message: 'no' }] },
})

const always =
  (injury: Injury): FaultKind['injury'] =>
  () =>
    injury
const where =
  (fits: (target: Target) => boolean, injury: Injury): FaultKind['injury'] =>
  (target) =>
    fits(target) ? injury : undefined

const transient = (name: string, injury: FaultKind['injury'], times = 1): FaultKind => ({
  name,
  times,
  is: 'transient',
  injury,
})

const oldDigest = `sha256:${'0'.repeat(64)}`
const isHead = ({ method }: Target): boolean => method === 'HEAD'
const hasAnswerBody = ({ method }: Target): boolean => method === 'GET'
const isManifest = ({ path }: Target): boolean => path.includes('/manifests/')
const isToken = ({ path }: Target): boolean => path.startsWith('/token')
const isTagList = ({ path }: Target): boolean => path.includes('/tags/list')
const isReferrers = ({ path }: Target): boolean => path.includes('/referrers/')
/** No digest covers these bytes, so it matters which of them is flipped. */
const hasNoDigest = (target: Target): boolean => isToken(target) || isTagList(target) || isReferrers(target)
const placesInThose = [0.1, 0.3, 0.5, 0.7, 0.9]

/** Every fault that a network or a registry may have (docs/reliability.md). */
export const faultKinds: readonly FaultKind[] = [
  transient('connections refused', always({ kind: 'refuse' })),
  transient('reset before', always({ kind: 'reset', when: 'before' })),
  transient(
    'reset while sending',
    where(({ sends }) => sends, { kind: 'reset', when: 'while sending' }),
  ),
  transient('reset after', always({ kind: 'reset', when: 'after' })),
  transient('reset before, twice', always({ kind: 'reset', when: 'before' }), 2),
  transient(
    'expired token',
    where((target) => target.guarded && !isToken(target), { kind: 'expired' }),
  ),
  transient(
    '416',
    where(
      ({ path, method }) => method !== 'HEAD' && path.includes('/blobs/'),
      refusal(416, 'BLOB_UPLOAD_INVALID'),
    ),
  ),
  transient('429, seconds', always({ kind: 'answer', status: 429, headers: { 'retry-after': '7' } })),
  transient('429, date', ({ now }) => ({
    kind: 'answer',
    status: 429,
    headers: { 'retry-after': new Date(now() + 9000).toUTCString() },
  })),
  transient('500', always({ kind: 'answer', status: 500 })),
  transient(
    '502',
    always({
      kind: 'answer',
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Bad Gateway</h1>',
    }),
  ),
  transient('503', always({ kind: 'answer', status: 503 })),
  transient('503, twice', always({ kind: 'answer', status: 503 }), 2),
  transient('500, applied', always({ kind: 'answer', status: 500, applied: true })),
  transient('504, applied', always({ kind: 'answer', status: 504, applied: true })),
  transient('stall before', always({ kind: 'stall', when: 'before' })),
  transient('stall in the body', where(hasAnswerBody, { kind: 'stall', when: 'in the body' })),
  transient('truncated', where(hasAnswerBody, { kind: 'truncate' })),
  transient(
    'answer flipped',
    where((target) => hasAnswerBody(target) && !hasNoDigest(target), { kind: 'flip', of: 'answer' }),
  ),
  ...placesInThose.map((at) =>
    transient(
      `referrers flipped at ${at}`,
      where((target) => hasAnswerBody(target) && isReferrers(target), { kind: 'flip', of: 'answer', at }),
    ),
  ),
  ...placesInThose.map((at): FaultKind => ({
    name: `token flipped at ${at}`,
    times: 1,
    is: 'word',
    injury: where((target) => hasAnswerBody(target) && isToken(target), { kind: 'flip', of: 'answer', at }),
  })),
  ...[0.05, 0.5, 0.95].map((at) => ({
    ...transient(
      `request flipped at ${at}`,
      where(({ sends }) => sends, { kind: 'flip', of: 'request', at }),
    ),
    showsOther: true,
  })),
  transient('length too great', where(hasAnswerBody, { kind: 'length', by: 7 })),
  transient('length too small', where(hasAnswerBody, { kind: 'length', by: -7 })),
  transient('applied twice', always({ kind: 'twice' })),
  {
    name: 'HEAD of an old digest',
    times: 1,
    is: 'word',
    injury: where((target) => isHead(target) && isManifest(target), {
      kind: 'headers',
      set: { 'docker-content-digest': oldDigest },
    }),
  },
  { name: 'stale HEAD', times: 1, is: 'word', injury: where(isHead, { kind: 'answer', status: 404 }) },
  { name: '403', times: 1, is: 'word', injury: always(refusal(403, 'DENIED')) },
  { name: '404', times: 1, is: 'word', injury: always(refusal(404, 'NOT_FOUND')) },
  { name: '403 that stays', times: Infinity, is: 'permanent', injury: always(refusal(403, 'DENIED')) },
  { name: '404 that stays', times: Infinity, is: 'permanent', injury: always(refusal(404, 'NOT_FOUND')) },
]

/**
 * The same fault at two requests in a row. dray believes a registry that refuses a new token, and a
 * list that arrives damaged twice.
 */
export function twice(kind: FaultKind): FaultKind {
  const isBelieved = kind.name === 'expired token' || kind.name.startsWith('referrers flipped')
  const is = isBelieved ? 'word' : kind.is
  return { ...kind, name: `${kind.name}, twice`, is, times: 2 }
}

/** Whether that is another fault than those of `faultKinds`. */
export function canBeTwice({ name, times, is }: FaultKind): boolean {
  return is === 'transient' && times === 1 && !faultKinds.some((other) => other.name === `${name}, twice`)
}
