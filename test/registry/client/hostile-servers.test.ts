import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import type { Call } from '../../../src/lib/call.ts'
import { bareDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { FallbackListing, RepositoryLister, TargetRepository } from '../../../src/images/ports.ts'
import {
  blobOf,
  bytesSource,
  type ReceivedRequest,
  newCall,
  openStores,
  type ScriptedAnswer,
  scripted,
} from './world.ts'
import { complaintOfError } from '../../support/hostile/complaints.ts'

const mebi = 1024 ** 2
const layer = Buffer.from('a layer')
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }))
const described = bareDescriptor({
  mediaType: mediaTypes.index,
  digest: digestOf(manifest),
  size: manifest.byteLength,
})

/** What `addToFallbackTag` has returned before. */
const added: FallbackListing = {
  result: 'added',
  missing: [],
  seen: new Map(),
  index: described.digest,
  readAt: 0,
  writeMs: 0,
}

type Operation = (store: TargetRepository, catalog: RepositoryLister, call: Call) => Promise<unknown>

const operations: Readonly<Record<string, Operation>> = {
  resolve: (store, _, call) => store.resolve({ tag: '1' }, call),
  manifest: (store, _, call) => store.manifest({ tag: '1' }, call),
  'manifest by digest': (store, _, call) => store.manifest(described, call),
  hasBlob: (store, _, call) => store.hasBlob(blobOf(layer), call),
  blob: async (store, _, call) => Array.fromAsync(await store.blob(blobOf(layer), 0, call)),
  tags: (store, _, call) => Array.fromAsync(store.tags(call)),
  referrers: (store, _, call) => store.referrers(described.digest, call),
  putBlob: (store, _, call) => store.putBlob(blobOf(layer), bytesSource(layer), call),
  putManifest: (store, _, call) => store.putManifest(described, manifest, ['1', '2'], call),
  addToFallbackTag: (store, _, call) => store.addToFallbackTag(described.digest, [described], call),
  confirmFallbackTag: (store, _, call) =>
    store.confirmFallbackTag(described.digest, [described], added, call),
  deleteTag: (store, _, call) => store.deleteTag('1', call),
  deleteManifest: (store, _, call) => store.deleteManifest(described.digest, call),
  repositories: (store, catalog, call) =>
    Array.fromAsync(catalog.repositories(store.repository.registry, call)),
}

/** Sends an endless body until the client disconnects, and counts the bytes. */
function endless(
  sent: { bytes: number },
  headers: Readonly<Record<string, string>>,
  status = 200,
): ScriptedAnswer {
  const piece = Buffer.alloc(65_536, ' ')
  const raw = async (response: ServerResponse): Promise<void> => {
    response.writeHead(status, headers)
    const closed = once(response, 'close')
    while (!response.destroyed) {
      sent.bytes += piece.byteLength
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed])
    }
  }
  return { status, raw: (response) => void raw(response) }
}

const json = { 'content-type': 'application/json' }
const gone = { status: 404 }
/** Answers requests with this method, and all others with 404. */
const only = (method: string, answer: ScriptedAnswer) => (request: ReceivedRequest) =>
  request.method === method ? answer : gone

