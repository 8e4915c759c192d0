import { execFileSync } from 'node:child_process'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gzip, readTar, sortedEntries, tarArchive, type TarEntry } from '../../../scripts/release/tar.ts'

const longFolder = `usr/share/${'folder-with-a-long-name/'.repeat(4)}doc`
const entries: readonly TarEntry[] = [
  { kind: 'folder', path: 'etc', mode: 0o755 },
  { kind: 'file', path: 'etc/empty', mode: 0o600, bytes: Buffer.alloc(0) },
  { kind: 'file', path: 'etc/passwd', mode: 0o644, bytes: Buffer.from('root\n') },
  { kind: 'symlink', path: 'bin', mode: 0o777, target: 'usr/bin' },
  { kind: 'folder', path: 'tmp', mode: 0o1777 },
  { kind: 'file', path: `${longFolder}/${'n'.repeat(90)}`, mode: 0o644, bytes: Buffer.alloc(1025, 7) },
]

function gnuTar(args: readonly string[], archive: Uint8Array): string {
  return execFileSync('tar', args, { input: archive, encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } })
}

describe('a tar archive', () => {
  it('has its entries again when it is read', () => {
    expect(readTar(tarArchive(entries))).toEqual(entries)
  })

  it('is listed by GNU tar with user 0, group 0, the modes and the time', () => {
    const lines = gnuTar(['--numeric-owner', '-tvf', '-'], tarArchive(entries, 86_400)).split('\n')
    expect(lines[0]).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-02 00:00 etc\/$/)
    expect(lines[3]).toMatch(/^lrwxrwxrwx 0\/0 +0 1970-01-02 00:00 bin -> usr\/bin$/)
    expect(lines[4]).toMatch(/^drwxrwxrwt /)
    expect(lines[5]).toMatch(new RegExp(` 1025 .* ${longFolder}/n{90}$`))
  })

  it('refuses a path that does not fit instead of cutting it', () => {
    const path = 'n'.repeat(101)
    expect(() => tarArchive([{ kind: 'folder', path, mode: 0o755 }])).toThrow('too long')
    expect(() => tarArchive([{ kind: 'symlink', path: 'a', mode: 0o777, target: path }])).toThrow('too long')
  })

  it('of GNU tar is read with long names, hard links and paths that begin with ./', () => {
    const name = 'n'.repeat(120)
    const script = `cd "$(mktemp -d)" && mkdir d && printf x > d/${name} && ln d/${name} d/z && ln -s ${name} d/l && tar --sort=name --format=gnu -cf - .`
    const archive = execFileSync('sh', ['-c', script])
    expect(readTar(archive)).toMatchObject([
      { kind: 'folder', path: 'd' },
      { kind: 'symlink', path: 'd/l', target: name },
      { kind: 'file', path: `d/${name}`, bytes: Buffer.from('x') },
      { kind: 'file', path: 'd/z', bytes: Buffer.from('x') },
    ])
  })

  it('with a device is refused', () => {
    const archive = Buffer.from(tarArchive([{ kind: 'folder', path: 'dev', mode: 0o755 }]))
    archive.write('3', 156)
    expect(() => readTar(archive)).toThrow('unsupported type: dev')
  })
})

it('entries are sorted with each folder before its content', () => {
  const paths = ['a-b', 'a/b', 'a', 'B'].map((path): TarEntry => ({
    kind: path === 'a' ? 'folder' : 'symlink',
    path,
    mode: 0o755,
    target: '',
  }))
  expect(sortedEntries(paths).map(({ path }) => path)).toEqual(['B', 'a-b', 'a', 'a/b'])
})

it('compressed bytes have a header without time and system', () => {
  const compressed = gzip(Buffer.from('text'))
  expect([...compressed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255])
  expect(gunzipSync(compressed).toString()).toBe('text')
})
