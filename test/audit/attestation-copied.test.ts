import { describe, expect, it } from 'vitest'
import { readAttestations } from '../../src/audit/attestation/read-attestations.ts'
import { parseDescriptor } from '../../src/oci/descriptor.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { attachAndList, newKeys, promotionOf } from '../support/attestations.ts'
import { bench, executePlan, planOf, repository } from '../support/promotion.ts'
import { world } from '../support/world.ts'

const keys = newKeys('ed25519')

describe.each([
  ['oci-1.1', 'docker-registry-2.8'],
  ['docker-registry-2.8', 'oci-1.1'],
] as const)('an attestation at %s', (staging, prod) => {
  it(`is promoted with its image to ${prod} and verified there`, async () => {
    const started = await world({ staging, prod: [prod] })
      .index('api:1.4.2', ['amd64', 'arm64'])
      .start()
    const { staging: from, prod: targets } = started
    await using run = await bench()
    const [source, target] = [repository(from, 'staging/api'), repository(targets[0] ?? from, 'prod/api')]
    const { root } = started.content('api:1.4.2')
    const promotion = promotionOf(root.digest)
    const attestation = { promotion, subject: parseDescriptor(root, 'the image'), key: keys.signing }
    const { manifest } = await attachAndList(run.freshStores().target(source), attestation, run.call)
    await executePlan(run, await planOf(run, { from: source, to: [target] }))
    const found = await readAttestations(
      run.freshStores().source(target),
      parseDigest(root.digest),
      [keys.verify],
      run.call,
    )
    expect(found).toMatchObject([{ status: 'verified', promotion, manifest: { digest: manifest.digest } }])
    expect(await targets[0]?.oracle.complaints('prod/api', manifest.digest)).toEqual([])
  })
})
