import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import { mediaTypes } from '../../../../src/oci/media-types.ts'
import { EvidenceSearch } from '../../../../src/images/evidence/evidence.ts'
import { manualClock } from '../../../support/manual-clock.ts'
import { newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
  layers: [],
})
const image: ScriptedAnswer = {
  status: 200,
  headers: { 'content-type': mediaTypes.manifest },
  body: manifest,
}
const refused: ScriptedAnswer = {
  status: 403,
  body: '{"errors":[{"code":"UNAUTHORIZED","message":"The client does not have permission for manifest"}]}',
}
const unknownRepository: ScriptedAnswer = { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }
const listed = (...tags: string[]): ScriptedAnswer => ({ status: 200, body: JSON.stringify({ tags }) })
const sig = `sha256-${'a'.repeat(64)}.sig`
const att = `sha256-${'a'.repeat(64)}.att`

/** A registry that shows `1.0.0`, refuses all other tags, and answers the list. */
async function refusing(list: ScriptedAnswer, other = refused) {
  const { registry, requests } = await scripted(({ path }) =>
    path.includes('tags/list')
      ? list
      : path.includes('/referrers/')
        ? { status: 404 }
        : path.endsWith('/1.0.0')
          ? image
          : other,
  )
  const lists = (): number => requests().filter((line) => line.includes('tags/list')).length
  return { store: storeAt(registry), lists }
}

describe.each([
  ['403', refused],
  ['401', { status: 401 }],
] as const)('a tag that a registry answers with %s', (status, answer) => {
  it.each([sig, 'sha256-'.padEnd(71, 'b'), '2.0.0'])('does not exist if no list has it: %s', async (tag) => {
    const { store, lists } = await refusing(listed('1.0.0'), answer)
    await store.manifest({ tag: '1.0.0' }, newCall())
    expect(await store.findManifest({ tag }, newCall())).toBeUndefined()
    expect(await store.resolve({ tag }, newCall())).toBeUndefined()
    await expect(store.manifest({ tag }, newCall())).rejects.toMatchObject({ code: 'not-found' })
    expect(lists()).toBe(1)
  })

  it.each([
    ['it is listed', listed('1.0.0', sig)],
    ['the list is refused', { status: 403 }],
    ['the registry has no such repository', unknownRepository],
    ['there is no list', { status: 405 }],
  ])('stays an error if %s', async (_, list) => {
    const { store, lists } = await refusing(list, answer)
    await store.manifest({ tag: '1.0.0' }, newCall())
    for (let times = 0; times < 2; times++) {
      const read = store.findManifest({ tag: sig }, newCall())
      await expect(read).rejects.toMatchObject({ status: Number(status) })
    }
    expect(lists()).toBe(1)
  })

  it('stays an error for a run that deletes', async () => {
    const { store } = await refusing(listed('1.0.0'), answer)
    await store.manifest({ tag: '1.0.0' }, newCall())
    await Array.fromAsync(store.tags(newCall(), 'refuse'))
    const read = store.resolve({ tag: '2.0.0' }, newCall())
    await expect(read).rejects.toMatchObject({ status: Number(status) })
  })
})

describe('the list that decides about refused tags', () => {
  it('is the one that breaks off only with an error', async () => {
    const { store } = await refusing({ status: 500 })
    await store.manifest({ tag: '1.0.0' }, newCall())
    await expect(store.resolve({ tag: sig }, newCall())).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is the one that the run read before, for tags of attached artifacts', async () => {
    const { store, lists } = await refusing(listed('1.0.0', att))
    await store.manifest({ tag: '1.0.0' }, newCall())
    await Array.fromAsync(store.tags(newCall()))
    expect(await store.findManifest({ tag: sig }, newCall())).toBeUndefined()
    await expect(store.findManifest({ tag: att }, newCall())).rejects.toMatchObject({ status: 403 })
    expect(lists()).toBe(1)
    expect(await store.resolve({ tag: '2.0.0' }, newCall())).toBeUndefined()
    expect(lists()).toBe(2)
  })

  it('is shared by reads at the same time, also if the first of them is aborted', async () => {
    const controller = new AbortController()
    let isFirst = true
    const { registry, requests } = await scripted(({ path }) => {
      if (!path.includes('tags/list')) return path.endsWith('/1.0.0') ? image : refused
      if (isFirst) queueMicrotask(() => controller.abort(new Error('stopped')))
      isFirst = false
      return listed('1.0.0')
    })
    const store = storeAt(registry)
    await store.manifest({ tag: '1.0.0' }, newCall())
    const [stopped, one, other] = await Promise.allSettled([
      store.resolve({ tag: sig }, newCall(controller.signal)),
      store.resolve({ tag: sig }, newCall()),
      store.resolve({ tag: att }, newCall()),
    ])
    expect(stopped.status).toBe('rejected')
    expect([one, other]).toMatchObject([{ value: undefined }, { value: undefined }])
    expect(requests().filter((line) => line.includes('tags/list')).length).toBeLessThanOrEqual(2)
  })

  it('is read anew for a tag that may be written, if it is older than a check may be', async () => {
    const clock = manualClock()
    let tags = ['1.0.0']
    const { registry, requests } = await scripted(({ path }) =>
      path.includes('tags/list') ? listed(...tags) : path.endsWith('/1.0.0') ? image : refused,
    )
    const store = storeAt(registry, { clock })
    const read = async (tag: string): Promise<string> =>
      store.resolve({ tag }, newCall()).then(
        () => 'absent',
        () => 'refused',
      )
    expect([await read('2.0.0'), await read('3.0.0'), await read(sig)]).toEqual(Array(3).fill('absent'))
    expect(requests().filter((line) => line.includes('tags/list'))).toHaveLength(1)
    await clock.advance(2_001)
    tags = ['1.0.0', '2.0.0']
    expect([await read(sig), await read('2.0.0')]).toEqual(['absent', 'refused'])
    expect(requests().filter((line) => line.includes('tags/list'))).toHaveLength(2)
  })

  it('is not read for a digest, nor for 401 before any image was read', async () => {
    const { store, lists } = await refusing(listed('1.0.0'), { status: 401 })
    await expect(store.resolve({ tag: sig }, newCall())).rejects.toMatchObject({ code: 'unauthorized' })
    const byDigest = store.resolve({ digest: digestOf('nothing') }, newCall())
    await expect(byDigest).rejects.toMatchObject({ code: 'unauthorized' })
    expect(lists()).toBe(0)
  })
})

describe('evidence under tags that are listed and refused', () => {
  const subject = digestOf(manifest)
  const signature = `sha256-${subject.slice('sha256:'.length)}.sig`

  it('is an error that names the flag to continue without it', async () => {
    const { store } = await refusing(listed('1.0.0', signature))
    await store.manifest({ tag: '1.0.0' }, newCall())
    const search = new EvidenceSearch(store, { dangling: 'fail' })
    await expect(search.find([subject], newCall())).rejects.toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('--allow-missing-evidence'),
    })
  })

  it('is skipped with a warning for --allow-missing-evidence', async () => {
    const { store } = await refusing(listed('1.0.0', signature))
    await store.manifest({ tag: '1.0.0' }, newCall())
    const call = newCall()
    const search = new EvidenceSearch(store, { dangling: 'skip' })
    await search.find([subject], call)
    expect(search.found).toEqual([])
    expect(call.events.filter(({ kind }) => kind === 'warning')).toHaveLength(1)
  })
})
