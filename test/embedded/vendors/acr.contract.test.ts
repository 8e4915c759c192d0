import { ContainerRegistryClient, type ContainerRegistryClientOptions } from '@azure/container-registry'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { indexOf } from '../http.ts'
import { imitated } from './imitated.ts'

/** Microsoft's client, which accepts https only, at an embedded registry. */
function officialClient(registry: string): ContainerRegistryClient {
  const plain: NonNullable<ContainerRegistryClientOptions['additionalPolicies']>[number] = {
    position: 'perRetry',
    policy: {
      name: 'plain http',
      sendRequest: (request, next) => {
        request.url = request.url.replace(/^https:/, 'http:')
        request.allowInsecureConnection = true
        return next(request)
      },
    },
  }
  return new ContainerRegistryClient(`https://${registry}`, { additionalPolicies: [plain] })
}

describe("Microsoft's client, which reads the imitation,", () => {
  it('lists all manifests over several pages with their attributes', async () => {
    const now = new Date('2026-01-02T00:00:00Z')
    const acr = await imitated('acr', { clock: manualClock(now.getTime()) })
    const digests: string[] = []
    for (let i = 0; i < 5; i++) digests.push((await acr.image('team/api', `layer ${i}`, `v${i}`)).digest)
    const repository = officialClient(acr.registry).getRepository('team/api')
    const pages = await Array.fromAsync(repository.listManifestProperties().byPage({ maxPageSize: 2 }))
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1])
    const listed = pages.flat()
    expect(listed.map(({ digest }) => digest)).toEqual(digests.toSorted())
    for (const { sizeInBytes, createdOn, lastUpdatedOn, canDelete, tags } of listed) {
      expect(sizeInBytes).toBeGreaterThan(0)
      expect([createdOn, lastUpdatedOn, canDelete, tags.length]).toEqual([now, now, true, 1])
    }
  })

  it('reads a locked tag, an index and the repository, and lists repositories', async () => {
    const acr = await imitated('acr', { vendorOptions: { lockedTags: ['v1'] } })
    const { digest, descriptor } = await acr.image('team/api', 'layer', 'v1')
    const platform = { os: 'linux', architecture: 'amd64' }
    const index = await acr.manifest('team/api', indexOf([{ ...descriptor, platform }]))
    const client = officialClient(acr.registry)
    const tags = await Array.fromAsync(client.getArtifact('team/api', digest).listTagProperties())
    expect(tags).toMatchObject([{ name: 'v1', digest, canDelete: false, canWrite: true }])
    const artifact = await client.getArtifact('team/api', index.digest).getManifestProperties()
    expect(artifact.relatedArtifacts).toEqual([{ digest, architecture: 'amd64', operatingSystem: 'linux' }])
    expect(await client.getRepository('team/api').getProperties()).toMatchObject({
      name: 'team/api',
      manifestCount: 2,
      tagCount: 1,
      canDelete: true,
    })
    expect(await Array.fromAsync(client.listRepositoryNames())).toEqual(['team/api'])
  })

  it('deletes a tag, and is refused a locked one', async () => {
    const acr = await imitated('acr', { vendorOptions: { lockedTags: ['v1'] } })
    const { body } = await acr.image('team/api', 'layer', 'v1')
    await acr.manifest('team/api', JSON.parse(body), 'v2')
    const artifact = officialClient(acr.registry).getArtifact('team/api', 'v2')
    await artifact.deleteTag('v2')
    expect((await acr.get('/v2/team/api/tags/list')).value).toMatchObject({ tags: ['v1'] })
    await expect(artifact.deleteTag('v1')).rejects.toMatchObject({ statusCode: 405 })
  })
})
