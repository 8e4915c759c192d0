import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseReport, reportToCi } from '../../../src/cli/ci/ci-report.ts'
import { cutSummary } from '../../../src/render/ci.ts'
import { tempFolder } from '../../support/temp.ts'

const report = { variables: { digest: 'sha256:a sha256:b', changed: 'true' }, summary: '### dray promote\n' }
const mebibyte = 1024 * 1024

/** A table of this many bytes, in lines with a character of two bytes. */
function tableOf(bytes: number): string {
  const line = `| ${'é'.repeat(47)} |\n`
  return line.repeat(Math.ceil(bytes / Buffer.byteLength(line))).slice(0, bytes)
}

describe('the reports of --report', () => {
  it('are variables, a folder of values and a summary', async () => {
    const folder = await tempFolder()
    const at = (name: string): string => join(folder, name)
    const values = [`dotenv=${at('dray.env')}`, `dir=${at('new/results')}`, `summary=${at('summary.md')}`]
    await reportToCi(report, values.map(parseReport), {})
    expect(await readFile(at('dray.env'), 'utf8')).toBe('DRAY_DIGEST=sha256:a sha256:b\nDRAY_CHANGED=true\n')
    expect(await readFile(at('summary.md'), 'utf8')).toBe(report.summary)
    expect((await readdir(at('new/results'))).toSorted()).toEqual(['changed', 'digest'])
    // A line break at the end would be a part of a Tekton result.
    expect(await readFile(at('new/results/digest'), 'utf8')).toBe('sha256:a sha256:b')
  })

  it.each(['dotenv', 'dotenv=', 'file=x', 'constructor=x', '=x', ''])('are not %j', (text) => {
    expect(() => parseReport(text)).toThrowError(
      expect.objectContaining({ code: 'usage', why: expect.stringContaining('dir=FOLDER') }),
    )
  })

  it.each(['dotenv', 'dir'])('fail with the path if %s cannot be written', async (kind) => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'taken'), '')
    const path = join(folder, 'taken', 'report')
    await expect(reportToCi(report, [parseReport(`${kind}=${path}`)], {})).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(join(folder, 'taken')),
    })
  })
})

describe('the summary of a step on GitHub', () => {
  it('stays below the limit of 1 MiB together with the text that is already present', async () => {
    const file = join(await tempFolder(), 'summary')
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: file }
    const large = { ...report, summary: tableOf(700_000) }
    await reportToCi(large, [], env)
    await reportToCi(large, [], env)
    const text = await readFile(file, 'utf8')
    expect((await stat(file)).size).toBeLessThanOrEqual(mebibyte)
    expect((await stat(file)).size).toBeGreaterThan(mebibyte - 1000)
    expect(text).toMatch(/é \|\n\nThe summary is too long and was cut\. .+\n$/)
    expect(text).not.toContain('\ufffd')
    for (let more = 0; more < 20; more++) await reportToCi(large, [], env)
    expect((await stat(file)).size).toBeLessThanOrEqual(mebibyte)
  })

  it('is complete if it just fits', () => {
    const text = tableOf(1000)
    expect(cutSummary(text, Buffer.byteLength(text))).toBe(text)
    expect(cutSummary(text, Buffer.byteLength(text) - 1)).toMatch(/^(?:\| é+ \|\n)+\nThe summary is too long/)
  })
})
