import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/lib/clock.ts'
import type { AccessOptions } from '../../src/embedded/access/permissions.ts'
import { parseHtpasswd } from '../../src/embedded/access/users.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { type Client, type Reply, started } from './http.ts'

const users = { ada: 'secret', bob: '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' }

function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

function form(fields: Record<string, string>) {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  }
}

interface TokenAnswer {
  readonly token: string
  readonly access_token: string
  readonly expires_in: number
  readonly issued_at: string
  readonly refresh_token?: string
}

function tokenOf(reply: Reply): TokenAnswer {
  expect(reply.status).toBe(200)
  return reply.json() as TokenAnswer
}

function bearer({ token }: TokenAnswer): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

describe('basic authentication', () => {
  const auth: AccessOptions = {
    scheme: 'basic',
    users,
    mayDo: (user, _repository, action) => user === 'ada' || (action === 'pull' && user === 'bob'),
  }

  it('challenges requests without valid credentials', async () => {
    const { call } = await started({ auth })
    for (const headers of [
      {},
      basic('ada', 'wrong'),
      basic('eve', 'secret'),
      basic('__proto__', ''),
      { authorization: 'Basic !' },
      { authorization: 'Bearer x' },
    ]) {
      for (const path of ['/v2/', '/v2/a/tags/list', '/v2/_catalog']) {
        const reply = await call('GET', path, { headers })
        expect([reply.status, reply.codes]).toEqual([401, ['UNAUTHORIZED']])
        expect(reply.headers['www-authenticate']).toBe('Basic realm="registry"')
      }
    }
  })

  it('admits a user with the right password, hashed or not, and records the user', async () => {
    const { call, log } = await started({ auth })
    for (const headers of [basic('ada', 'secret'), basic('bob', 'password')]) {
      expect((await call('GET', '/v2/', { headers })).status).toBe(200)
    }
    expect(log.map(({ user }) => user)).toEqual(['ada', 'bob'])
  })

  it('denies what a user may not do', async () => {
    const { call } = await started({ auth })
    const headers = basic('bob', 'password')
    expect((await call('GET', '/v2/a/manifests/1', { headers })).status).toBe(404)
    for (const [method, path] of [
      ['POST', '/v2/a/blobs/uploads/'],
      ['PUT', '/v2/a/manifests/1'],
      ['DELETE', '/v2/a/manifests/1'],
    ] as const) {
      const reply = await call(method, path, { headers })
      expect([reply.status, reply.codes]).toEqual([403, ['DENIED']])
    }
  })

  it('has no tokens', async () => {
    const { call } = await started({ auth })
    expect((await call('GET', '/token', { headers: basic('ada', 'secret') })).status).toBe(404)
  })

  it('can allow reading to everyone', async () => {
    const { call } = await started({
      auth: { ...auth, mayDo: (user, _r, action) => user !== undefined || action === 'pull' },
    })
    expect((await call('GET', '/v2/a/manifests/1')).status).toBe(404)
    expect((await call('PUT', '/v2/a/manifests/1')).status).toBe(401)
  })
})

