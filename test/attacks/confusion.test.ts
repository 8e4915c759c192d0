import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRegistry } from '../../src/embedded/server.ts'
import {
  body,
  type Content,
  cosignSignature,
  image,
  index,
  manifestOf,
  referrer,
  sha256,
  together,
  types,
} from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { warmDray } from '../support/program.ts'
import { reply, scriptedServer } from '../support/scripted-server.ts'
import { tempFolder } from '../support/temp.ts'

interface Served {
  readonly bytes: Uint8Array
  /** the Content-Type */
  readonly type: string
  /** the Docker-Content-Digest */
  readonly says: string
}

/** A registry that serves any bytes under a tag or digest. It has one tag, `1`. */
interface HostileSource {
  readonly manifests: Map<string, Served>
  readonly blobs: Map<string, Uint8Array>
  readonly tags: string[]
  /** the referrers that it lists for every digest */
  readonly referrers: object[]
}

function serve(content: Content): HostileSource {
  const manifests = new Map<string, Served>()
  for (const { descriptor, bytes } of content.manifests) {
    manifests.set(descriptor.digest, { bytes, type: descriptor.mediaType, says: descriptor.digest })
  }
  const root = manifests.get(content.root.digest)
  if (root !== undefined) manifests.set('1', root)
  return { manifests, blobs: new Map(content.blobs), tags: ['1'], referrers: [] }
}

async function listen({ manifests, blobs, tags, referrers }: HostileSource) {
  const registry = await scriptedServer(({ method, path }, response) => {
    const [, kind, at = ''] = /^\/v2\/team\/api\/(manifests|blobs|referrers)\/([^?]+)/.exec(path) ?? []
    const json = (value: unknown, type = 'application/json') =>
      reply(response, 200, { 'content-type': type }, JSON.stringify(value))
    if (path === '/v2/') return json({})
    if (path.includes('/tags/list')) return json({ name: 'team/api', tags })
    if (kind === 'referrers') return json({ schemaVersion: 2, manifests: referrers }, types.index)
    const found = kind === 'blobs' ? blobs.get(at) : manifests.get(decodeURIComponent(at))
    if (found === undefined) return reply(response, 404, {}, '{}')
    if (found instanceof Uint8Array) return reply(response, 200, {}, found)
    reply(
      response,
      200,
      {
        'content-type': found.type,
        'docker-content-digest': found.says,
        'content-length': String(found.bytes.byteLength),
      },
      method === 'HEAD' ? '' : found.bytes,
    )
  })
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return registry.host
}

/** Copies from a hostile source to an empty registry, and returns what arrived there. */
async function copied(source: HostileSource) {
  const target = await startRegistry()
  onTestFinished(() => target.close())
  const from = `${await listen(source)}/team/api:1`
  const ended = await warmDray(['copy', from, `${target.registry}/team/api:1`, '--yes'], {
    env: { HOME: await tempFolder() },
  })
  const oracle = new Oracle(target.registry)
  return { ended, oracle, tag: await oracle.digest('team/api', '1') }
}

const single = image({ label: 'single' })
const multi = index(['amd64', 'arm64'], { label: 'multi' })
const other = image({ label: 'other' })

function rootOf({ manifests }: HostileSource): Served {
  const found = manifests.get('1')
  if (found === undefined) throw new Error('the source has no root')
  return found
}

/** The root with other fields and a correct digest. */
function withRoot(content: Content, fields: object, type = content.root.mediaType): HostileSource {
  const { descriptor, bytes } = manifestOf(type, { ...body(content), ...fields })
  return serve({ ...content, root: descriptor, manifests: [...content.manifests, { descriptor, bytes }] })
}

/** The root as any text with a correct digest. */
function withText(content: Content, edit: (text: string) => string): HostileSource {
  const source = serve(content)
  const { bytes, type } = rootOf(source)
  const edited = Buffer.from(edit(Buffer.from(bytes).toString()))
  const served = { bytes: edited, type, says: sha256(edited) }
  source.manifests.set('1', served).set(served.says, served)
  return source
}

function change(content: Content, edit: (source: HostileSource) => void): HostileSource {
  const source = serve(content)
  edit(source)
  return source
}

const layers = body(single)['layers'] as readonly { readonly digest: string; readonly size: number }[]
const [first] = layers
const hex = first?.digest.slice('sha256:'.length) ?? ''
const withLayer = (fields: object) => withRoot(single, { layers: [{ ...first, ...fields }] })
const child = multi.manifests[0]?.descriptor.digest ?? ''
const otherServed = serve(other).manifests.get('1')

