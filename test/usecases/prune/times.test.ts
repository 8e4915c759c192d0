import { describe, expect, it } from 'vitest'
import type { TimeSource } from '../../../src/config/retention/policy.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { ImageTimes, type ImageTimesOptions } from '../../../src/usecases/prune/policy/times.ts'
import { digestNamed } from '../../support/repository-graphs.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const at = (day: number): number => Date.UTC(2026, 4, day)
const digest = digestNamed('image')

/** The time of an image whose annotation has this text, and of an index with only that image. */
function timesOf(
  created: string | undefined,
  timeFrom: readonly TimeSource[],
  rest: { readonly promoted?: number; readonly pushed?: number } = {},
) {
  const descriptor = { mediaType: mediaTypes.manifest, digest, size: 1 }
  const index = digestNamed('index')
  const image = { descriptor, kind: 'manifest' as const, children: [], blobs: [] }
  const graph = {
    repository: { registry: 'r.example', path: 'api' },
    tags: new Map(),
    missing: new Set<typeof digest>(),
    nodes: new Map([
      [digest, { ...image, ...(created !== undefined && { created }) }],
      [
        index,
        {
          descriptor: { ...descriptor, digest: index },
          kind: 'index' as const,
          children: [{ digest, isAttestation: false }],
          blobs: [],
        },
      ],
    ]),
  }
  const both = [digest, index]
  const promoted = rest.promoted
  const options: ImageTimesOptions = {
    configTimes: new Map(),
    timeFrom,
    now,
    ...(promoted !== undefined && {
      promoted: new Map(both.map((one) => [one, { at: promoted, text: 'promoted as v1 (audit log)' }])),
    }),
    pushed: (one) => (both.includes(one) ? rest.pushed : undefined),
  }
  const times = new ImageTimes(graph, options)
  return both.map((one) => {
    const time = times.of(one)
    return time.kind === 'dated' ? time.at : undefined
  })
}

describe('the time of an image and of its index', () => {
  const built = new Date(at(10)).toISOString()

  it.each<
    [
      string,
      string | undefined,
      readonly TimeSource[],
      { promoted?: number; pushed?: number },
      number | undefined,
    ]
  >([
    ['the promotion', built, ['promoted', 'annotation'], { promoted: at(20) }, at(20)],
    ['the build, if that is later', built, ['promoted', 'annotation'], { promoted: at(5) }, at(10)],
    ['the build without a promotion', built, ['promoted', 'annotation'], {}, at(10)],
    ['the build, if it comes first', built, ['annotation', 'promoted'], { promoted: at(20) }, at(10)],
    ['the promotion without a build', undefined, ['annotation', 'promoted'], { promoted: at(20) }, at(20)],
    [
      'the promotion of an undated build',
      '1970-01-01T00:00:00Z',
      ['promoted', 'annotation'],
      { promoted: at(20) },
      at(20),
    ],
    [
      'unknown, if the build cannot be believed',
      '1970-01-01T00:00:00Z',
      ['annotation', 'promoted'],
      { promoted: at(20) },
      undefined,
    ],
    [
      'the push, if it comes before',
      '1970-01-01T00:00:00Z',
      ['promoted', 'pushed', 'annotation'],
      { pushed: at(15) },
      at(15),
    ],
    [
      'the push, if nothing else has a time',
      undefined,
      ['annotation', 'config', 'pushed'],
      { pushed: at(15) },
      at(15),
    ],
    ['unknown, if the push is in the future', undefined, ['pushed'], { pushed: now + 1 }, undefined],
    ['unknown without any source', undefined, ['promoted', 'pushed'], {}, undefined],
  ])('is %s', (_, created, timeFrom, rest, expected) => {
    expect(timesOf(created, timeFrom, rest)).toEqual([expected, expected])
  })
})
