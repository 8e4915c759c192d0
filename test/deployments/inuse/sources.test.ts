import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import {
  type InUseAnswer,
  listImagesInUse,
  type ImageSource,
} from '../../../src/deployments/inuse/sources.ts'
import { formatReference } from '../../../src/oci/reference.ts'
import { notedCall } from '../../support/http-world.ts'
import { tempFolder } from '../../support/temp.ts'

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

function list(name: string, text: string): ImageSource {
  return {
    kind: 'list',
    name,
    read: async function* () {
      yield Buffer.from(text)
    },
  }
}

async function readSources(...sources: readonly ImageSource[]): Promise<InUseAnswer> {
  return await listImagesInUse(sources, { env: { PATH: '/nowhere' }, clock: systemClock }, notedCall())
}

async function failure(...sources: readonly ImageSource[]): Promise<DrayError> {
  const error: unknown = await readSources(...sources).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

const pod = (image: string): string => `kind: Pod\nspec: { containers: [{ image: "${image}" }] }\n`

describe('images in use', () => {
  it('come from all sources, once with the first source that names them, and count for each', async () => {
    const folder = await folderOf({
      'gitops/a.yaml': pod('r.test/a:1'),
      'gitops/b.yaml': `${pod('r.test/b:1')}---\n${pod('r.test/a:1')}`,
      'gitops/empty.yaml': '# nothing yet\n',
      'compose.yml': 'services: { web: { image: r.test/c:1 } }',
    })
    const answer = await readSources(
      { kind: 'files', globs: ['gitops/*.yaml', '**/*.yml'], folder },
      list('running.txt', 'r.test/b:1\nr.test/d:1\n'),
    )
    expect(answer.images.map(({ reference, by }) => [formatReference(reference), by])).toEqual([
      ['r.test/a:1', 'gitops/a.yaml: spec.containers[0].image'],
      ['r.test/b:1', 'gitops/b.yaml: spec.containers[0].image'],
      ['r.test/c:1', 'compose.yml: services.web.image'],
      ['r.test/d:1', 'running.txt: line 2'],
    ])
    expect(answer.sources).toEqual([
      { name: 'gitops/*.yaml', images: 2 },
      { name: '**/*.yml', images: 1 },
      { name: 'running.txt', images: 2 },
    ])
  })

  it('are renamed by kustomize across the files of a source', async () => {
    const folder = await folderOf({
      'base/pod.yaml': pod('api:1.4.2'),
      'prod/kustomization.yaml': 'resources: [../base]\nimages: [{ name: api, newName: r.test/prod/api }]',
    })
    const { images } = await readSources({ kind: 'files', globs: ['base/*', 'prod/*'], folder })
    expect(images.map(({ reference }) => formatReference(reference))).toContain('r.test/prod/api:1.4.2')
  })

  it('are unknown if a glob matches only files without images', async () => {
    const folder = await folderOf({ 'a.yaml': pod('r.test/a:1'), 'b.yml': 'kind: Service\n' })
    const error = await failure({ kind: 'files', globs: ['*.yaml', '*.yml'], folder })
    expect(error).toMatchObject({ code: 'refused', message: '*.yml names no image' })
  })

  it('are unknown if one of many files cannot be parsed', async () => {
    const folder = await folderOf({ 'a.yaml': pod('r.test/a:1'), 'b.yaml': 'a: [' })
    expect(await failure({ kind: 'files', globs: ['*.yaml'], folder })).toMatchObject({
      code: 'malformed',
      subject: 'b.yaml',
    })
  })

  it('are unknown if one of several sources fails', async () => {
    const files: ImageSource = {
      kind: 'files',
      globs: ['*.yaml'],
      folder: await folderOf({ 'a.yaml': pod('a') }),
    }
    expect((await failure(files, { kind: 'kubectl', contexts: ['prod'] })).code).toBe('config')
    expect((await failure(list('l', '# nothing'), files)).message).toBe('l names no image')
  })

  it('are none without sources', async () => {
    expect(await readSources()).toEqual({ images: [], sources: [] })
  })
})
