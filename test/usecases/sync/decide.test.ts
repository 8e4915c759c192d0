import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { decide } from '../../../src/usecases/sync/decide.ts'
import type { SyncSnapshot, SyncTarget } from '../../../src/usecases/sync/snapshot.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { driftTexts, syncRule } from '../../support/syncing.ts'

const [a, b, c] = ['a', 'b', 'c'].map((text) => digestOf(text)) as [Digest, Digest, Digest]
const now = Date.parse('2026-11-29T08:00:00Z')
const later = { overwriteChanged: false }

const target: SyncTarget = {
  repository: { registry: 'mirror.example.com', path: 'hub/library/node' },
  reading: plainReading,
  state: emptyState,
  immutable: [],
  keepsVersionTags: false,
}

interface Scene {
  readonly rule?: Parameters<typeof syncRule>[0]
  readonly target?: Partial<SyncTarget>
  readonly source: Readonly<Record<string, Digest>>
  /** undefined: there is no such repository */
  readonly destination: Readonly<Record<string, Digest>> | undefined
  /** tags of the source that the rule does not select */
  readonly others?: readonly string[]
  readonly evidenceMissing?: readonly (readonly [Digest, number])[]
  readonly childrenSearched?: readonly Digest[]
  readonly more?: Partial<SyncSnapshot>
}

function snapshotOf(scene: Scene): SyncSnapshot {
  const { source, destination, others = [], evidenceMissing, childrenSearched } = scene
  const at = { ...target, ...scene.target }
  const selected = Object.keys(source)
  return {
    request: {
      rule: syncRule(scene.rule),
      source: { repository: { registry: 'hub.example.com', path: 'library/node' }, reading: plainReading },
      path: 'library/node',
      destinations: [at],
    },
    readAt: now,
    evidence: true,
    sourceTags: [...selected, ...others],
    selection: { tags: selected.map((tag) => ({ tag })), undecided: [], warnings: [] },
    source: new Map(Object.entries(source)),
    unread: new Map(),
    destinations: [
      {
        kind: 'read',
        seenAt: now,
        target: at,
        tags: destination && Object.keys(destination),
        digests: new Map(Object.entries(destination ?? {})),
        evidenceMissing: new Map(evidenceMissing),
        incomplete: new Set(),
        childrenSearched: new Set(childrenSearched),
      },
    ],
    ...scene.more,
  }
}

const written = (tags: Readonly<Record<string, Digest>>) => ({
  state: { ...emptyState, written: new Map(Object.entries(tags)) },
})

