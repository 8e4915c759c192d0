import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readReportFiles, warnAboutReportFiles } from '../../../src/cli/gates/report-files.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { scanGate } from '../../support/gates/definitions.ts'
import { fiveSigners, scanDocumentOf } from '../../support/gates/five-gates.ts'
import { type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { image } from '../../support/images.ts'
import { tempFolder } from '../../support/temp.ts'
import { type World, world } from '../../support/world.ts'

const asserted = digestOf('an image')

describe('the files of --scan-report', () => {
  it('are read with their SHA-256, and with the digest that the user asserts', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'report.json'), '{}')
    await writeFile(join(folder, 'a=b.json'), '{}')
    const bytes = Buffer.from('{}')
    const sha256 = digestOf('{}')
    const read = await readReportFiles(['report.json', `${asserted}=report.json`, 'a=b.json'], folder)
    expect(read.map((one) => ({ ...one, bytes: Buffer.from(one.bytes) }))).toEqual([
      { name: 'report.json', bytes, sha256 },
      { name: 'report.json', bytes, sha256, asserted },
      { name: 'a=b.json', bytes, sha256 },
    ])
  })

  it.each([
    ['no file', `${asserted}=`, 'usage'],
    ['a wrong digest', 'sha256:abc=report.json', 'usage'],
    ['a file that does not exist', 'missing.json', 'not-found'],
    ['a folder', '.', 'io'],
    ['a file of more than 32 MiB', 'large.json', 'malformed'],
  ])('are an error with a fix for %s', async (_, value, code) => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'large.json'), Buffer.alloc(32 * 1024 ** 2 + 1))
    const hint = expect.any(String) as string
    await expect(readReportFiles([value], folder)).rejects.toMatchObject({ code, hint })
  })
})

describe('a file of --scan-report', () => {
  const file = { name: 'report.json', bytes: Buffer.from('{}'), sha256: digestOf('{}') }

  it.each([
    ['without a gate', [], 1],
    ['with a scan gate that accepts no files', [scanGate()], 1],
    ['with a scan gate that accepts files', [scanGate({ allowReportFile: true })], 0],
  ])('that no gate uses is a warning: %s', (_, gates, count) => {
    expect(warnAboutReportFiles([file], gates)).toHaveLength(count)
    expect(warnAboutReportFiles([], gates)).toEqual([])
  })
})

describe('a promotion with a report that is not in the registry', () => {
  const gate = {
    name: 'scan',
    scan: { signedBy: ['scanner'], failOn: 'high', maxAge: '24h', allowReportFile: true },
  }

  async function planned(): Promise<{ here: World; runs: GatedRuns }> {
    const api = image({ label: 'api' })
    const here = await world().has('api:1.4.2', api).start()
    const runs = await gatedRuns(here, { gates: [gate], signers: fiveSigners })
    const document = scanDocumentOf(api.root.digest, 'linux/amd64')
    await writeFile(join(runs.folder, 'report.json'), JSON.stringify(document))
    await writeFile(join(runs.folder, 'other.json'), JSON.stringify({ ...document, other: true }))
    const end = await runs.promote('api:1.4.2', { 'scan-report': ['report.json'], out: 'plan.json' })
    expect(end).toMatchObject({ exitCode: 0 })
    return { here, runs }
  }

  it('passes by the file, and apply needs the same file', async () => {
    const { here, runs } = await planned()
    expect(await runs.apply('plan.json')).toMatchObject({ exitCode: 3, images: [{ status: 'conflict' }] })
    const other = await runs.apply('plan.json', { 'scan-report': ['other.json'] })
    expect(other).toMatchObject({ exitCode: 3, images: [{ status: 'conflict' }] })
    expect(other.images[0]?.errors[0]?.message).toMatch(/another scan report/)
    expect(await here.staging.oracle.tags('prod/api')).toEqual([])
    const same = await runs.apply('plan.json', { 'scan-report': ['report.json'] })
    expect(same).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'pass' }] }] })
  })
})
