import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import { type Digest, digestOf, encodedOf } from '../../../src/oci/digest.ts'
import { indexOf, started } from '../http.ts'
import { tempFolder } from './storages.ts'

const hour = 60 * 60 * 1000

function clockAt(now: number): Clock {
  return { now: () => now, sleep: () => Promise.resolve() }
}

function contentOf(folder: string, digest: Digest): string {
  return join(folder, 'content', 'sha256', encodedOf(digest))
}

describe('a registry in a folder', () => {
  it('is the same after a restart', async () => {
    const folder = join(await tempFolder(), 'new', 'registry')
    const first = await started({ storage: await folderStorage(folder) })
    const { descriptor: subject, body, digest } = await first.image('team/api', 'layer', '1')
    const signature = await first.image('team/api', 'sig', undefined, { subject })
    await first.close()

    const { call } = await started({ storage: await folderStorage(folder) })
    expect((await call('GET', '/v2/team/api/manifests/1')).text).toBe(body)
    expect((await call('GET', `/v2/team/api/blobs/${digestOf('layer')}`)).text).toBe('layer')
    expect((await call('GET', `/v2/team/api/referrers/${digest}`)).json()).toMatchObject({
      manifests: [{ digest: signature.digest }],
    })
  })

  it('stores the bytes of two repositories once', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    await client.blob('a', 'x')
    await client.blob('b', 'x')
    expect(await readdir(join(folder, 'content', 'sha256'))).toEqual([encodedOf(digestOf('x'))])
  })

  it('leaves nothing of a refused or closed upload', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    const path = '/v2/a/blobs/uploads/'
    await client.call('POST', `${path}?digest=${digestOf('x')}`, { body: 'y' })
    await client.call('POST', path)
    expect(await readdir(join(folder, 'uploads'))).toHaveLength(1)
    await client.close()
    expect(await readdir(join(folder, 'uploads'))).toEqual([])
    expect(existsSync(join(folder, 'repositories'))).toBe(false)
  })

  it('does not show unreferenced content of a crash, and removes it a day later', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    const { digest } = await client.image('a', 'kept', '1')
    await client.close()
    const orphan = contentOf(folder, digestOf('orphan'))
    const upload = join(folder, 'uploads', 'left')
    await writeFile(orphan, 'orphan')
    await writeFile(upload, 'half')

    const now = Date.now()
    await folderStorage(folder, { clock: clockAt(now) })
    expect([existsSync(orphan), existsSync(upload)]).toEqual([true, true])
    const again = await started({ storage: await folderStorage(folder, { clock: clockAt(now + 25 * hour) }) })
    expect([existsSync(orphan), existsSync(upload)]).toEqual([false, false])
    expect((await again.call('GET', `/v2/a/blobs/${digestOf('orphan')}`)).status).toBe(404)
    expect((await again.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
    expect((await again.call('GET', `/v2/a/blobs/${digestOf('kept')}`)).text).toBe('kept')
  })

  it('removes the bytes of a deleted blob at a later start, if no repository has it', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    const shared = await client.blob('a', 'shared')
    const gone = await client.blob('a', 'gone')
    await client.call('POST', `/v2/b/blobs/uploads/?mount=${shared}&from=a`)
    for (const digest of [shared, gone]) await client.call('DELETE', `/v2/a/blobs/${digest}`)
    const old = new Date(Date.now() - 48 * hour)
    for (const digest of [shared, gone]) await utimes(contentOf(folder, digest), old, old)
    await folderStorage(folder)
    expect(existsSync(contentOf(folder, shared))).toBe(true)
    expect(existsSync(contentOf(folder, gone))).toBe(false)
  })

  it('repairs damaged content when it is pushed again', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    const digest = await client.blob('a', 'hello')
    await writeFile(contentOf(folder, digest), 'hellO')
    await client.blob('a', 'hello')
    expect((await client.call('GET', `/v2/a/blobs/${digest}`)).text).toBe('hello')
  })

  it('answers 500 for a damaged tag or record, reports it, and keeps serving', async () => {
    const folder = await tempFolder()
    const client = await started({ storage: await folderStorage(folder) })
    const { digest } = await client.manifest('a', indexOf([]), '1')
    const repository = join(folder, 'repositories', 'a')
    await writeFile(join(repository, '_tags', '1'), '../../etc/passwd')
    const byTag = await client.call('GET', '/v2/a/manifests/1')
    expect([byTag.status, byTag.codes]).toEqual([500, ['UNKNOWN']])
    expect(byTag.text).not.toContain(folder)
    expect(client.log.at(-1)?.error).toMatchObject({ code: 'corrupt' })
    await writeFile(join(repository, '_manifests', 'sha256', encodedOf(digest)), '{}')
    expect((await client.call('GET', `/v2/a/manifests/${digest}`)).status).toBe(500)
    expect((await client.call('GET', '/v2/')).status).toBe(200)
  })

  it('refuses a folder with other content, and keeps it', async () => {
    const folder = await tempFolder()
    await mkdir(join(folder, 'uploads'))
    await writeFile(join(folder, 'uploads', 'mine'), 'x')
    await expect(folderStorage(folder)).rejects.toMatchObject({ code: 'refused', subject: folder })
    expect(await readFile(join(folder, 'uploads', 'mine'), 'utf8')).toBe('x')
  })

  it('refuses an unknown format', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'dray-registry.json'), '{"schema":"dray.registry/2"}\n')
    await expect(folderStorage(folder)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
