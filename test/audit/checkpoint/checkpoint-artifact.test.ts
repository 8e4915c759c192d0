import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  checkpointTag,
  checkpointTags,
  checkpointType,
  newestCheckpoint,
  pushCheckpoint,
} from '../../../src/audit/checkpoint/checkpoint-artifact.ts'
import { makeCheckpoint, openCheckpoint, signCheckpoint } from '../../../src/audit/checkpoint/checkpoint.ts'
import { noteSigner, verifierOf } from '../../../src/signing/note-keys.ts'
import { parseSigningKey } from '../../../src/signing/signing-keys.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { LayoutRepositories } from '../../../src/layout/layout-repositories.ts'
import { isTag } from '../../../src/oci/reference.ts'
import type { TargetRepository } from '../../../src/images/ports.ts'
import { batches, chained, recordOf } from '../../support/log-lines.ts'
import { notedCall } from '../../support/http-world.ts'
import { bench } from '../../support/promotion.ts'
import { tempFolder } from '../../support/temp.ts'
import { watchedRegistry } from '../../support/world.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const origin = 'example.com/audit log'
const signer = noteSigner('example.com/audit', parseSigningKey(pem, 'key.pem'))
const log = chained(Array.from({ length: 12 }, (_, i) => recordOf({ id: `r${i}` })))
const call = notedCall()

async function noteOf(size: number, of = origin, lines = log): Promise<string> {
  return signCheckpoint(await makeCheckpoint(of, batches(lines.slice(0, size)), 'the log'), signer)
}

async function layout(): Promise<TargetRepository> {
  return new LayoutRepositories(await tempFolder(), systemClock).target({ registry: 'oci:', path: 'audit' })
}

describe('a checkpoint as an artifact', () => {
  it('is pushed to a registry and read from it', async () => {
    await using registry = await watchedRegistry()
    await using run = await bench()
    const name = { registry: registry.host, path: 'audit/checkpoints' }
    const pushed = await pushCheckpoint(run.stores.target(name), await noteOf(5), call)
    expect(pushed).toMatchObject({ result: 'pushed', tag: checkpointTag({ origin, size: 5 }) })
    const stored = await newestCheckpoint(run.freshStores().source(name), origin, call)
    expect(stored?.manifest.digest).toBe(pushed.manifest.digest)
    expect(openCheckpoint(stored?.note ?? Buffer.of(), [verifierOf(signer)], 'note')).toMatchObject({
      origin,
      size: 5,
    })
  })

  it('is an OCI manifest with its own artifact type, the empty config and the note as its layer', async () => {
    const store = await layout()
    const note = await noteOf(3)
    const { tag } = await pushCheckpoint(store, note, call)
    const { bytes } = await store.manifest({ tag }, call)
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: checkpointType,
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
      },
      layers: [expect.objectContaining({ mediaType: checkpointType, size: Buffer.byteLength(note) })],
    })
  })

  it('is the newest if it has the largest size, in any order of pushing', async () => {
    const store = await layout()
    for (const size of [2, 12, 9]) await pushCheckpoint(store, await noteOf(size), call)
    await pushCheckpoint(store, await noteOf(12, 'example.com/audit-log'), call)
    expect((await newestCheckpoint(store, origin, call))?.tag).toBe(checkpointTag({ origin, size: 12 }))
    expect(await checkpointTags(store, origin, call)).toEqual(
      [2, 9, 12].map((size) => checkpointTag({ origin, size })),
    )
  })

  it('is undefined if none was pushed or there is no repository', async () => {
    await using registry = await watchedRegistry()
    await using run = await bench()
    const name = { registry: registry.host, path: 'audit/checkpoints' }
    expect(await newestCheckpoint(run.stores.source(name), origin, call)).toBeUndefined()
    await pushCheckpoint(run.stores.target(name), await noteOf(5, 'another'), call)
    expect(await newestCheckpoint(run.stores.source(name), origin, call)).toBeUndefined()
  })

  it('is pushed only once', async () => {
    const store = await layout()
    const first = await pushCheckpoint(store, await noteOf(5), call)
    const second = await pushCheckpoint(store, await noteOf(5), call)
    expect(second).toEqual({ ...first, result: 'unchanged' })
  })

  it('never replaces one of the same size with another root', async () => {
    const store = await layout()
    const { tag } = await pushCheckpoint(store, await noteOf(5), call)
    const before = await store.resolve({ tag }, call)
    const other = chained(Array.from({ length: 5 }, (_, i) => recordOf({ id: `forged${i}` })))
    await expect(pushCheckpoint(store, await noteOf(5, origin, other), call)).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await store.resolve({ tag }, call)).toEqual(before)
  })

  it('has its own tag for each origin and size', () => {
    const origins = ['a/b', 'a_b', 'a-b', 'é', ' ', 'x'.repeat(500), `${'x'.repeat(500)}y`]
    const tags = origins.flatMap((of) =>
      [0, 7, 2 ** 53 - 1].map((size) => checkpointTag({ origin: of, size })),
    )
    expect(tags.filter(isTag)).toEqual(tags)
    expect(new Set(tags).size).toBe(tags.length)
  })
})
