import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keepClean } from '../../../src/cli/registries/serve.ts'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { withFailingDisk } from '../../support/failing-disk.ts'
import { indexOf, type Reply, started } from '../http.ts'
import { tempFolder } from './storages.ts'

const uploads = '/v2/a/blobs/uploads/'
const hour = 60 * 60 * 1000

async function served() {
  const folder = await tempFolder()
  const client = await started({ storage: await folderStorage(folder) })
  const opened = async (): Promise<string> => (await client.call('POST', uploads)).headers['location'] ?? ''
  return { ...client, folder, opened, parts: () => readdir(join(folder, 'uploads')) }
}

describe('a registry whose disk does not store anything', () => {
  it.each([
    ['ENOSPC', 'STORAGE_FULL', 'no space left on device'],
    ['EDQUOT', 'STORAGE_FULL', 'quota'],
    ['EFBIG', 'STORAGE_FULL', 'too large'],
    ['EROFS', 'STORAGE_FAILED', 'read-only'],
    ['EIO', 'STORAGE_FAILED', 'input/output'],
  ] as const)('answers 507 for %s, and names the cause but not the folder', async (code, name, words) => {
    const { call, blob, log, folder } = await served()
    await blob('a', 'before')
    const reply = await withFailingDisk({ code }, () =>
      call('POST', `${uploads}?digest=${digestOf('x')}`, { body: 'x' }),
    )
    expect([reply.status, reply.codes]).toEqual([507, [name]])
    expect(reply.text).toContain(words)
    expect(reply.text).not.toContain(folder)
    expect(log.at(-1)?.error).toMatchObject({ registryCode: name, cause: { code } })
    expect((await call('GET', `/v2/a/blobs/${digestOf('before')}`)).text).toBe('before')
    expect(await blob('a', 'x')).toBe(digestOf('x'))
  })

  it('removes the part of a failed chunk at once, and ends its session', async () => {
    const { call, opened, parts } = await served()
    const at = await opened()
    await call('PATCH', at, { body: 'first' })
    expect(await parts()).toHaveLength(1)
    const reply = await withFailingDisk({ code: 'ENOSPC' }, () => call('PATCH', at, { body: 'second' }))
    expect(reply.status).toBe(507)
    expect(await parts()).toEqual([])
    expect((await call('GET', at)).status).toBe(404)
  })

  it('drops idle uploads to make room, and stores the chunk once', async () => {
    const { call, opened, parts } = await served()
    const idle = await opened()
    await call('PATCH', idle, { body: 'idle' })
    const at = await opened()
    await call('PATCH', at, { body: 'one ' })
    const reply = await withFailingDisk({ code: 'ENOSPC', times: 1 }, () =>
      call('PATCH', at, { body: 'two' }),
    )
    expect([reply.status, reply.headers['range']]).toEqual([202, '0-6'])
    expect((await call('GET', idle)).status).toBe(404)
    expect((await call('PUT', `${at}?digest=${digestOf('one two')}`)).status).toBe(201)
    expect(await parts()).toEqual([])
  })

  /** Pushes with a disk that fails after 0, 1, 2 … changes, until a push succeeds. */
  async function statesAfterFailures<T>(
    code: 'ENOSPC' | 'EROFS',
    push: () => Promise<Reply>,
    look: () => Promise<T>,
  ): Promise<readonly { readonly status: number; readonly state: T }[]> {
    const states: { readonly status: number; readonly state: T }[] = []
    for (let after = 0; ; after++) {
      const { status } = await withFailingDisk({ code, after }, push)
      if (status === 201) return states
      states.push({ status, state: await look() })
    }
  }

  it.each(['ENOSPC', 'EROFS'] as const)(
    'leaves no half of a blob, wherever %s happens, and accepts it later',
    async (code) => {
      const { call, parts } = await served()
      const path = `/v2/a/blobs/${digestOf('x')}`
      const states = await statesAfterFailures(
        code,
        () => call('POST', `${uploads}?digest=${digestOf('x')}`, { body: 'x' }),
        async () => ({
          head: (await call('HEAD', path)).status,
          // A read-only disk does not let it remove anything.
          parts: code === 'EROFS' ? 0 : (await parts()).length,
        }),
      )
      expect(states.length).toBeGreaterThan(3)
      expect(new Set(states.map(({ status }) => status))).toEqual(new Set([507]))
      for (const { state } of states) expect(state).toEqual({ head: 404, parts: 0 })
      expect((await call('GET', path)).text).toBe('x')
    },
  )

  it('leaves a tag where it was, wherever the push of a manifest fails', async () => {
    const { call, manifest } = await served()
    const old = await manifest('a', indexOf([]), '1')
    const next = indexOf([], { annotations: { next: 'yes' } })
    const sent = { headers: { 'content-type': next.mediaType }, body: JSON.stringify(next) }
    const states = await statesAfterFailures(
      'ENOSPC',
      () => call('PUT', '/v2/a/manifests/1', sent),
      async () => ({
        tag: (await call('GET', '/v2/a/manifests/1')).text,
        list: (await call('GET', '/v2/a/tags/list')).json(),
      }),
    )
    expect(states.length).toBeGreaterThan(3)
    expect(new Set(states.map(({ status }) => status))).toEqual(new Set([507]))
    for (const { state } of states) {
      expect(state).toEqual({ tag: old.body, list: { name: 'a', tags: ['1'] } })
    }
    expect((await call('GET', '/v2/a/manifests/1')).text).toBe(sent.body)
  })

  it('refuses a delete that a read-only disk does not allow, and deletes from a full one', async () => {
    const { call, manifest } = await served()
    const { digest } = await manifest('a', indexOf([]), '1')
    const remove = () => call('DELETE', `/v2/a/manifests/${digest}`)
    expect((await withFailingDisk({ code: 'EROFS' }, remove)).codes).toEqual(['STORAGE_FAILED'])
    expect((await call('GET', '/v2/a/manifests/1')).status).toBe(200)
    expect((await withFailingDisk({ code: 'ENOSPC' }, remove)).status).toBe(202)
    expect((await call('GET', '/v2/a/manifests/1')).status).toBe(404)
  })

  it.each(['ENOSPC', 'EROFS'] as const)('does not start with %s, and names the folder', async (code) => {
    const folder = await tempFolder()
    await folderStorage(folder)
    await expect(withFailingDisk({ code }, () => folderStorage(folder))).rejects.toMatchObject({
      code: 'io',
      subject: folder,
      why: expect.stringContaining(code) as string,
      hint: expect.any(String) as string,
    })
  })
})

