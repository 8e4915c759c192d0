import { describe, expect, it } from 'vitest'
import { startRegistry } from '../../src/embedded/server.ts'
import { started } from './http.ts'

describe('the server', () => {
  it('identifies itself as a registry at /v2/', async () => {
    const { call } = await started()
    const reply = await call('GET', '/v2/')
    expect(reply.status).toBe(200)
    expect(reply.headers['docker-distribution-api-version']).toBe('registry/2.0')
  })

  it('reports a request before its client has the response', async () => {
    const client = await started()
    const { digest, descriptor } = await client.image('team/api', 'layer', '1')
    client.log.length = 0
    const reply = await client.call('GET', '/v2/team/api/manifests/1?ns=x')
    expect(reply.headers['docker-content-digest']).toBe(digest)
    expect(client.log).toHaveLength(1)
    expect(client.log[0]).toMatchObject({
      method: 'GET',
      path: '/v2/team/api/manifests/1',
      status: 200,
      kind: 'manifest',
      repository: 'team/api',
      reference: '1',
      requestBytes: 0,
      responseBytes: descriptor.size,
      aborted: false,
    })
    expect(client.log[0]?.query.get('ns')).toBe('x')
  })

  it('counts the bytes of both bodies', async () => {
    const client = await started()
    const digest = await client.blob('a', 'hello')
    await client.call('GET', `/v2/a/blobs/${digest}`, { headers: { range: 'bytes=1-2' } })
    await client.call('HEAD', `/v2/a/blobs/${digest}`)
    expect(client.log.map((entry) => [entry.kind, entry.requestBytes, entry.responseBytes])).toEqual([
      ['upload', 5, 0],
      ['blob', 0, 2],
      ['blob', 0, 0],
    ])
  })

  it('names the address that is in use', async () => {
    const { port } = await started()
    await expect(startRegistry({ port })).rejects.toMatchObject({ code: 'io', subject: `127.0.0.1:${port}` })
  })

  it('can be closed twice', async () => {
    const running = await startRegistry()
    await running.close()
    await expect(running.close()).resolves.toBeUndefined()
  })
})
