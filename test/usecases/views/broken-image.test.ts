import { describe, expect, it } from 'vitest'
import { inspectImage, type InspectOptions } from '../../../src/usecases/views/inspect/inspect.ts'
import { listRepository } from '../../../src/usecases/views/list/list.ts'
import { parsePlatformName } from '../../../src/oci/platform.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { embedded, newCall, openStores, scripted } from '../../registry/client/world.ts'
import { imageWithConfig } from '../../support/config-image.ts'
import { body, type Content, image, index } from '../../support/images.ts'

const readingOf = () => plainReading

/**
 * Starts a registry for the repository `api`. `inspect` returns the view of an image and the
 * warnings.
 */
async function start() {
  const at = await embedded()
  const store = () => openStores().source({ registry: at.registry, path: 'api' })
  const inspect = async (tag: string, over: Partial<InspectOptions> = {}) => {
    const call = newCall()
    const view = await inspectImage(store(), { tag }, { tags: 'none', ...over }, call)
    const warnings = call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    return { view, warnings }
  }
  const push = (content: Content, ...tags: string[]) => at.push(content, 'api', ...tags)
  return { ...at, store, inspect, push }
}

const on = (platform: string) => ({ platform: parsePlatformName(platform) })
const configOf = (content: Content) => body(content)['config'] as { readonly digest: string }

describe('an incomplete image', () => {
  it('is shown with its missing children', async () => {
    const { inspect, push, oracle } = await start()
    const api = index(['linux/amd64', 'linux/arm64'])
    await push(api, '1.0.0')
    const gone = api.manifests[1]?.descriptor.digest
    await oracle.delete('api', gone ?? '')
    const { view } = await inspect('1.0.0')
    expect(view).toMatchObject({
      image: { digest: api.root.digest },
      manifests: [{ platform: 'linux/amd64', layers: [{}, {}] }],
      missing: [{ platform: 'linux/arm64', descriptor: { digest: gone } }],
      evidence: [],
    })
    await expect(inspect('1.0.0', on('linux/arm64'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('has the platforms of its children, even if the index has no platform for another one', async () => {
    const { inspect, push, oracle } = await start()
    const bare = image({ platform: 'linux/s390x' })
    const { platform: _, ...root } = bare.root
    const amd64 = image({ platform: 'linux/amd64' })
    await push(index([amd64, { ...bare, root }]), '1.0.0')
    await oracle.delete('api', root.digest)
    expect((await inspect('1.0.0', on('linux/amd64'))).view.image.digest).toBe(amd64.root.digest)
    expect((await inspect('1.0.0')).view.missing).toEqual([{ descriptor: root }])
  })

  it('is shown with a warning if its config is missing or malformed', async () => {
    const { inspect, push, registry } = await start()
    const api = image({ labels: { a: 'b' } })
    await push(api, '1.0.0')
    await fetch(`http://${registry}/v2/api/blobs/${configOf(api).digest}`, { method: 'DELETE' })
    await push(imageWithConfig({ config: { Env: 'A=b', ExposedPorts: [] } }), '2.0.0')
    const gone = await inspect('1.0.0')
    expect(gone.view.manifests).toMatchObject([{ config: configOf(api), layers: [{}, {}] }])
    expect(gone.view.manifests[0]).not.toHaveProperty('image')
    expect(gone.view.manifests[0]).not.toHaveProperty('artifactType')
    expect(gone.warnings).toEqual([expect.stringContaining(`@${configOf(api).digest}`)])
    const malformed = await inspect('2.0.0')
    expect(malformed.view.manifests).toHaveLength(1)
    expect(malformed.warnings).toEqual([expect.stringContaining('ExposedPorts')])
  })

  it('has an unknown age in a list if its config is missing, and is not counted as undated', async () => {
    const { push, registry, store } = await start()
    const api = image()
    await push(api, '1.0.0')
    await fetch(`http://${registry}/v2/api/blobs/${configOf(api).digest}`, { method: 'DELETE' })
    const options = { limit: undefined, evidenceTags: false, brief: false, readingOf, now: Date.now() }
    const view = await listRepository(store(), { ...options, filter: {} }, newCall())
    expect(view.tags).toMatchObject([{ created: null, isCreatedUnknown: true }])
    const since = await listRepository(store(), { ...options, filter: { since: 0 } }, newCall())
    expect(since.scan).toEqual({ read: 1, undated: 0, unread: 1 })
  })

  it('is shown with unknown evidence if the evidence cannot be read', async () => {
    const api = image()
    const bodies = new Map([...api.blobs, ['v', Buffer.from(api.manifests[0]?.bytes ?? [])]])
    const { registry } = await scripted(({ path }) => {
      const bytes = bodies.get(path.split('/').at(-1) ?? '')
      if (bytes === undefined) return { status: path.includes('/referrers/') ? 403 : 404 }
      return { status: 200, headers: { 'content-type': api.root.mediaType }, body: bytes }
    })
    const store = openStores().source({ registry, path: 'api' })
    const call = newCall()
    const view = await inspectImage(store, { tag: 'v' }, { tags: 'none' }, call)
    expect(view).toMatchObject({ image: { digest: api.root.digest }, evidence: null })
    expect(call.events).toContainEqual({
      kind: 'warning',
      text: expect.stringContaining('referrers') as string,
    })
  })
})

it('a manifest for several platforms is shown with each, and found by each', async () => {
  const { inspect, push, store } = await start()
  const arm = image({ platform: 'linux/arm64' })
  const v8 = {
    ...arm,
    root: { ...arm.root, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  }
  await push(index([arm, arm, v8]), '1.0.0')
  const platforms = ['linux/arm64', 'linux/arm64/v8']
  expect((await inspect('1.0.0')).view.manifests.map(({ platform }) => platform)).toEqual(platforms)
  const options = {
    limit: undefined,
    evidenceTags: false,
    brief: false,
    filter: {},
    readingOf,
    now: Date.now(),
  }
  expect((await listRepository(store(), options, newCall())).tags).toMatchObject([{ platforms }])
  for (const platform of platforms)
    expect((await inspect('1.0.0', on(platform))).view.image.digest).toBe(arm.root.digest)
})
