import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { index } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { startDray } from '../support/program.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

const api = index(['amd64', 'arm64', 's390x'])
const relaxed = { abilities: { sparseIndexes: 'accepted' } } as const
const selected = ['--platform', 'linux/arm64', '--platform', 'linux/amd64']
const [, , s390x] = api.manifests.map(({ descriptor }) => descriptor.digest)

describe('dray promote --platform', () => {
  it('copies and verifies the platforms, and shows them in the plan and in JSON', async () => {
    const w = await world({ prod: [relaxed] })
      .has('api:1.4.2', api)
      .start()
    const project = await warmWorkplace(w.config)
    const shown = await project.run(...toProd('api:1.4.2', ...selected, '--dry-run'))
    expect(shown.stdout).toMatch(/platforms +linux\/arm64, linux\/amd64 of 3\n/)
    const { code, document, stdout } = await project.json(...toProd('api:1.4.2', ...selected, '--verify'))
    expect(code, stdout).toBe(0)
    expect(document.result).toMatchObject({ verified: true, images: [{ status: 'promoted' }] })
    const prod = w.prod[0]?.oracle
    expect(await prod?.digest('prod/api', '1.4.2')).toBe(api.root.digest)
    expect(await prod?.manifest('prod/api', s390x ?? '')).toBeUndefined()
    const again = await project.json(...toProd('api:1.4.2', ...selected, '--verify'))
    expect(again.document.result).toMatchObject({ verified: true, images: [{ status: 'unchanged' }] })
  })

  it('is completed by --verify without --platform', async () => {
    const w = await world({ prod: [relaxed] })
      .has('api:1.4.2', api)
      .start()
    const project = await warmWorkplace(w.config)
    await project.run(...toProd('api:1.4.2', ...selected))
    const { code } = await project.json(...toProd('api:1.4.2', '--verify'))
    expect(code).toBe(0)
    expect(await w.prod[0]?.oracle.differences('prod/api', api, '1.4.2')).toEqual([])
  })

  it('is part of a saved plan', async () => {
    const w = await world({ prod: [relaxed] })
      .has('api:1.4.2', api)
      .start()
    const project = await warmWorkplace(w.config)
    const file = join(project.folder, 'plan.json')
    expect((await project.run(...toProd('api:1.4.2', ...selected, '--out', file))).code).toBe(0)
    const applied = await project.run('apply', file, '--yes')
    expect(applied.code, applied.stderr).toBe(0)
    expect(await w.prod[0]?.oracle.digest('prod/api', '1.4.2')).toBe(api.root.digest)
    expect(await w.prod[0]?.oracle.manifest('prod/api', s390x ?? '')).toBeUndefined()
  })

  it('exits with 3 if the registry refuses the index, and with 64 for a name that is no platform', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', api)
      .start()
    const project = await warmWorkplace(w.config)
    const refused = await project.run(...toProd('api:1.4.2', ...selected))
    expect(refused.code).toBe(3)
    expect(refused.stderr + refused.stdout).toContain('does not accept an index without all of its platforms')
    expect(await w.prod[0]?.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
    expect((await project.run(...toProd('api:1.4.2', '--platform', 'arm64'))).code).toBe(64)
  })
})

it('dray serve --sparse-indexes accepts an index without some of its platforms', async () => {
  const pushTo = async (...flags: readonly string[]): Promise<number> => {
    const running = startDray(['serve', ...flags])
    const host = /127\.0\.0\.1:\d+/.exec(await running.seen(/is ready/))?.[0] ?? ''
    const root = api.manifests.find(({ descriptor }) => descriptor.digest === api.root.digest)
    const headers = { 'content-type': api.root.mediaType }
    const options = { headers, body: root?.bytes ?? new Uint8Array() }
    const { status } = await new Oracle(host).request('PUT', '/v2/api/manifests/1', options)
    return status
  }
  expect(await pushTo()).toBe(400)
  expect(await pushTo('--sparse-indexes')).toBe(201)
})