describe('the decision about a selected tag', () => {
  it('copies tags that the destination lacks, as one image for each digest', () => {
    const decision = decide(
      snapshotOf({ source: { '20': a, lts: a, latest: b }, destination: undefined }),
      later,
    )
    expect(driftTexts(decision)).toEqual(['20: missing', 'lts: missing', 'latest: missing'])
    expect(decision.images).toMatchObject([
      { name: 'library/node:20', root: a, tags: ['20', 'lts'], destinations: [{ tags: ['20', 'lts'] }] },
      { name: 'library/node:latest', root: b, destinations: [{ tags: ['latest'], refusals: [] }] },
    ])
  })

  it('omits an image with the tags that are up to date', () => {
    const decision = decide(
      snapshotOf({ source: { '20': a, lts: a }, destination: { '20': a, lts: a } }),
      later,
    )
    expect(decision).toMatchObject({ images: [], drift: [{ selected: 2, tags: [] }] })
  })

  it.each([
    ['follow', '20.11.1', 'moved'],
    ['follow', 'latest', 'moved'],
    ['followFloating', 'latest', 'moved'],
    ['followFloating', '20', 'moved'],
    ['followFloating', '20.11.1', 'kept'],
    ['followFloating', '20.11.1.4', 'kept'],
    ['keep', '20.11.1', 'kept'],
    ['keep', 'latest', 'kept'],
  ] as const)('with movedTags %s, a moved tag %s is %s', (movedTags, tag, state) => {
    const decision = decide(
      snapshotOf({ rule: { movedTags }, source: { [tag]: a }, destination: { [tag]: b } }),
      later,
    )
    expect(driftTexts(decision)).toEqual([`${tag}: ${state}`])
    expect(decision.images.length).toBe(state === 'moved' ? 1 : 0)
    expect(decision.drift[0]?.tags[0]).toMatchObject({ source: a, destination: b })
  })

  it('keeps a tag that is immutable in the environment of the destination, with the reason', () => {
    const decision = decide(
      snapshotOf({
        target: { environment: 'mirror', immutable: ['release-*'], keepsVersionTags: true },
        source: { 'release-7': a, '1.4.2': a, latest: a },
        destination: { 'release-7': b, '1.4.2': b, latest: b },
      }),
      later,
    )
    expect(decision.drift[0]?.tags).toMatchObject([
      { tag: 'release-7', state: 'kept', reason: 'tags that match release-* are immutable in mirror' },
      { tag: '1.4.2', state: 'kept', reason: 'version tags are immutable in mirror' },
      { tag: 'latest', state: 'moved' },
    ])
    expect(decision.images).toMatchObject([{ root: a, destinations: [{ tags: ['latest'] }] }])
  })

  it('refuses a tag that someone else changed as a conflict, unless it may be overwritten', () => {
    const snapshot = snapshotOf({
      target: written({ latest: c }),
      source: { latest: a },
      destination: { latest: b },
    })
    const refused = decide(snapshot, later)
    expect(driftTexts(refused)).toEqual(['latest: changed'])
    expect(refused.images).toMatchObject([
      {
        destinations: [
          { tags: [], refusals: [{ code: 'conflict', subject: expect.stringMatching(/:latest$/) }] },
        ],
      },
    ])
    // the conflict stays until someone decides
    expect(refused.states[0]?.written).toEqual(new Map([['latest', c]]))
    const overwritten = decide(snapshot, { overwriteChanged: true })
    expect(driftTexts(overwritten)).toEqual(['latest: moved'])
    expect(overwritten.images).toMatchObject([{ destinations: [{ tags: ['latest'], refusals: [] }] }])
    expect(overwritten.states[0]?.written).toEqual(new Map([['latest', a]]))
  })

  it('moves a tag that an interrupted run of dray wrote', () => {
    const state = { ...emptyState, written: new Map([['1.0', a]]), beingWritten: new Map([['1.0', [b, c]]]) }
    const scene = { source: { '1.0': c }, target: { state } }
    for (const [digest, text] of [
      [a, 'moved'],
      [b, 'moved'],
      [digestOf('d'), 'changed'],
    ] as const)
      expect(driftTexts(decide(snapshotOf({ ...scene, destination: { '1.0': digest } }), later))).toEqual([
        `1.0: ${text}`,
      ])
    const [after] = decide(snapshotOf({ ...scene, destination: { '1.0': c } }), later).states
    expect(after).toMatchObject({ written: new Map([['1.0', c]]) })
    expect(after).not.toHaveProperty('beingWritten')
  })

  it('refuses a changed tag also if the source has not moved', () => {
    const decision = decide(
      snapshotOf({ target: written({ latest: a }), source: { latest: a }, destination: { latest: b } }),
      later,
    )
    expect(driftTexts(decision)).toEqual(['latest: changed'])
    expect(decision.images[0]?.destinations[0]?.refusals).toMatchObject([{ code: 'conflict' }])
  })

  it('moves a tag that someone else changed if the state was lost', () => {
    const decision = decide(snapshotOf({ source: { latest: a }, destination: { latest: b } }), later)
    expect(driftTexts(decision)).toEqual(['latest: moved'])
  })

  it('is up to date if someone else put the tag on the digest of the source', () => {
    const decision = decide(
      snapshotOf({ target: written({ latest: b }), source: { latest: a }, destination: { latest: a } }),
      later,
    )
    expect(driftTexts(decision)).toEqual([])
    expect(decision.states[0]?.written).toEqual(new Map([['latest', a]]))
  })

  it('reports a changed tag that the rule keeps, and refuses nothing', () => {
    const decision = decide(
      snapshotOf({
        rule: { movedTags: 'keep' },
        target: written({ latest: c }),
        source: { latest: a },
        destination: { latest: b },
      }),
      later,
    )
    expect(decision.drift[0]?.tags).toMatchObject([
      { state: 'changed', written: c, reason: 'the rule hub has movedTags: keep' },
    ])
    expect(decision.images).toEqual([])
  })

  it('asks for an image without tags if only attached artifacts are missing', () => {
    const decision = decide(
      snapshotOf({ source: { '20': a }, destination: { '20': a }, evidenceMissing: [[a, 2]] }),
      later,
    )
    expect(driftTexts(decision)).toEqual(['20: evidenceMissing'])
    expect(decision.images).toMatchObject([
      { root: a, tags: ['20'], destinations: [{ tags: [], refusals: [] }] },
    ])
  })

  it('reports a tag whose image cannot be read, and copies the others', () => {
    const error = new DrayError('unsupported', 'cannot read the manifest: schema 1')
    const decision = decide(
      snapshotOf({ source: { '20': a }, destination: {}, more: { unread: new Map([['old', error]]) } }),
      later,
    )
    expect(decision.unread).toEqual([{ name: 'library/node:old', error }])
    expect(decision.images).toMatchObject([{ name: 'library/node:20' }])
  })
})

