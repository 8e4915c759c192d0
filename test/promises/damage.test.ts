import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy, type Injury } from '../support/faulty-proxy.ts'
import { body, type Content, image, index, manifestOf, types } from '../support/images.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const old = image({ label: 'what is in prod', layers: 1 })
const one = image({ label: 'one', layers: 2 })
const multi = index(['amd64', 'arm64'], { label: 'multi', layers: 1 })

const rootOf = (content: Content): string => content.root.digest
const childOf = (content: Content): string => content.manifests[0]?.descriptor.digest ?? ''
const layerOf = (content: Content): string => {
  const { layers } = body(content, childOf(content)) as { layers: readonly { digest: string }[] }
  return layers[0]?.digest ?? ''
}

/** A fault that lasts for the whole run. */
const throughout = (path: RegExp, injury: Injury, method = 'GET'): Fault => ({
  at: { method, path },
  times: Infinity,
  injury,
})
const missing = { kind: 'answer', status: 404, body: { errors: [{ code: 'NOT_FOUND' }] } } as const
const byTag = /\/manifests\/stable$/
const at = (digest: string) => new RegExp(`/(manifests|blobs)/${digest}$`)

const schema1 = {
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
  body: { schemaVersion: 1, name: 'staging/api', tag: 'stable', fsLayers: [], history: [] },
} as const

/** A complete image that the registry serves in place of the requested one. */
const substitute = manifestOf(types.manifest, body(multi, childOf(multi)))

interface Case {
  readonly name: string
  readonly content: Content
  readonly fault: Fault
  /** the digest or tag that the error must name */
  readonly names: string
  readonly code: string
}

const cases: readonly Case[] = [
  {
    name: 'a manifest read by its tag that has a bit flipped',
    content: one,
    fault: throughout(byTag, { kind: 'flip', of: 'answer' }),
    names: rootOf(one),
    code: 'corrupt',
  },
  {
    name: 'a manifest read by its digest that has a bit flipped',
    content: multi,
    fault: throughout(at(childOf(multi)), { kind: 'flip', of: 'answer' }),
    names: childOf(multi),
    code: 'corrupt',
  },
  {
    name: 'a layer that has a bit flipped',
    content: one,
    fault: throughout(at(layerOf(one)), { kind: 'flip', of: 'answer' }),
    names: layerOf(one),
    code: 'corrupt',
  },
  {
    name: 'a layer whose Content-Length is too great',
    content: one,
    fault: throughout(at(layerOf(one)), { kind: 'length', by: 7 }),
    names: layerOf(one),
    code: 'corrupt',
  },
  {
    name: 'a layer whose Content-Length is too small',
    content: one,
    fault: throughout(at(layerOf(one)), { kind: 'length', by: -7 }),
    names: layerOf(one),
    code: 'corrupt',
  },
  {
    name: 'a manifest whose Content-Length is too small',
    content: multi,
    fault: throughout(at(childOf(multi)), { kind: 'length', by: -7 }),
    names: childOf(multi),
    code: 'corrupt',
  },
  {
    name: 'a manifest whose Docker-Content-Digest header has another digest',
    content: one,
    fault: throughout(byTag, { kind: 'headers', set: { 'docker-content-digest': childOf(multi) } }),
    names: childOf(multi),
    code: 'corrupt',
  },
  {
    name: 'another manifest than the requested one, with a header that matches the request',
    content: multi,
    fault: throughout(at(childOf(multi)), {
      kind: 'answer',
      status: 200,
      headers: { 'content-type': types.manifest, 'docker-content-digest': childOf(multi) },
      body: Buffer.concat([substitute.bytes, Buffer.from(' ')]),
    }),
    names: childOf(multi),
    code: 'corrupt',
  },
  {
    name: 'a manifest of schema 1',
    content: one,
    fault: throughout(byTag, schema1),
    names: 'stable',
    code: 'unsupported',
  },
  {
    name: 'a missing child',
    content: multi,
    fault: throughout(at(childOf(multi)), missing),
    names: childOf(multi),
    code: 'not-found',
  },
  {
    name: 'a missing layer',
    content: one,
    fault: throughout(at(layerOf(one)), missing),
    names: layerOf(one),
    code: 'not-found',
  },
]

describe('damaged content at the source is an error with image, registry and digest, and keeps the tag:', () => {
  it.each(cases)('$name', async ({ content, fault, names, code }) => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:stable', content)
      .start()
    const [prod] = w.prod
    await prod?.oracle.push(old, 'prod/api', 'stable')
    await using proxy = await faultyProxy(w.staging.host, fault)
    const here = await warmWorkplace(configOf(proxy.host, [prod?.host ?? '']))

    const { code: exit, document, stderr } = await here.json(...toProd('api:stable'))

    expect(proxy.passed.some(({ injury }) => injury !== undefined)).toBe(true)
    expect(exit, stderr).toBe(1)
    const error = document.error ?? document.result?.images[0]?.errors?.[0]
    expect(error).toMatchObject({ code })
    const text = JSON.stringify(error)
    expect(text).toContain('staging/api')
    expect(text).toContain(proxy.host)
    expect(text).toContain(names)
    expect(await prod?.oracle.digest('prod/api', 'stable')).toBe(rootOf(old))
    expect(await prod?.oracle.complaints('prod/api', 'stable')).toEqual([])
  })
})
