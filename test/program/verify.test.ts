import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { body, image, index } from '../support/images.ts'
import { world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const multi = index(['amd64', 'arm64'], { layers: 1 })
const next = image({ label: 'pushed during the run' })

describe('--verify', () => {
  it('verifies the planned digest although the source tag moves during the run', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:stable', multi)
      .start()
    const [prod] = w.prod
    const project = await warmWorkplace(w.config)
    // The source tag moves when the first blob arrives.
    let pushed: Promise<unknown> | undefined
    const { push } = prod?.requests ?? []
    if (prod === undefined || push === undefined) throw new Error('unreachable')
    prod.requests.push = (...entries) => {
      if (entries.some(({ method }) => method === 'POST')) {
        pushed ??= w.staging.oracle.push(next, 'staging/api', 'stable')
      }
      return push.apply(prod.requests, entries)
    }
    const { code, document, stderr } = await project.json(...toProd('api:stable', '--verify'))
    await pushed
    expect(await w.staging.oracle.digest('staging/api', 'stable')).toBe(next.root.digest)
    expect(code, stderr).toBe(0)
    expect(document.result).toMatchObject({ verified: true, images: [{ digest: multi.root.digest }] })
    expect(document.warnings).toEqual([])
    expect(await prod.oracle.digest('prod/api', 'stable')).toBe(multi.root.digest)
  })

  it('accepts content without a tag', async () => {
    const w = await world().has('api:1.4.2', multi).start()
    const project = await warmWorkplace(w.config)
    const source = `${w.staging.host}/staging/api@${multi.root.digest}`
    const copy = ['copy', source, `${w.staging.host}/elsewhere/api`, '--yes', '--verify']
    const first = await project.json(...copy)
    expect(first.code, first.stdout).toBe(0)
    expect(first.document.result).toMatchObject({ verified: true, images: [{ status: 'promoted' }] })
    const again = await project.json(...copy)
    expect(again.document.result).toMatchObject({ verified: true, images: [{ status: 'unchanged' }] })
  })

  it('verifies the other images if one fails', async () => {
    const w = await world().has('api:1.4.2', multi).start()
    const child = multi.manifests[0]?.descriptor.digest ?? ''
    const { layers } = body(multi, child) as { layers: { digest: string }[] }
    const project = await warmWorkplace(w.config)
    expect((await project.run(...toProd('api:1.4.2'))).code).toBe(0)
    await w.prod[0]?.oracle.deleteBlob('prod/api', layers[0]?.digest ?? '')
    const { code, document } = await project.json(...toProd('api:1.4.2', 'gone:1', '--verify'))
    expect(code).toBe(4)
    expect(document.result).toMatchObject({ verified: true })
    expect(await w.prod[0]?.oracle.differences('prod/api', multi, '1.4.2')).toEqual([])
  })
})

describe('a report that cannot be written', () => {
  it('is a warning and exit code 1, and the result is still printed', async () => {
    const w = await world().has('api:1.4.2', multi).start()
    const project = await warmWorkplace(w.config)
    await mkdir(join(project.folder, 'taken'))
    const { code, document } = await project.json(...toProd('api:1.4.2', '--report', 'dotenv=taken'))
    expect(code).toBe(1)
    expect(document.ok).toBe(false)
    expect(document.result?.images).toMatchObject([{ status: 'promoted' }])
    expect(document.warnings).toEqual([expect.stringContaining('taken')])
  })
})
