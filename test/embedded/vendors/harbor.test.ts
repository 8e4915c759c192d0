import { describe, expect, it } from 'vitest'
import { harbor } from '../../../src/embedded/vendors/harbor/harbor.ts'
import type { VendorOptions } from '../../../src/embedded/vendors/vendor.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { type Client, indexOf, started } from '../http.ts'

const artifacts = '/api/v2.0/projects/team/repositories/api/artifacts'

/** An index of one image with the tag 1.4.2. */
async function startHarbor(vendorOptions: VendorOptions = {}, clock = manualClock()) {
  const registry = await started({ vendor: harbor, vendorOptions, clock })
  const child = await registry.image('team/api', 'layer')
  const root = await registry.manifest('team/api', indexOf([child.descriptor]), '1.4.2')
  const list = async (query: string): Promise<readonly { digest: string; pull_time: string }[]> =>
    (await registry.call('GET', `${artifacts}?${query}`)).json() as never
  return { ...registry, list, child: child.digest, root: root.digest, clock }
}

/** Pulls by the media types of indexes and manifests. */
const pull = async ({ call }: Pick<Client, 'call'>, method: string, reference: string): Promise<number> =>
  (
    await call(method, `/v2/team/api/manifests/${reference}`, {
      headers: { accept: `${mediaTypes.index}, ${mediaTypes.manifest}` },
    })
  ).status

describe('the imitation of Harbor', () => {
  it('lists children of indexes only with base=*', async () => {
    const registry = await startHarbor()
    expect((await registry.list('')).map(({ digest }) => digest)).toEqual([registry.root])
    expect((await registry.list('q=base%3D*')).map(({ digest }) => digest).toSorted()).toEqual(
      [registry.root, registry.child].toSorted(),
    )
  })

  it('sends the total and the next page, and refuses pages of more than 100', async () => {
    const { call } = await startHarbor()
    const page = await call('GET', `${artifacts}?q=base%3D*&page_size=1`)
    expect(page.headers).toMatchObject({
      'x-total-count': '2',
      link: `<${artifacts}?q=base=*&page_size=1&page=2>; rel="next"`,
    })
    expect((await call('GET', `${artifacts}?page_size=101`)).status).toBe(422)
  })

  it('counts a GET as a pull, also of its index, and no HEAD and no 304', async () => {
    const registry = await startHarbor()
    const pulls = async (): Promise<readonly string[]> =>
      (await registry.list('q=base%3D*')).map(({ pull_time }) => pull_time.slice(0, 4))
    expect(await pull(registry, 'HEAD', '1.4.2')).toBe(200)
    const headers = { 'if-none-match': `"${registry.root}"` }
    expect((await registry.call('GET', '/v2/team/api/manifests/1.4.2', { headers })).status).toBe(304)
    expect(await pulls()).toEqual(['0001', '0001'])
    expect(await pull(registry, 'GET', registry.child)).toBe(200)
    expect(await pulls()).toEqual(['2026', '2026'])
  })

  it('shows a pull after its lag', async () => {
    const registry = await startHarbor({ lagMs: 10_000 })
    await pull(registry, 'GET', '1.4.2')
    expect((await registry.list(''))[0]?.pull_time).toMatch(/^0001/)
    await registry.clock.advance(10_000)
    expect((await registry.list(''))[0]?.pull_time).toMatch(/^2026/)
  })

  it('finds a repository with a slash only by a name that is encoded twice', async () => {
    const registry = await startHarbor()
    await registry.image('team/group/api', 'layer', '1.0.0')
    const status = async (name: string): Promise<number> =>
      (await registry.call('GET', `/api/v2.0/projects/team/repositories/${name}/artifacts`)).status
    expect(await status('group%252Fapi')).toBe(200)
    expect(await status('group%2Fapi')).toBe(404)
  })

  it('refuses a change with the cookie of its session', async () => {
    const { call, root } = await startHarbor()
    const cookie = String((await call('GET', artifacts)).headers['set-cookie'])
    const reply = await call('DELETE', `${artifacts}/${root}`, { headers: { cookie } })
    expect([reply.status, reply.codes]).toEqual([403, ['FORBIDDEN']])
  })

  it('deletes an index with its children through the OCI API, and refuses a child', async () => {
    const { call, root, child } = await startHarbor()
    const statuses = []
    for (const digest of [child, root, child])
      statuses.push((await call('DELETE', `/v2/team/api/manifests/${digest}`)).status)
    expect(statuses).toEqual([412, 202, 404])
  })

  it('refuses to move an immutable tag, and pushes to a proxy project', async () => {
    const immutable = await startHarbor({ lockedTags: ['1.4.2'] })
    await expect(immutable.image('team/api', 'other', '1.4.2')).rejects.toThrow('412')
    const proxy = await started({ vendor: harbor, vendorOptions: { traits: new Set(['proxy-cache']) } })
    await expect(proxy.image('team/api', 'other', '1.4.2')).rejects.toThrow('405')
  })
})
