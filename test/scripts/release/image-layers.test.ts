import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { baseEntries } from '../../../scripts/release/image/base-layer.ts'
import { checkBinary, drayEntries } from '../../../scripts/release/image/dray-layer.ts'
import { readElf } from '../../../scripts/release/image/elf.ts'
import { buildLayer } from '../../../scripts/release/image/layer.ts'
import { readTar, type TarEntry } from '../../../scripts/release/tar.ts'
import { packagesFor, program } from '../../support/release/fake-image.ts'
import { tempFolder } from '../../support/temp.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const base = baseEntries(packagesFor('amd64'))

function layerEntries(entries: readonly TarEntry[]): ReadonlyMap<string, TarEntry> {
  const archive = gunzipSync(buildLayer(entries).bytes)
  return new Map(readTar(archive).map((entry) => [entry.path, entry]))
}

function textOf(entry: TarEntry | undefined): string | undefined {
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : undefined
}

describe('the first layer', () => {
  const entries = layerEntries(base)

  it('has a shell and other applets as links to busybox', () => {
    for (const path of ['usr/bin/sh', 'usr/bin/cat', 'usr/bin/env'])
      expect(entries.get(path)).toMatchObject({ kind: 'symlink', target: 'busybox' })
    expect(entries.get('bin')).toMatchObject({ kind: 'symlink', target: 'usr/bin' })
    expect(entries.get('usr/bin/busybox')).toMatchObject({ kind: 'file', mode: 0o755 })
  })

  it('has folders that every user may write to, and a root folder that only root may', () => {
    const modes = ['tmp', 'var/tmp', 'home/dray', 'root', 'etc', 'proc'].map((path) => {
      const entry = entries.get(path)
      return [path, entry?.kind, entry?.mode.toString(8)]
    })
    expect(modes).toEqual([
      ['tmp', 'folder', '1777'],
      ['var/tmp', 'folder', '1777'],
      ['home/dray', 'folder', '1777'],
      ['root', 'folder', '700'],
      ['etc', 'folder', '755'],
      ['proc', 'folder', '755'],
    ])
  })

  it('has the user dray with a number that is not root', () => {
    expect(textOf(entries.get('etc/passwd'))).toContain('dray:x:65532:65532:dray:/home/dray:/bin/sh\n')
    expect(textOf(entries.get('etc/group'))).toContain('dray:x:65532:\n')
  })

  it('has all certificates in one file, in the order of their names', () => {
    expect(textOf(entries.get('etc/ssl/certs/ca-certificates.crt'))).toBe('first\nsecond\n')
  })

  it('has only the needed files of packages, and their copyright', () => {
    const paths = [...entries.keys()]
    expect(paths).toContain('usr/share/doc/libc6/copyright')
    expect(paths).toContain('usr/share/common-licenses/GPL-2')
    expect(paths.filter((path) => /libnsl|\.1$|ca-certificates\/mozilla/.test(path))).toEqual([])
  })

  it('lists the packages and their files for scanners', () => {
    const status = textOf(entries.get('var/lib/dpkg/status'))
    expect(status?.split('\n\n')).toHaveLength(4)
    expect(status).toContain('Package: libc6\nStatus: install ok installed\nVersion: 1:2.0+b1\n')
    expect(textOf(entries.get('var/lib/dpkg/info/libc6:amd64.list'))).toContain(
      '/usr/lib/x86_64-linux-gnu/libc.so.6\n',
    )
    expect(textOf(entries.get('var/lib/dpkg/info/busybox-static.md5sums'))).toMatch(
      /^[0-9a-f]{32}  usr\/bin\/busybox\n/,
    )
  })

  it('has links only to paths in the layer', () => {
    const links = [...entries.values()].flatMap((entry) => (entry.kind === 'symlink' ? [entry] : []))
    expect(links.length).toBeGreaterThan(50)
    const targets = links.map(({ path, target }) => posix.join(posix.dirname(path), target))
    expect(targets.filter((path) => !entries.has(path))).toEqual([])
  })

  it('is refused if busybox has no shell', () => {
    const packages = packagesFor('amd64').map((one) =>
      one.name === 'busybox-static'
        ? { ...one, files: one.files.map((file) => ({ ...file, bytes: Buffer.from('[\0[[\0cat\0\0') })) }
        : one,
    )
    expect(() => baseEntries(packages)).toThrow(/busybox has no applets .*\bsh\b/)
  })
})

