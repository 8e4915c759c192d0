import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { parseVersion, plainReading } from '../../../src/semver/version.ts'
import { decide } from '../../../src/usecases/tag/decide.ts'
import { gather } from '../../../src/usecases/tag/gather.ts'
import type { TagChoice, TagRequest } from '../../../src/usecases/tag/request.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type TagStores, tagStores, wanted } from '../../support/tag-stores.ts'

const other = digestOf('another image')
const call = { signal: new AbortController().signal, notify: () => undefined }

function version(tag: string): TagChoice {
  const parsed = parseVersion(tag, plainReading)
  if (parsed === undefined) throw new Error(`${tag} is not a version`)
  return { kind: 'version', given: { tag, version: parsed, hasV: false } }
}

async function plan(registry: TagStores, choice: TagChoice) {
  const repository = registry.stores.source({ registry: '', path: '' }).repository
  const request: TagRequest = {
    image: 'api:build',
    targets: [repository],
    at: { tag: 'build' },
    choice,
    policy: defaultTagPolicy,
    immutable: [],
  }
  const gathered = await gather([request], registry.stores, { clock: systemClock }, call)
  return decide(gathered, { moveTags: false, partial: false, hash: '', tool: '0' }, new Date())
}

describe('tags that a request names', () => {
  it.each([
    ['a version', version('1.4.2'), ['GET build', 'LIST', 'GET 1.4.2', 'GET 1.4', 'HEAD 1', 'HEAD latest']],
    ['plain tags', { kind: 'plain', tags: ['a', 'b'] } as const, ['GET build', 'HEAD a', 'HEAD b']],
  ])('are read together with the image and the list: %s', async (_, choice, requests) => {
    const registry = tagStores({ build: wanted.digest })
    const all = Promise.withResolvers<void>()
    // No request is answered before the last one has come.
    registry.onRequest = () => {
      if (registry.requests.length === requests.length) all.resolve()
      return all.promise
    }
    expect((await plan(registry, choice)).steps).toHaveLength(requests.includes('LIST') ? 4 : 2)
    expect(registry.requests.toSorted()).toEqual(requests.toSorted())
  })

  it('are refused if another run puts the version after it was read and before the list is', async () => {
    const registry = tagStores({ build: wanted.digest })
    registry.onRequest = async (request) => {
      if (request !== 'LIST') return
      await new Promise((resolve) => setImmediate(resolve))
      registry.tags.set('1.4.2', other)
    }
    const { steps, refusals } = await plan(registry, version('1.4.2'))
    expect(steps).toEqual([])
    expect(refusals).toMatchObject([{ error: { code: 'refused' } }])
    expect(registry.requests.filter((one) => one.endsWith(' 1.4.2'))).toHaveLength(2)
  })

  it('are refused if another run puts the version after the list was read', async () => {
    const registry = tagStores({ build: wanted.digest })
    registry.onRequest = (request) => {
      if (request !== 'GET 1.4.2') return
      return new Promise((resolve) => {
        setImmediate(() => {
          registry.tags.set('1.4.2', other)
          resolve()
        })
      })
    }
    const { steps, refusals } = await plan(registry, version('1.4.2'))
    expect(steps).toEqual([])
    expect(refusals).toMatchObject([{ error: { code: 'refused' } }])
  })

  it('are read after the list if they cannot be read before', async () => {
    const registry = tagStores({ build: wanted.digest })
    let isRefused = true
    registry.onRequest = (request) => {
      if (request !== 'HEAD latest' || !isRefused) return
      isRefused = false
      throw new Error('too many requests')
    }
    expect((await plan(registry, version('1.4.2'))).steps).toHaveLength(4)
  })

  it('that the list does not move are not in the plan', async () => {
    const registry = tagStores({ build: wanted.digest, '1.5.0': other, '1': other, latest: other })
    const { placements } = await plan(registry, version('1.4.2'))
    expect(placements[0]?.tags.map(({ tag }) => tag)).toEqual(['1.4.2', '1.4'])
  })
})
