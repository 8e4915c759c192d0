import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/usecases/report/report.ts'
import { readPage } from '../support/report/read-page.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { configOf, world, type World } from '../support/world.ts'

const hour = 3_600_000

/** Three environments, a promotion in the audit log, and a policy that deletes nightlies. */
async function place(prod?: readonly string[]): Promise<{ readonly project: Workplace; readonly at: World }> {
  const at = await world()
    .image('api:1.4.2', { created: new Date(Date.now() - hour).toISOString() })
    .image('api:nightly-1', { created: '2026-01-02T03:04:05Z', label: 'nightly' })
    .start()
  const config = JSON.parse(configOf(at.staging.host, prod)) as object
  const retention = {
    rules: [{ name: 'nightlies', repositories: ['@staging/*'], tags: ['nightly-*'], olderThan: '7d' }],
  }
  const project = await warmWorkplace(JSON.stringify({ ...config, images: { api: {} }, retention }))
  return { project, at }
}

async function textOf(project: Workplace, section: string, file = 'dray-report.html'): Promise<string> {
  const page = await readFile(join(project.folder, file), 'utf8')
  const found = readPage(page).find(({ attributes }) => attributes.get('id') === section)
  return (found?.text ?? '').replaceAll(/\s+/g, ' ')
}

const reportOf = (document: { readonly result?: unknown }): Report => document.result as Report

describe('dray report', () => {
  it('writes all sections, sends only reads, and writes no audit record (19)', async () => {
    const { project, at } = await place()
    await project.run(
      'promote',
      'api:1.4.2',
      '--from',
      'staging',
      '--to',
      'prod',
      '--yes',
      '--reason',
      'Release 7',
    )
    const log = await readFile(project.auditFile)
    const requests = await at.during(async () => {
      const { code, stdout, stderr } = await project.run('report')
      expect(stderr).toBe('')
      expect(code).toBe(0)
      expect(stdout).toContain('retention  1 image to delete')
      expect(stdout).toMatch(/\nReport: dray-report\.html \(\d/)
    })
    expect(requests.length).toBeGreaterThan(0)
    expect(requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    expect(await readFile(project.auditFile)).toEqual(log)
    expect(await textOf(project, 'status')).toContain('1.4.2')
    expect(await textOf(project, 'timeline')).toContain('Release 7')
    expect(await textOf(project, 'anomalies')).toContain('the baseline has no records')
    expect(await textOf(project, 'retention')).toContain('nightlies')
    expect(await textOf(project, 'usage')).toContain('@staging/api')
  })

  it('shows an unreachable registry in its cells and exits with 4 (15)', async () => {
    const { project } = await place(['127.0.0.1:1'])
    const { code } = await project.run('report', '--sections', 'status,retention', '--out', 'page.html')
    expect(code).toBe(4)
    expect(await textOf(project, 'status', 'page.html')).toContain('unreachable')
    expect(await textOf(project, 'retention', 'page.html')).toContain('To delete 1')
  })

  it('prints the values of the page as one document, with the verdicts of a prune', async () => {
    const { project } = await place()
    const { code, document } = await project.json('report', '--since', '30d')
    expect(code).toBe(0)
    const { sections } = reportOf(document)
    expect(Object.values(sections).map(({ state }) => state)).toEqual([
      'read',
      'read',
      'read',
      'read',
      'read',
    ])
    const prune = await project.json('prune', '--dry-run')
    const planned = (prune.document.result as unknown as { plan: { repositories: readonly unknown[] } }).plan
    const retention = sections.retention?.state === 'read' ? sections.retention.value : undefined
    const verdicts = (repositories: readonly unknown[] | undefined): unknown =>
      (repositories as readonly { tags: unknown; count: unknown }[] | undefined)?.map(({ tags, count }) => ({
        verdicts: (tags as readonly { tag: string; verdict: string }[]).map(({ tag, verdict }) => [
          tag,
          verdict,
        ]),
        count,
      }))
    expect(verdicts(retention?.policies[0]?.plan.repositories)).toEqual(verdicts(planned.repositories))
    expect(existsSync(join(project.folder, 'dray-report.html'))).toBe(false)
  })

  it('says how to configure what dray.yaml does not have', async () => {
    const project = await warmWorkplace('version: 1\n')
    const { code, stdout } = await project.run('report', '--out', '-')
    expect(code).toBe(0)
    const text = readPage(stdout).map((one) => one.text)[0] ?? ''
    expect(text).toContain('no environments are configured')
    expect(text).toContain('no retention policy is configured')
    expect(text).toContain('There is no audit log')
    expect(text).toContain('Unusual volume: the baseline has no records')
  })
})

describe('dray report refuses', () => {
  it.each([
    ['an unknown section', ['--sections', 'usge'], 64, 'Did you mean "usage"?'],
    ['an unknown policy', ['--policy', 'x'], 64, 'there is no retention policy "x"'],
    ['a document and a page on stdout', ['-o', 'yaml', '--out', '-'], 64, 'both write to stdout'],
    ['a list of images on stdin', ['--in-use', '-'], 64, '--in-use - is not possible'],
    ['a time that is none', ['--since', 'soon'], 64, '--since "soon" is not a date'],
    ['a folder as file', ['--out', 'folder'], 1, 'folder is a folder'],
    ['a missing folder', ['--out', 'missing/page.html'], 1, 'does not exist'],
    ['to overwrite dray.yaml', ['--out', 'dray.yaml'], 64, 'would overwrite a file of dray'],
    ['to overwrite the audit log', ['--out', 'audit.jsonl'], 64, 'would overwrite a file of dray'],
  ] as const)('%s', async (_name, args, code, message) => {
    const { project, at } = await place()
    await mkdir(join(project.folder, 'folder'))
    await writeFile(project.auditFile, '')
    const requests = await at.during(async () => {
      const ended = await project.run('report', ...args)
      expect(ended.stderr + ended.stdout).toContain(message)
      expect(ended.code).toBe(code)
    })
    expect(requests).toEqual([])
    expect(await readFile(project.auditFile, 'utf8')).toBe('')
  })
})