describe('bearer authentication', () => {
  const auth: AccessOptions = { scheme: 'bearer', users }

  async function token(
    client: Client,
    query: string,
    headers = basic('ada', 'secret'),
  ): Promise<TokenAnswer> {
    return tokenOf(await client.call('GET', `/token?service=x&${query}`, { headers }))
  }

  it.each([
    ['GET', '/v2/', ''],
    ['GET', '/v2/_catalog', 'registry:catalog:*'],
    ['HEAD', '/v2/a/b/manifests/1', 'repository:a/b:pull'],
    ['GET', '/v2/a/tags/list', 'repository:a:pull'],
    ['PUT', '/v2/a/manifests/1', 'repository:a:pull,push'],
    ['POST', '/v2/a/blobs/uploads/', 'repository:a:pull,push'],
    ['DELETE', '/v2/a/blobs/uploads/x', 'repository:a:pull,push'],
    [
      'POST',
      `/v2/a/blobs/uploads/?mount=${digestOf('x')}&from=b`,
      'repository:a:pull,push repository:b:pull',
    ],
    ['DELETE', '/v2/a/manifests/1', 'repository:a:delete'],
  ])('challenges %s %s with the scope %j', async (method, path, scope) => {
    const { call, registry } = await started({ auth })
    const reply = await call(method, path)
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toBe(
      `Bearer realm="http://${registry}/token",service="${registry}"${scope === '' ? '' : `,scope="${scope}"`}`,
    )
  })

  it('admits a token only for its scope', async () => {
    const client = await started({ auth })
    const headers = bearer(await token(client, 'scope=repository:a:pull'))
    expect((await client.call('GET', '/v2/', { headers })).status).toBe(200)
    expect((await client.call('GET', '/v2/a/manifests/1', { headers })).status).toBe(404)
    for (const [method, path] of [
      ['GET', '/v2/b/manifests/1'],
      ['POST', '/v2/a/blobs/uploads/'],
      ['DELETE', '/v2/a/manifests/1'],
      ['GET', '/v2/_catalog'],
    ] as const) {
      const reply = await client.call(method, path, { headers })
      expect(reply.status).toBe(401)
      expect(reply.headers['www-authenticate']).toContain('error="insufficient_scope"')
    }
  })

  it('gives one token for several scopes', async () => {
    const client = await started({ auth })
    for (const query of [
      'scope=repository:b:pull,push&scope=repository:a:pull',
      'scope=repository:b:pull,push%20repository:a:pull',
    ]) {
      const headers = bearer(await token(client, query))
      const path = `/v2/b/blobs/uploads/?mount=${digestOf('x')}&from=a`
      expect((await client.call('POST', path, { headers })).status).toBe(202)
    }
  })

  it('omits what the user may not do from a token', async () => {
    const client = await started({
      auth: { ...auth, mayDo: (_user, _repository, action) => action === 'pull' },
    })
    const anonymous = tokenOf(await client.call('GET', '/token?scope=repository:a:pull,push'))
    const headers = bearer(anonymous)
    expect((await client.call('GET', '/v2/a/manifests/1', { headers })).status).toBe(404)
    expect((await client.call('POST', '/v2/a/blobs/uploads/', { headers })).status).toBe(401)
    expect(client.log.at(-1)?.user).toBeUndefined()
  })

  it('gives a user a token to push and not to delete', async () => {
    const client = await started({
      auth: { ...auth, mayDo: (_user, _repository, action) => action !== 'delete' },
    })
    const headers = bearer(await token(client, 'scope=repository:a:pull,push,delete'))
    expect((await client.call('POST', '/v2/a/blobs/uploads/', { headers })).status).toBe(202)
    const reply = await client.call('DELETE', '/v2/a/manifests/1', { headers })
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toContain('scope="repository:a:delete"')
  })

  it('can require push for deletes and refuse tokens to delete', async () => {
    const client = await started({ auth: { ...auth, deletesBy: 'push' } })
    const path = '/token?scope=repository:a:pull,delete'
    expect((await client.call('GET', path, { headers: basic('ada', 'secret') })).status).toBe(400)
    const pull = bearer(await token(client, 'scope=repository:a:pull'))
    const refused = await client.call('DELETE', '/v2/a/manifests/1', { headers: pull })
    expect(refused.headers['www-authenticate']).toContain('scope="repository:a:pull,push"')
    const push = bearer(await token(client, 'scope=repository:a:pull,push'))
    expect((await client.call('DELETE', '/v2/a/manifests/1', { headers: push })).status).toBe(404)
  })

  it('refuses a wrong password', async () => {
    const { call } = await started({ auth })
    const reply = await call('GET', '/token', { headers: basic('ada', 'wrong') })
    expect([reply.status, reply.codes]).toEqual([401, ['UNAUTHORIZED']])
  })

  it('expires a token after its lifetime', async () => {
    let now = Date.UTC(2026, 0, 1)
    const clock: Clock = { now: () => now, sleep: () => Promise.resolve() }
    const client = await started({ auth: { ...auth, tokenLifetime: 60 }, clock })
    const answer = await token(client, 'scope=repository:a:pull')
    expect(answer).toMatchObject({ expires_in: 60, issued_at: '2026-01-01T00:00:00.000Z' })
    expect(answer.access_token).toBe(answer.token)
    now += 59_999
    expect((await client.call('GET', '/v2/', { headers: bearer(answer) })).status).toBe(200)
    now += 1
    const reply = await client.call('GET', '/v2/', { headers: bearer(answer) })
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it('gives tokens for a password and for a refresh token by POST', async () => {
    const client = await started({ auth })
    const scope = 'repository:a:pull'
    const first = tokenOf(
      await client.call(
        'POST',
        '/token',
        form({ grant_type: 'password', username: 'ada', password: 'secret', scope, access_type: 'offline' }),
      ),
    )
    const refresh_token = first.refresh_token ?? ''
    const second = tokenOf(
      await client.call('POST', '/token', form({ grant_type: 'refresh_token', refresh_token, scope })),
    )
    expect(second.refresh_token).toBeUndefined()
    for (const answer of [first, second]) {
      expect((await client.call('GET', '/v2/a/manifests/1', { headers: bearer(answer) })).status).toBe(404)
    }
  })

  it('gives a refresh token by GET if it is requested', async () => {
    const client = await started({ auth })
    expect((await token(client, 'offline_token=true')).refresh_token).toBeDefined()
    expect((await token(client, 'offline_token=false')).refresh_token).toBeUndefined()
  })

  it.each([
    [{ grant_type: 'password', username: 'ada', password: 'wrong' }, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: 'made-up' }, 'invalid_grant'],
    [{ grant_type: 'refresh_token' }, 'invalid_grant'],
    [{ grant_type: 'code' }, 'unsupported_grant_type'],
    [{ grant_type: 'password', username: 'x'.repeat(70_000) }, 'invalid_request'],
  ])('refuses the form %#', async (fields, error) => {
    const { call } = await started({ auth })
    const reply = await call('POST', '/token', form(fields))
    expect([reply.status, reply.json()]).toEqual([400, { error }])
  })

  it('reports token requests', async () => {
    const client = await started({ auth })
    await token(client, 'scope=repository:a:pull')
    expect(client.log).toMatchObject([{ kind: 'token', method: 'GET', status: 200, user: 'ada' }])
  })
})

describe('an htpasswd file', () => {
  it('is read with its comments and empty lines', () => {
    const text = '# users\n\nada:secret\r\nbob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\ncolon:a:b\n'
    expect(parseHtpasswd(text)).toEqual({ ...users, colon: 'a:b' })
  })

  it.each(['ada', ':x', 'ada:$2y$05$abc', 'ada:$apr1$x$y'])('cannot contain the line %j', (line) => {
    expect(() => parseHtpasswd(`ok:x\n${line}\n`)).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringContaining('line 2') }),
    )
  })
})