describe('a destination', () => {
  it('that cannot be read has an error, no drift of tags and its old state', () => {
    const snapshot = snapshotOf({ source: { latest: a }, destination: {} })
    const error = new DrayError('unavailable', 'cannot list the tags')
    const second = { ...target, ...written({ latest: c }) }
    const decision = decide(
      { ...snapshot, destinations: [...snapshot.destinations, { kind: 'unread', target: second, error }] },
      later,
    )
    expect(decision.drift).toMatchObject([
      { tags: [{ tag: 'latest' }] },
      { tags: [], error: { code: 'unavailable' } },
    ])
    expect(decision.drift[0]).not.toHaveProperty('error')
    expect(decision.states[1]).toBe(second.state)
    expect(decision.images[0]?.destinations).toHaveLength(1)
  })

  const exclusive = { delete: { exclusive: true, gracePeriod: 0 } } as const
  const evidenceTag = `${a.replace(':', '-')}.sig`

  it('has extra tags if it is exclusive, without those of attached artifacts and holds', () => {
    const scene = {
      source: { '20': a },
      others: ['nightly'],
      destination: { '20': a, nightly: b, v18: c, [evidenceTag]: b, 'hold-0123456789ab': a },
    }
    expect(driftTexts(decide(snapshotOf(scene), later))).toEqual([])
    const decision = decide(snapshotOf({ ...scene, rule: exclusive }), later)
    expect(decision.drift[0]?.tags).toMatchObject([
      {
        tag: 'nightly',
        state: 'extra',
        source: null,
        reason: 'the rule hub does not select it since 2026-11-29T08:00:00.000Z',
      },
      { tag: 'v18', state: 'extra', reason: 'the source does not have it since 2026-11-29T08:00:00.000Z' },
    ])
    expect(decision.states[0]?.absentSince).toEqual(
      new Map([
        ['nightly', now],
        ['v18', now],
      ]),
    )
  })

  it('counts the grace period of an extra tag from the first run, and ends it if the tag is back', () => {
    const state = {
      ...emptyState,
      absentSince: new Map([
        ['18', now - 5000],
        ['16', now - 9000],
        ['20', now - 1],
      ]),
    }
    const decision = decide(
      snapshotOf({
        rule: exclusive,
        target: { state },
        source: { '20': a },
        destination: { '20': a, '18': b },
      }),
      later,
    )
    expect(decision.states[0]?.absentSince).toEqual(new Map([['18', now - 5000]]))
  })

  it('does not count the grace period from a time that no clock can have had', () => {
    const rule = { delete: { exclusive: true, gracePeriod: 1 } } as const
    const scene = { rule, source: { '1.0': a }, destination: { '1.0': a, old: b } }
    const sinceOf = (absent: number, seenAt: number) => {
      const state = { ...emptyState, absentSince: new Map([['old', absent]]) }
      const snapshot = snapshotOf({ ...scene, target: { state } })
      const destinations = snapshot.destinations.map((one) => ({ ...one, seenAt }))
      return decide({ ...snapshot, destinations }, later).states[0]?.absentSince.get('old')
    }
    expect(sinceOf(now - 1000, now)).toBe(now - 1000)
    // the clock of the machine was ahead, so the tag would be extra for ever
    expect(sinceOf(now + 1000, now)).toBe(now)
    // the clock of the machine is behind that of the registry
    expect(sinceOf(now + 5000, now + 3000)).toBe(now + 3000)
  })

  it('does not count a selected tag as extra that the source deleted during the run', () => {
    const snapshot = snapshotOf({
      rule: exclusive,
      source: { '20': a, '18': b },
      destination: { '20': a, '18': b },
    })
    const decision = decide({ ...snapshot, source: new Map([['20', a]]) }, later)
    expect(driftTexts(decision)).toEqual([])
  })
})

describe('the next state', () => {
  it('has what dray writes or found up to date, and forgets tags that are gone', () => {
    const state = {
      ...emptyState,
      written: new Map([
        ['gone', a],
        ['kept', c],
        ['there', b],
      ]),
    }
    const decision = decide(
      snapshotOf({
        rule: { movedTags: 'keep' },
        target: { state },
        source: { new: a, same: b, kept: a },
        destination: { same: b, kept: c, there: b },
      }),
      later,
    )
    expect(decision.states[0]).toMatchObject({ sourceTags: 3, succeededAt: now })
    expect(decision.states[0]?.written).toEqual(
      new Map([
        ['kept', c],
        ['there', b],
        ['new', a],
        ['same', b],
      ]),
    )
  })

  it('has when children were searched: now for what is copied, else the last time', () => {
    const state = {
      ...emptyState,
      childrenSearchedAt: new Map([
        [b, now - 7],
        [c, now - 9],
      ]),
    }
    const scene = { target: { state }, source: { new: a, same: b }, destination: { same: b } }
    expect(decide(snapshotOf(scene), later).states[0]?.childrenSearchedAt).toEqual(
      new Map([
        [a, now],
        [b, now - 7],
      ]),
    )
    const withoutEvidence = decide(snapshotOf({ ...scene, more: { evidence: false } }), later)
    expect(withoutEvidence.states[0]?.childrenSearchedAt).toEqual(new Map([[b, now - 7]]))
  })
})
