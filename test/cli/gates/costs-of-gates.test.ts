import { expect, it } from 'vitest'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import {
  badScanOf,
  fiveGates,
  fiveSigners,
  imageForFiveGates,
  platformAt,
} from '../../support/gates/five-gates.ts'
import { gatedRuns } from '../../support/gates/gated-runs.ts'
import { world } from '../../support/world.ts'

/** A signature, provenance, four scans and four SBOMs. */
const artifacts = 10

/** Promotes a four-platform index with ten attached artifacts, and returns the requests. */
async function requestsWith(
  gates: readonly object[],
  prod: readonly 'oci-1.1'[] = [],
): Promise<readonly AccessEntry[]> {
  const here = await world({ prod }).has('api:1.4.2', imageForFiveGates()).start()
  const runs = await gatedRuns(here, { gates, signers: fiveSigners })
  return await here.during(async () => {
    const end = await runs.promote('api:1.4.2')
    expect(end.exitCode).toBe(0)
    for (const image of end.images)
      expect(image.gates ?? []).toMatchObject(gates.map(() => ({ result: 'pass' })))
  })
}

const format = (requests: readonly AccessEntry[]): string =>
  requests.map((r) => `${r.status} ${r.method} ${r.path}`).join('\n')

it('five gates on a four-platform index cost one GET for each judged artifact, and no other request', async () => {
  const ungated = await requestsWith([])
  const gated = await requestsWith(fiveGates)
  const isBlobRead = ({ kind, method }: AccessEntry): boolean => kind === 'blob' && method === 'GET'
  expect(gated.length - ungated.length, format(gated)).toBe(artifacts)
  expect(gated.filter(isBlobRead).length - ungated.filter(isBlobRead).length).toBe(artifacts)
  expect(gated.length, format(gated)).toBeLessThanOrEqual(88)
})

it('five gates read each artifact once for an image with two targets', async () => {
  const ungated = await requestsWith([], ['oci-1.1', 'oci-1.1'])
  const gated = await requestsWith(fiveGates, ['oci-1.1', 'oci-1.1'])
  expect(gated.length - ungated.length, format(gated)).toBe(artifacts)
})

it('an evaluation before the tags lists the referrers again, and reads only artifacts that are new', async () => {
  const api = imageForFiveGates()
  const here = await world().has('api:1.4.2', api).start()
  const runs = await gatedRuns(here, { gates: fiveGates, signers: fiveSigners })
  const execute = await runs.planned('api:1.4.2')
  await here.staging.oracle.push(badScanOf(platformAt(api, 2), 'linux/s390x'), 'staging/api')
  runs.ahead = 5_000
  const requests = await here.during(async () => {
    expect(await execute()).toMatchObject({ images: [{ status: 'conflict' }] })
  })
  const read = requests.filter(({ method, path }) => method === 'GET' && path.includes('staging/api/'))
  expect(read.filter(({ kind }) => kind === 'blob')).toHaveLength(1)
  expect(read.some(({ path }) => path.includes(`/referrers/${api.root.digest}`))).toBe(true)
})
