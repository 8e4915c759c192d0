import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { type HoldOptions, holdImages } from '../../../src/cli/holds/hold-images.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type TestPorts, testPorts } from '../../support/change-ports.ts'
import { tempFolder } from '../../support/temp.ts'
import { type World, world } from '../../support/world.ts'

interface Scene {
  readonly here: World
  readonly ports: TestPorts
  readonly records: () => readonly AuditRecord[]
}

/** `api:1.4.2` in staging, and a run whose `dray.yaml` has these sections too. */
async function scene(more: object = {}, flags: Partial<TestPorts['flags']> = {}): Promise<Scene> {
  const here = await world().index('api:1.4.2', ['amd64', 'arm64']).start()
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify({ ...JSON.parse(here.config), ...more }))
  const file = join(folder, 'audit.jsonl')
  const given = { reason: 'incident 77', ...flags, 'audit-file': file }
  const ports = testPorts({ folder, clock: systemClock, flags: given, width: 120 })
  const lines = (): readonly string[] => readFileSync(file, 'utf8').trimEnd().split('\n')
  return { here, ports, records: () => lines().map((line) => JSON.parse(line) as AuditRecord) }
}

const options: HoldOptions = {
  references: ['@staging/api:1.4.2'],
  env: undefined,
  decision: 'hold',
  expires: undefined,
  key: undefined,
  passwordEnv: undefined,
}

/** The URL of a receiver that takes no event. */
async function brokenReceiver(): Promise<string> {
  const server = createServer((_, response) => response.writeHead(400).end())
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('dray hold', () => {
  it('shows the plan of a dry run, and exits with 2 if it would change something', async () => {
    const { here, ports } = await scene({}, { 'dry-run': true, 'detailed-exitcode': true })
    await holdImages(options, ports)
    expect(ports.finished).toMatchObject([
      { exitCode: 2, text: expect.stringContaining('Plan: 1 image to hold.') as string },
    ])
    expect(await here.staging.oracle.tags('staging/api')).toEqual(['1.4.2'])
  })

  it('refuses an image whose repository residency denies, and records it', async () => {
    const { ports, records } = await scene({ residency: { rules: [{ images: ['*'], deny: ['@staging'] }] } })
    await holdImages(options, ports)
    expect(ports.finished).toMatchObject([
      {
        exitCode: 3,
        document: {
          images: [],
          refusals: [{ error: { why: 'residency.rules[0] in dray.yaml denies @staging' } }],
        },
      },
    ])
    expect(records()).toMatchObject([{ operation: 'hold', phase: 'refused', image: 'api:1.4.2' }])
  })

  it('reports the outcome with a warning if its event is not delivered', async () => {
    const webhook = { url: await brokenReceiver(), required: true }
    const { here, ports } = await scene({ audit: { webhook } })
    await holdImages(options, ports)
    expect(ports.finished).toMatchObject([{ exitCode: 1, document: { images: [{ status: 'held' }] } }])
    expect(ports.warnings).toHaveLength(1)
    expect(await here.staging.oracle.tags('staging/api')).toHaveLength(2)
  })
})
