import { describe, expect, it } from 'vitest'
import type { AttestationStatus } from '../../../../src/audit/attestation/verify-attestation.ts'
import type { Promotion } from '../../../../src/audit/attestation/promotion-statement.ts'
import {
  type AttestationOfImage,
  buildHistory,
  type HistoryTarget,
  type TargetFacts,
} from '../../../../src/usecases/views/history/history.ts'
import { type Digest, digestOf } from '../../../../src/oci/digest.ts'
import { mediaTypes } from '../../../../src/oci/media-types.ts'
import { parseRepository } from '../../../../src/oci/reference.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { promotionOf } from '../../../support/attestations.ts'
import { gateResults } from '../../../support/gates/gate-results.ts'

const one = digestOf('one')
const two = digestOf('two')

function targetOf(environment: string, byPromotion = true): HistoryTarget {
  const repository = parseRepository(`registry.test/${environment}/api`)
  return { environment, repository, reading: plainReading, byPromotion }
}

const [dev, staging, prod] = [targetOf('dev', false), targetOf('staging'), targetOf('prod')]

function factsOf(
  target: HistoryTarget,
  tags: Readonly<Record<string, Digest | null>>,
  attestations: readonly AttestationOfImage[] = [],
): TargetFacts {
  const images = [...new Set(Object.values(tags).filter((digest) => digest !== null))]
  return { target, tags: new Map(Object.entries(tags)), images, attestations, tagsNotRead: 0 }
}

function attestation(
  image: Digest,
  over: Partial<Promotion> = {},
  status: AttestationStatus = 'verified',
): AttestationOfImage {
  const promotion = promotionOf(image, over)
  const digest = digestOf(JSON.stringify([promotion, status]))
  return { image, status, promotion, manifest: { mediaType: mediaTypes.manifest, digest, size: 1 } }
}

function unreadableOf(found: AttestationOfImage): AttestationOfImage {
  return { image: found.image, status: 'unreadable', why: 'it is gone', manifest: found.manifest }
}

const toStaging = attestation(one, {
  from: { environment: 'dev', repository: dev.repository, tag: '1.4.2' },
  to: { environment: 'staging', repository: staging.repository },
  time: '2026-03-01T00:00:00.000Z',
})
const toProd = attestation(one, { time: '2026-03-02T00:00:00.000Z' })

describe('the history of an image', () => {
  it('has each promotion once, in the order of time', () => {
    const { rows } = buildHistory([
      factsOf(dev, { '1.4.2': one }),
      factsOf(staging, { '1.4.2': one }, [toStaging]),
      factsOf(prod, { '1.4.2': one }, [toProd, toStaging]),
    ])
    expect(rows.map(({ from, to, status }) => [from?.environment, to.environment, status])).toEqual([
      ['dev', 'staging', 'verified'],
      ['staging', 'prod', 'verified'],
    ])
    expect(rows[1]).toEqual({
      status: 'verified',
      image: one,
      time: toProd.promotion?.time,
      from: { environment: 'staging', repository: staging.repository },
      to: { environment: 'prod', repository: prod.repository },
      tags: [{ tag: '1.4.2', now: 'same' }],
      actor: 'ada',
      run: 'https://ci.test/runs/7',
      reason: 'release 1.4.2',
      ticket: 'OPS-7',
      attestation: toProd.manifest.digest,
    })
  })

  it('has the results of the gates at the destination', () => {
    const found = attestation(one, { gates: gateResults })
    expect(buildHistory([factsOf(prod, {}, [found])]).rows).toMatchObject([{ gates: gateResults }])
  })

  it('has the user of the machine and the run if there was no CI', () => {
    const found = attestation(one, { actor: { user: 'bob', host: 'h' } })
    expect(buildHistory([factsOf(prod, {}, [found])]).rows).toMatchObject([{ actor: 'bob', run: 'run-7' }])
  })

  it.each([
    ['same', { '1.4.2': one }],
    ['moved', { '1.4.2': two }],
    ['gone', { '1.4.2': null }],
    ['unknown', {}],
  ] as const)('has the tag as %s', (now, tags) => {
    const { rows } = buildHistory([{ ...factsOf(prod, tags, [toProd]), images: [one] }])
    expect(rows.map((row) => row.tags)).toEqual([[{ tag: '1.4.2', now }]])
  })

  it('reads the tags in the target of the promotion, not in the repository of the attestation', () => {
    const { rows } = buildHistory([
      factsOf(staging, { '1.4.2': two }),
      factsOf(prod, { '1.4.2': one }, [toStaging, toProd]),
    ])
    expect(rows.slice(0, 2).map((row) => row.tags[0]?.now)).toEqual(['moved', 'same'])
  })

  it('ignores the environment in an attestation if the repository does not belong to it', () => {
    const repository = parseRepository('elsewhere.test/api')
    const found = attestation(one, { to: { environment: 'prod', repository } }, 'unsigned')
    const { rows } = buildHistory([factsOf(prod, { '1.4.2': one }, [found])])
    expect(rows.map(({ status, to }) => [status, to])).toEqual([
      ['unsigned', { repository }],
      ['missing', { environment: 'prod', repository: prod.repository }],
    ])
  })

  it('has the valid copy if an attestation is damaged in another repository', () => {
    const { rows } = buildHistory([
      factsOf(staging, {}, [toProd]),
      factsOf(prod, { '1.4.2': one }, [unreadableOf(toProd)]),
    ])
    expect(rows.map(({ status }) => status)).toEqual(['verified'])
  })
})

describe('a missing attestation', () => {
  it('is reported for each tag without an attestation in an environment that images are promoted to', () => {
    const { rows } = buildHistory([
      factsOf(dev, { '1.4.2': one }),
      factsOf(prod, { '1.4.2': one, latest: one, '1.4': one, '2.0': two }, [toProd]),
    ])
    expect(rows.slice(1)).toEqual([
      {
        status: 'missing',
        image: one,
        to: { environment: 'prod', repository: prod.repository },
        tags: [
          { tag: 'latest', now: 'same' },
          { tag: '1.4', now: 'same' },
        ],
      },
      {
        status: 'missing',
        image: two,
        to: { environment: 'prod', repository: prod.repository },
        tags: [{ tag: '2.0', now: 'same' }],
      },
    ])
  })

  it('is reported for an image without a known tag and without an attestation', () => {
    const facts = { ...factsOf(prod, {}), images: [one] }
    expect(buildHistory([facts]).rows).toMatchObject([{ status: 'missing', image: one, tags: [] }])
    expect(buildHistory([{ ...facts, attestations: [toProd] }]).rows).toMatchObject([{ status: 'verified' }])
  })

  it('is not reported beside a bad one for this image, but beside one for another image', () => {
    const tampered = attestation(one, {}, 'bad')
    expect(buildHistory([factsOf(prod, { '1.4.2': one }, [tampered])]).rows).toMatchObject([
      { status: 'bad' },
    ])
    const copied = { ...attestation(two, {}, 'bad'), image: one }
    expect(buildHistory([factsOf(prod, { '1.4.2': one }, [copied])]).rows).toMatchObject([
      { status: 'bad', image: one },
      { status: 'missing', image: one },
    ])
  })

  it('is reported beside an unreadable one, which is shown in its repository', () => {
    const { rows } = buildHistory([factsOf(prod, { '1.4.2': one }, [unreadableOf(toProd)])])
    expect(rows).toMatchObject([
      { status: 'unreadable', why: 'it is gone', to: { environment: 'prod' }, tags: [] },
      { status: 'missing', image: one },
    ])
  })
})
