import type { Call } from '../../../src/lib/call.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { Fetch, RegistryRequest, RegistryResponse } from '../../../src/registry/http/fetch.ts'
import { requestToken } from '../../../src/registry/http/auth/token.ts'
import { bareDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import type { RepositoryLister, TargetRepository } from '../../../src/images/ports.ts'
import { leapingClock } from '../manual-clock.ts'
import type { Parser } from './parsers.ts'
import { complaintOfError, complaintOfOutput } from './complaints.ts'
import { renderWarning } from '../../../src/render/error.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const registry = 'r.test'
const content = Buffer.from('content')
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }))
const blob = { mediaType: 'application/x', digest: digestOf(content), size: content.byteLength }
const described = bareDescriptor({
  mediaType: mediaTypes.index,
  digest: digestOf(manifest),
  size: manifest.byteLength,
})

interface ScriptedResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** A registry with the same response to every request. */
function scriptedFetch(respond: (request: RegistryRequest) => ScriptedResponse): Fetch {
  return async (request): Promise<RegistryResponse> => {
    const { status, headers = {}, body = new Uint8Array() } = respond(request)
    return {
      status,
      headers: new Map(Object.entries({ 'content-length': String(body.byteLength), ...headers })),
      url: request.url,
      body: (async function* () {
        yield body
      })(),
      bytes: async (limit) => {
        if (body.byteLength > limit) throw new DrayError('protocol', `more than ${limit} bytes`)
        return body
      },
      discard: async () => undefined,
    }
  }
}

const operations: readonly ((
  store: TargetRepository,
  catalog: RepositoryLister,
  call: Call,
) => Promise<unknown>)[] = [
  (store, _, call) => store.resolve({ tag: '1' }, call),
  (store, _, call) => store.manifest({ tag: '1' }, call),
  (store, _, call) => store.manifest(described, call),
  (store, _, call) => store.hasBlob(blob, call),
  async (store, _, call) => Array.fromAsync(await store.blob(blob, 0, call)),
  async (store, _, call) => Array.fromAsync(await store.blob(blob, 3, call)),
  (store, _, call) => Array.fromAsync(store.tags(call)),
  (store, _, call) => store.referrers(blob.digest, call),
  (store, _, call) =>
    store.putBlob(
      blob,
      { open: async () => [content].values() as unknown as AsyncIterable<Uint8Array> },
      call,
    ),
  (store, _, call) => store.putManifest(described, manifest, ['1', '2'], call),
  (store, _, call) => store.addToFallbackTag(blob.digest, [described], call),
  (store, _, call) => store.removeFromFallbackTag(blob.digest, described.digest, call),
  (store, _, call) => store.deleteTag('1', call),
  (store, _, call) => store.deleteManifest(blob.digest, call),
  (_, catalog, call) => Array.fromAsync(catalog.repositories(registry, call)),
]

/**
 * Calls all operations on a registry. Each error is checked here, so that one does not hide others.
 */
async function callAll(fetch: Fetch): Promise<void> {
  const clock = leapingClock()
  for (const operation of operations) {
    const stores = openRepositories({
      fetch,
      origin: () => new URL(`https://${registry}`),
      clock,
      random: () => 0.5,
      uploads: { wholeUpTo: 4, chunk: 3 },
    })
    const warnings: string[] = []
    const call: Call = {
      signal: new AbortController().signal,
      notify: (event) =>
        void (event.kind === 'warning' && warnings.push(renderWarning(event.text, plainStyle))),
    }
    let complaint: string | undefined
    try {
      const store = stores.target({ registry, path: 'team/api' })
      await operation(store, stores, call)
    } catch (thrown) {
      complaint = complaintOfError(thrown)
    }
    complaint ??= warnings.map(complaintOfOutput).find((one) => one !== undefined)
    if (complaint !== undefined) throw new Error(`${operation.toString().slice(0, 80)}: ${complaint}`)
  }
}

/** The bytes as a header, without the characters that HTTP clients reject. */
// oxlint-disable-next-line eslint/no-control-regex -- they are what is left out
const headerText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, 32 * 1024))
    .toString('latin1')
    .replaceAll(/[\0\r\n]/g, ' ')

const headers: Readonly<Record<string, { readonly status: number; readonly sample: string }>> = {
  link: { status: 200, sample: '</v2/team/api/tags/list?n=1>; rel="next"' },
  location: { status: 202, sample: '/v2/team/api/blobs/uploads/1?state=x' },
  range: { status: 202, sample: '0-2' },
  'content-range': { status: 206, sample: 'bytes 0-6/7' },
  'content-length': { status: 200, sample: '7' },
  'content-type': { status: 200, sample: mediaTypes.index },
  'content-encoding': { status: 200, sample: 'gzip' },
  'docker-content-digest': { status: 200, sample: described.digest },
  'oci-tag': { status: 201, sample: '1, 2' },
  'oci-subject': { status: 201, sample: blob.digest },
  'oci-chunk-min-length': { status: 202, sample: '3' },
  'oci-filters-applied': { status: 200, sample: 'artifactType' },
  warning: { status: 404, sample: '299 - "old"' },
  date: { status: 200, sample: 'Mon, 23 Nov 2026 00:00:00 GMT' },
}

const bodies: readonly { readonly type: string; readonly status: number; readonly sample: string }[] = [
  { type: 'application/json', status: 200, sample: '{"tags":["1"],"repositories":["a"]}' },
  { type: mediaTypes.index, status: 200, sample: manifest.toString() },
  { type: mediaTypes.manifest, status: 200, sample: '{"schemaVersion":2}' },
  { type: 'application/json', status: 400, sample: '{"errors":[{"code":"DENIED","message":"no"}]}' },
  { type: 'text/plain', status: 500, sample: 'no' },
  { type: 'text/html', status: 403, sample: '<html>' },
]

/** Parsers of responses of registries and token servers, through the real stores. */
export const responseParsers: readonly Parser[] = [
  ...Object.entries(headers).map(([header, { status, sample }]): Parser => ({
    name: `the header ${header} of a ${status}`,
    sample,
    parse: (bytes) =>
      callAll(
        scriptedFetch(() => ({
          status,
          body: manifest,
          headers: { 'content-type': 'application/json', location: '/v2/u/1', [header]: headerText(bytes) },
        })),
      ),
  })),
  ...bodies.map(({ type, status, sample }): Parser => ({
    name: `the body of a ${status} of ${type}`,
    sample,
    parse: (body) =>
      callAll(
        scriptedFetch(() => ({ status, body, headers: { 'content-type': type, location: '/v2/u/1' } })),
      ),
  })),
  {
    name: 'the answer of a token server',
    sample: '{"token":"x","expires_in":60}',
    parse: (body) => {
      const request = {
        registry,
        realm: new URL('https://r.test/token'),
        service: 'r',
        scopes: new Map(),
        credential: undefined,
      }
      const call = { signal: new AbortController().signal, notify: () => undefined }
      return requestToken(
        scriptedFetch(() => ({ status: 200, body })),
        request,
        leapingClock(),
        call,
      )
    },
  },
]
