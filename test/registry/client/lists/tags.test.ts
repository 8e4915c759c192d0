import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import { image } from '../../../support/images.ts'
import { embedded, newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const page = (tags: unknown, link?: string): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', link },
  body: JSON.stringify({ name: 'team/api', tags }),
})

async function list(registry: string): Promise<string[]> {
  const tags: string[] = []
  for await (const tag of storeAt(registry).tags(newCall())) tags.push(tag)
  return tags
}

describe('a list of tags', () => {
  it.each(['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const)(
    'is complete over short pages (%s)',
    async (profile) => {
      const one = await embedded({ profile, abilities: { pageLimit: 3 } })
      const tags = Array.from({ length: 8 }, (_, i) => `v${i}`)
      await one.push(image(), 'team/api', ...tags)
      expect((await list(one.registry)).sort()).toEqual(tags)
    },
  )

  it('requests large pages, and follows Link unchanged', async () => {
    const { registry, requests } = await scripted(({ path, headers }) => {
      if (path.endsWith('n=1000'))
        return page(['a'], '</v2/team/api/tags/list?last=a%2Fb&n=0&x=%41>; rel="next"')
      if (path.includes('x='))
        return page(['b'], `<http://${headers.host}/v2/team/api/tags/list?p=3>; foo="b,c"; rel=next`)
      return page(['c'], '</v2/other>; rel="prev"')
    })
    expect(await list(registry)).toEqual(['a', 'b', 'c'])
    expect(requests()).toEqual([
      'GET /v2/team/api/tags/list?n=1000',
      'GET /v2/team/api/tags/list?last=a%2Fb&n=0&x=%41',
      'GET /v2/team/api/tags/list?p=3',
    ])
  })

  it('has the push times of Google Artifact Registry, without further requests', async () => {
    const [known, invalid] = [digestOf('known'), digestOf('invalid')]
    const manifest = {
      [known]: { imageSizeBytes: '5', tag: ['a'], timeCreatedMs: '0', timeUploadedMs: '1780000000000' },
      [invalid]: { tag: ['b'], timeUploadedMs: 'yesterday' },
      'not a digest': { timeUploadedMs: '1780000000000' },
    }
    const { registry, requests } = await scripted(() => ({
      ...page(['a', 'b']),
      body: JSON.stringify({ name: 'team/api', tags: ['a', 'b'], manifest }),
    }))
    const store = storeAt(registry)
    expect(store.pushTime?.(known)).toBeUndefined()
    expect(await Array.fromAsync(store.tags(newCall()))).toEqual(['a', 'b'])
    expect(store.pushTime?.(known)).toBe(1_780_000_000_000)
    expect(store.pushTime?.(invalid)).toBeUndefined()
    expect(requests()).toHaveLength(1)
  })

  it.each([
    [1, { tags: ['a', 'b'] }],
    [2, { code: 'protocol' }],
  ])('with a page that arrives damaged %i times is requested once more', async (damages, result) => {
    const { registry, requests } = await scripted((_, count) =>
      count <= damages ? { ...page(['a']), body: '{"tags":["a"' } : page(['a', 'b']),
    )
    const listed = await list(registry).then(
      (tags) => ({ tags }),
      (error: unknown) => error,
    )
    expect(listed).toMatchObject(result)
    expect(requests()).toHaveLength(2)
  })

  it('with a truncated page is read again from the start of that page', async () => {
    const { registry, requests } = await scripted(({ path }, count) => {
      if (path.endsWith('n=1000')) return page(['a'], '<?p=2>; rel="next"')
      if (count > 2) return page(['b'])
      const headers = { 'content-length': '100' }
      return {
        status: 200,
        raw: (response) => {
          response.writeHead(200, headers).write('{"tags":["b"')
          setImmediate(() => response.destroy())
        },
      }
    })
    expect(await list(registry)).toEqual(['a', 'b'])
    expect(requests().filter((line) => line.endsWith('p=2'))).toHaveLength(2)
  })

  it('may be stopped after a page', async () => {
    const { registry, heard } = await scripted(() => page(['a'], '<?p=2>; rel="next"'))
    for await (const tags of storeAt(registry).tagPages(newCall())) {
      expect(tags).toEqual(['a'])
      break
    }
    expect(heard).toHaveLength(1)
  })

  it.each([
    [
      'leads back to a page that was read',
      () => page(['a'], '</v2/team/api/tags/list?n=1000>; rel="next"'),
      'protocol',
    ],
    [
      'gives the same page under ever new URLs',
      (n: number) => page(['a'], `</v2/x?${n}>; rel="next"`),
      'protocol',
    ],
    ['leads to another host', () => page(['a'], '<http://127.0.0.2:9/v2/x>; rel="next"'), 'protocol'],
    [
      'disappears after a page',
      (n: number) => (n === 1 ? page(['a'], '<?p=2>; rel="next"') : { status: 404 }),
      'protocol',
    ],
    [
      'fails in its middle',
      (n: number) => (n === 1 ? page(['a'], '<?p=2>; rel="next"') : { status: 500 }),
      'unavailable',
    ],
    ['names a next page without the brackets', () => page(['a'], '/v2/x?p=2; rel="next"'), 'protocol'],
    [
      'names a next page at endless length',
      () => page(['a'], `<${'x'.repeat(20_000)}>; rel=next`),
      'protocol',
    ],
    ['has no tags', () => page(undefined), 'protocol'],
    ['is no JSON', () => ({ status: 200, body: '<html>' }), 'protocol'],
    ['is of a missing repository', () => ({ status: 404 }), 'not-found'],
    ['is forbidden', () => ({ status: 403 }), 'forbidden'],
  ] as const)('that %s is an error, not a shorter list', async (_, answer, code) => {
    const { registry, heard } = await scripted((_request, count) => answer(count))
    await expect(list(registry)).rejects.toMatchObject({ code, subject: `${registry}/team/api` })
    expect(heard.length).toBeLessThan(20)
  })

  it('without end is an error', async () => {
    const { registry, heard } = await scripted((_request, count) => {
      if (count === 1) return page(['a', 'b'.repeat(100)], '<?p=2>; rel="next"')
      const headers = { 'content-length': String(64 * 1024 ** 2 - 100) }
      return { status: 200, headers, raw: (response) => void response.writeHead(200, headers).write('{') }
    })
    await expect(list(registry)).rejects.toMatchObject({ code: 'protocol' })
    expect(heard).toHaveLength(2)
  })

  it.each([
    ['control characters', 'a\u001b[31m\r\n::error::'],
    ['endless length', 'a'.repeat(1_000_000)],
    ['a path', '../x'],
    ['a dash at its beginning', '-ot-beta'],
    ['a dot at its beginning', '.hidden'],
    ['a digest', `sha256:${'a'.repeat(64)}`],
    ['129 characters', 'a'.repeat(129)],
    ['a sign that tags do not have', '1.0.0+build'],
    ['letters beyond ASCII', 'münchen'],
    ['nothing in it', ''],
    ['spaces around it', ' 1.0.0 '],
    ['no string: null', null],
    ['no string: a number', 1],
    ['no string: an object', { name: 'a' }],
    ['no string: a list', ['a']],
  ])('skips an entry of %s, and refuses it on request', async (_, entry) => {
    const { registry } = await scripted(() => page(['a', entry, 'b']))
    expect(await list(registry)).toEqual(['a', 'b'])
    const refusing = Array.fromAsync(storeAt(registry).tags(newCall(), 'refuse'))
    await expect(refusing).rejects.toMatchObject({ code: 'refused', subject: `${registry}/team/api` })
  })

  it('warns once in a run of the entries that it skips, on all pages', async () => {
    const long = `sha256:${'a'.repeat(64)}`
    const { registry } = await scripted(({ path }) =>
      path.endsWith('n=1000')
        ? page(['a', '-b', '\u001b[31m'], '<?p=2>; rel="next"')
        : page([long, 'b', null, 7]),
    )
    const store = storeAt(registry)
    const call = newCall()
    expect(await Array.fromAsync(store.tags(call))).toEqual(['a', 'b'])
    await Array.fromAsync(store.tagPages(call))
    const texts = call.events.flatMap((event) => (event.kind === 'warning' ? event.text : []))
    expect(texts).toEqual([
      `dray skips 5 entries of the tag list of ${registry}/team/api that are not tags: "-b", "\\u001b[31m", "${long.slice(0, 59)}… and 2 more`,
    ])
  })

  it('continues after pages without a valid tag by Link alone', async () => {
    const pages = 150
    const { registry, requests } = await scripted((_, count) =>
      count < pages ? page([`-${count}`], `<?p=${count}>; rel="next"`) : page(['a']),
    )
    expect(await list(registry)).toEqual(['a'])
    expect(requests().at(-1)).toBe(`GET /v2/team/api/tags/list?p=${pages - 1}`)
  })

  it('of null is empty', async () => {
    const { registry } = await scripted(() => page(null))
    expect(await list(registry)).toEqual([])
  })
})
