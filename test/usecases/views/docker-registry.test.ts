import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectImage } from '../../../src/usecases/views/inspect/inspect.ts'
import { listRepository } from '../../../src/usecases/views/list/list.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { parsePlatformName } from '../../../src/oci/platform.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { newCall, openStores } from '../../registry/client/world.ts'
import { buildxIndex } from '../../support/buildx.ts'
import { type DockerRegistry, dockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts'
import { cosignSignature, image, referrer, together } from '../../support/images.ts'
import { Oracle } from '../../support/oracle.ts'

describe.skipIf(!dockerRegistry.available)(`views of docker-registry 2.8${dockerRegistry.note}`, () => {
  const api = buildxIndex(['linux/amd64', 'linux/arm64'])
  const old = image({ label: 'old', docker: true })
  let registry: DockerRegistry
  beforeAll(async () => {
    registry = await startDockerRegistry()
    const oracle = new Oracle(registry.url)
    await oracle.push(
      together(api, referrer(api), cosignSignature(api)),
      'api',
      '1.1.0',
      '1.1',
      '1',
      'latest',
    )
    await oracle.push(old, 'api', '1.0.0')
  })
  afterAll(() => registry.stop())

  const store = () => openStores().source({ registry: registry.host, path: 'api' })
  const countRequests = async (path: RegExp) =>
    (await registry.log()).filter((entry) => path.test(entry.path)).length

  it('list tags with their evidence, and find with one request that there is no referrers API', async () => {
    await registry.clearLog()
    const readingOf = () => plainReading
    const now = Date.UTC(2030, 0)
    const options = { limit: 50, evidenceTags: false, brief: false, filter: {}, readingOf, now }
    const view = await listRepository(store(), options, newCall())
    const evidence = { sig: 1, sbom: 3, att: 2 }
    expect(view.tags.map(({ tag }) => tag)).toEqual(['latest', '1', '1.1', '1.1.0', '1.0.0'])
    expect(view.tags[3]).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'], evidence })
    expect(view.tags[4]).toMatchObject({
      image: { digest: old.root.digest },
      platforms: ['linux/amd64'],
      evidence: {},
    })
    expect(await countRequests(/\/referrers\//)).toBe(1)
    expect((await registry.log()).filter(({ method }) => method === 'HEAD')).toHaveLength(5)
    // Two images, four children of the index, and the list under the fallback tag.
    expect(
      (await registry.log()).filter(({ method, path }) => method === 'GET' && path.includes('/manifests/')),
    ).toHaveLength(7)
  })

  it('show one platform of an image with its tags and evidence', async () => {
    const platform = parsePlatformName('linux/arm64')
    const view = await inspectImage(store(), { tag: '1.1.0' }, { tags: 'few', platform }, newCall())
    expect(view).toMatchObject({
      image: { digest: api.manifests[1]?.descriptor.digest },
      tags: ['latest', '1', '1.1', '1.1.0'],
      evidence: [{ via: 'index' }],
    })
    const whole = await inspectImage(store(), { tag: '1.1.0' }, { tags: 'none' }, newCall())
    expect(whole.evidence?.map(({ via }) => via).sort()).toEqual(['index', 'index', 'subject', 'tag'])
  })

  it('show an image in a repository without tags', async () => {
    await new Oracle(registry.url).push(old, 'bare')
    const call = newCall()
    const bare = openStores().source({ registry: registry.host, path: 'bare' })
    const view = await inspectImage(bare, { digest: parseDigest(old.root.digest) }, { tags: 'few' }, call)
    expect(view).toMatchObject({ kind: 'manifest', omittedTags: { why: 'unreadable' } })
    expect(call.events.some(({ kind }) => kind === 'warning')).toBe(true)
  })
})
