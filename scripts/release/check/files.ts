import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseChecksums } from '../checksums.ts'
import { run } from './program.ts'
import type { Step } from './steps.ts'
import { expectVersion } from './versions.ts'

export const archiveStep: Step = {
  name: 'archives',
  title: 'the archive has a program that runs, and checksums.txt has each file',
  programs: ['sha256sum', 'tar', 'unzip'],
  after: ['packages'],
  async run(context) {
    const { release, temporary } = context
    await run('sha256sum', ['--check', '--strict', '--quiet', 'checksums.txt'], { cwd: release })
    const folder = join(temporary, 'archive')
    mkdirSync(folder)
    await run('tar', ['-xzf', join(release, 'dray-linux-x64.tar.gz'), '-C', folder])
    const wanted = [
      'LICENSE',
      'THIRD_PARTY_NOTICES',
      'man/dray.1',
      'completions/_dray',
      'completions/dray.bash',
    ]
    for (const name of wanted)
      if (readFileSync(join(folder, name)).length === 0) throw new Error(`${name} is empty`)
    await expectVersion(join(folder, 'dray'), [], 'bun', context)
    await run('unzip', ['-tq', join(release, 'dray-windows-x64.zip')])
    return `${parseChecksums(readFileSync(join(release, 'checksums.txt'), 'utf8')).size} files`
  },
}

export const manStep: Step = {
  name: 'man',
  title: 'mandoc has no complaint about a man page',
  programs: ['mandoc'],
  after: ['npm'],
  async run({ root }) {
    const pages = globSync(join(root, 'dist', 'man', '*.1'))
    if (pages.length === 0) throw new Error('dist/man has no page')
    const { stdout, stderr } = await run('mandoc', ['-T', 'lint', '-W', 'all', ...pages])
    if (stdout + stderr !== '') throw new Error(stdout + stderr)
    return `${pages.length} pages`
  },
}

export const manifestStep: Step = {
  name: 'manifests',
  title: 'manifests are correct and have the hashes of checksums.txt',
  programs: ['ruby'],
  after: ['packages'],
  async run({ release }) {
    const formula = join(release, 'homebrew', 'dray.rb')
    await run('ruby', ['-c', formula])
    const files = [
      formula,
      join(release, 'scoop', 'dray.json'),
      ...globSync(join(release, 'winget', '**', '*.yaml')),
    ]
    const known = new Set(parseChecksums(readFileSync(join(release, 'checksums.txt'), 'utf8')).values())
    const hashes = files.flatMap(
      (file) =>
        readFileSync(file, 'utf8')
          .toLowerCase()
          .match(/\b[0-9a-f]{64}\b/g) ?? [],
    )
    const wrong = hashes.filter((hash) => !known.has(hash))
    if (wrong.length > 0 || hashes.length === 0)
      throw new Error(`unknown hashes in manifests: ${wrong.join(', ')}`)
    return `${files.length} files`
  },
}
