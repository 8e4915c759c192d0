import type { Injury } from '../faulty-proxy.ts'

/** A request that a fault may occur at. */
export interface FaultTarget {
  readonly method: string
  readonly path: string
  /** whether the request has a body */
  readonly sends: boolean
  /** whether it goes to a registry that requires tokens */
  readonly guarded: boolean
  /** the clock of the client, milliseconds since 1970 */
  readonly now: () => number
}

export interface FaultKind {
  readonly name: string
  /** how often it occurs at the same request; Infinity for a permanent one */
  readonly times: number
  /**
   * `transient` must not make the run fail. `misleading` is a valid response that is wrong once,
   * like 404 or 403, and may make the run fail with a clear error. `permanent` is the same at every
   * attempt.
   */
  readonly is: 'transient' | 'misleading' | 'permanent'
  /** damages a manifest that is pushed to a tag, which points at it until dray repairs it */
  readonly mayBreakTag?: boolean
  /** undefined if it cannot occur at this request */
  readonly injury: (target: FaultTarget) => Injury | undefined
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
const onlyIf =
  (applies: (target: FaultTarget) => boolean, injury: Injury): FaultKind['injury'] =>
  (target) =>
    applies(target) ? injury : undefined

const transient = (name: string, injury: FaultKind['injury'], times = 1): FaultKind => ({
  name,
  times,
  is: 'transient',
  injury,
})

const oldDigest = `sha256:${'0'.repeat(64)}`
const isHead = ({ method }: FaultTarget): boolean => method === 'HEAD'
const hasAnswerBody = ({ method }: FaultTarget): boolean => method === 'GET'
const isManifest = ({ path }: FaultTarget): boolean => path.includes('/manifests/')
const isToken = ({ path }: FaultTarget): boolean => path.startsWith('/token')
const isTagList = ({ path }: FaultTarget): boolean => path.includes('/tags/list')
const isReferrers = ({ path }: FaultTarget): boolean => path.includes('/referrers/')
/** No digest covers these bytes, so the position of a flipped bit matters. */
const hasNoDigest = (target: FaultTarget): boolean =>
  isToken(target) || isTagList(target) || isReferrers(target)
const flippedPositions = [0.1, 0.3, 0.5, 0.7, 0.9]

/** All faults of networks and registries (docs/reliability.md). */
export const faultKinds: readonly FaultKind[] = [
  transient('connections refused', always({ kind: 'refuse' })),
  transient('reset before', always({ kind: 'reset', when: 'before' })),
  transient(
    'reset while sending',
    onlyIf(({ sends }) => sends, { kind: 'reset', when: 'while sending' }),
  ),
  transient('reset after', always({ kind: 'reset', when: 'after' })),
  transient('reset before, twice', always({ kind: 'reset', when: 'before' }), 2),
  transient(
    'expired token',
    onlyIf((target) => target.guarded && !isToken(target), { kind: 'expired' }),
  ),
  transient(
    '416',
    onlyIf(
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
  transient('stall in the body', onlyIf(hasAnswerBody, { kind: 'stall', when: 'in the body' })),
  transient('truncated', onlyIf(hasAnswerBody, { kind: 'truncate' })),
  transient(
    'answer flipped',
    onlyIf((target) => hasAnswerBody(target) && !hasNoDigest(target), { kind: 'flip', of: 'answer' }),
  ),
  ...flippedPositions.map((at) =>
    transient(
      `referrers flipped at ${at}`,
      onlyIf((target) => hasAnswerBody(target) && isReferrers(target), { kind: 'flip', of: 'answer', at }),
    ),
  ),
  ...flippedPositions.map((at): FaultKind => ({
    name: `token flipped at ${at}`,
    times: 1,
    is: 'misleading',
    injury: onlyIf((target) => hasAnswerBody(target) && isToken(target), { kind: 'flip', of: 'answer', at }),
  })),
  ...[0.05, 0.5, 0.95].map((at) => ({
    ...transient(
      `request flipped at ${at}`,
      onlyIf(({ sends }) => sends, { kind: 'flip', of: 'request', at }),
    ),
    mayBreakTag: true,
  })),
  transient('length too great', onlyIf(hasAnswerBody, { kind: 'length', by: 7 })),
  transient('length too small', onlyIf(hasAnswerBody, { kind: 'length', by: -7 })),
  transient('applied twice', always({ kind: 'twice' })),
  {
    name: 'HEAD of an old digest',
    times: 1,
    is: 'misleading',
    injury: onlyIf((target) => isHead(target) && isManifest(target), {
      kind: 'headers',
      set: { 'docker-content-digest': oldDigest },
    }),
  },
  { name: 'stale HEAD', times: 1, is: 'misleading', injury: onlyIf(isHead, { kind: 'answer', status: 404 }) },
  { name: '403', times: 1, is: 'misleading', injury: always(refusal(403, 'DENIED')) },
  { name: '404', times: 1, is: 'misleading', injury: always(refusal(404, 'NOT_FOUND')) },
  { name: '403 that stays', times: Infinity, is: 'permanent', injury: always(refusal(403, 'DENIED')) },
  { name: '404 that stays', times: Infinity, is: 'permanent', injury: always(refusal(404, 'NOT_FOUND')) },
]

/**
 * The same fault at two requests in a row. dray believes a registry that refuses a new token, and a
 * list that arrives damaged twice.
 */
export function twice(kind: FaultKind): FaultKind {
  const isMisleading = kind.name === 'expired token' || kind.name.startsWith('referrers flipped')
  const is = isMisleading ? 'misleading' : kind.is
  return { ...kind, name: `${kind.name}, twice`, is, times: 2 }
}

/** Whether `twice` makes a fault that `faultKinds` does not have. */
export function canBeTwice({ name, times, is }: FaultKind): boolean {
  return is === 'transient' && times === 1 && !faultKinds.some((other) => other.name === `${name}, twice`)
}
