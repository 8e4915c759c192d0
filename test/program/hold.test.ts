import { expect, it } from 'vitest'
import { image, index } from '../support/images.ts'
import { workplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

/** One program test: the parts have their own tests. */
it('a held image survives a prune that deletes everything, until it is released', async () => {
  const { staging } = await world().start()
  const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
  await staging.oracle.push(api, 'staging/api', '1.4.2')
  await staging.oracle.push(image({ label: 'old', layers: 1 }), 'staging/api', 'pr-1')
  const work = await workplace(`
version: 1
environments:
  staging: { registry: "${staging.host}", path: "staging/{image}" }
  other: { registry: "${staging.host}", path: "other/{image}" }
images: { api: {} }
residency:
  rules: [{ images: ["*"], deny: ["@other"] }]
retention:
  rules: [{ name: all, tags: ["*"] }]
`)
  const holding = ['hold', '@staging/api:1.4.2', '--reason', 'incident 77'] as const
  const shown = await work.run(...holding, '--dry-run', '--detailed-exitcode')
  expect([shown.code, shown.stdout]).toEqual([2, expect.stringContaining('Plan: 1 image to hold.')])
  expect((await work.run(...holding, '--yes', '-o', 'digest')).stdout).toBe(`${api.root.digest}\n`)
  await work.run('prune', '@staging', '--apply', '--yes')
  expect((await staging.oracle.tags('staging/api')).toSorted()).toEqual([
    '1.4.2',
    `hold-${api.root.digest.slice(7, 19)}`,
  ])
  expect(await staging.oracle.complaints('staging/api', '1.4.2')).toEqual([])
  await staging.oracle.push(api, 'other/api', '1.4.2')
  const refused = await work.json('hold', '@other/api:1.4.2', '--reason', 'no', '--yes')
  expect([refused.code, refused.document.result]).toMatchObject([
    3,
    { images: [], refusals: [{ error: { why: 'residency.rules[0] in dray.yaml denies @other' } }] },
  ])
  const log = await work.run('audit', 'log', '--operation', 'hold', '--result', 'refused', '-o', 'jsonl')
  expect(JSON.parse(log.stdout)).toMatchObject({ operation: 'hold', phase: 'refused', image: 'api:1.4.2' })
  const released = await work.json('hold', '--release', '@staging/api:1.4.2', '--reason', 'closed', '--yes')
  expect(released.document.result?.images).toMatchObject([{ status: 'released' }])
  await work.run('prune', '@staging', '--apply', '--yes')
  expect(await staging.oracle.tags('staging/api')).toEqual([])
})
