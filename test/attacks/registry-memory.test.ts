import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { type Client, indexOf, started } from '../embedded/http.ts'

const uploads = '/v2/a/blobs/uploads/'

async function openUpload({ call }: Client): Promise<string> {
  const reply = await call('POST', uploads)
  expect(reply.status).toBe(202)
  return reply.headers['location'] ?? ''
}

describe('memory', () => {
  const content = (seed: number) => Buffer.alloc(100_000, seed)

  it('is limited with 507, and free again after a delete', async () => {
    const client = await started({ storage: memoryStorage(250_000) })
    const first = await client.blob('a', content(1))
    const second = await client.blob('a', content(2))
    const push = () => client.call('POST', `${uploads}?digest=${digestOf(content(3))}`, { body: content(3) })
    const refused = await push()
    expect([refused.status, refused.codes]).toEqual([507, ['STORAGE_FULL']])
    expect(refused.text).toContain('start dray serve with a folder')
    await client.call('DELETE', `/v2/a/blobs/${first}`)
    expect((await push()).status).toBe(201)
    expect((await client.call('GET', `/v2/a/blobs/${second}`)).body.equals(content(2))).toBe(true)
  })

  it('of idle uploads is freed for those in progress', async () => {
    const client = await started({ storage: memoryStorage(250_000) })
    const idle = await openUpload(client)
    await client.call('PATCH', idle, { body: content(1) })
    await client.call('PATCH', await openUpload(client), { body: content(2) })
    await client.blob('a', content(3))
    expect((await client.call('GET', idle)).status).toBe(404)
  })

  it('counts a mounted blob once, and frees it with its last repository', async () => {
    const client = await started({ storage: memoryStorage(150_000) })
    const digest = await client.blob('a', content(1))
    await client.call('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)
    await client.call('DELETE', `/v2/a/blobs/${digest}`)
    const push = () => client.call('POST', `${uploads}?digest=${digestOf(content(2))}`, { body: content(2) })
    expect((await push()).status).toBe(507)
    await client.call('DELETE', `/v2/b/blobs/${digest}`)
    expect((await push()).status).toBe(201)
  })

  it.each([
    ['repositories', (i: number) => ['PUT', `/v2/r${i}/manifests/1`, JSON.stringify(indexOf([]))]],
    ['tags', (i: number) => ['PUT', `/v2/a/manifests/t${i}`, JSON.stringify(indexOf([]))]],
    [
      'manifests',
      (i: number) => [
        'PUT',
        '/v2/a/manifests/1',
        JSON.stringify(indexOf([], { annotations: { i: `${i}` } })),
      ],
    ],
    ['empty blobs', (i: number) => ['POST', `/v2/r${i}/blobs/uploads/?digest=${digestOf('')}`, '']],
    ['blobs', (i: number) => ['POST', `${uploads}?digest=${digestOf(`${i}`)}`, `${i}`]],
  ] as const)('is limited for many %s too', async (_what, request) => {
    const client = await started({ storage: memoryStorage(50_000) })
    for (let i = 0; i < 200; i++) {
      const [method = '', path = '', body = ''] = request(i)
      const reply = await client.call(method, path, { body })
      if (reply.status === 507) return
      expect(reply.status).toBe(201)
    }
    expect.unreachable('the memory was never full')
  })

  it('is free again after everything was deleted', async () => {
    const client = await started({ storage: memoryStorage(60_000) })
    for (let i = 0; i < 100; i++) {
      const { digest, descriptor } = await client.image('a', `layer ${i}`, '1')
      const signature = await client.image('a', `signature ${i}`, 's', { subject: descriptor })
      for (const path of [
        `manifests/${signature.digest}`,
        `manifests/${digest}`,
        ...[`layer ${i}`, `signature ${i}`, '{}'].map((blob) => `blobs/${digestOf(blob)}`),
      ]) {
        expect((await client.call('DELETE', `/v2/a/${path}`)).status).toBe(202)
      }
    }
  })
})
