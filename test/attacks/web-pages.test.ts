import { describe, expect, it, onTestFinished } from 'vitest'
import { warnAboutExposure } from '../../src/cli/registries/serve.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import { send, started } from '../embedded/http.ts'
import { startDray } from '../support/program.ts'
import { sendRaw, statusIn } from '../support/raw-http.ts'

/** A request that a web page could send: it opens an upload in any repository. */
function openUpload(lines: readonly string[], target = '/v2/a/blobs/uploads/', version = '1.1'): string {
  return [`POST ${target} HTTP/${version}`, ...lines, 'Content-Length: 0', 'Connection: close', '', ''].join(
    '\r\n',
  )
}

describe('a registry on loopback', () => {
  it.each([
    'attacker.example',
    'attacker.example:5000',
    'localhost.attacker.example',
    'localhost.attacker.example:5000',
    '127.0.0.1.nip.io',
    '127.0.0.1.attacker.example',
    'attackerlocalhost',
    'localhost:5000@attacker.example',
    'attacker.example#localhost',
    'attacker.example/localhost',
    'localhost, attacker.example',
    'localhost attacker.example',
    'localhost..',
    'localhost%00.attacker.example',
    '0.0.0.0:5000',
    '10.0.0.1',
    '128.0.0.1',
    '127.0.0.256',
    '2130706433',
    '0x7f.1',
    '127.1',
    '[::]',
    '[::2]:5000',
    '[fe80::1]',
    '[::ffff:10.0.0.1]',
    '[::1',
    '::1',
    'xn--lcalhost-55a',
    '',
  ])('does nothing for the host %j', async (host) => {
    const { port, log } = await started()
    const answer = await sendRaw(port, openUpload([`Host: ${host}`])).answer
    expect([statusIn(answer), /"code":"DENIED"/.test(answer)]).toEqual([421, true])
    expect(answer).not.toMatch(/^location:/im)
    expect(log.map(({ status }) => status)).toEqual([421])
  })

  it.each([
    'localhost',
    'localhost:1',
    'LOCALHOST:5000',
    'localhost.',
    'LocalHost.:80',
    'registry.localhost:5000',
    '127.0.0.1',
    '127.8.9.10:5000',
    '[::1]',
    '[::1]:5000',
    '[0:0:0:0:0:0:0:1]:5000',
    '[::FFFF:127.0.0.1]',
    '[::ffff:7f00:1]',
  ])('answers to the host %j', async (host) => {
    const { port } = await started()
    expect(statusIn(await sendRaw(port, openUpload([`Host: ${host}`])).answer)).toBe(202)
  })

  it.each([
    ['no Host header', openUpload([]), 400],
    ['no Host header in HTTP/1.0', openUpload([], undefined, '1.0'), 421],
    ['two Host headers', openUpload(['Host: localhost', 'Host: attacker.example']), 400],
    ['two Host headers, the own one last', openUpload(['Host: attacker.example', 'Host: localhost']), 400],
    ['a Host header on two lines', openUpload(['Host: localhost', ' attacker.example']), 400],
    ['a Host header with a space before its colon', openUpload(['Host : localhost']), 400],
    [
      'a target on another host',
      openUpload(['Host: localhost'], 'http://attacker.example/v2/a/blobs/uploads/'),
      404,
    ],
    [
      'a target on this host and another Host header',
      openUpload(['Host: attacker.example'], 'http://localhost/v2/a/blobs/uploads/'),
      421,
    ],
    ['an X-Forwarded-Host', openUpload(['Host: attacker.example', 'X-Forwarded-Host: localhost']), 421],
    ['a Forwarded header', openUpload(['Host: attacker.example', 'Forwarded: host=localhost']), 421],
    ['an X-Original-Host', openUpload(['Host: attacker.example', 'X-Original-Host: localhost']), 421],
  ])('refuses a request with %s', async (_name, text, status) => {
    const { port } = await started()
    const answer = await sendRaw(port, text).answer
    expect(statusIn(answer)).toBe(status)
    expect(answer).not.toMatch(/^location:/im)
  })

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'])(
    'refuses %s for another host',
    async (method) => {
      const { call, image, log } = await started()
      await image('a', 'layer', '1')
      log.length = 0
      const reply = await call(method, '/v2/a/manifests/1', { headers: { host: 'attacker.example' } })
      expect(reply.status).toBe(421)
      expect((await call('GET', '/v2/a/manifests/1')).status).toBe(200)
    },
  )

  it('refuses another host before it asks for a password', async () => {
    const { call } = await started({ auth: { scheme: 'basic', users: { ann: 'secret' } } })
    const reply = await call('GET', '/v2/', { headers: { host: 'attacker.example' } })
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([421, undefined])
  })

  it('answers to an allowed name, and to no part of it', async () => {
    const { call } = await started({ allowedHosts: ['registry.example.com', 'Other.Example'] })
    for (const [host, status] of [
      ['registry.example.com', 200],
      ['REGISTRY.example.com.:5000', 200],
      ['other.example', 200],
      ['localhost', 200],
      ['a.registry.example.com', 421],
      ['example.com', 421],
      ['registry.example.com.attacker.example', 421],
    ] as const) {
      expect((await call('GET', '/v2/', { headers: { host } })).status).toBe(status)
    }
  })
})

