import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { indexOf } from '../http.ts'
import { imitated } from './imitated.ts'

const repository = '/v1/projects/acme/locations/us/repositories/web'
/** as Google's client sends it */
const image = `${repository}/packages/team%252Fapi`
const name = 'projects/acme/locations/us/repositories/web/packages/team%2Fapi'
const start = Date.UTC(2026, 0, 2)

describe("the imitation of Artifact Registry's API", () => {
  it('lists versions with numbers as text, and tags on request, at most a hundred', async () => {
    const gar = await imitated('gar', { clock: manualClock(start) })
    const { digest, body, descriptor } = await gar.image('acme/web/team/api', 'layer', 't0')
    for (let i = 1; i < 101; i++) await gar.manifest('acme/web/team/api', JSON.parse(body), `t${i}`)
    const version = {
      name: `${name}/versions/${digest}`,
      createTime: '2026-01-02T00:00:00.000000Z',
      updateTime: '2026-01-02T00:00:00.000000Z',
      metadata: {
        name: `projects/acme/locations/us/repositories/web/dockerImages/team%2Fapi@${digest}`,
        imageSizeBytes: String(body.length + 2 + 5),
        mediaType: descriptor.mediaType,
      },
    }
    expect((await gar.get(`${image}/versions`)).value).toEqual({ versions: [version] })
    const { value: full } = await gar.get(`${image}/versions?view=FULL`)
    expect(full).toMatchObject({ versions: [{ relatedTags: { length: 100 } }] })
  })

  it('lists tags by pages with tokens', async () => {
    const gar = await imitated('gar')
    const { digest, body } = await gar.image('acme/web/team/api', 'layer', 't0')
    await gar.manifest('acme/web/team/api', JSON.parse(body), 't1')
    const { value } = await gar.get(`${image}/tags?pageSize=1`)
    const { nextPageToken } = value as { nextPageToken: string }
    expect(value).toEqual({
      tags: [{ name: `${name}/tags/t0`, version: `${name}/versions/${digest}` }],
      nextPageToken,
    })
    const { value: second } = await gar.get(`${image}/tags?pageSize=1&pageToken=${nextPageToken}`)
    expect(second).toEqual({ tags: [{ name: `${name}/tags/t1`, version: `${name}/versions/${digest}` }] })
  })

  it('shows the mode of repositories and their immutable tags', async () => {
    const traits = new Set(['immutable tags'])
    const gar = await imitated('gar', { vendorOptions: { traits } })
    await gar.image('acme/web/api', 'layer', 'v1')
    const shown = async (): Promise<unknown> => (await gar.get(repository)).value
    expect(await shown()).toMatchObject({
      format: 'DOCKER',
      mode: 'STANDARD_REPOSITORY',
      dockerConfig: { immutableTags: true },
    })
    traits.add('remote repositories')
    expect(await shown()).toMatchObject({ mode: 'REMOTE_REPOSITORY' })
    traits.add('virtual repositories')
    expect(await shown()).toMatchObject({ mode: 'VIRTUAL_REPOSITORY' })
  })

  it('deletes a version by an operation that ends later, or fails', async () => {
    const traits = new Set<string>()
    const clock = manualClock(start)
    const gar = await imitated('gar', { clock, vendorOptions: { traits } })
    const { digest, descriptor } = await gar.image('acme/web/team/api', 'layer', 'v1')
    const deleted = async (query = ''): Promise<unknown> => {
      const reply = await gar.call('DELETE', `${image}/versions/${digest}${query}`)
      const operation = reply.json() as { name: string }
      await clock.advance(5000)
      return (await gar.get(`/v1/${operation.name}`)).value
    }
    expect(await deleted()).toMatchObject({ done: true, error: { code: 9 } })
    traits.add('failing deletes')
    expect(await deleted('?force=true')).toMatchObject({ done: true, error: { code: 13 } })
    traits.clear()
    const index = await gar.manifest('acme/web/team/api', indexOf([descriptor]))
    expect(await deleted('?force=true')).toMatchObject({ error: { code: 9 } })
    await gar.call('DELETE', `/v2/acme/web/team/api/manifests/${index.digest}`)
    traits.add('slow deletes')
    const started = await gar.call('DELETE', `${image}/versions/${digest}?force=true`)
    const { name: operation } = started.json() as { name: string }
    expect((await gar.get(`/v1/${operation}`)).value).toEqual({ name: operation })
    expect((await gar.get(`${image}/versions`)).value).toMatchObject({ versions: { length: 1 } })
    await clock.advance(5000)
    expect((await gar.get(`/v1/${operation}`)).value).toEqual({
      name: operation,
      done: true,
      response: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
    })
    expect((await gar.get(`${image}/versions`)).value).toEqual({})
  })

  it('answers unknown content with the errors of Google', async () => {
    const gar = await imitated('gar')
    await gar.image('acme/web/team/api', 'layer', 'v1')
    for (const path of [
      '/v1/projects/acme/locations/us/repositories/other',
      `${repository}/packages/other/versions`,
      '/v1/projects/acme/locations/us/operations/other',
    ])
      expect((await gar.get(path)).value).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } })
    const missing = `${image}/versions/sha256:${'0'.repeat(64)}`
    expect((await gar.call('DELETE', missing)).status).toBe(404)
    expect((await gar.call('GET', '/v1/other')).status).toBe(404)
  })
})

describe('a token that a service account signed', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const key = { private_key_id: 'key-1', private_key: privateKey, client_email: 'dray@example.com' }
  const good = {
    iss: key.client_email,
    sub: key.client_email,
    aud: 'https://artifactregistry.googleapis.com/',
    iat: start / 1000,
    exp: start / 1000 + 3600,
  }

  it.each<[string, object, object, number]>([
    ['is accepted', {}, {}, 200],
    ['is refused for another audience', { aud: 'https://storage.googleapis.com/' }, {}, 401],
    ['is refused after its end', { iat: start / 1000 - 3700, exp: start / 1000 - 100 }, {}, 401],
    ['is refused if it lasts too long', { exp: start / 1000 + 7200 }, {}, 401],
    ['is refused with another key', {}, { kid: 'key-2' }, 401],
    ['is refused without a signature', {}, { alg: 'none' }, 401],
  ])('%s', async (_, claims, head, status) => {
    const users = { _json_key: JSON.stringify(key) }
    const gar = await imitated('gar', { clock: manualClock(start), auth: { scheme: 'basic', users } })
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'key-1', ...head })}.${part({ ...good, ...claims })}`
    const token = `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`
    const list = '/v1/projects/acme/locations/us/repositories'
    expect((await gar.get(list, { authorization: `Bearer ${token}` })).status).toBe(status)
    expect((await gar.get(list, { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` })).status).toBe(401)
    expect((await gar.get(list)).value).toMatchObject({ error: { status: 'UNAUTHENTICATED' } })
  })
})
