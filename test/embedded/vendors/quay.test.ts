import { describe, expect, it } from 'vitest'
import { createQuayImitation } from '../../../src/embedded/vendors/quay/quay.ts'
import { started } from '../http.ts'

const users = { ci: 'token', 'acme+robot': 'password' }
const bearer = { headers: { authorization: 'Bearer token' } }
const basic = { headers: { authorization: `Basic ${Buffer.from('acme+robot:password').toString('base64')}` } }
const tags = '/api/v1/repository/acme/api/tag/'

describe('the API of Quay', () => {
  it('lists at most 100 tags of a page, 50 by default, the newest first', async () => {
    const client = await started({ vendor: createQuayImitation() })
    const { body } = await client.image('acme/api', 'x', 'v0')
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    for (let i = 1; i < 101; i++) await client.call('PUT', `/v2/acme/api/manifests/v${i}`, { headers, body })
    client.records?.set('acme/api', { tag: 'v7' }, { pushedAt: Date.UTC(2020, 0, 1) })
    const page = async (query: string) =>
      (await client.call('GET', `${tags}${query}`)).json() as { tags: object[]; has_additional: boolean }
    const shown = async (query: string) => {
      const { tags: listed, has_additional: hasMore } = await page(query)
      return [listed.length, hasMore]
    }
    expect(await shown('')).toEqual([50, true])
    expect(await shown('?limit=1000')).toEqual([100, true])
    expect(await shown('?limit=100&page=2')).toEqual([1, false])
    expect(await page('?limit=100&page=2')).toMatchObject({
      tags: [{ name: 'v7', start_ts: Date.UTC(2020, 0, 1) / 1000, size: 1, is_manifest_list: false }],
    })
  })

  it('keeps deleted tags in the history, and restores them', async () => {
    const client = await started({ vendor: createQuayImitation() })
    const { digest } = await client.image('acme/api', 'x', 'v1')
    expect((await client.call('DELETE', `${tags}v1`)).status).toBe(204)
    expect((await client.call('DELETE', `${tags}v1`)).status).toBe(404)
    expect((await client.call('GET', '/v2/acme/api/manifests/v1')).status).toBe(404)
    const listed = async (query: string) => (await client.call('GET', `${tags}${query}`)).json()
    expect(await listed('?onlyActiveTags=true')).toMatchObject({ tags: [] })
    expect(await listed('')).toMatchObject({
      tags: [{ name: 'v1', end_ts: expect.any(Number), expiration: expect.stringContaining('-0000') }],
    })
    const body = JSON.stringify({ manifest_digest: digest })
    expect((await client.call('POST', `${tags}v1/restore`, { body })).status).toBe(200)
    expect((await client.call('GET', '/v2/acme/api/manifests/v1')).status).toBe(200)
  })

  it('ignores the password of a robot', async () => {
    const client = await started({ vendor: createQuayImitation(), auth: { scheme: 'bearer', users } })
    const [robot, nobody, token] = [
      await client.call('GET', tags, basic),
      await client.call('GET', tags),
      await client.call('GET', tags, bearer),
    ]
    expect([robot.status, nobody.status, token.status]).toEqual([401, 401, 404])
    expect(robot.json()).toMatchObject({ title: 'invalid_token', error_message: 'Requires authentication' })
    expect((await client.call('DELETE', `${tags}v1`, basic)).status).toBe(403)
  })
})
