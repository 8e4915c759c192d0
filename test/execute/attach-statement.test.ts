import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AttachedStatement,
  attachStatement,
  type StatementToAttach,
} from '../../src/execute/attach-statement.ts'
import { listReferrers } from '../../src/images/evidence/referrers.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { parseBundle } from '../../src/signing/sigstore-bundle.ts'
import { entriesOf, waitingClock } from '../support/audit-log.ts'
import { newKeys } from '../support/attestations.ts'
import { image } from '../support/images.ts'
import { type Bench, bench, repository } from '../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

let run: Bench
beforeEach(async () => {
  run = await bench({ clock: waitingClock(Date.now()) })
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
})

const api = image({ label: 'api', layers: 1 })
const subject = { ...api.root, digest: parseDigest(api.root.digest) }

function statementAt(registry: WatchedRegistry, more: Partial<StatementToAttach> = {}): StatementToAttach {
  return {
    operation: 'approve',
    image: 'api:1.4.2',
    environment: 'prod',
    repository: repository(registry, 'app'),
    subject,
    predicateType: 'urn:test:v1',
    predicate: { decision: 'approve', reason: 'tested' },
    ...more,
  }
}

async function attach(statement: StatementToAttach): Promise<AttachedStatement> {
  return await attachStatement(
    statement,
    {
      stores: run.stores,
      sink: run.log,
      clock: systemClock,
      actor: { user: 'ada', host: 'here' },
      reason: 'tested',
      tool: '0',
      newId: () => crypto.randomUUID(),
      runId: 'run1',
    },
    run.call,
  )
}

describe.each(['zot-2.1', 'docker-registry-2.8'] as const)('a statement at %s', (profile) => {
  let registry: WatchedRegistry
  beforeEach(async () => {
    registry = await watchedRegistry(profile)
    await registry.oracle.push(api, 'app', '1.4.2')
  })
  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
  })

  it('is listed as a referrer of its image, and recorded before and after', async () => {
    const { artifact, result } = await attach(statementAt(registry))
    expect(result).toBe('done')
    const store = run.freshStores().source(repository(registry, 'app'))
    const listed = await listReferrers(store, subject.digest, run.call)
    expect(listed.map(({ digest }) => digest)).toEqual([artifact])
    expect(entriesOf(run.auditFile)).toMatchObject([
      { phase: 'intent', operation: 'approve', image: 'api:1.4.2', environment: { to: 'prod' } },
      {
        phase: 'outcome',
        result: 'done',
        step: { kind: 'attest', artifact, decision: 'approve', predicateType: 'urn:test:v1' },
      },
    ])
  })

  it('is not attached twice if the newest one of its scope and key says the same', async () => {
    const key = newKeys().signing
    const as = (decision: string, signedBy = key): StatementToAttach =>
      statementAt(registry, {
        predicate: { decision },
        key: signedBy,
        unlessNewest: { scope: { environment: 'prod' }, content: { decision } },
      })
    const first = await attach(as('approve'))
    expect(await attach(as('approve'))).toEqual({ ...first, result: 'unchanged' })
    expect((await attach(as('approve', newKeys().signing))).result).toBe('done')
    expect((await attach(as('reject'))).result).toBe('done')
    expect((await attach(as('approve'))).result).toBe('done')
  })

  it('is recorded as failed if the registry refuses it', async () => {
    const absent = { ...subject, digest: parseDigest(`sha256:${'0'.repeat(64)}`) }
    const broken = statementAt(registry, { repository: { registry: registry.host, path: 'Not/valid' } })
    await expect(attach({ ...broken, subject: absent })).rejects.toThrow('not')
    expect(entriesOf(run.auditFile).at(-1)).toMatchObject({ phase: 'outcome', result: 'failed' })
  })
})

it('a signed statement is a bundle whose manifest contains it too', async () => {
  await using registry = await watchedRegistry()
  await registry.oracle.push(api, 'app', '1.4.2')
  const { artifact } = await attach(statementAt(registry, { key: newKeys().signing }))
  const store = run.freshStores().source(repository(registry, 'app'))
  const { bytes } = await store.manifest({ digest: artifact }, run.call)
  const { layers } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { layers: [{ data: string }] }
  const { envelope } = parseBundle(Buffer.from(layers[0].data, 'base64'), 'it')
  expect(JSON.parse(Buffer.from(envelope.payload).toString('utf8'))).toMatchObject({
    predicateType: 'urn:test:v1',
    subject: [{ digest: { sha256: subject.digest.slice('sha256:'.length) } }],
  })
})

it('a statement that a reader of manifests would not accept is refused before it is recorded', async () => {
  await using registry = await watchedRegistry()
  const long = statementAt(registry, { predicate: { reason: 'x'.repeat(70_000) } })
  await expect(attach(long)).rejects.toThrow('larger than 65536 bytes')
  expect(existsSync(run.auditFile)).toBe(false)
})
