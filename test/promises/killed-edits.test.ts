import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expireRuns } from '../support/audit-log.ts'
import { contentOf, digestOf, gitopsPlace, pod } from '../support/gitops/gitops-place.ts'
import { startDray } from '../support/program.ts'
import { preloading } from '../support/program-command.ts'

const preload = preloading(join(import.meta.dirname, '..', 'support', 'kill-at-rename.cjs'))
const files = ['clusters/a.yaml', 'clusters/b.yaml', 'clusters/c.yaml']
const promote = ['promote', 'api:1.5.0', '--from', 'staging', '--to', 'prod', '--gitops', '--yes']

describe('a promotion with edits that is killed', () => {
  it.each([
    ['between the tags and the edits', 1, []],
    ['between two files', 2, ['clusters/a.yaml']],
    ['before the last file', 3, ['clusters/a.yaml', 'clusters/b.yaml']],
  ])('%s is finished by the same command', async (_, at, written) => {
    const place = await gitopsPlace()
    await place.staging.oracle.push(contentOf('1.5.0'), 'staging/api', '1.5.0')
    const name = `${place.eu.host}/prod/api`
    for (const file of files) await place.write(file, pod(`${name}:1.4.1`))
    const after = pod(`${name}:1.5.0@${digestOf('1.5.0')}`)
    const { ended, child } = startDray(promote, {
      cwd: place.folder,
      env: {
        HOME: place.folder,
        DRAY_AUDIT_FILE: place.auditFile,
        DRAY_TEST_KILL_AT: `${at}`,
        DRAY_TEST_KILL_PATH: join(place.folder, 'clusters'),
        ...preload,
      },
    })
    expect(await ended).toBe(null)
    expect(child.signalCode).toBe('SIGKILL')
    const texts = async (): Promise<string[]> => await Promise.all(files.map((file) => place.read(file)))
    const changed = (await texts()).flatMap((text, i) => (text === after ? [files[i]] : []))
    expect(changed).toEqual(written)

    expireRuns(place.auditFile)
    const again = await place.run(...promote)
    expect(again).toMatchObject({ code: 0 })
    expect(await texts()).toEqual(files.map(() => after))
    expect(again.stdout + again.stderr).not.toContain('another line')
    const resolved = place
      .entries()
      .filter((entry) => 'resolvedBy' in entry && entry.resolvedBy !== undefined)
    expect(resolved).toHaveLength(files.length)
    expect(resolved.filter((entry) => 'result' in entry && entry.result === 'done')).toHaveLength(
      written.length,
    )
    expect(await place.run('audit', 'verify')).toMatchObject({ code: 0 })
  })
})