describe('a web page', () => {
  const pages = [
    ['of another site', { origin: 'https://attacker.example' }],
    ['of another port of this machine', { origin: 'http://localhost:8080' }],
    ['in a sandbox or a file', { origin: 'null' }],
    ['whose name was rebound to this machine', { origin: 'http://registry.test', host: 'registry.test' }],
    ['whose browser sends no Origin', { 'sec-fetch-site': 'cross-site' }],
    ['of a sibling site', { 'sec-fetch-site': 'same-site' }],
    ['without a script', { origin: 'https://attacker.example', 'content-type': 'text/plain' }],
  ] as const

  it.each(pages)('%s cannot change anything at any address of the registry', async (_name, headers) => {
    const { call, image, blob } = await started({ allowedHosts: 'any' })
    const { digest, body, descriptor } = await image('a', 'layer', '1')
    const layer = await blob('a', 'layer')
    for (const [method, path, sent] of [
      ['POST', `/v2/b/blobs/uploads/?digest=${layer}`, 'layer'],
      ['POST', `/v2/b/blobs/uploads/?mount=${layer}&from=a`, ''],
      ['PUT', '/v2/a/manifests/2', body],
      ['DELETE', `/v2/a/manifests/${digest}`, ''],
      ['DELETE', '/v2/a/manifests/1', ''],
      ['DELETE', `/v2/a/blobs/${layer}`, ''],
    ] as const) {
      const reply = await call(method, path, {
        headers: { 'content-type': descriptor.mediaType, ...headers },
        body: sent,
      })
      expect([method, reply.status, reply.codes]).toEqual([method, 403, ['DENIED']])
    }
    expect((await call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['1'] })
    expect((await call('GET', '/v2/_catalog')).json()).toEqual({ repositories: ['a'] })
  })

  it('can read no answer, because none allows another origin', async () => {
    const { call, image } = await started()
    await image('a', 'layer', '1')
    for (const [method, path] of [
      ['GET', '/v2/_catalog'],
      ['GET', '/v2/a/manifests/1'],
      ['OPTIONS', '/v2/a/manifests/1'],
      ['OPTIONS', '/v2/a/blobs/uploads/'],
      ['POST', '/v2/a/blobs/uploads/'],
    ] as const) {
      const { headers } = await call(method, path, {
        headers: {
          origin: 'https://attacker.example',
          'access-control-request-method': 'PUT',
          'access-control-request-private-network': 'true',
        },
      })
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('cannot load content as a script or a page', async () => {
    const { call, blob, image } = await started()
    const script = await blob('a', '<script>alert(1)</script>')
    await image('a', 'layer', '1')
    for (const path of [`/v2/a/blobs/${script}`, '/v2/a/manifests/1', '/v2/a/tags/list', '/v2/x/tags/list']) {
      const { headers } = await call('GET', path)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-type']).toMatch(/^application\/(?:octet-stream|json|vnd\.)/)
    }
  })

  it('cannot be the content type of a manifest', async () => {
    const { call } = await started()
    const reply = await call('PUT', '/v2/a/manifests/1', {
      headers: { 'content-type': 'text/html' },
      body: JSON.stringify({ schemaVersion: 2, mediaType: 'text/html', manifests: [] }),
    })
    expect([reply.status, reply.codes]).toEqual([400, ['MANIFEST_INVALID']])
  })
})

/** `HOST:PORT` and all of stderr, once the registry is ready. */
async function serve(args: readonly string[]) {
  const running = startDray(['serve', ...args])
  const errors: string[] = []
  running.child.stderr?.on('data', (chunk: string) => errors.push(chunk))
  const registry = /127\.0\.0\.1:\d+/.exec(await running.seen(/is ready|^\}$/m))?.[0] ?? ''
  return { running, registry, stderr: () => errors.join('') }
}

describe('dray serve', () => {
  it('answers to another host only with --allow-host', async () => {
    const { registry } = await serve(['--allow-host', 'registry.example.com'])
    for (const [host, status] of [
      ['attacker.example', 421],
      ['registry.example.com', 200],
    ] as const) {
      expect((await send(registry, 'GET', '/v2/', { headers: { host } })).status).toBe(status)
    }
  })

  it('warns on stderr and in the document if it listens without authentication on a network address', async () => {
    const { running, stderr } = await serve(['--host', '0.0.0.0', '--json'])
    const document = JSON.parse(await running.seen(/^\}$/m)) as { warnings: string[] }
    expect(document.warnings).toEqual([
      expect.stringMatching(
        /^everyone with access to 0\.0\.0\.0:\d+ can read, write and delete; pass --htpasswd/,
      ),
    ])
    running.child.kill('SIGTERM')
    await running.ended
    expect(stderr()).toContain('everyone with access to')
  })

  it('warns with an IPv6 address in brackets', async () => {
    const registry = await startRegistry({ host: '::' })
    onTestFinished(() => registry.close())
    const { port } = registry
    expect(warnAboutExposure(registry, { host: '::', htpasswd: undefined })).toContain(
      `access to [::]:${port} can`,
    )
    expect(warnAboutExposure(registry, { host: '::', htpasswd: 'file' })).toContain(
      `sent to [::]:${port} unen`,
    )
  })

  it('refuses an --allow-host that is not a host name', async () => {
    const running = startDray(['serve', '--allow-host', 'https://registry.example.com'])
    expect(await running.ended).toBe(64)
  })
})
