import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../../src/oci/digest.ts'
import { decide } from '../../../../src/usecases/sync/decide.ts'
import type { SyncDecision } from '../../../../src/usecases/sync/decision.ts'
import type { SyncSnapshot } from '../../../../src/usecases/sync/snapshot.ts'
import { driftTexts, syncRequest } from '../../../support/syncing.ts'

const [old, other, fresh] = ['old', 'other', 'new'].map((name): Digest => digestOf(name)) as [
  Digest,
  Digest,
  Digest,
]

type Tags = Readonly<Record<string, Digest>>

/** Decides about tags of both sides, with digests in use at the destination. */
function decideWith(source: Tags, destination: Tags, ...used: readonly Digest[]): SyncDecision {
  const request = syncRequest({
    from: { registry: 'hub.example.com', path: 'app' },
    to: [{ registry: 'm.example.com', path: 'hub/app' }],
    target: { inUse: new Map(used.map((digest) => [digest, 'gitops/api.yaml'])) },
  })
  const [target] = request.destinations
  if (target === undefined) throw new TypeError('no destination')
  const tags = Object.keys(source)
  const snapshot: SyncSnapshot = {
    request,
    readAt: 1,
    evidence: false,
    sourceTags: tags,
    selection: { tags: tags.map((tag) => ({ tag })), undecided: [], warnings: [] },
    source: new Map(Object.entries(source)),
    unread: new Map(),
    destinations: [
      {
        kind: 'read',
        seenAt: 1,
        target,
        tags: Object.keys(destination),
        digests: new Map(Object.entries(destination)),
        evidenceMissing: new Map(),
        childrenSearched: new Set(),
        incomplete: new Set(),
      },
    ],
  }
  return decide(snapshot, { overwriteChanged: false })
}

describe('a move of a tag away from a digest in use', () => {
  it('is refused: the tag is kept, its image is refused, and the state does not change', () => {
    const decision = decideWith({ latest: fresh }, { latest: old }, old)
    expect(driftTexts(decision)).toEqual(['latest: kept'])
    expect(decision.images[0]?.destinations).toMatchObject([
      { tags: [], refusals: [{ code: 'refused', why: expect.stringContaining('gitops/api.yaml') }] },
    ])
    expect(decision.states[0]?.written.get('latest')).toBeUndefined()
  })

  it('is allowed if another selected tag stays on the digest', () => {
    const decision = decideWith({ latest: fresh, '1.0': old }, { latest: old, '1.0': old }, old)
    expect(driftTexts(decision)).toEqual(['latest: moved'])
  })

  it('is refused for all tags if all of them would move', () => {
    const decision = decideWith({ latest: fresh, '1.0': fresh }, { latest: old, '1.0': old }, old)
    expect(driftTexts(decision)).toEqual(['latest: kept', '1.0: kept'])
  })

  it('is allowed if another digest is in use', () => {
    const decision = decideWith({ latest: fresh }, { latest: old }, other)
    expect(driftTexts(decision)).toEqual(['latest: moved'])
  })
})