const attacks: readonly (readonly [string, HostileSource])[] = [
  ['an index with layers', withRoot(multi, { layers: body(single)['layers'] })],
  ['an index with a config', withRoot(multi, { config: body(single)['config'] })],
  ['an image with manifests', withRoot(single, { manifests: body(multi)['manifests'] })],
  ['layers twice', withText(single, (text) => text.replace('"layers"', '"layers":[],"layers"'))],
  [
    'layers twice, once escaped',
    withText(single, (text) => text.replace('"layers"', '"\\u006cayers":[],"layers"')),
  ],
  [
    'a digest twice in a layer',
    withText(single, (text) => text.replace('"digest"', '"digest":"x","digest"')),
  ],
  ['layers in another case', withText(single, (text) => text.replace('"layers"', '"Layers":[],"layers"'))],
  ['text after the manifest', withText(single, (text) => `${text}{}`)],
  ['a byte order mark', withText(single, (text) => `\ufeff${text}`)],
  ['another Content-Type', change(single, (s) => s.manifests.set('1', { ...rootOf(s), type: types.index }))],
  ['another mediaType in the body', withRoot(single, { mediaType: types.index }, types.manifest)],
  ['a schema 1 manifest', withText(single, () => '{"schemaVersion":1,"fsLayers":[],"history":[]}')],
  [
    'a digest header of another image',
    change(single, (s) => s.manifests.set('1', { ...rootOf(s), says: other.root.digest })),
  ],
  [
    'a digest header of another algorithm',
    change(single, (s) => s.manifests.set('1', { ...rootOf(s), says: `sha512:${'0'.repeat(128)}` })),
  ],
  [
    'a child with the bytes of another image',
    change(multi, (s) => otherServed && s.manifests.set(child, otherServed)),
  ],
  [
    'a child with the bytes of another image under its own digest',
    change(multi, (s) => otherServed && s.manifests.set(child, { ...otherServed, says: child })),
  ],
  [
    'a child that is its own index',
    change(multi, (s) => s.manifests.set(child, { ...rootOf(s), says: child })),
  ],
  ['a digest with the hash of another algorithm', withLayer({ digest: `sha512:${hex}` })],
  ['a digest that is too short', withLayer({ digest: `sha256:${hex.slice(1)}` })],
  ['a digest in capitals', withLayer({ digest: `sha256:${hex.toUpperCase()}` })],
  ['an algorithm in capitals', withLayer({ digest: `SHA256:${hex}` })],
  ['an algorithm that is broken', withLayer({ digest: `md5:${hex.slice(0, 32)}` })],
  ['a digest that is a path', withLayer({ digest: `sha256:../../team/api/${hex}` })],
  ['a digest with a query', withLayer({ digest: `${first?.digest}?x=1` })],
]

// Wrong blobs are tested in test/registry/client/odd-images.test.ts.
describe('a source that serves', () => {
  it.each(attacks)('%s ends the copy, and the tag is not written', async (_name, source) => {
    const { ended, tag } = await copied(source)
    expect([ended.code, tag]).toEqual([1, undefined])
    expect(ended.stderr).toMatch(/^error:/m)
  })

  it('an ordinary image is copied', async () => {
    expect(await copied(serve(multi))).toMatchObject({ ended: { code: 0 }, tag: multi.root.digest })
  })

  it('deeply nested indexes ends the copy', async () => {
    let nested: Content = image({ label: 'deep' })
    for (let depth = 0; depth < 30; depth++) nested = index([nested])
    expect(await copied(serve(nested))).toMatchObject({ ended: { code: 1 }, tag: undefined })
  })

  it('a sha512 image is checked by sha512', async () => {
    const sha512 = (bytes: Uint8Array) => `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    const bytes = single.blobs.get(first?.digest ?? '') ?? Buffer.of()
    const source = withLayer({ digest: sha512(bytes) })
    source.blobs.set(sha512(bytes), bytes)
    expect((await copied(source)).ended.code).toBe(0)
    source.blobs.set(sha512(bytes), Buffer.alloc(bytes.byteLength))
    expect((await copied(source)).ended.code).toBe(1)
  })
})

describe('an attached artifact', () => {
  const { root } = single
  const fallback = root.digest.replace(':', '-')

  it('is not an image under the fallback tag', async () => {
    const source = serve(single)
    source.tags.push(fallback)
    if (otherServed !== undefined) source.manifests.set(fallback, otherServed)
    const { ended, oracle, tag } = await copied(source)
    expect([ended.code, tag]).toEqual([0, root.digest])
    expect(await oracle.manifest('team/api', other.root.digest)).toBeUndefined()
    expect(await oracle.tags('team/api')).toEqual(['1'])
  })

  it.each([
    ['of another image', referrer(other)],
    ['that names no subject', other],
  ])('is not accepted if a list names %s', async (_name, stray) => {
    const source = serve(together(single, stray))
    source.referrers.push({ ...stray.root, artifactType: 'application/spdx+json' })
    const { oracle, tag } = await copied(source)
    expect(tag === undefined || tag === root.digest).toBe(true)
    expect(await oracle.referrers('team/api', root.digest)).toEqual([])
    expect(await oracle.manifest('team/api', stray.root.digest)).toBeUndefined()
  })

  it('is copied under its own tag only, not as a signature of another digest', async () => {
    const signature = cosignSignature(other)
    const source = serve(together(single, signature))
    const served = source.manifests.get(signature.root.digest)
    const tag = signature.manifests[0]?.tag ?? ''
    source.tags.push(tag)
    if (served !== undefined) source.manifests.set(tag, served)
    const { ended, oracle } = await copied(source)
    expect(ended.code).toBe(0)
    expect(await oracle.tags('team/api')).toEqual(['1'])
  })

  it('that is listed as a referrer of itself is followed once', async () => {
    const attached = referrer(single)
    const source = serve(together(single, attached))
    source.referrers.push(attached.root)
    const { ended, oracle, tag } = await copied(source)
    expect([ended.code, tag]).toEqual([0, root.digest])
    expect(await oracle.referrers('team/api', root.digest)).toEqual([attached.root.digest])
  })
})

it.each([
  'sha256:abc',
  `sha256:${'A'.repeat(64)}`,
  `1@sha256:${'0'.repeat(63)}`,
  `1@sha256:${'0'.repeat(64)}@x`,
])('a reference cannot end with %s', async (end) => {
  const separator = end.startsWith('1@') ? ':' : '@'
  expect((await warmDray(['inspect', `127.0.0.1:1/team/api${separator}${end}`])).code).toBe(64)
})
