import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { decide } from '../../../src/usecases/tag/decide.ts'
import { gather } from '../../../src/usecases/tag/gather.ts'
import type { TagRequest } from '../../../src/usecases/tag/request.ts'
import { type TagStores, tagStores, wanted } from '../../support/tag-stores.ts'

const other = digestOf('the image of another run')
const call = { signal: new AbortController().signal, notify: () => undefined }
const request: TagRequest = {
  image: 'api:build',
  targets: [{ registry: 'registry.example.com', path: 'prod/api' }],
  at: { tag: 'build' },
  choice: { kind: 'next', part: 'patch' },
  policy: defaultTagPolicy,
  immutable: [],
}

/** Plans like `dray tag --next patch`. */
async function planNext({ stores }: TagStores) {
  const gathered = await gather([request], stores, { clock: { now: () => 0 } }, call)
  return decide(gathered, { moveTags: false, partial: false, hash: '', tool: '0' }, new Date(0))
}

describe('the next version, while other runs make versions', () => {
  it('is the one after the version that came between the list and the check of the tag', async () => {
    const registry = tagStores({ build: wanted.digest, '1.0.0': other })
    registry.onRequest = (name) => {
      if (name === 'HEAD 1.0.0') registry.tags.set('1.0.1', other)
    }
    const { steps, refusals } = await planNext(registry)
    expect(refusals).toEqual([])
    expect(steps).toMatchObject([{ tag: '1.0.2' }, { tag: '1.0' }, { tag: '1' }, { tag: 'latest' }])
  })

  it('costs no further request if no version came', async () => {
    const registry = tagStores({ build: wanted.digest, '1.0.0': other })
    await planNext(registry)
    expect(registry.requests).toEqual([
      'GET build',
      'LIST',
      'HEAD 1.0.0',
      'GET 1.0.1',
      'GET 1.0',
      'HEAD 1',
      'HEAD latest',
    ])
  })

  it('is refused if a higher version comes at each reading', async () => {
    const registry = tagStores({ build: wanted.digest, '1.0.0': other })
    registry.onRequest = (name) => {
      const patch = /^(?:HEAD|GET) 1\.0\.(\d+)$/.exec(name)?.[1]
      if (patch !== undefined) registry.tags.set(`1.0.${Number(patch) + 1}`, other).set(`1.0.${patch}`, other)
    }
    expect((await planNext(registry)).refusals).toMatchObject([{ error: { code: 'refused' } }])
    expect(registry.requests.filter((one) => one === 'LIST').length).toBeLessThanOrEqual(40)
  })
})
