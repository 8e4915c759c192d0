import type { WatchSourceKind } from '../../../src/config/watch/watch-source-kinds.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { EventRequest, EventSecret } from '../../../src/usecases/watch/registry-event.ts'
import { randomFrom } from '../random.ts'
import {
  acrBody,
  distributionEvent,
  pushRequests,
  quayBody,
  requestOf,
  type SamplePush,
  withSecret,
} from './event-samples.ts'

/**
 * `push`: it names a tag of `images`. `foreign`: it names another repository. `ignored`: a valid
 * message without an event. `malformed`, `unauthorized`: refused.
 */
export type StormKind = 'push' | 'foreign' | 'ignored' | 'malformed' | 'unauthorized'

export interface StormEvent {
  readonly kind: StormKind
  readonly source: WatchSourceKind
  readonly request: EventRequest
  /** of the kind `push` */
  readonly push?: SamplePush
}

export interface StormOptions {
  readonly registry: string
  /** paths of repositories, such as `staging/api` */
  readonly images: readonly string[]
  /** tags of each image */
  readonly tags: readonly string[]
  /** digests that a tag moves between; 3 by default */
  readonly digests?: number
  readonly count: number
  readonly seed: number
  /** the time of signatures, milliseconds since 1970 */
  readonly now: number
}

/** The secret of each source in a storm. */
export const stormSecrets: Readonly<Record<WatchSourceKind, EventSecret>> = {
  distribution: { kind: 'header', name: 'Authorization', value: 'Bearer distribution' },
  gitlab: { kind: 'header', name: 'Authorization', value: 'Bearer gitlab' },
  harbor: { kind: 'header', name: 'Authorization', value: 'Basic harbor' },
  ghcr: { kind: 'hmac', key: 'the key of ghcr' },
  acr: { kind: 'header', name: 'X-Token', value: 'acr' },
  ecr: { kind: 'header', name: 'X-Api-Key', value: 'ecr' },
  quay: { kind: 'path' },
  dockerhub: { kind: 'path' },
  cloudevents: { kind: 'hmac', key: 'the key of cloudevents' },
}

const sources = Object.keys(stormSecrets) as WatchSourceKind[]
/** The sources that name any host. The others name their own. */
const anyHost = ['distribution', 'gitlab', 'harbor', 'acr', 'quay', 'cloudevents'] as const
/** The sources that send something that a receiver can refuse. */
const withProof = sources.filter((name) => stormSecrets[name].kind !== 'path')
const notifications = 'application/vnd.docker.distribution.events.v1+json'

/**
 * Yields requests of all sources in a random order. About six of ten name a tag, many of them the
 * same one with the same digest. The same options yield the same requests.
 */
export function* eventStorm(options: StormOptions): Generator<StormEvent, void, undefined> {
  const { count, digests = 3, images, now, registry, seed, tags } = options
  const random = randomFrom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  for (let i = 0; i < count; i++) {
    const path = pick(images)
    const tag = pick(tags)
    const digest = digestOf(`${path}:${tag} ${Math.floor(random() * digests)}`)
    const push = { registry, path, tag, digest, id: `event-${i}` }
    const { kind, source, request } = variant(push, random(), pick)
    const secret = stormSecrets[source]
    const sent = kind === 'unauthorized' ? request : withSecret(request, secret, now)
    yield { kind, source, request: sent, ...(kind === 'push' && { push }) }
  }
}

type Choose = <T>(from: readonly T[]) => T

function variant(push: SamplePush, chance: number, pick: Choose): Omit<StormEvent, 'push'> {
  if (chance < 0.6) {
    const source = pick(anyHost)
    return { kind: 'push', source, request: pushRequests[source](push) }
  }
  if (chance < 0.7) {
    const source = pick(sources)
    return { kind: 'foreign', source, request: pushRequests[source]({ ...push, path: 'other/image' }) }
  }
  if (chance < 0.85) return { kind: 'ignored', ...pick(ignored)(push) }
  const source = pick(withProof)
  const request = pushRequests[source](push)
  if (chance < 0.95) return { kind: 'unauthorized', source, request }
  return { kind: 'malformed', source, request: { ...request, body: request.body.subarray(1) } }
}

const ignored: readonly ((push: SamplePush) => Pick<StormEvent, 'source' | 'request'>)[] = [
  (push) => ({
    source: 'distribution',
    request: requestOf(
      { events: [distributionEvent(push, { mediaType: 'application/octet-stream', tag: undefined })] },
      notifications,
    ),
  }),
  (push) => ({
    source: 'distribution',
    request: requestOf({ events: [{ ...distributionEvent(push), action: 'pull' }] }, notifications),
  }),
  (push) => ({ source: 'acr', request: requestOf(acrBody(push, 'ping')) }),
  (push) => ({ source: 'quay', request: requestOf(quayBody(push, [])) }),
  (push) => ({ source: 'ghcr', request: pushRequests.ghcr({ ...push, tag: '' }) }),
]
