import { describe, expect, it } from 'vitest'
import { gitea } from '../../../src/embedded/vendors/gitea/gitea.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { indexOf, started } from '../http.ts'

const list = '/api/v1/packages/team?type=container'

async function startGitea() {
  const clock = manualClock()
  const registry = await started({ vendor: gitea, clock })
  const versions = async (query = ''): Promise<readonly string[]> => {
    const found = (await registry.call('GET', `${list}${query}`)).json() as {
      name: string
      version: string
    }[]
    return found.map(({ name, version }) => `${name}:${version}`).toSorted()
  }
  const status = async (method: string, path: string): Promise<number> =>
    (await registry.call(method, path)).status
  return { ...registry, versions, status, clock }
}

describe('the imitation of Gitea', () => {
  it('has a version for each tag and for each digest that was pushed', async () => {
    const registry = await startGitea()
    const child = await registry.image('team/api', 'layer')
    await registry.manifest('team/api', indexOf([child.descriptor]), '1.4.2')
    expect(await registry.versions()).toEqual([`api:${child.digest}`, 'api:1.4.2'].toSorted())
  })

  it('finds the packages of an owner whose name contains the query', async () => {
    const registry = await startGitea()
    for (const name of ['team/api', 'team/old-api', 'team/web', 'other/api'])
      await registry.image(name, 'layer', '1.4.2')
    expect(await registry.versions('&q=api')).toEqual(['api:1.4.2', 'old-api:1.4.2'])
  })

  it('sends the total and the next page, and at most 50 versions', async () => {
    const registry = await startGitea()
    for (let i = 0; i < 51; i++) await registry.image('team/api', 'layer', `1.0.${i}`)
    const page = await registry.call('GET', `${list}&limit=100`)
    expect(page.json()).toHaveLength(50)
    expect(page.headers).toMatchObject({
      'x-total-count': '51',
      link: `<http://${registry.registry}${list}&limit=100&page=2>; rel="next"`,
    })
  })

  it('deletes a manifest with its last tag, unless it was pushed by digest too', async () => {
    const registry = await startGitea()
    const tagged = await registry.image('team/api', 'tagged', '1.4.2')
    const both = await registry.image('team/api', 'both')
    await registry.image('team/api', 'both', '2.0.0')
    const at = '/v2/team/api/manifests'
    expect(await registry.status('DELETE', `${at}/1.4.2`)).toBe(202)
    expect(await registry.status('HEAD', `${at}/${tagged.digest}`)).toBe(404)
    expect(await registry.status('DELETE', `${at}/2.0.0`)).toBe(202)
    expect(await registry.status('HEAD', `${at}/${both.digest}`)).toBe(200)
  })

  it('deletes a manifest whose only tag moves', async () => {
    const registry = await startGitea()
    const former = await registry.image('team/api', 'former', 'latest')
    await registry.image('team/api', 'now', 'latest')
    expect(await registry.status('HEAD', `/v2/team/api/manifests/${former.digest}`)).toBe(404)
    expect(await registry.versions()).toEqual(['api:latest'])
  })

  it('deletes all versions of a digest through the OCI API, and one through its own', async () => {
    const registry = await startGitea()
    const { digest } = await registry.image('team/api', 'layer', '1.4.2')
    await registry.image('team/api', 'layer', 'latest')
    await registry.image('team/api', 'layer')
    expect(await registry.status('DELETE', `/api/v1/packages/team/container/api/${digest}`)).toBe(204)
    expect(await registry.status('DELETE', `/api/v1/packages/team/container/api/${digest}`)).toBe(404)
    expect(await registry.versions()).toEqual(['api:1.4.2', 'api:latest'])
    expect(await registry.status('DELETE', `/v2/team/api/manifests/${digest}`)).toBe(202)
    expect(await registry.versions()).toEqual([])
  })
})
