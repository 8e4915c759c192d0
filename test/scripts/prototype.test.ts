import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runPrototype } from '../../scripts/bench/contestants.ts'
import { run } from '../../scripts/bench/process.ts'
import { image, index, referrer, together } from '../support/images.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

// The registry of the bench has no referrers API either.
let registry: WatchedRegistry
beforeAll(async () => {
  registry = await watchedRegistry('docker-registry-2.8')
})
beforeEach(() => registry.forget())
afterAll(() => registry[Symbol.asyncDispose]())

async function prototype(stdin: string, ...args: readonly string[]): Promise<number> {
  registry.forget()
  const ended = await run({ ...runPrototype(...args), stdin })
  expect(ended).toMatchObject({ code: 0, output: '' })
  return registry.requests.length
}

describe('the prototype of the bench', () => {
  it('promotes an image of N layers with N+4 requests, and with 2 again', async () => {
    const content = image({ layers: 12 })
    await registry.oracle.push(content, 'staging/api', '1.4.2')
    const promote = ['promote', `${registry.host}/staging/api:1.4.2`, `${registry.host}/prod/api:1.4.2`]
    expect(await prototype('', ...promote)).toBe(16)
    expect(await registry.oracle.complaints('prod/api', '1.4.2')).toEqual([])
    expect(await prototype('', ...promote)).toBe(2)
  })

  it('promotes an index with its referrers', async () => {
    const api = index(['linux/amd64', 'linux/arm64'], { layers: 2 })
    await registry.oracle.push(together(api, referrer(api, { payload: 'sbom' })), 'staging/multi', '1.4.2')
    const [from, to] = ['staging', 'prod'].map((path) => `${registry.host}/${path}/multi:1.4.2`)
    await prototype('', 'promote', '--referrers', from ?? '', to ?? '')
    expect(await registry.oracle.complaints('prod/multi', '1.4.2')).toEqual([])
    expect(await registry.oracle.referrers('prod/multi', api.root.digest)).toHaveLength(1)
  })

  it('sets tags, and promotes the names of its input', async () => {
    const content = image({ layers: 1 })
    for (const name of ['a', 'b']) await registry.oracle.push(content, `dev/${name}`, '1.0.0')
    expect(await prototype('', 'tag', `${registry.host}/dev/a:1.0.0`, '1.0', '1')).toBe(3)
    expect(await registry.oracle.tags('dev/a')).toEqual(['1', '1.0', '1.0.0'])
    const { host } = registry
    expect(await prototype('a\nb\n', 'bulk', `${host}/dev/`, `${host}/live/`, '1.0.0')).toBe(10)
    for (const name of ['a', 'b'])
      expect(await registry.oracle.digest(`live/${name}`, '1.0.0')).toBe(content.root.digest)
  })
})
