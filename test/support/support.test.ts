import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DockerRegistry, dockerRegistry, startDockerRegistry, testUser } from './docker-registry.ts'
import { artifact, body, cosignSignature, image, index, referrer, sha256, together } from './images.ts'
import { Oracle } from './oracle.ts'
import { resetConnection } from './reset-connection.ts'

describe('built content', () => {
  it('is the same for the same arguments, and differs by its label', () => {
    expect(index(['amd64', 'arm64']).root).toEqual(index(['amd64', 'arm64']).root)
    expect(image({ label: 'a' }).root.digest).not.toBe(image({ label: 'b' }).root.digest)
  })

  it('has every blob and manifest under its digest', () => {
    const built = together(index(['amd64', 'arm64'], { layers: 3 }), artifact('wasm'))
    for (const [digest, bytes] of built.blobs) expect(sha256(bytes)).toBe(digest)
    for (const m of built.manifests) expect(sha256(m.bytes)).toBe(m.descriptor.digest)
    expect(built.blobs.size).toBe(2 * (3 + 1) + 2)
  })

  it('shares layers with the same name between images', () => {
    const [a, b] = [
      image({ layers: ['base', 'a'], label: 'a' }),
      image({ layers: ['base', 'b'], label: 'b' }),
    ]
    expect([...a.blobs.keys()].filter((digest) => b.blobs.has(digest))).toHaveLength(1)
  })

  it('has its subject in a referrer and in a cosign tag', () => {
    const subject = image()
    expect(body(referrer(subject))['subject']).toMatchObject({ digest: subject.root.digest })
    const tag = cosignSignature(subject).manifests[0]?.tag
    expect(tag).toBe(`${subject.root.digest.replace(':', '-')}.sig`)
  })
})

describe('a connection that is reset', () => {
  it.each([
    ['open', () => undefined],
    ['ending', (socket: Socket) => void socket.end()],
  ])('is closed without an error if it is %s', async (_, prepare) => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
    const [socket] = (await once(server, 'connection')) as [Socket]
    prepare(socket)
    const closed = once(socket, 'close')
    resetConnection(socket)
    await closed
    expect(socket.closed).toBe(true)
    client.destroy()
    server.close()
    await once(server, 'close')
  })
})

describe.skipIf(!dockerRegistry.available)(`docker-registry and the oracle${dockerRegistry.note}`, () => {
  let registry: DockerRegistry
  let oracle: Oracle
  beforeAll(async () => {
    registry = await startDockerRegistry()
    oracle = new Oracle(registry.url)
  })
  afterAll(() => registry.stop())

  it('find a pushed image with its evidence complete', async () => {
    const built = index(['amd64', 'arm64'])
    const sbom = referrer(built)
    const content = together(built, sbom, referrer(sbom, { payload: 'signed' }), cosignSignature(built))
    await oracle.push(content, 'team/api', '1.4.2', 'latest')
    expect(await oracle.differences('team/api', content, '1.4.2')).toEqual([])
    expect(await oracle.tags('team/api')).toContain('latest')
    expect(await oracle.referrers('team/api', built.root.digest)).toEqual([sbom.root.digest])
    expect(await oracle.referrersByApi('team/api', built.root.digest)).toBeUndefined()
  })

  it('report missing content', async () => {
    const content = image({ label: 'broken', layers: 2 })
    await oracle.push(content, 'team/broken', 'v1')
    const gone = [...content.blobs.keys()][0] ?? ''
    await oracle.deleteBlob('team/broken', gone)
    expect(await oracle.complaints('team/broken', 'v1')).toEqual([`${gone}: blob is answered with 404`])
    expect(await oracle.complaints('team/broken', 'v2')).toEqual(['v2: manifest is not there'])
    expect(await oracle.digest('team/absent', 'v1')).toBeUndefined()
  })

  it('count requests', async () => {
    await registry.clearLog()
    await oracle.tags('team/none')
    expect(await registry.log()).toMatchObject([
      { method: 'GET', path: '/v2/team/none/tags/list', status: 404 },
    ])
  })

  it('require the password', async () => {
    const closed = await startDockerRegistry({ htpasswd: testUser.htpasswd })
    try {
      const insider = new Oracle(closed.url, { authorization: testUser.authorization })
      const content = image()
      await insider.push(content, 'team/api', '1')
      expect(await insider.differences('team/api', content, '1')).toEqual([])
      expect((await new Oracle(closed.url).get('/v2/team/api/tags/list')).status).toBe(401)
    } finally {
      await closed.stop()
    }
  })
})
