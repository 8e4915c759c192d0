import { describe, expect, it, onTestFinished } from 'vitest'
import type { Call } from '../../../src/lib/call.ts'
import { toErrorInfo } from '../../../src/lib/errors.ts'
import type { Credential } from '../../../src/registry/credential.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { bareDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import type { RepositoryLister, TargetRepository } from '../../../src/images/ports.ts'
import { image } from '../../support/images.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import {
  reply,
  type ScriptedServer,
  scriptedServer,
  type SeenRequest,
  type Script,
} from '../../support/scripted-server.ts'
import { blobOf, bytesSource } from './world.ts'

/** the password or the refresh token */
const secret = 'canary pass&word/71'
const token = 'canary-bearer-73'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const credentials = {
  basic: { kind: 'basic', username: 'ada', password: secret },
  bearer: { kind: 'basic', username: 'ada', password: secret },
  identity: { kind: 'identity', token: secret },
} satisfies Record<string, Credential>
type Scheme = keyof typeof credentials

/** The secrets in the forms in which a server can repeat them. */
const inAddresses = encodeURIComponent(secret)
const echo = [
  secret,
  inAddresses,
  new URLSearchParams({ p: secret }).toString(),
  base64(secret),
  base64(`ada:${secret}`),
  base64(`<token>:${secret}`),
  Buffer.from(`you are ada:${secret}, are you`).toString('base64url'),
].join(' | ')

/** The parts of secrets in a text and in its decoded forms. */
function canariesIn(text: string): string[] {
  const decoded = [
    text,
    text.replaceAll(/%[0-9a-f]{2}/gi, (one) => String.fromCharCode(Number.parseInt(one.slice(1), 16))),
    text.replaceAll('+', ' '),
    ...[...text.matchAll(/[A-Za-z0-9+/_-]{8,}/g)].map(([text64]) =>
      Buffer.from(text64, 'base64').toString('latin1'),
    ),
  ].join('\n')
  return [
    ...new Set(
      [...decoded.matchAll(/.{0,40}(?:canary|pass&|word\/71|bearer-73).{0,20}/gi)].map(([found]) => found),
    ),
  ].slice(0, 5)
}

interface Attack {
  /** the answer to an authenticated request */
  readonly answer: (
    request: SeenRequest,
    thief: ScriptedServer,
  ) => Parameters<typeof reply> extends [unknown, ...infer Rest] ? Rest : never
  /** the realm of its challenge; by default its own */
  readonly realm?: (thief: ScriptedServer) => string
}

const json = { 'content-type': 'application/json' }

const attacks = (bearer: string): Readonly<Record<string, Attack>> => ({
  'repeats it in the message of an error': {
    answer: () => [400, json, JSON.stringify({ errors: [{ code: echo, message: `wrong: ${echo}` }] })],
  },
  'repeats it at the end of a long error message': {
    answer: () => [400, json, JSON.stringify({ errors: [{ message: `${'x'.repeat(990)} ${secret}` }] })],
  },
  'repeats it in plain text': { answer: () => [403, { 'content-type': 'text/plain' }, echo] },
  'warns with it': {
    answer: () => [404, { warning: [`299 - "${echo}"`, `299 - "${'y'.repeat(990)} ${secret}"`] }, ''],
  },
  'names it as a digest': { answer: () => [200, { 'docker-content-digest': echo }, '{}'] },
  'names it as a type': { answer: () => [200, { 'content-type': echo, 'content-encoding': echo }, '{}'] },
  'names it in a manifest': {
    answer: () => [
      200,
      json,
      JSON.stringify({ schemaVersion: 2, mediaType: echo, [echo]: echo, [echo.toUpperCase()]: 1 }),
    ],
  },
  'truncates JSON after it': { answer: () => [200, json, `{"${secret}": ${bearer}`] },
  'lists it': {
    answer: () => [200, json, JSON.stringify({ tags: [secret], repositories: [secret], name: echo })],
  },
  'opens a session at it': {
    answer: ({ method }) =>
      method === 'POST'
        ? [202, { location: `/v2/x/${inAddresses}/${bearer}?a=${inAddresses}` }, '']
        : [400, {}, ''],
  },
  'opens a session at a thief': {
    answer: (_, thief) => [202, { location: `${thief.origin}/${inAddresses}?a=${bearer}` }, ''],
  },
  'opens a session at an invalid URL': { answer: () => [202, { location: `http://[${bearer}` }, ''] },
  'links to a thief': {
    answer: (_, thief) => [
      200,
      { ...json, link: `<${thief.origin}/${inAddresses}>; rel="next"` },
      JSON.stringify({ tags: [], repositories: [] }),
    ],
  },
  'sends an invalid link': {
    answer: () => [
      200,
      { ...json, link: `${inAddresses} ${bearer}; rel=next` },
      JSON.stringify({ tags: [], repositories: [] }),
    ],
  },
  'redirects to a thief': {
    answer: (_, thief) => [307, { location: thief.origin.replace('//', `//ada:${inAddresses}@`) }, ''],
  },
  'redirects to a thief who asks for credentials': {
    answer: (_, thief) => [307, { location: `${thief.origin}/login` }, ''],
  },
  'redirects to a closed port': {
    answer: () => [307, { location: `http://127.0.0.1:1/${bearer}/${inAddresses}` }, ''],
  },
  'redirects to a file': { answer: () => [307, { location: `file:///${inAddresses}` }, ''] },
  'gets its tokens from a thief': { answer: () => [200, {}, ''], realm: (thief) => `${thief.origin}/token` },
  'gets its tokens from a URL with it': {
    answer: () => [200, {}, ''],
    realm: () => `https://thief.invalid/${inAddresses}?x=${inAddresses}`,
  },
  'gets its tokens from a URL with a user': {
    answer: () => [200, {}, ''],
    realm: (thief) => thief.origin.replace('//', `//ada:${inAddresses}@`),
  },
  'gets its tokens through a redirect to a thief': {
    answer: () => [200, {}, ''],
    realm: () => '/away',
  },
  'asks again and again': {
    answer: (_, thief) => [
      401,
      { 'www-authenticate': `Bearer realm="${thief.origin}/token",scope="${inAddresses}"` },
      '',
    ],
  },
})

