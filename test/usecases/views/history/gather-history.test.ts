import { describe, expect, it } from 'vitest'
import type { Promotion } from '../../../../src/audit/attestation/promotion-statement.ts'
import type { SigningKey } from '../../../../src/signing/signing-keys.ts'
import { gatherHistory, type HistorySubject } from '../../../../src/usecases/views/history/gather-history.ts'
import { buildHistory, type HistoryRow } from '../../../../src/usecases/views/history/history.ts'
import { parseDescriptor } from '../../../../src/oci/descriptor.ts'
import { parseDigest } from '../../../../src/oci/digest.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { embedded, newCall, openStores, scripted } from '../../../registry/client/world.ts'
import { attachAndList, claimedAttestation, newKeys, promotionOf } from '../../../support/attestations.ts'
import { type Content, image } from '../../../support/images.ts'

const keys = newKeys()
const v1 = image({ label: 'v1' })
const v2 = image({ label: 'v2' })
const environments = ['dev', 'staging', 'prod'] as const
type Environment = (typeof environments)[number]

/**
 * Starts a registry with dev, staging and prod. `attest` attaches the attestation of a promotion.
 */
async function start(profile: 'oci-1.1' | 'docker-registry-2.8') {
  const { registry, oracle, log } = await embedded({ profile })
  const repository = (environment: Environment) => ({ registry, path: `${environment}/api` })
  const targets = environments.map((environment) => ({
    environment,
    repository: repository(environment),
    reading: plainReading,
    byPromotion: environment !== 'dev',
  }))
  const attest = (
    from: Environment,
    to: Environment,
    what: Content,
    over: Partial<Promotion>,
    key?: SigningKey,
  ) =>
    attachAndList(
      openStores().target(repository(to)),
      {
        promotion: promotionOf(what.root.digest, {
          from: { environment: from, repository: repository(from) },
          to: { environment: to, repository: repository(to) },
          ...over,
        }),
        subject: parseDescriptor(what.root, 'the image'),
        ...(key && { key }),
      },
      newCall(),
    )
  const view = async (subject: HistorySubject, known = [keys.verify]) =>
    buildHistory(await gatherHistory(openStores(), targets, subject, known, newCall()))
  const history = async (...of: Parameters<typeof view>): Promise<readonly HistoryRow[]> =>
    (await view(...of)).rows
  const push = (what: Content, environment: Environment, ...tags: string[]) =>
    oracle.push(what, `${environment}/api`, ...tags)
  return { registry, oracle, log, attest, view, history, push, targets }
}

const summarise = (rows: readonly HistoryRow[]) =>
  rows.map(({ status, from, to, tags }) => {
    const route = `${from?.environment ?? ''}>${to.environment}`
    return [status, route, ...tags.map(({ tag, now }) => `${tag} ${now}`)].join(' ')
  })

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('the history at %s', (profile) => {
  it('of a digest has its promotions from dev to prod', async () => {
    const { attest, history, push } = await start(profile)
    for (const environment of environments) await push(v1, environment, '1.4.2')
    await attest('dev', 'staging', v1, { time: '2026-03-01T00:00:00Z' }, keys.signing)
    await attest('staging', 'prod', v1, { time: '2026-03-02T00:00:00Z' }, keys.signing)
    const rows = ['verified dev>staging 1.4.2 same', 'verified staging>prod 1.4.2 same']
    expect(summarise(await history({ digest: parseDigest(v1.root.digest) }))).toEqual(rows)
    expect(summarise(await history({ tag: '1.4.2' }))).toEqual(rows)
    expect(summarise(await history({ limit: undefined }))).toEqual(rows)
  })

  it('of all versions has the status of each attestation, and missing ones', async () => {
    const { attest, view, history, push, oracle } = await start(profile)
    const copies = [v1, v2, image({ label: 'v3' }), image({ label: 'v4' })] as const
    for (const [i, what] of copies.entries()) await push(what, 'prod', `1.4.${i}`)
    const tags = (i: number) => ({
      tags: [{ tag: `1.4.${i}`, before: null }],
      time: `2026-03-0${i + 1}T00:00:00Z`,
    })
    await attest('staging', 'prod', v1, tags(0))
    await attest('staging', 'prod', v2, tags(1), newKeys().signing)
    await oracle.push(claimedAttestation(copies[2], 'garbage'), 'prod/api')
    expect(summarise(await history({ limit: undefined }))).toEqual([
      'unsigned staging>prod 1.4.0 same',
      'foreign staging>prod 1.4.1 same',
      'unreadable >prod',
      'missing >prod 1.4.3 same',
      'missing >prod 1.4.2 same',
    ])
    expect(summarise(await history({ limit: 1 }))).toEqual(['missing >prod 1.4.3 same'])
    expect((await view({ limit: 1 })).tagsNotRead).toBe(3)
    expect(summarise(await history({ limit: undefined }, []))[1]).toBe('unchecked staging>prod 1.4.1 same')
  })

  it('of a tag includes the images that it pointed at before', async () => {
    const { attest, history, push } = await start(profile)
    await push(v1, 'prod', 'old')
    await push(v2, 'prod', 'latest')
    const before = parseDigest(v1.root.digest)
    const latest = { tag: 'latest', before: null }
    await attest('staging', 'prod', v1, { tags: [latest], time: '2026-03-01T00:00:00Z' }, keys.signing)
    const second = { tags: [{ ...latest, before }], time: '2026-03-02T00:00:00Z' }
    await attest('staging', 'prod', v2, second, keys.signing)
    expect(summarise(await history({ tag: 'latest' }))).toEqual([
      'verified staging>prod latest moved',
      'verified staging>prod latest same',
    ])
  })

  it('ignores evidence tags', async () => {
    const { attest, history, push } = await start(profile)
    await push(v1, 'prod', '1.4.2')
    await attest('staging', 'prod', v1, {})
    expect(summarise(await history({ limit: undefined }))).toEqual(['unsigned staging>prod 1.4.2 same'])
  })

  it('of an unknown tag or digest is an error', async () => {
    const { history, push } = await start(profile)
    await expect(history({ tag: '9.9.9' })).rejects.toMatchObject({
      code: 'not-found',
      hint: 'Check the name of the image, and its tag or digest.',
    })
    await push(v1, 'dev', '1.4.2')
    await expect(history({ tag: '9.9.9' })).rejects.toMatchObject({ code: 'not-found' })
    await expect(history({ digest: parseDigest(v2.root.digest) })).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  it('writes nothing', async () => {
    const { attest, history, push, log } = await start(profile)
    await push(v1, 'prod', '1.4.2')
    await attest('staging', 'prod', v1, {})
    log.splice(0)
    await history({ limit: undefined })
    expect(log.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
  })
})

it('an environment that cannot be read is an error', async () => {
  const { registry } = await scripted(() => ({ status: 403 }))
  const repository = { registry, path: 'prod/api' }
  const targets = [{ environment: 'prod', repository, reading: plainReading, byPromotion: true }]
  const gathered = gatherHistory(openStores(), targets, { tag: '1' }, [], newCall())
  await expect(gathered).rejects.toMatchObject({ code: 'forbidden' })
})
