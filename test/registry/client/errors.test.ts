import { type AddressInfo, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testCertificate } from '../../support/tls.ts'
import { blobOf, bytesSource, newCall, type ScriptedAnswer, scripted, storeAt } from './world.ts'

async function refusal(answer: ScriptedAnswer): Promise<unknown> {
  const { registry } = await scripted(() => answer)
  return storeAt(registry)
    .manifest({ tag: '1' }, newCall())
    .catch((error: unknown) => error)
}

const bodyAbout = (message: string): string => JSON.stringify({ errors: [{ code: 'X', message }] })

/** A server that speaks TLS, and answers plain http on the same port with a 400 without a body. */
async function tlsServerWithPlain400() {
  let handshakes = 0
  const secure = createTlsServer(testCertificate, (socket) => socket.destroy())
  secure.on('tlsClientError', () => undefined)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (first?.[0] !== 22)
        return void socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      handshakes++
      socket.unshift(first)
      secure.emit('connection', socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return {
    registry: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    handshakes: () => handshakes,
  }
}

const json = { 'content-type': 'application/json' }

describe("a registry's error", () => {
  it('keeps its status, code and message', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access is denied' }] })
    expect(await refusal({ status: 403, headers: json, body })).toMatchObject({
      code: 'forbidden',
      status: 403,
      registryCode: 'DENIED',
      why: 'requested access is denied',
      hint: expect.stringContaining('pull'),
    })
  })

  it.each([
    ['no body', ''],
    ['no JSON', '<html>'],
    ['JSON of another form', '{"errors":"x"}'],
    ['fields that are no strings', '{"errors":[{"code":1,"message":{}}]}'],
    ['a body without end', 'x'.repeat(200_000)],
  ])('with %s is an error too', async (_, body) => {
    expect(await refusal({ status: 403, headers: json, body })).toMatchObject({
      code: 'forbidden',
      status: 403,
    })
  })

  it.each([
    ['{"details":"Slow down.","error":{"details":"Slow down."}}', 'Slow down.'],
    ['{"errors":null,"message":"Slow down.","code":"UNSUPPORTED"}', 'Slow down.'],
    ['{"errors":[{"code":"DENIED","message":"","details":"Slow down."}]}', 'Slow down.'],
    ['{"errors":[],"details":"Slow down."}', undefined],
    ['{"message":7,"details":null}', undefined],
  ])('that is %s has the message %s', async (body, why) => {
    const error = await refusal({ status: 403, headers: json, body })
    expect(error).toMatchObject({ code: 'forbidden', status: 403 })
    expect(error).toHaveProperty('why', why)
  })

  it('is cut to a limit', async () => {
    const body = JSON.stringify({ errors: [{ code: 'X'.repeat(1000), message: 'y'.repeat(10_000) }] })
    const error = (await refusal({ status: 403, headers: json, body })) as {
      why: string
      registryCode: string
    }
    expect(error.why.length).toBe(1000)
    expect(error.registryCode.length).toBe(100)
  })

  const hub = { status: 404, headers: json, body: '{"errors":[{"code":"NAME_UNKNOWN","message":"no"}]}' }

  it('404 for a list of tags means a missing repository, with or without a code', async () => {
    for (const answer of [hub, { status: 404 }]) {
      const { registry } = await scripted(() => answer)
      const list = storeAt(registry).tags(newCall())[Symbol.asyncIterator]()
      await expect(list.next()).rejects.toMatchObject({
        code: 'not-found',
        message: `the repository ${registry}/team/api does not exist`,
        hint: expect.stringContaining(`dray login ${registry}`),
      })
    }
  })

  it('404 for a push has a hint to create the repository', async () => {
    const { registry } = await scripted(() => hub)
    await expect(
      storeAt(registry).putBlob(blobOf('x'), bytesSource(Buffer.from('x')), newCall()),
    ).rejects.toMatchObject({
      message: `the repository ${registry}/team/api does not exist`,
      hint: expect.stringContaining('Create the repository team/api first'),
    })
  })

  it('5xx has the number of attempts', async () => {
    const { registry, heard } = await scripted(() => ({ status: 503 }))
    await expect(storeAt(registry).manifest({ tag: '1' }, newCall())).rejects.toMatchObject({
      code: 'unavailable',
      message: `cannot read the manifest: ${registry} answered 503 (8 attempts)`,
    })
    expect(heard).toHaveLength(8)
  })

  it('507 for a manifest is not retried', async () => {
    const { registry, heard } = await scripted(({ method }) => ({ status: method === 'PUT' ? 507 : 404 }))
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [] }))
    const manifest = { ...blobOf(bytes), mediaType }
    await expect(storeAt(registry).putManifest(manifest, bytes, ['1'], newCall())).rejects.toMatchObject({
      code: 'unavailable',
      message: `cannot push the manifest: ${registry} cannot store more`,
    })
    expect(heard.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it.each([
    ['Go', 'Client sent an HTTP request to an HTTPS server.'],
    ['nginx', '<h1>400</h1><center>The plain HTTP request was sent to HTTPS port</center>'],
    ['Apache httpd', "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"],
    ['Tomcat', 'Bad Request\r\nThis combination of host and port requires TLS.\r\n'],
  ])('400 over plain http has a hint about https if %s says so', async (_, body) => {
    expect(await refusal({ status: 400, body })).toMatchObject({
      why: 'it answered that it expects https',
      hint: expect.stringContaining('insecure: false'),
    })
  })

  it.each([
    ['no body', { status: 400 }],
    ['a page', { status: 400, body: '<html>Bad Request</html>' }],
    ['a code', { status: 400, headers: json, body: '{"errors":[{"code":"NAME_INVALID"}]}' }],
    ['a code and a message about https', { status: 400, headers: json, body: bodyAbout('requires TLS') }],
    ['another status', { status: 418, body: 'Client sent an HTTP request to an HTTPS server.' }],
  ])('over plain http says nothing about https with %s', async (_, answer) => {
    const error = await refusal(answer)
    expect(error).toMatchObject({ code: 'protocol', status: answer.status })
    expect(error).not.toHaveProperty('hint', expect.anything())
  })

  it('400 over plain http has a hint about https if the registry answers TLS, which is asked once', async () => {
    const server = await tlsServerWithPlain400()
    const store = storeAt(server.registry)
    for (const tag of ['1', '2']) {
      await expect(store.manifest({ tag }, newCall())).rejects.toMatchObject({
        status: 400,
        why: 'it answers 400 to plain HTTP and accepts TLS',
        hint: expect.stringContaining('insecure: false'),
      })
    }
    expect(server.handshakes()).toBe(1)
  })

  it('of the storage behind a redirect names the storage, with any status', async () => {
    const storage = await scripted(() => ({ status: 403 }))
    const location = `http://${storage.registry}/bucket?X-Signature=canary`
    const { registry } = await scripted(() => ({ status: 307, headers: { location } }))
    const blob = blobOf('x')
    const error: unknown = await storeAt(registry)
      .blob(blob, 0, newCall())
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'protocol',
      status: 403,
      message: `cannot read the blob: ${storage.registry} answered 403 after ${registry} redirected to it`,
    })
    expect(JSON.stringify(error)).not.toContain('canary')
  })

  it('a web page instead of an answer is an error about the page', async () => {
    const page = { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>' }
    expect(await refusal(page)).toMatchObject({
      code: 'protocol',
      message: expect.stringContaining('answered with a web page'),
      hint: expect.stringContaining('this host is a registry'),
    })
  })
})
