import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { fencesIn } from '../support/ci-files/published-pages.ts'
import { tempFolder } from '../support/temp.ts'

const report = 'DRAY_DIGEST=sha256:a sha256:b\nDRAY_CHANGED=true\n'

/** The value of a key in the only YAML fence that contains a text. */
function valueAt(text: string, ...path: readonly (string | number)[]): string {
  const found = fencesIn('yaml').filter((fence) => fence.text.includes(text))
  expect(found).toHaveLength(1)
  let value = parse(found[0]?.text ?? '') as unknown
  for (const key of path) value = (value as Readonly<Record<string | number, unknown>>)[key]
  return value as string
}

/**
 * Runs a script in bash with programs that do this. Returns its folder, exit code and output. Only
 * CircleCI ends a script at the first error by itself.
 */
async function runScript(
  script: string,
  programs: Readonly<Record<string, string>>,
  options: readonly string[] = [],
) {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`)
    await chmod(join(folder, name), 0o755)
  }
  const env = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    REPORT: report,
    BASH_ENV: join(folder, 'bash.env'),
  }
  await writeFile(env.BASH_ENV, '')
  const run = promisify(execFile)('bash', [...options, '-c', script], { cwd: folder, env })
  const { code, stdout } = await run.then(
    ({ stdout: output }) => ({ code: 0, stdout: output }),
    (error: { code: number; stdout: string }) => error,
  )
  return { folder, code, stdout }
}

/** A dray that writes the report to the current folder. */
const dray = 'printf "%s" "$REPORT" > dray.env; touch dray.md'

describe('the examples of other CI systems', () => {
  it('for Azure Pipelines set the outputs', async () => {
    const script = valueAt('task.setvariable', 'steps', 2, 'bash')
    const { folder, code, stdout } = await runScript(script, { dray })
    expect({ code, lines: stdout.trimEnd().split('\n') }).toEqual({
      code: 0,
      lines: [
        '##vso[task.setvariable variable=DRAY_DIGEST;isOutput=true]sha256:a sha256:b',
        '##vso[task.setvariable variable=DRAY_CHANGED;isOutput=true]true',
        `##vso[task.uploadsummary]${folder}/dray.md`,
      ],
    })
  })

  it('for Azure Pipelines end with the failure of dray', async () => {
    const script = valueAt('task.setvariable', 'steps', 2, 'bash')
    const { code, stdout } = await runScript(script, { dray: `${dray}; exit 3` })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  })

  it('for CircleCI set the variables of later steps', async () => {
    const script = valueAt('BASH_ENV', 'jobs', 'promote', 'steps', 3, 'run')
    const { folder, code } = await runScript(script, { dray }, ['-eo', 'pipefail'])
    const bash = ['-c', '. ./bash.env; printf "%s|%s" "$DRAY_DIGEST" "$DRAY_CHANGED"']
    const { stdout } = await promisify(execFile)('bash', bash, { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'sha256:a sha256:b|true' })
  })
})

describe.each([
  [
    'on the page CI',
    () =>
      fencesIn('sh').find(({ at, text }) => at.startsWith('docs/ci.md') && text.includes('checksums.txt'))
        ?.text,
  ],
  ['for Azure Pipelines', () => valueAt('task.setvariable', 'steps', 0, 'bash')],
])('the installation of a binary %s', (_, find) => {
  const script = find()
    ?.replace('/usr/local/bin', '"$HOME/.local/bin"')
    .replace(/^/, 'mkdir -p "$HOME/.local/bin"\n')

  /** `curl -O` of a release whose archive contains a program. */
  async function curlOf(sum: (archive: Buffer) => string): Promise<string> {
    const release = await tempFolder()
    await writeFile(join(release, 'dray'), 'the program')
    const archive = join(release, 'dray-linux-x64.tar.gz')
    await promisify(execFile)('tar', ['-czf', archive, '-C', release, 'dray'])
    const line = `${sum(await readFile(archive))}  dray-linux-x64.tar.gz\n`
    await writeFile(join(release, 'checksums.txt'), `${'0'.repeat(64)}  dray-linux-arm64.tar.gz\n${line}`)
    return `for last; do :; done; cp "${release}/\${last##*/}" .`
  }

  it('unpacks the program of a release', async () => {
    const curl = await curlOf((archive) => createHash('sha256').update(archive).digest('hex'))
    const { folder, code } = await runScript(script ?? '', { curl })
    expect(code).toBe(0)
    expect(await readFile(join(folder, '.local', 'bin', 'dray'), 'utf8')).toBe('the program')
  })

  it.each([
    ['differs', 'f'.repeat(64)],
    ['is missing', ''],
  ])('unpacks nothing if the checksum %s', async (__, sum) => {
    const { folder, code } = await runScript(script ?? '', { curl: await curlOf(() => sum) })
    expect(code).not.toBe(0)
    expect(await readdir(join(folder, '.local', 'bin'))).toEqual([])
  })
})