/** A registry that attacks authenticated clients, and a server that records all requests. */
async function attackedClient(scheme: Scheme, attack: Attack) {
  const thief = await scriptedServer(({ path }, response) => {
    if (path !== '/login') return reply(response, 200, {}, JSON.stringify({ token: 'thiefs-token' }))
    reply(response, 401, { 'www-authenticate': 'Basic realm="x", Bearer realm="https://thief.invalid/"' })
  })
  let tokens = 0
  const script: Script = (request, response) => {
    const { authorization } = request.headers
    if (request.path === '/away') return reply(response, 307, { location: `${thief.origin}/token` })
    if (request.path.startsWith('/token')) {
      tokens++
      return reply(response, 200, json, JSON.stringify({ token: token }))
    }
    if (authorization === undefined) return reply(response, 401, { 'www-authenticate': challenge() })
    reply(response, ...attack.answer(request, thief))
  }
  const registry = await scriptedServer(script)
  const challenge = (): string => {
    const realm = attack.realm?.(thief) ?? '/token'
    const address = realm.startsWith('/') ? `${registry.origin}${realm}` : realm
    return scheme === 'basic' ? 'Basic realm="x"' : `Bearer realm="${address}",service="x"`
  }
  const clock = leapingClock()
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => credentials[scheme],
    userAgent: 'test',
    clock,
    random: () => 0.5,
  })
  onTestFinished(async () => {
    await stack.close()
    await registry[Symbol.asyncDispose]()
    await thief[Symbol.asyncDispose]()
  })
  const stores = openRepositories({
    fetch: stack.fetch,
    origin: (name) => stack.origin(name),
    secrets: stack.secrets,
    clock,
    random: () => 0.5,
  })
  return { registry, thief, stores, tokens: () => tokens }
}

const { root, manifests } = image({ label: 'canaries' })
const layer = Buffer.from('a layer')

/** All operations of a repository. */
function operations(store: TargetRepository, catalog: RepositoryLister, registry: string) {
  const digest = digestOf(layer)
  const d = bareDescriptor({ ...root, digest: digestOf(manifests.at(-1)?.bytes ?? '') })
  return [
    (call: Call) => store.resolve({ tag: '1' }, call),
    (call: Call) => store.manifest({ tag: '1' }, call),
    (call: Call) => store.hasBlob(blobOf(layer), call),
    async (call: Call) => Array.fromAsync(await store.blob(blobOf(layer), 0, call)),
    (call: Call) => Array.fromAsync(store.tags(call)),
    (call: Call) => store.referrers(digest, call),
    (call: Call) => store.putBlob(blobOf(layer), bytesSource(layer), call),
    (call: Call) => store.putManifest(d, manifests.at(-1)?.bytes ?? Buffer.alloc(0), ['1', '2'], call),
    (call: Call) => store.addToFallbackTag(digest, [d], call),
    (call: Call) => store.deleteTag('1', call),
    (call: Call) => store.deleteManifest(digest, call),
    (call: Call) => Array.fromAsync(catalog.repositories(registry, call)),
  ]
}

/** All events and errors of an operation, including causes and stacks. */
async function outputOf(operation: (call: Call) => Promise<unknown>): Promise<string> {
  const output: unknown[] = []
  const call = { signal: new AbortController().signal, notify: (event: unknown) => void output.push(event) }
  try {
    await operation(call)
  } catch (thrown) {
    output.push(toErrorInfo(thrown))
    for (let at = thrown; at instanceof Error; at = at.cause) output.push(at.stack, at.message)
  }
  return output.map((one) => JSON.stringify(one)).join('\n')
}

describe.each(['basic', 'bearer', 'identity'] as const)('a secret of the scheme %s', (scheme) => {
  // With basic authentication there is no token.
  it.each(Object.entries(attacks(scheme === 'basic' ? inAddresses : token)))(
    'is not printed or sent elsewhere by a registry that %s',
    async (_, attack) => {
      const { registry, thief, stores, tokens } = await attackedClient(scheme, attack)
      const store = stores.target({ registry: registry.host, path: 'team/api' })
      const output: string[] = []
      for (const operation of operations(store, stores, registry.host)) output.push(await outputOf(operation))
      const heard = thief.seen.map(({ method, path, headers, body }) =>
        // The registry itself put these into its URLs.
        [
          method,
          path.replaceAll(inAddresses, '').replaceAll(token, ''),
          JSON.stringify(headers),
          body.toString(),
        ].join('\n'),
      )
      expect(canariesIn(output.join('\n'))).toEqual([])
      expect(canariesIn(heard.join('\n'))).toEqual([])
      // The requests were sent.
      expect(registry.seen.length).toBeGreaterThan(0)
      expect(tokens() > 0).toBe(scheme !== 'basic' && attack.realm === undefined)
    },
  )
})
