import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type InUseSource, imagesInUse } from '../../src/inuse/sources.ts'
import { formatReference } from '../../src/oci/reference.ts'
import { notedCall } from '../support/http-world.ts'
import { tempFolder } from '../support/temp.ts'

const pod = (image: string): string => JSON.stringify({ kind: 'Pod', spec: { containers: [{ image }] } })

async function world(): Promise<{ readonly folder: string; readonly env: { readonly PATH: string } }> {
  const folder = await tempFolder()
  await writeFile(join(folder, 'a.yaml'), pod('a:1'))
  await writeFile(join(folder, 'kubectl'), `#!/bin/sh\necho '{"items":[${pod('k:1')},${pod('a:1')}]}'\n`)
  await chmod(join(folder, 'kubectl'), 0o755)
  return { folder, env: { PATH: `${folder}:/usr/bin:/bin` } }
}

function list(text: string): InUseSource {
  const read = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  return { kind: 'list', name: 'standard input', read }
}

describe('what runs', () => {
  it('is put together of files, clusters and lists: each image once, each source with its count', async () => {
    const { folder, env } = await world()
    const sources: readonly InUseSource[] = [
      { kind: 'files', globs: ['*.yaml'], folder },
      { kind: 'kubectl', contexts: ['east', 'west'] },
      list('index.docker.io/library/a:1\nr.io/l:1\n'),
    ]
    const { images, sources: counted } = await imagesInUse(sources, { env, clock: systemClock }, notedCall())
    expect(images.map(({ reference, by }) => `${formatReference(reference)} ${by}`)).toEqual([
      'docker.io/library/a:1 a.yaml: spec.containers[0].image',
      'docker.io/library/k:1 kubectl east: Pod: spec.containers[0].image',
      'r.io/l:1 standard input, line 2',
    ])
    expect(counted).toEqual([
      { name: '*.yaml', images: 1 },
      { name: 'kubectl east', images: 2 },
      { name: 'kubectl west', images: 2 },
      { name: 'standard input', images: 2 },
    ])
  })

  it('is nothing where nobody is asked', async () => {
    const { env } = await world()
    expect(await imagesInUse([], { env, clock: systemClock }, notedCall())).toEqual({
      images: [],
      sources: [],
    })
  })

  it('is not known where one source of several fails', async () => {
    const { folder, env } = await world()
    const sources: readonly InUseSource[] = [{ kind: 'files', globs: ['*.yaml'], folder }, list('')]
    await expect(imagesInUse(sources, { env, clock: systemClock }, notedCall())).rejects.toMatchObject({
      code: 'refused',
    })
  })
})
