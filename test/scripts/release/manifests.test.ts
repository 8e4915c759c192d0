import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { archiveName, targets } from '../../../scripts/release/targets.ts'
import { formatChecksums, parseChecksums, writeChecksums } from '../../../scripts/release/checksums.ts'
import { buildManifests, renderManifests } from '../../../scripts/release/manifests.ts'
import type { ReleaseFacts } from '../../../scripts/release/manifests/release-files.ts'
import { project } from '../../../src/cli/project.ts'
import { tempFolder } from '../../support/temp.ts'
import { tools } from '../../support/tools.ts'

const ruby = tools('ruby')
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const checksums = new Map(targets.map((target) => [archiveName(target), hashOf(target.name)]))
const facts: ReleaseFacts = {
  version: '1.4.0',
  day: '2026-11-28',
  description: 'Promote container images between environments by digest, with an audit log.',
  checksums,
  project: {
    repository: 'https://github.com/acme/dray',
    releases: 'https://github.com/acme/dray/releases',
    docs: 'https://github.com/acme/dray/blob/main/docs',
    bugs: 'https://github.com/acme/dray/issues',
  },
}
const manifests = renderManifests(facts)

function textOf(path: string): string {
  return manifests.get(path) ?? ''
}

function wingetOf(suffix: string): Record<string, unknown> {
  const text = textOf(`winget/manifests/a/acme/dray/1.4.0/acme.dray${suffix}.yaml`)
  return parse(text) as Record<string, unknown>
}

/** The fields that the published schemas of winget 1.12.0 require, and the version of each. */
const required: readonly (readonly [suffix: string, type: string, fields: readonly string[]])[] = [
  ['', 'version', ['DefaultLocale']],
  ['.installer', 'installer', ['Installers']],
  [
    '.locale.en-US',
    'defaultLocale',
    ['PackageLocale', 'Publisher', 'PackageName', 'License', 'ShortDescription'],
  ],
]

describe('the Homebrew formula', () => {
  const formula = textOf('homebrew/dray.rb')

  it('has the address and hash of the archive for each platform', () => {
    const found = [...formula.matchAll(/url "([^"]+)"\n +sha256 "([^"]+)"/g)].map(([, url, hash]) => [
      url,
      hash,
    ])
    const names = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']
    expect(found).toEqual(
      names.map((name) => [
        `https://github.com/acme/dray/releases/download/v1.4.0/dray-${name}.tar.gz`,
        hashOf(name),
      ]),
    )
  })

  it('has a description of at most 80 characters without a full stop', () => {
    const [, description = ''] = /^ {2}desc "(.*)"$/m.exec(formula) ?? []
    expect(description).toBe('Promote container images between environments by digest')
  })

  it.skipIf(!ruby.available)(`is correct Ruby${ruby.note}`, async () => {
    const file = join(await tempFolder(), 'dray.rb')
    writeFileSync(file, formula)
    expect(execFileSync('ruby', ['-c', file], { encoding: 'utf8' })).toBe('Syntax OK\n')
  })
})

describe('the Scoop manifest', () => {
  const manifest = JSON.parse(textOf('scoop/dray.json')) as Record<string, unknown>

  it('has the fields that its schema requires', () => {
    expect(manifest).toMatchObject({
      version: '1.4.0',
      homepage: 'https://github.com/acme/dray',
      license: 'Apache-2.0',
      bin: 'dray.exe',
      checkver: { github: 'https://github.com/acme/dray' },
    })
  })

  it('has the hash of the archive, and finds the hash of the next version', () => {
    const base = 'https://github.com/acme/dray/releases/download'
    expect(manifest['architecture']).toEqual({
      '64bit': { url: `${base}/v1.4.0/dray-windows-x64.zip`, hash: hashOf('windows-x64') },
    })
    expect(manifest['autoupdate']).toEqual({
      architecture: { '64bit': { url: `${base}/v$version/dray-windows-x64.zip` } },
      hash: { url: '$baseurl/checksums.txt' },
    })
  })
})