const attacks: Readonly<Record<string, (request: ReceivedRequest) => ScriptedAnswer>> = {
  'announces a body of a terabyte': only('GET', {
    status: 200,
    headers: { ...json, 'content-length': '1099511627776' },
    body: '{',
  }),
  'announces a terabyte for HEAD': () => ({
    status: 200,
    headers: { ...json, 'content-length': '1099511627776' },
  }),
  'compresses its answers': only('GET', {
    status: 200,
    headers: { ...json, 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(16 * mebi, ' ')),
  }),
  'sends ranges that were not requested': only('GET', {
    status: 206,
    headers: { 'content-range': 'bytes 0-1/7' },
    body: 'a ',
  }),
  'redirects to itself': (request) => ({ status: 307, headers: { location: request.path } }),
  'redirects to longer and longer URLs': (request) => ({
    status: 302,
    headers: { location: `${request.path}/x` },
  }),
  'redirects to a file': () => ({ status: 307, headers: { location: 'file:///etc/passwd' } }),
  'redirects to data': () => ({ status: 307, headers: { location: 'data:application/json,{}' } }),
  'redirects to ftp': () => ({ status: 307, headers: { location: 'ftp://127.0.0.1/x' } }),
  'redirects to a script': () => ({ status: 307, headers: { location: 'javascript:alert(1)' } }),
  'redirects to an invalid URL': () => ({ status: 307, headers: { location: 'http://[::1' } }),
  'redirects to a port of its own machine': () => ({
    status: 307,
    headers: { location: 'http://127.0.0.1:1/' },
  }),
  'redirects to itself with a password': (request) => ({
    status: 307,
    headers: { location: `http://user:password@${request.headers.host}${request.path}` },
  }),
  'opens sessions with a password in their URL': (request) => ({
    status: 202,
    headers: { location: `http://user:password@${request.headers.host}/v2/x` },
  }),
  'opens sessions of another scheme': () => ({ status: 202, headers: { location: 'ftp://127.0.0.1/x' } }),
  'opens sessions at another port': () => ({ status: 202, headers: { location: 'http://127.0.0.1:1/x' } }),
  'opens sessions outside of its paths': () => ({
    status: 202,
    headers: { location: '/../../%2e%2e/a%2fb?x=../' },
  }),
  'opens endless sessions': (request) => ({
    status: 202,
    headers: { location: `${request.path.slice(0, 1000)}x` },
  }),
  'requires impossibly large chunks': ({ method }) => ({
    status: method === 'POST' || method === 'PATCH' ? 202 : method === 'PUT' ? 201 : 404,
    headers: { location: '/v2/x', 'oci-chunk-min-length': '99999999999' },
  }),
  'reports bytes that were not sent': ({ method }) => ({
    status: method === 'PATCH' ? 202 : 201,
    headers: { location: '/v2/x', range: '0-99999999999999' },
  }),
  'lists names with control characters': only('GET', {
    status: 200,
    headers: json,
    body: JSON.stringify({
      tags: ['1', '\u001b[2J\n::error::x'],
      repositories: ['a', '\u001b[2J\n::error::x'],
    }),
  }),
  'has endless pages': (request) => ({
    status: 200,
    headers: { ...json, link: `<${request.path}>; rel="next"` },
    body: '{"tags":[],"repositories":[]}',
  }),
  'links to another host': () => ({
    status: 200,
    headers: { ...json, link: '<http://127.0.0.1:1/v2/_catalog>; rel="next"' },
    body: '{"tags":["a"],"repositories":["a"]}',
  }),
  'refuses with colours and commands': () => ({
    status: 400,
    headers: { ...json, warning: '299 - "\u00c2\u009b2J ::error::x"' },
    body: JSON.stringify({
      errors: [
        { code: '\u001b[31m##vso[task.x]', message: '::set-output name=x::\u009b2J\r\n::error::x \u202e' },
      ],
    }),
  }),
  'refuses with a web page': () => ({
    status: 403,
    headers: { 'content-type': 'text/html' },
    body: '<script>'.repeat(20_000),
  }),
  'refuses with 64 KiB of text': () => ({
    status: 500,
    headers: { 'content-type': 'text/plain' },
    body: '\u001b[2J'.repeat(16_000),
  }),
  'names digests that are none': () => ({
    status: 200,
    headers: { ...json, 'docker-content-digest': 'sha256:../../x' },
    body: '{}',
  }),
  'confirms tags that were not sent': () => ({
    status: 201,
    headers: {
      'oci-tag': Array.from({ length: 1000 }, (_, i) => `t${i}`).join(),
      'docker-content-digest': described.digest,
    },
  }),
  'asks for a password again and again': () => ({
    status: 401,
    headers: {
      'www-authenticate': `Bearer realm="http://127.0.0.1:1/${'x'.repeat(5000)}",scope="${'a '.repeat(3000)}"`,
    },
  }),
}

/** Returns the problem of the error, if any. */
async function complaintOf(deed: Operation, registry: string): Promise<string | undefined> {
  const stores = openStores({ uploads: { wholeUpTo: 4, chunk: 3 } })
  try {
    await deed(stores.target({ registry, path: 'team/api' }), stores, newCall())
    return undefined
  } catch (thrown) {
    return complaintOfError(thrown)
  }
}

describe('with a registry that', () => {
  it.each(Object.entries(attacks))(
    '%s, every operation ends after a few requests with one printable error',
    async (_, answer) => {
      const { registry, heard } = await scripted(answer)
      const found: (string | undefined)[] = []
      for (const [name, deed] of Object.entries(operations)) {
        const before = heard.length
        const complaint = await complaintOf(deed, registry)
        if (complaint !== undefined) found.push(`${name}: ${complaint}`)
        if (heard.length - before > 80) found.push(`${name}: ${heard.length - before} requests`)
      }
      expect(found).toEqual([])
    },
  )

  it.each([
    ['manifest', 200, { 'content-type': mediaTypes.index }, 8],
    ['tags', 200, json, 64],
    ['referrers', 200, { 'content-type': mediaTypes.index }, 64],
    ['repositories', 200, json, 64],
    ['blob', 200, {}, 1],
    ['manifest', 403, json, 1],
    ['tags', 500, { 'content-type': 'text/plain' }, 1],
  ] as const)(
    'never ends its answer, the download is stopped (%s, status %s)',
    async (name, status, headers, most) => {
      const sent = { bytes: 0 }
      const { registry, heard } = await scripted(() => endless(sent, headers, status))
      const operation = operations[name]
      expect(operation && (await complaintOf(operation, registry))).toBeUndefined()
      // The system has buffered further bytes on both sides.
      expect(sent.bytes / heard.length).toBeLessThan((most + 16) * mebi)
    },
  )

  it('lists a million tags on one page, all of them are read', async () => {
    const body = JSON.stringify({ tags: Array.from({ length: 1_000_000 }, (_, i) => `t${i}`) })
    const { registry } = await scripted(() => ({ status: 200, headers: json, body }))
    let count = 0
    for await (const _ of openStores().source({ registry, path: 'a' }).tags(newCall())) count++
    expect(count).toBe(1_000_000)
  })

  it('redirects to a host of this machine, the answer of that host is not shown', async () => {
    const inside = await scripted(() => ({
      status: 403,
      headers: { 'content-type': 'text/plain' },
      body: 'inner secret',
    }))
    const { registry } = await scripted(() => ({
      status: 307,
      headers: { location: `http://${inside.registry}/latest/meta-data` },
    }))
    for (const deed of [operations['manifest'], operations['blob'], operations['tags']]) {
      const stores = openStores()
      const thrown = await deed?.(stores.target({ registry, path: 'team/api' }), stores, newCall()).catch(
        (error: unknown) => error,
      )
      expect(isDrayError(thrown) && [thrown.code, thrown.why]).toEqual(['protocol', undefined])
    }
    expect(inside.heard.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })
})
