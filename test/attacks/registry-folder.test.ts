import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderStorage } from '../../src/embedded/storage/folder-storage.ts'
import { digestOf, encodedOf } from '../../src/oci/digest.ts'
import { started } from '../embedded/http.ts'
import { tempFolder } from '../embedded/storage/storages.ts'
import { sendRaw, statusIn } from '../support/raw-http.ts'

const secret = 'a file that is none of the registry'
const layer = digestOf('layer')

/** A registry in a folder, next to a folder with a file that it must not change. */
async function world() {
  const root = await tempFolder()
  const folder = join(root, 'registry')
  const outside = join(root, 'outside')
  await mkdir(outside)
  await writeFile(join(outside, '1'), secret)
  const client = await started({ storage: await folderStorage(folder) })
  await client.image('a', 'layer', '1')
  const end = () => client.close()
  const isUntouched = async () =>
    (await readdir(root)).length === 2 &&
    (await readdir(outside)).join() === '1' &&
    (await readFile(join(outside, '1'), 'utf8')) === secret
  return { ...client, end, folder, outside, isUntouched }
}

/** Replaces a file or folder by a link to the outside. */
async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path)
}

describe('a link in the folder of a registry', () => {
  it.each([
    ['content of a blob', `content/sha256/${encodedOf(layer)}`, `/v2/a/blobs/${layer}`],
    ['a tag', 'repositories/a/_tags/1', '/v2/a/manifests/1'],
    ['a new tag', 'repositories/a/_tags/2', '/v2/a/manifests/2'],
  ])('that replaces %s shows no other file', async (_what, path, url) => {
    const { call, folder, outside, isUntouched } = await world()
    await replaceByLink(join(folder, path), join(outside, '1'))
    const reply = await call('GET', url)
    expect(reply.status).toBeGreaterThanOrEqual(400)
    expect(reply.text).not.toContain(secret)
    expect(await isUntouched()).toBe(true)
  })

  it.each(['repositories/a/_tags', 'repositories/a', 'repositories', 'content/sha256', 'content', 'uploads'])(
    'that replaces the folder %s does not let a request leave the folder',
    async (path) => {
      const { call, folder, outside, isUntouched } = await world()
      const body = await readFile(join(folder, 'content', 'sha256', encodedOf(layer)), 'utf8')
      const { text: manifest, headers } = await call('GET', '/v2/a/manifests/1')
      await replaceByLink(join(folder, path), outside)
      const sent = { headers: { 'content-type': headers['content-type'] ?? '' }, body: manifest }
      for (const [method, url, what] of [
        ['GET', '/v2/a/tags/list', {}],
        ['GET', '/v2/_catalog', {}],
        ['GET', `/v2/a/blobs/${layer}`, {}],
        ['DELETE', '/v2/a/manifests/1', {}],
        ['DELETE', `/v2/a/blobs/${layer}`, {}],
        ['POST', `/v2/a/blobs/uploads/?digest=${layer}`, { body }],
        ['POST', '/v2/a/blobs/uploads/', {}],
        ['POST', `/v2/b/blobs/uploads/?mount=${layer}&from=a`, {}],
        ['PUT', '/v2/a/manifests/2', sent],
        ['PUT', '/v2/outside/manifests/2', sent],
      ] as const) {
        const reply = await call(method, url, what)
        expect(reply.text).not.toContain(secret)
        expect(await isUntouched()).toBe(true)
      }
    },
  )

  it('below a missing repository does not let a request leave the folder', async () => {
    const { call, blob, folder, outside, isUntouched } = await world()
    await symlink(outside, join(folder, 'repositories', 'b'))
    await expect(blob('b', 'x')).rejects.toThrow('500')
    await expect(blob('b/c', 'x')).rejects.toThrow('500')
    expect((await call('GET', '/v2/b/tags/list')).status).toBe(500)
    expect(await isUntouched()).toBe(true)
  })

  it('that replaces a tag is replaced and not followed by a push', async () => {
    const { call, folder, outside, isUntouched } = await world()
    const tag = join(folder, 'repositories', 'a', '_tags', '2')
    await symlink(join(outside, '1'), tag)
    const { text, headers } = await call('GET', '/v2/a/manifests/1')
    const sent = { headers: { 'content-type': headers['content-type'] ?? '' }, body: text }
    expect((await call('PUT', '/v2/a/manifests/2', sent)).status).toBe(201)
    expect((await lstat(tag)).isFile()).toBe(true)
    expect(await isUntouched()).toBe(true)
  })

  it.each(['repositories/a', 'repositories/b', 'uploads'])(
    'keeps the registry from starting: %s',
    async (path) => {
      const { end, folder, outside, isUntouched } = await world()
      await end()
      await replaceByLink(join(folder, path), outside)
      await expect(folderStorage(folder)).rejects.toMatchObject({ code: 'refused' })
      expect(await isUntouched()).toBe(true)
    },
  )

  it('to the folder itself is followed', async () => {
    const { end, folder } = await world()
    await end()
    await rename(folder, `${folder}-moved`)
    await symlink(`${folder}-moved`, folder)
    const { call } = await started({ storage: await folderStorage(folder) })
    expect((await call('GET', `/v2/a/blobs/${layer}`)).text).toBe('layer')
  })
})

