import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import {
  body,
  type Content,
  cosignSignature,
  index,
  manifestOf,
  referrer,
  sha256,
  together,
  types,
} from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { configOf, watchedRegistry } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const multi = index(['amd64', 'arm64'], { label: 'repaired', layers: 2 })
const sbom = referrer(multi, { payload: 'sbom' })
const vex = referrer(multi, { payload: 'vex' })
const signature = cosignSignature(multi)
const signed = together(multi, sbom, vex, signature)
const fallbackTag = multi.root.digest.replace(':', '-')

function layersOf(content: Content, digest: string): string[] {
  return (body(content, digest) as { layers: { digest: string }[] }).layers.map((layer) => layer.digest)
}

const layer = layersOf(multi, multi.manifests[0]?.descriptor.digest ?? '')[0] ?? ''

interface TestRegistry {
  readonly host: string
  readonly oracle: Oracle
  /** deletes the bytes of a blob; the registry does not notice */
  readonly lose: (digest: string) => Promise<void>
}

/**
 * Promotes an image, loses content at the destination, and promotes again with `--verify`.
 *
 * @returns how the destination then differs from the source
 */
async function repair(destination: TestRegistry, source: TestRegistry, lose: Loss[1]): Promise<string[]> {
  await source.oracle.push(signed, 'staging/api', '1.4.2')
  const here = await warmWorkplace(configOf(source.host, [destination.host]))
  expect(await here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
  await lose(destination)
  const ended = await here.json(...toProd('api:1.4.2', '--verify'))
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.document.result?.verified).toBe(true)
  return await destination.oracle.differences('prod/api', signed, '1.4.2')
}

async function startEmbedded(): Promise<TestRegistry> {
  const one = await watchedRegistry('docker-registry-2.8')
  onTestFinished(() => one[Symbol.asyncDispose]())
  return { host: one.host, oracle: one.oracle, lose: (digest) => one.oracle.deleteBlob('prod/api', digest) }
}

async function startReal(): Promise<TestRegistry> {
  const one = await startDockerRegistry()
  onTestFinished(() => one.stop())
  const hex = (digest: string): string => digest.replace('sha256:', '')
  return {
    host: one.host,
    oracle: new Oracle(one.url),
    lose: (digest) =>
      rm(join(one.folder, 'docker/registry/v2/blobs/sha256', hex(digest).slice(0, 2), hex(digest), 'data')),
  }
}

const listWith = (...entries: readonly Content[]) =>
  manifestOf(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: entries.map(({ root }) => root),
  })

type Loss = readonly [string, (prod: TestRegistry) => Promise<unknown>]

const layerLost: Loss = ['a layer that is still listed', ({ lose }) => lose(layer)]
const entryLost: Loss = [
  'an entry of the list of referrers',
  ({ oracle }) => oracle.putManifest('prod/api', fallbackTag, listWith(sbom)),
]
const referrerLost: Loss = [
  'a referrer that is still listed',
  ({ oracle }) => oracle.delete('prod/api', vex.root.digest),
]
const listLost: Loss = [
  'the list of referrers as a whole',
  async ({ oracle }) =>
    oracle.delete('prod/api', sha256((await oracle.manifest('prod/api', fallbackTag))?.bytes ?? '')),
]
const signatureLost: Loss = [
  'a signature under its tag',
  ({ oracle }) => oracle.delete('prod/api', signature.root.digest),
]

describe('--verify restores what a registry lost:', () => {
  it.each([entryLost, referrerLost, listLost, signatureLost])('%s (embedded)', async (_, lose) => {
    expect(await repair(await startEmbedded(), await startEmbedded(), lose)).toEqual([])
  })

  it.skipIf(!dockerRegistry.available).each([layerLost, entryLost])(
    `%s (docker-registry)${dockerRegistry.note}`,
    async (_, lose) => {
      expect(await repair(await startReal(), await startEmbedded(), lose)).toEqual([])
    },
  )

  it.skipIf(!dockerRegistry.available)(
    `--verify names a layer that the source lost too (docker-registry)${dockerRegistry.note}`,
    async () => {
      const one = await startReal()
      await one.oracle.push(signed, 'staging/api', '1.4.2')
      const here = await warmWorkplace(configOf(one.host))
      expect(await here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
      await one.lose(layer)
      const ended = await here.json(...toProd('api:1.4.2', '--verify'))
      expect(ended.code).toBe(1)
      expect(ended.stdout).toContain(layer)
      expect(await one.oracle.digest('prod/api', '1.4.2')).toBe(multi.root.digest)
    },
  )
})
