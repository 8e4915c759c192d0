import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../src/errors.ts'
import { readFiles } from '../../src/inuse/files.ts'
import { formatReference } from '../../src/oci/reference.ts'
import { notedCall } from '../support/http-world.ts'
import { tempFolder } from '../support/temp.ts'

/** A folder with these files in it. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

const pod = (image: string): string =>
  `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: ${image}\n`

/** Each glob with the references that its files name and where they stand. */
async function read(folder: string, ...globs: readonly string[]): Promise<Record<string, readonly string[]>> {
  const named = await readFiles(globs, folder, notedCall())
  return Object.fromEntries(
    named.map(({ name, images }) => [
      name,
      images.map(({ reference, by }) => `${formatReference(reference)} ${by.split(':')[0]}`),
    ]),
  )
}

async function failure(folder: string, ...globs: readonly string[]): Promise<DrayError> {
  const thrown: unknown = await readFiles(globs, folder, notedCall()).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(DrayError)
  return thrown as DrayError
}

const library = (image: string, file: string): string => `docker.io/library/${image} ${file}`

describe('files', () => {
  it('are found by globs, relative to the folder, sorted, and each image is given once', async () => {
    const folder = await folderOf({
      'gitops/prod/b.yml': pod('b:1'),
      'gitops/prod/a.yaml': pod('a:1'),
      'gitops/c.json': JSON.stringify({ kind: 'Pod', spec: { containers: [{ image: 'c:1' }] } }),
      'gitops/again.yaml': pod('a:1'),
      'gitops/README.md': 'image: "{{ not yaml }}"',
      'gitops/nothing.yaml': '# none here\n',
      'other.yaml': pod('other:1'),
    })
    expect(await read(folder, 'gitops/**/*', './gitops/prod/*.yaml', `${folder}/other.yaml`)).toEqual({
      'gitops/**/*': [
        library('a:1', 'gitops/again.yaml'),
        library('c:1', 'gitops/c.json'),
        library('b:1', 'gitops/prod/b.yml'),
      ],
      './gitops/prod/*.yaml': [library('a:1', 'gitops/prod/a.yaml')],
      [`${folder}/other.yaml`]: [library('other:1', `${folder}/other.yaml`)],
    })
  })

  it('are found beside the folder, by braces, and by an ending or name of their own', async () => {
    const root = await folderOf({
      'infra/a.yaml': pod('a:1'),
      'infra/b.yml': pod('b:1'),
      'infra/c.txt': pod('c:1'),
      'infra/d.sops': pod('d:1'),
      'dray/dray.yaml': '',
      'dray/compose': 'services: { x: { image: "e:1" } }',
      'dray/.hidden/x.yaml': pod('h:1'),
    })
    const folder = join(root, 'dray')
    expect(
      await read(
        folder,
        '../infra/*.{yaml,yml}',
        '../infra/*.sops',
        'compose',
        '.hidden/*',
        '../infra/[ac].*',
      ),
    ).toEqual({
      '../infra/*.{yaml,yml}': [library('a:1', '../infra/a.yaml'), library('b:1', '../infra/b.yml')],
      '../infra/*.sops': [library('d:1', '../infra/d.sops')],
      compose: [library('e:1', 'compose')],
      '.hidden/*': [library('h:1', '.hidden/x.yaml')],
      '../infra/[ac].*': [library('a:1', '../infra/a.yaml')],
    })
  })

  it('are read through links to files and folders, and not in circles', async () => {
    const folder = await folderOf({ 'base/a.yaml': pod('a:1'), 'gitops/b.yaml': pod('b:1') })
    await symlink('../base', join(folder, 'gitops', 'base'))
    await symlink('..', join(folder, 'base', 'up'))
    await symlink('.', join(folder, 'gitops', 'self'))
    await symlink('../base/a.yaml', join(folder, 'gitops', 'linked.yaml'))
    const { images = [] } = (await readFiles(['gitops/**/*.yaml'], folder, notedCall()))[0] ?? {}
    expect(images.map(({ reference }) => formatReference(reference)).sort()).toEqual([
      'docker.io/library/a:1',
      'docker.io/library/b:1',
    ])
  })

  it('are none in .git and node_modules', async () => {
    const folder = await folderOf({
      'a.yaml': pod('a:1'),
      'node_modules/x/x.yaml': '{{',
      'y/node_modules/x.yaml': '{{',
      '.git/x.yaml': '{{',
    })
    expect(await read(folder, '**/*.yaml')).toEqual({ '**/*.yaml': [library('a:1', 'a.yaml')] })
  })

  it('are renamed by a kustomization that another glob finds', async () => {
    const folder = await folderOf({
      'overlay/kustomization.yaml':
        'kind: Kustomization\nimages: [{ name: api, newName: r.io/api }, { name: w, newTag: 1 }]',
      'base/api.yaml': pod('api:4'),
    })
    expect(await read(folder, 'overlay/*', 'base/*')).toEqual({
      'overlay/*': [library('w:1', 'overlay/kustomization.yaml')],
      'base/*': [library('api:4', 'base/api.yaml'), 'r.io/api:4 overlay/kustomization.yaml'],
    })
  })

  it('refuse a kustomization alone that renames what no file has', async () => {
    const folder = await folderOf({
      'k.yaml': 'kind: Kustomization\nimages: [{ name: api, newName: r.io/api }, { name: w, newTag: 1 }]',
    })
    expect((await failure(folder, '*.yaml')).code).toBe('refused')
  })

  it.each([
    ['nothing/*.yaml'],
    ['gitops/*.yml'],
    ['gitops/*.txt'],
    ['missing.yaml'],
    ['gitops/x.yaml/*'],
    ['!gitops/*.yaml'],
  ])('refuse %s, which finds nothing, though another glob does', async (glob) => {
    const folder = await folderOf({ 'gitops/x.yaml': pod('x:1') })
    const error = await failure(folder, 'gitops/*.yaml', glob)
    expect(['refused', 'io']).toContain(error.code)
    expect(error.message).toContain(glob.split('/')[0])
  })

  it('refuse a glob whose files name no image, though the files of another do', async () => {
    const folder = await folderOf({ 'a/x.yaml': pod('x:1'), 'b/x.yaml': 'a: b\n', 'b/y.yaml': '' })
    const error = await failure(folder, 'a/*.yaml', 'b/*.yaml')
    expect([error.code, error.message]).toEqual(['refused', 'b/*.yaml names no image'])
  })

  it.each([
    ['YAML with mistakes', 'a: [', 'malformed'],
    ['a template', 'image: {{ x }}', 'malformed'],
    ['an image that cannot be known', pod('"api:${TAG}"'), 'refused'],
    ['another encoding', Buffer.from([0xff, 0xfe, 0x61, 0x00]).toString('latin1'), 'malformed'],
  ])('refuse one file among many: %s', async (_name, text, code) => {
    const folder = await folderOf({ 'g/a.yaml': pod('a:1'), 'g/z.yaml': '' })
    await writeFile(join(folder, 'g/bad.yaml'), text, 'latin1')
    const error = await failure(folder, 'g/*.yaml')
    expect(error.code).toBe(code)
    expect(error.message).toContain('g/bad.yaml')
  })

  it('refuse a link that leads nowhere, a link to itself, and a pipe, which would be waited for', async () => {
    const folder = await folderOf({ 'a/x.yaml': pod('x:1'), 'b/x.yaml': pod('x:1'), 'c/x.yaml': pod('x:1') })
    await symlink('nowhere', join(folder, 'a', 'gone.yaml'))
    await symlink('self.yaml', join(folder, 'b', 'self.yaml'))
    execFileSync('mkfifo', [join(folder, 'c', 'pipe.yaml')])
    for (const glob of ['a/*.yaml', 'b/*.yaml', 'c/*.yaml'])
      expect((await failure(folder, glob)).code).toBe('io')
  })

  it('refuse a folder in the place of a file', async () => {
    const folder = await folderOf({ 'a/x.yaml': pod('x:1') })
    expect((await failure(folder, 'a')).code).toBe('io')
  })

  it('stop with the reason of the signal', async () => {
    const folder = await folderOf({ 'a.yaml': pod('a:1') })
    const call = notedCall()
    call.abort(new DrayError('interrupted', 'stop'))
    await expect(readFiles(['*.yaml'], folder, call)).rejects.toMatchObject({ code: 'interrupted' })
    await expect(readFiles(['a.yaml'], folder, call)).rejects.toMatchObject({ code: 'interrupted' })
  })
})
