import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { readFiles } from '../../../src/deployments/files/files.ts'
import { notedCall } from '../../support/http-world.ts'
import { tempFolder } from '../../support/temp.ts'

async function folderOf(...names: readonly string[]): Promise<string> {
  const folder = await tempFolder()
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), `text of ${name}`)
  }
  return folder
}

async function matchingFiles(folder: string, ...globs: readonly string[]): Promise<readonly string[]> {
  const results = await readFiles(globs, folder, (_, name) => name, notedCall())
  return results.flatMap(({ files }) => files)
}

async function failure(folder: string, ...globs: readonly string[]): Promise<DrayError> {
  const error: unknown = await matchingFiles(folder, ...globs).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

const tree = ['a.yaml', 'gitops/b.yml', 'gitops/prod/c.yaml', 'gitops/prod/d.json', 'gitops/prod/README.md']

describe('globs', () => {
  it.each([
    ['*.yaml', ['a.yaml']],
    ['**/*.yaml', ['a.yaml', 'gitops/prod/c.yaml']],
    ['gitops/**', ['gitops/b.yml', 'gitops/prod/c.yaml', 'gitops/prod/d.json']],
    ['gitops/**/*', ['gitops/b.yml', 'gitops/prod/c.yaml', 'gitops/prod/d.json']],
    ['./gitops/*/*.yaml', ['gitops/prod/c.yaml']],
    ['gitops/prod/c.yaml', ['gitops/prod/c.yaml']],
    ['gitops/{b.yml,prod/c.yaml}', ['gitops/b.yml', 'gitops/prod/c.yaml']],
    ['**/[cd].*', ['gitops/prod/c.yaml', 'gitops/prod/d.json']],
    ['**/**/c.yaml', ['gitops/prod/c.yaml']],
    ['gitops/prod/../b.yml', ['gitops/prod/../b.yml']],
    ['gitops/prod/README.md', ['gitops/prod/README.md']],
    ['gitops/prod/*.md', ['gitops/prod/README.md']],
  ])('%s names its files, sorted', async (glob, names) => {
    expect(await matchingFiles(await folderOf(...tree), glob)).toEqual(names)
  })

  it('may be absolute, and may begin with ..', async () => {
    const folder = await folderOf(...tree)
    expect(await matchingFiles(folder, `${folder}/*.yaml`)).toEqual([`${folder}/a.yaml`])
    expect(await matchingFiles(join(folder, 'gitops'), '../*.yaml')).toEqual(['../a.yaml'])
  })

  it.each([
    '*.yml',
    'nowhere/**/*.yaml',
    'nowhere.yaml',
    'gitops',
    'gitops/prod/README.*',
    'a.yaml/x',
    '[',
    '',
  ])('%j that matches no file is an error', async (glob) => {
    const error = await failure(await folderOf(...tree), 'a.yaml', glob)
    expect(error).toMatchObject({ code: 'refused', message: `no file matches ${JSON.stringify(glob)}` })
  })

  it('include hidden folders only if they name them', async () => {
    const folder = await folderOf('a.yaml', '.git/b.yaml', '.hidden.yaml')
    expect(await matchingFiles(folder, '**/*.yaml')).toEqual(['a.yaml'])
    expect(await matchingFiles(folder, '.git/*.yaml', '.*.yaml')).toEqual(['.git/b.yaml', '.hidden.yaml'])
  })

  it('follow links, and end in a cycle of links', async () => {
    const folder = await folderOf('base/a.yaml', 'other/b.yaml')
    await symlink('..', join(folder, 'base/up'))
    await symlink('../base', join(folder, 'other/base'))
    await symlink('../other/b.yaml', join(folder, 'base/linked.yaml'))
    expect(await matchingFiles(folder, 'base/*.yaml')).toEqual(['base/a.yaml', 'base/linked.yaml'])
    expect(await matchingFiles(folder, 'other/**/a.yaml')).toEqual(['other/base/a.yaml'])
    expect(await matchingFiles(folder, '**/a.yaml')).toEqual(['base/a.yaml'])
  })

  it.each(['broken', 'broken.yaml'])('are an error for the broken link %s', async (name) => {
    const folder = await folderOf('a.yaml')
    await symlink('nowhere', join(folder, name))
    expect(await failure(folder, '**/*.yaml')).toMatchObject({
      code: 'io',
      why: 'it is a link to a path that does not exist',
    })
  })

  it('read a folder once if two links point at it', async () => {
    const folder = await folderOf('z/a.yaml')
    await symlink('z', join(folder, 'a'))
    await symlink('.', join(folder, 'z/self'))
    expect(await matchingFiles(folder, '**/*.yaml')).toEqual(['a/a.yaml'])
    expect(await matchingFiles(folder, '*/*.yaml')).toEqual(['a/a.yaml'])
    expect(await matchingFiles(folder, 'z/*.yaml')).toEqual(['z/a.yaml'])
  })

  it('are an error if they expand to too many', async () => {
    expect((await failure(await folderOf('a'), '{a,b}'.repeat(20))).code).toBe('refused')
  })

  it.skipIf(process.getuid?.() === 0)('are an error for a folder that cannot be listed', async () => {
    const folder = await folderOf('a.yaml', 'secret/b.yaml')
    await chmod(join(folder, 'secret'), 0o000)
    expect((await failure(folder, '**/*.yaml')).code).toBe('io')
    await chmod(join(folder, 'secret'), 0o700)
  })

  it('are an error for a link to itself', async () => {
    const folder = await folderOf('a.yaml')
    await symlink('loop', join(folder, 'loop'))
    expect((await failure(folder, '**/*.yaml')).code).toBe('io')
  })
})

describe('files', () => {
  it('are read once if several globs match them, and count for each', async () => {
    const read: string[] = []
    const folder = await folderOf(...tree)
    const results = await readFiles(
      ['*.yaml', '**/*.yaml'],
      folder,
      (text, name) => {
        read.push(name)
        return text
      },
      notedCall(),
    )
    expect(read.toSorted()).toEqual(['a.yaml', 'gitops/prod/c.yaml'])
    expect(results.map(({ files }) => files)).toEqual([
      ['text of a.yaml'],
      ['text of a.yaml', 'text of gitops/prod/c.yaml'],
    ])
  })

  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is nothing but blank lines', Buffer.from(' \n\n\t\n')],
    ['is no text', Buffer.from([0xff, 0xfe, 0x61, 0x00])],
    ['is too large', Buffer.alloc(16 * 1024 * 1024 + 1, 'a')],
  ])('of which one %s are an error', async (_, bytes) => {
    const folder = await folderOf('a.yaml')
    await writeFile(join(folder, 'b.yaml'), bytes)
    expect(await failure(folder, '*.yaml')).toMatchObject({ code: 'malformed', subject: 'b.yaml' })
  })

  it('may begin with a byte order mark', async () => {
    const folder = await folderOf()
    await writeFile(join(folder, 'a.yaml'), '\uFEFFa: b')
    const [result] = await readFiles(['a.yaml'], folder, (text) => text, notedCall())
    expect(result?.files).toEqual(['a: b'])
  })

  it('are an error at once if they are pipes', async () => {
    const folder = await folderOf('a.yaml')
    execFileSync('mkfifo', [join(folder, 'b.yaml')])
    expect(await failure(folder, '*.yaml')).toMatchObject({ code: 'io', subject: 'b.yaml' })
  })

  it('are not read after an abort', async () => {
    const call = notedCall()
    call.abort(new DrayError('interrupted', 'enough'))
    const read = readFiles(['a.yaml'], await folderOf('a.yaml'), (text) => text, call)
    await expect(read).rejects.toThrow('enough')
  })
})