describe('a path', () => {
  it.each([
    '/v2/../../outside/blobs/uploads/',
    '/v2/a/../../../outside/blobs/uploads/',
    '/v2/%2e%2e/%2e%2e/outside/blobs/uploads/',
    '/v2/..%2f..%2foutside/blobs/uploads/',
    '/v2/..\\..\\outside/blobs/uploads/',
    '/v2/a%5c..%5c..%5coutside/blobs/uploads/',
    '/v2/a%00/blobs/uploads/',
    '/v2//outside/blobs/uploads/',
    '/v2/C:/outside/blobs/uploads/',
    '/v2/a/_blobs/blobs/uploads/',
    '/v2/_tags/blobs/uploads/',
    '/v2/a/./blobs/uploads/',
    '/v2/a./blobs/uploads/',
    `/v2/${'a'.repeat(256)}/blobs/uploads/`,
    `/v2/${'a/'.repeat(128)}a/blobs/uploads/`,
  ])('of a repository does not lead out of the folder: %s', async (path) => {
    const { port, folder, isUntouched } = await world()
    const lines = ['Host: localhost', 'Content-Length: 5', 'Connection: close', '', 'layer']
    const { answer } = sendRaw(port, [`POST ${path}?digest=${layer} HTTP/1.1`, ...lines].join('\r\n'))
    expect([400, 404, 405]).toContain(statusIn(await answer))
    expect(await readdir(join(folder, 'repositories'))).toEqual(['a'])
    expect(await isUntouched()).toBe(true)
  })

  it.each([
    '..',
    '%2e%2e',
    '..%2f..%2f_blobs',
    '..%5c..%5coutside',
    '%00',
    '1%00',
    '%2e%2e%2f%2e%2e%2f%2e%2e%2foutside%2f1',
    't'.repeat(129),
    'sha256:..%2f..%2foutside',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(65)}`,
    'sha256:',
    'sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709',
  ])('of a tag or digest does not lead out of the folder: %s', async (reference) => {
    const { call, folder, isUntouched } = await world()
    const { text, headers } = await call('GET', '/v2/a/manifests/1')
    const sent = { headers: { 'content-type': headers['content-type'] ?? '' }, body: text }
    for (const [method, what] of [
      ['GET', {}],
      ['PUT', sent],
      ['DELETE', {}],
    ] as const) {
      expect([400, 404]).toContain((await call(method, `/v2/a/manifests/${reference}`, what)).status)
      expect([400, 404, 405]).toContain((await call(method, `/v2/a/blobs/${reference}`, {})).status)
    }
    expect(await readdir(join(folder, 'repositories', 'a', '_tags'))).toEqual(['1'])
    expect(await isUntouched()).toBe(true)
  })

  it.each([
    ['the longest name', 'a'.repeat(255)],
    ['the deepest name', `${'a/'.repeat(127)}a`],
    ['a name inside of another', 'a/b'],
    ['the name of a folder of the storage', 'uploads'],
    ['the name of another', 'content/sha256'],
  ])('of a repository may be %s', async (_what, name) => {
    const { blob, call, image } = await world()
    await image(name, 'layer', '1')
    const digest = await blob(name, 'x')
    expect((await call('GET', `/v2/${name}/blobs/${digest}`)).text).toBe('x')
    expect((await call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['1'] })
  })
})
