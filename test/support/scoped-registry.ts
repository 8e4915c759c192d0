import { onTestFinished } from 'vitest'
import type { Credential } from '../../src/registry/credential.ts'
import type { RegistryRequest, Scope } from '../../src/registry/http/fetch.ts'
import type { RegistrySettings } from '../../src/registry/http/transport/origins.ts'
import { createFetch } from '../../src/registry/http/stack.ts'
import { notedCall, requestOf } from './http-world.ts'
import { manualClock } from './manual-clock.ts'
import { reply, type ScriptedServer, scriptedServer, type SeenRequest } from './scripted-server.ts'

interface ScopedRegistryOptions {
  /** the `scope` of the challenge, by the path of the request */
  readonly challengeScope?: string | ((path: string) => string)
  readonly service?: string
  /** the whole of `WWW-Authenticate`; `undefined` for the Bearer challenge */
  readonly challenge?: (request: SeenRequest, bearer: string) => string | undefined
  /** what is added to the realm */
  readonly realmQuery?: string
  /** whether the registry accepts a token that was requested for these scopes */
  readonly accepts?: (scopes: readonly string[], path: string) => boolean
  /** the status of the token server's refusal */
  readonly refuses?: (scopes: readonly string[], request: SeenRequest) => number | undefined
  readonly expiresIn?: number
}

const isToken = (request: SeenRequest): boolean => request.path.startsWith('/token')

/** The parameters of a token request, of its URL and of its form. */
export function tokenParameters(request: SeenRequest): URLSearchParams {
  const query = new URL(request.path, 'http://x').searchParams
  return new URLSearchParams([...query, ...new URLSearchParams(request.body.toString())])
}

function scopesIn(request: SeenRequest): readonly string[] {
  return tokenParameters(request)
    .getAll('scope')
    .flatMap((scope) => scope.split(' '))
}

/** Starts a registry whose tokens contain their scopes, and that keeps its requests. */
export async function scopedRegistry(options: ScopedRegistryOptions = {}) {
  const registry: ScriptedServer = await scriptedServer((request, response) => {
    const path = new URL(request.path, 'http://x').pathname
    if (isToken(request)) {
      const scopes = scopesIn(request)
      const status = options.refuses?.(scopes, request)
      if (status !== undefined) return reply(response, status)
      const token = Buffer.from(JSON.stringify(scopes)).toString('base64url')
      return reply(response, 200, {}, JSON.stringify({ token, expires_in: options.expiresIn ?? 300 }))
    }
    const shown = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    const scopes =
      shown === undefined ? undefined : (JSON.parse(Buffer.from(shown, 'base64url').toString()) as string[])
    if (scopes !== undefined && options.accepts?.(scopes, path) !== false) return reply(response, 200)
    const { challengeScope, service = 'registry' } = options
    const named = typeof challengeScope === 'function' ? challengeScope(path) : challengeScope
    const scope = named === undefined ? '' : `,scope="${named}"`
    const bearer = `Bearer realm="${registry.origin}/token${options.realmQuery ?? ''}",service="${service}"${scope}`
    reply(response, 401, { 'www-authenticate': options.challenge?.(request, bearer) ?? bearer })
  })
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return {
    ...registry,
    tokenRequests: () => registry.seen.filter(isToken),
    /** what each token was requested for */
    scopes: () => registry.seen.filter(isToken).map((request) => scopesIn(request).join(' ')),
    /** every `Authorization` that arrived, token requests included */
    authorizations: () => registry.seen.flatMap(({ headers }) => headers.authorization ?? []),
  }
}

/** A stack for one registry, and the status of a request to it by path and scopes. */
export function clientOf(
  registry: Pick<ScriptedServer, 'host' | 'origin'>,
  credential: Credential | undefined,
  settings: RegistrySettings = {},
) {
  const clock = manualClock()
  const stack = createFetch({
    settings: new Map([[registry.host, settings]]),
    credentials: async () => credential,
    userAgent: 'dray/test',
    clock,
    random: () => 0,
  })
  onTestFinished(() => stack.close())
  const send = async (path: string, scopes: readonly Scope[], over: Partial<RegistryRequest> = {}) => {
    const response = await stack.fetch(
      requestOf(`${registry.origin}${path}`, { scopes, ...over }),
      notedCall(),
    )
    await response.discard()
    return response.status
  }
  const scope = (path: string, ...actions: readonly ('pull' | 'push' | 'delete')[]): Scope => ({
    repository: { registry: registry.host, path },
    actions,
  })
  return {
    stack,
    clock,
    ping: () => send('/v2/', []),
    catalog: () => send('/v2/_catalog', [{ catalog: '*' }]),
    read: (path: string) => send(`/v2/${path}/tags/list`, [scope(path, 'pull')]),
    write: (path: string) => send(`/v2/${path}/manifests/1`, [scope(path, 'pull', 'push')]),
    remove: (path: string) => send(`/v2/${path}/manifests/1`, [scope(path, 'pull', 'delete')]),
    expect: (path: string, ...actions: readonly ('pull' | 'push')[]) =>
      stack.expectScopes(registry.host, [scope(path, ...actions)]),
  }
}

export const ada: Credential = { kind: 'basic', username: 'ada', password: 'canary-password' }
export const adasHeader = `Basic ${Buffer.from('ada:canary-password').toString('base64')}`
