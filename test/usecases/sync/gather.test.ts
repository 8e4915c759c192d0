import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { image } from '../../support/images.ts'
import { bench, repository } from '../../support/promotion.ts'
import { driftTexts, syncOf } from '../../support/syncing.ts'
import { watchedRegistry } from '../../support/world.ts'

const format = (requests: readonly AccessEntry[]) =>
  requests.map((r) => `${r.method} ${r.path.replace(/sha256[:-][0-9a-f]+/, 'D')}`).toSorted()

describe('a sync of one repository', () => {
  it('needs per side a list and a HEAD, and one search of referrers, if all is up to date', async () => {
    await using source = await watchedRegistry()
    await using mirror = await watchedRegistry()
    const api = image({})
    await source.oracle.push(api, 'library/api', '1.4.2')
    await mirror.oracle.push(api, 'hub/api', '1.4.2')
    await using run = await bench()
    source.forget()
    mirror.forget()
    const searched = new Map([[api.root.digest as never, Date.now()]])
    const { decision } = await syncOf(run, {
      from: repository(source, 'library/api'),
      to: [repository(mirror, 'hub/api')],
      states: [{ ...emptyState, childrenSearchedAt: searched }],
    })
    expect(decision.images).toEqual([])
    expect(driftTexts(decision)).toEqual([])
    expect(format(source.requests)).toEqual([
      'GET /v2/library/api/referrers/D',
      'GET /v2/library/api/tags/list',
      'HEAD /v2/library/api/manifests/1.4.2',
    ])
    expect(format(mirror.requests)).toEqual(['GET /v2/hub/api/tags/list', 'HEAD /v2/hub/api/manifests/1.4.2'])
  })
})
