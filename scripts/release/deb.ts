import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { debianChangelog } from './deb/changelog.ts'
import { dependsOf } from './deb/depends.ts'
import { controlFile, copyrightFile, maintainer } from './deb/metadata.ts'
import type { Architecture } from './image/debian/pins.ts'

export interface DebOptions {
  /** the release folder, which gets the package */
  readonly folder: string
  readonly binary: string
  readonly architecture: Architecture
  readonly version: string
  /** in seconds */
  readonly date: number
  /** the man pages, by the names of their files */
  readonly man: ReadonlyMap<string, string>
  /** the completion scripts, by their paths */
  readonly completions: ReadonlyMap<string, string>
  /** the text of THIRD_PARTY_NOTICES */
  readonly notices: string
  /** the text of CHANGELOG.md */
  readonly changelog: string
}

const documentation = 'usr/share/doc/dray'
const overrides = join(import.meta.dirname, 'deb', 'lintian-overrides')

/** Builds `dray_VERSION_ARCHITECTURE.deb`. @returns the name of the file */
export function buildDeb(options: DebOptions): string {
  const stage = mkdtempSync(join(tmpdir(), 'dray-deb-'))
  try {
    fill(stage, options)
    const name = `dray_${options.version}_${options.architecture}.deb`
    // Higher levels of xz save at most 10% and take several times the time.
    const compression = ['-Zxz', '-z1']
    execFileSync(
      'dpkg-deb',
      ['--root-owner-group', ...compression, '--build', stage, join(options.folder, name)],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, SOURCE_DATE_EPOCH: String(options.date) },
      },
    )
    return name
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

function fill(stage: string, options: DebOptions): void {
  place(stage, 'usr/bin/dray', options.binary)
  for (const [path, text] of options.completions) write(stage, path, text)
  for (const [name, page] of options.man) compress(stage, `usr/share/man/man1/${name}`, page)
  const { version, date } = options
  const changelog = debianChangelog(options.changelog, { version, date, maintainer })
  compress(stage, `${documentation}/changelog`, changelog)
  compress(stage, `${documentation}/THIRD_PARTY_NOTICES`, options.notices)
  write(stage, `${documentation}/copyright`, copyrightFile(String(new Date(date * 1000).getUTCFullYear())))
  place(stage, 'usr/share/lintian/overrides/dray', overrides)
  setModes(stage)
  writeMetadata(stage, options)
}

function writeMetadata(stage: string, options: DebOptions): void {
  const files = filesIn(stage)
  const size = files.reduce((sum, file) => sum + Math.ceil(statSync(join(stage, file)).size / 1024), 0)
  const sums = execFileSync('md5sum', ['--', ...files], { cwd: stage, encoding: 'utf8' })
  write(stage, 'DEBIAN/md5sums', sums)
  const depends = dependsOf(options.binary)
  write(stage, 'DEBIAN/control', controlFile({ ...options, depends, installedSize: size }))
  chmodSync(join(stage, 'DEBIAN'), 0o755)
}

function filesIn(stage: string): readonly string[] {
  return globSync('usr/**', { cwd: stage })
    .filter((name) => lstatSync(join(stage, name)).isFile())
    .toSorted()
}

/** The same modes for every umask and every source. */
function setModes(stage: string): void {
  for (const name of globSync('{usr,usr/**}', { cwd: stage })) {
    const path = join(stage, name)
    chmodSync(path, statSync(path).isDirectory() || name === join('usr', 'bin', 'dray') ? 0o755 : 0o644)
  }
  chmodSync(stage, 0o755)
}

function place(stage: string, path: string, source: string): void {
  mkdirSync(dirname(join(stage, path)), { recursive: true })
  copyFileSync(source, join(stage, path))
}

function write(stage: string, path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(stage, path)), { recursive: true })
  writeFileSync(join(stage, path), text, { mode: 0o644 })
}

/** As policy requires: the best compression, and no name or time in the header. */
function compress(stage: string, path: string, text: string | Uint8Array): void {
  write(stage, `${path}.gz`, execFileSync('gzip', ['-9nc'], { input: text, maxBuffer: 1 << 28 }))
}