describe('uploads that nobody continues', () => {
  it('are removed while the registry runs', async () => {
    const folder = await tempFolder()
    const clock = manualClock(Date.now())
    const client = await started({ storage: await folderStorage(folder, { clock }), clock })
    const stop = new AbortController()
    const warnings: string[] = []
    const cleaning = keepClean(client, clock, stop.signal, (text) => warnings.push(text))
    const parts = () => readdir(join(folder, 'uploads'))

    const idle = (await client.call('POST', uploads)).headers['location'] ?? ''
    await writeFile(join(folder, 'uploads', 'left'), 'by a crash')
    await clock.sleepers(1)
    await clock.advance(hour)
    await clock.sleepers(1)
    expect(await parts()).toHaveLength(2)
    await clock.advance(21 * hour)
    await clock.sleepers(1)
    const active = (await client.call('POST', uploads)).headers['location'] ?? ''
    await client.call('PATCH', active, { body: 'goes ' })
    const file = (await parts()).find((name) => active.endsWith(name)) ?? ''
    await utimes(join(folder, 'uploads', file), 0, 0)
    for (let passed = 0; passed < 4; passed++) {
      await clock.advance(hour)
      await clock.sleepers(1)
    }
    expect(await parts()).toEqual([file])
    expect((await client.call('GET', idle)).status).toBe(404)
    expect((await client.call('PUT', `${active}?digest=${digestOf('goes on')}`, { body: 'on' })).status).toBe(
      201,
    )
    expect(await readFile(join(folder, 'content', 'sha256', digestOf('goes on').slice(7)), 'utf8')).toBe(
      'goes on',
    )
    stop.abort()
    await cleaning
    expect(warnings).toEqual([])
  })
})