describe('a layer', () => {
  const file = (path: string): TarEntry => ({ kind: 'file', path, mode: 0o644, bytes: Buffer.from('x') })
  const link = (path: string, target: string): TarEntry => ({ kind: 'symlink', path, target, mode: 0o777 })

  it('has the same bytes for the same entries in any order', () => {
    expect(buildLayer(base.toReversed())).toEqual(buildLayer(base))
  })

  it('belongs to root, with the time 0', () => {
    const listed = execFileSync('tar', ['--numeric-owner', '-tvzf', '-'], {
      input: buildLayer(base).bytes,
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    })
    const lines = listed.trimEnd().split('\n')
    expect(lines.filter((line) => !/^\S+ 0\/0 +\d+ 1970-01-01 00:00 [a-z]/.test(line))).toEqual([])
  })

  it.each([['/etc/passwd'], ['../etc/passwd'], ['etc/../../passwd'], ['etc//passwd'], ['./etc'], ['']])(
    'refuses the path %j',
    (path) => {
      expect(() => buildLayer([file(path)])).toThrow('is not a path in a layer')
    },
  )

  it.each(['/etc/shadow', '../../etc/shadow'])('refuses a link to %s', (target) => {
    expect(() => buildLayer([link('etc/passwd', target)])).toThrow('outside of the layer')
  })

  it('refuses a path twice, and a path below a link', () => {
    expect(() => buildLayer([file('a'), link('a', 'b')])).toThrow('a is in the layer twice')
    expect(() => buildLayer([link('a', 'b'), file('a/c')])).toThrow('a/c is below a')
  })
})

describe('the binary', () => {
  it('is read for what it needs', () => {
    expect(readElf(program({ architecture: 'arm64', needed: ['libc.so.6', 'libm.so.6'] }))).toEqual({
      architecture: 'arm64',
      interpreter: '/lib/ld-linux-aarch64.so.1',
      needed: ['libc.so.6', 'libm.so.6'],
    })
  })

  it('is refused for another architecture, or without a shared object', () => {
    const arm = program({ architecture: 'arm64', needed: [] })
    expect(() => checkBinary(arm, 'amd64', base)).toThrow('the binary for amd64 is for arm64')
    const more = program({ architecture: 'amd64', needed: ['libc.so.6', 'libstdc++.so.6'] })
    expect(() => checkBinary(more, 'amd64', base)).toThrow('needs libstdc++.so.6')
    expect(() => checkBinary(Buffer.from('#!/bin/sh\n'.repeat(9)), 'amd64', base)).toThrow(
      'not a program for 64-bit Linux',
    )
  })
})

describe('the entrypoint', () => {
  /** Runs the script of the second layer with a dray that prints its arguments. */
  async function start(...args: readonly string[]): Promise<string> {
    const folder = await tempFolder()
    const script = drayEntries({ binary: Buffer.from(''), texts: new Map() }).find(({ path }) =>
      path.endsWith('dray-entrypoint'),
    )
    expect(script?.mode).toBe(0o755)
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin', 'dray'), '#!/bin/sh\nprintf "dray"; printf " <%s>" "$@"\n')
    await writeFile(join(folder, 'start'), textOf(script) ?? '')
    for (const name of ['bin/dray', 'start']) await chmod(join(folder, name), 0o755)
    const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
    // A file, because a program that does not read stdin would break a pipe.
    await writeFile(join(folder, 'stdin'), 'echo from stdin')
    const stdin = openSync(join(folder, 'stdin'), 'r')
    try {
      const stdio = [stdin, 'pipe', 'inherit'] as const
      return execFileSync(join(folder, 'start'), args, { encoding: 'utf8', env, stdio: [...stdio] })
    } finally {
      closeSync(stdin)
    }
  }

  it.each([
    [['promote', 'api:1.4 2', '--to', 'prod'], 'dray <promote> <api:1.4 2> <--to> <prod>'],
    [['--version'], 'dray <--version>'],
    [[], 'dray <>'],
    [['diff', 'cat', 'sh'], 'dray <diff> <cat> <sh>'],
    [['dray', 'ls'], 'dray <ls>'],
    [['sh', '-c', 'echo "$0 $1"', 'a b', 'c'], 'a b c\n'],
    [['sh'], 'from stdin\n'],
    [['/bin/sh', '-c', 'echo shell'], 'shell\n'],
    [['cat'], 'echo from stdin'],
  ])('starts %j', async (args, output) => {
    expect(await start(...args)).toBe(output)
  })

  it('gives no command of dray to another program', () => {
    const script = drayEntries({ binary: Buffer.from(''), texts: new Map() })[1]
    const words = /^ {2}(.*)\) exec "\$@"/m.exec(textOf(script) ?? '')?.[1]?.split(' | ') ?? []
    const files = readdirSync(join(root, 'src', 'commands'))
    const commands = new Set(files.map((name) => name.replace(/\.ts$/, '')))
    expect(words).toContain('sh')
    expect(words.filter((word) => commands.has(word))).toEqual([])
  })
})
