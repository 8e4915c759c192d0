import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readAttestations } from '../../../src/audit/attestation/read-attestations.ts'
import { formatEventLine } from '../../../src/audit/export/export.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { readPlanFile } from '../../../src/cli/changes/plan-file.ts'
import { parseVerifyKey } from '../../../src/signing/signing-keys.ts'
import { newCall, openStores } from '../../registry/client/world.ts'
import { fiveGates, fiveSigners, imageForFiveGates } from '../../support/gates/five-gates.ts'
import { gatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { world } from '../../support/world.ts'

it('the plan, the JSON document, the audit record, the event and the attestation have equal results', async () => {
  const api = imageForFiveGates(['linux/amd64', 'linux/arm64'])
  const here = await world().has('api:1.4.2', api).start()
  const missing = { name: 'audited', attestation: { type: 'https://audit.test/v1', signedBy: ['build'] } }
  const key = newSigner()
  const runs = await gatedRuns(here, {
    gates: [...fiveGates, missing],
    signers: fiveSigners,
    prod: { attest: true },
    more: { audit: { sign: { key: 'promotions.pem' } } },
  })
  await writeFile(join(runs.folder, 'promotions.pem'), key.privateKeyPem)
  const flags = { 'override-gate': ['audited'], reason: 'incident 7' }
  await runs.promote('api:1.4.2', { ...flags, out: 'plan.json' })
  const plan = await readPlanFile(join(runs.folder, 'plan.json'), { keyFiles: undefined, ownOnly: false })

  const { images } = await runs.promote('api:1.4.2', flags)
  const { gates = [] } = images[0] ?? {}
  expect(gates).toHaveLength(6)
  expect(gates.at(-1)).toMatchObject({ effect: 'overridden', override: { reason: 'incident 7' } })

  const written = runs.records().findLast(({ phase, step }) => phase === 'outcome' && step?.kind === 'tag')
  expect(written?.gates).toEqual(gates)
  const event = JSON.parse((written && formatEventLine(written, 'cloudevents')) ?? '{}') as { data?: object }
  expect(event.data).toMatchObject({ gates })

  const store = openStores().source({ registry: here.staging.host, path: 'prod/api' })
  const digest = parseDigest(api.root.digest)
  const keys = [parseVerifyKey(key.publicKeyPem, 'the key')]
  const [attested] = await readAttestations(store, digest, keys, newCall())
  expect(attested).toMatchObject({ status: 'verified' })
  expect(attested?.promotion?.gates).toEqual(gates)

  const [placement] = 'placements' in plan ? plan.placements : []
  const withoutTime = (all: readonly object[] = []): unknown => {
    const text = JSON.stringify(all.map((gate) => ({ ...gate, evaluatedAt: '' })))
    return JSON.parse(text.replaceAll(/\d+ (?:s|min) ago/g, 'ago'))
  }
  expect(withoutTime(placement?.gates)).toEqual(withoutTime(gates))
})
