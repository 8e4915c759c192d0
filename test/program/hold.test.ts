import { expect, it } from 'vitest'
import { image, index } from '../support/images.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

/** One program test: the parts have their own tests. */
it('a held image survives a prune that deletes everything, until it is released', async () => {
  const { staging } = await world().start()
  const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
  await staging.oracle.push(api, 'staging/api', '1.4.2')
  await staging.oracle.push(image({ label: 'old', layers: 1 }), 'staging/api', 'pr-1')
  const work = await warmWorkplace(`
version: 1
environments:
  staging: { registry: "${staging.host}", path: "staging/{image}" }
images: { api: {} }
retention:
  rules: [{ name: all, tags: ["*"] }]
`)
  const held = await work.run(
    'hold',
    '@staging/api:1.4.2',
    '--reason',
    'incident 77',
    '--yes',
    '-o',
    'digest',
  )
  expect(held.stdout).toBe(`${api.root.digest}\n`)
  await work.run('prune', '@staging', '--apply', '--yes')
  expect((await staging.oracle.tags('staging/api')).toSorted()).toEqual([
    '1.4.2',
    `hold-${api.root.digest.slice(7, 19)}`,
  ])
  expect(await staging.oracle.complaints('staging/api', '1.4.2')).toEqual([])
  const released = await work.json('hold', '--release', '@staging/api:1.4.2', '--reason', 'closed', '--yes')
  expect(released.document.result?.images).toMatchObject([{ status: 'released' }])
  await work.run('prune', '@staging', '--apply', '--yes')
  expect(await staging.oracle.tags('staging/api')).toEqual([])
})
