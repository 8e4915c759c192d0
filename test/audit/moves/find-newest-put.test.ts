import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findNewestPut } from '../../../src/audit/moves/find-newest-put.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { openLog, outcome } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'

const { signal } = new AbortController()
const prod = { registry: 'registry.example.com', path: 'prod/api' }
const staging = { ...prod, path: 'staging/api' }

it('the newest put of a digest is the one from another repository', async () => {
  const path = join(await tempFolder(), 'audit.jsonl')
  const log = openLog(path)
  const step = outcome({}).step
  if (step?.kind !== 'tag') throw new Error('the record has another step')
  const target = { ...step.target, digest: digestOf('image') }
  await log.write([
    outcome({ run: 'promotion', step: { ...step, repository: prod, from: staging, target } }),
    outcome({ run: 'retag', step: { ...step, repository: prod, from: prod, target } }),
    outcome({ run: 'elsewhere', step: { ...step, repository: staging, from: prod, target } }),
  ])
  await log.close()
  expect(await findNewestPut(path, prod, digestOf('image'), signal)).toMatchObject({
    run: 'promotion',
    from: staging,
  })
  expect(await findNewestPut(path, prod, digestOf('other'), signal)).toBeUndefined()
})