describe('the winget manifests', () => {
  it.each(required)(
    'acme.dray%s.yaml is a manifest of the type %s with its fields',
    (suffix, type, fields) => {
      const manifest = wingetOf(suffix)
      const all = ['PackageIdentifier', 'PackageVersion', ...fields, 'ManifestType', 'ManifestVersion']
      expect(all.filter((name) => manifest[name] === undefined || manifest[name] === '')).toEqual([])
      expect(manifest).toMatchObject({
        PackageIdentifier: 'acme.dray',
        PackageVersion: '1.4.0',
        ManifestType: type,
        ManifestVersion: '1.12.0',
      })
    },
  )

  it('name the archive with its hash in upper case, and the program in it', () => {
    expect(wingetOf('.installer')).toMatchObject({
      InstallerType: 'zip',
      NestedInstallerType: 'portable',
      NestedInstallerFiles: [{ RelativeFilePath: 'dray.exe', PortableCommandAlias: 'dray' }],
      ReleaseDate: '2026-11-28',
      Installers: [
        {
          Architecture: 'x64',
          InstallerUrl: 'https://github.com/acme/dray/releases/download/v1.4.0/dray-windows-x64.zip',
          InstallerSha256: hashOf('windows-x64').toUpperCase(),
        },
      ],
    })
  })

  it('begin with the address of their schema', () => {
    for (const [path, text] of manifests) {
      if (!path.startsWith('winget/')) continue
      const [, type] = /^ManifestType: (\w+)$/m.exec(text) ?? []
      expect(text.split('\n')[0]).toBe(
        `# yaml-language-server: $schema=https://aka.ms/winget-manifest.${type}.1.12.0.schema.json`,
      )
    }
  })
})

describe('manifests of a release', () => {
  it('carry the hashes of the files in its folder', async () => {
    const folder = await tempFolder()
    for (const target of targets) writeFileSync(join(folder, archiveName(target)), target.name)
    await writeChecksums(folder)
    const paths = buildManifests({ folder, date: 0 })
    const texts = paths.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n')
    const inManifests = new Set(texts.toLowerCase().match(/\b[0-9a-f]{64}\b/g))
    const expected = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64'].map(hashOf)
    expect([...inManifests].toSorted()).toEqual(expected.toSorted())
    expect(texts).toContain(project.releases)
  })

  it('are refused if a file is missing', () => {
    const without = new Map([...checksums].filter(([name]) => name !== 'dray-darwin-arm64.tar.gz'))
    expect(() => renderManifests({ ...facts, checksums: without })).toThrow(
      'checksums.txt has no dray-darwin-arm64.tar.gz',
    )
  })
})

describe('checksums.txt', () => {
  it('has a line for each file that sha256sum can check', async () => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'dray-linux-x64.tar.gz'), 'a')
    writeFileSync(join(folder, 'dray.cjs'), 'b')
    writeFileSync(join(folder, 'notes.txt'), 'c')
    await writeChecksums(folder)
    const text = readFileSync(join(folder, 'checksums.txt'), 'utf8')
    expect(text).toBe(`${hashOf('a')}  dray-linux-x64.tar.gz\n${hashOf('b')}  dray.cjs\n`)
    expect(formatChecksums(parseChecksums(text))).toBe(text)
    expect(execFileSync('sha256sum', ['--check', 'checksums.txt'], { cwd: folder, encoding: 'utf8' })).toBe(
      'dray-linux-x64.tar.gz: OK\ndray.cjs: OK\n',
    )
  })

  it.each(['abc  x', `${'0'.repeat(64)} x`, `${'0'.repeat(64)}  ../x`])('refuses the line %j', (line) => {
    expect(() => parseChecksums(`${line}\n`)).toThrow('not a line of checksums.txt')
  })
})
