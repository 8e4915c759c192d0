import { describe, expect, it } from 'vitest'
import { verifyChecksums, writeChecksums } from '../../../scripts/release/checksums.ts'
import { releaseNotes } from '../../../scripts/release/facts.ts'
import { problemsOf } from '../../../scripts/release/ready.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from '../../support/temp.ts'

const changelog =
  '# Changelog\n\n## [Unreleased]\n\n## [1.4.0] - 2026-11-28\n\n- An entry.\n\n## [1.3.0] - 2026-10-01\n\n- Old.\n'
const prepared = {
  wanted: '1.4.0',
  ref: 'refs/heads/main',
  packageVersion: '1.4.0',
  changelog,
  isPlaceholder: false,
}

describe('a release', () => {
  it('is accepted from main with a version that package.json and CHANGELOG.md have', () => {
    expect(problemsOf(prepared)).toEqual([])
  })

  it.each([
    [{ isPlaceholder: true }, 'names no account'],
    [{ ref: 'refs/heads/x' }, 'not from refs/heads/x'],
    [{ packageVersion: '1.3.0' }, 'package.json has the version 1.3.0, not 1.4.0'],
    [{ changelog: '# Changelog\n' }, 'CHANGELOG.md has no line that begins with "## [1.4.0] - "'],
  ])('is refused with %j', (change, problem) => {
    const problems = problemsOf({ ...prepared, ...change })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(problem)
  })

  it('has the entries of its version as notes', () => {
    expect(releaseNotes(changelog, '1.4.0')).toBe('- An entry.\n')
    expect(() => releaseNotes(changelog, '1.5.0')).toThrow('no entries for 1.5.0')
  })

  it('is not published if a file differs from its checksum', async () => {
    const folder = await tempFolder()
    for (const name of ['a.zip', 'dray.cjs']) writeFileSync(join(folder, name), name)
    await writeChecksums(folder)
    expect(await verifyChecksums(folder)).toBe(2)
    writeFileSync(join(folder, 'a.zip'), 'changed')
    await expect(verifyChecksums(folder)).rejects.toThrow('differ from checksums.txt: a.zip')
  })
})
