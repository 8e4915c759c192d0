import { describe, expect, it } from 'vitest'
import { numberedPages, type NumberedPage } from '../../../src/registry/vendors/paging/numbered-pages.ts'
import { nextPageUrl, tokenPages } from '../../../src/registry/vendors/paging/token-pages.ts'
import { notedCall } from '../../support/http-world.ts'

const list = { doing: 'list the tags of r.test/api', subject: 'r.test/api', host: 'r.test' }

/** Numbers as items of a list. */
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

interface Source {
  readonly items: (request: number) => readonly number[]
  /** the most items of a page */
  readonly cap: number
  /** undefined: the API gives none */
  readonly total?: (request: number) => number
  /** another page than the one of the list */
  readonly change?: (page: number, request: number) => readonly number[] | undefined
  readonly hasNext?: boolean
}

/** Reads all pages of a list. */
async function read({ items, cap, total, change, hasNext }: Source) {
  const requested: number[] = []
  let active = 0
  let most = 0
  const page = async (number: number): Promise<NumberedPage<number>> => {
    const request = requested.push(number)
    most = Math.max(most, ++active)
    await new Promise((resolve) => setImmediate(resolve))
    active--
    const all = items(request)
    const slice = all.slice((number - 1) * cap, number * cap)
    return {
      items: change?.(number, request) ?? slice,
      bytes: 10,
      total: total?.(request),
      ...(hasNext === true && { hasNext: number * cap < all.length }),
    }
  }
  const pages = numberedPages({ ...list, read: page, keyOf: String }, notedCall())
  const found = (await Array.fromAsync(pages)).flat()
  return { found: [...new Set(found)], requested, most }
}

describe('numbered pages', () => {
  it('are read four at once if the first has the total', async () => {
    const result = await read({ items: () => range(0, 995), cap: 100, total: () => 995 })
    expect(result.found).toEqual(range(0, 995))
    expect(result.requested).toEqual(range(1, 11))
    expect(result.most).toBe(4)
  })

  it('can have fewer items than were asked for', async () => {
    const result = await read({ items: () => range(0, 95), cap: 20, total: () => 95 })
    expect(result.found).toHaveLength(95)
    expect(result.requested).toHaveLength(5)
  })

  it('are read in order without a total, to an empty page', async () => {
    const result = await read({ items: () => range(0, 30), cap: 10 })
    expect([result.found.length, result.most, result.requested]).toEqual([30, 1, [1, 2, 3, 4]])
  })

  it('are read in order to the last page that has no next one', async () => {
    const result = await read({ items: () => range(0, 30), cap: 10, hasNext: true })
    expect([result.found.length, result.requested]).toEqual([30, [1, 2, 3]])
  })

  it('are read once more if the total changes', async () => {
    const items = (request: number): number[] => (request < 3 ? range(0, 30) : range(-1, 30))
    const result = await read({ items, cap: 10, total: (request) => items(request).length })
    expect(result.found.toSorted((a, b) => a - b)).toEqual(range(-1, 30))
  })

  it('are read once more if an item moved between pages and another one is missing', async () => {
    const change = (page: number, request: number): number[] | undefined =>
      page === 2 && request < 5 ? range(9, 19) : undefined
    const result = await read({ items: () => range(0, 30), cap: 10, total: () => 30, change })
    expect(result.found.toSorted((a, b) => a - b)).toEqual(range(0, 30))
    expect(result.requested).toHaveLength(6)
  })

  it('are an error if the total changes each time', async () => {
    const grows = read({ items: () => range(0, 30), cap: 10, total: (request) => 29 + request })
    await expect(grows).rejects.toMatchObject({ code: 'unavailable', subject: 'r.test/api' })
  })

  it.each([
    ['a page is repeated', { change: (page: number) => (page === 3 ? range(0, 10) : undefined) }],
    ['a page before the last is empty', { change: (page: number) => (page === 2 ? [] : undefined) }],
    ['the first page is empty', { change: (page: number) => (page === 1 ? [] : undefined) }],
    ['a page before the last is short', { change: (page: number) => (page === 2 ? [11] : undefined) }],
  ])('are an error if %s', async (_, { change }) => {
    const broken = read({ items: () => range(0, 35), cap: 10, total: () => 35, change })
    await expect(broken).rejects.toMatchObject({ code: 'protocol' })
  })

  it('are an error without a total if the first page repeats for ever', async () => {
    const broken = read({ items: () => range(0, 30), cap: 10, change: () => range(0, 10) })
    await expect(broken).rejects.toMatchObject({
      code: 'protocol',
      why: 'page 2 repeats items of earlier pages',
    })
  })

  it('are an error if a page with a next one is empty', async () => {
    const change = (page: number): number[] | undefined => (page === 2 ? [] : undefined)
    const broken = read({ items: () => range(0, 30), cap: 10, hasNext: true, change })
    await expect(broken).rejects.toMatchObject({ code: 'protocol' })
  })

  it('throw what a request throws, and end the other requests', async () => {
    const aborted: number[] = []
    const pages = numberedPages(
      {
        ...list,
        keyOf: String,
        read: async (number, { signal }) => {
          if (number === 1) return { items: [1], bytes: 1, total: 10 }
          if (number === 2) throw new Error('page 2')
          await new Promise((_, reject) =>
            signal.addEventListener('abort', () => {
              aborted.push(number)
              reject(new Error('aborted'))
            }),
          )
          throw new Error('unreachable')
        },
      },
      notedCall(),
    )
    await expect(Array.fromAsync(pages)).rejects.toThrow('page 2')
    expect(aborted).toEqual([3, 4, 5])
  })
})

describe('pages that name the next one', () => {
  const pagesOf = (...pages: readonly (readonly [items: readonly number[], next?: string])[]) => {
    const tokens: (string | undefined)[] = []
    const found = Array.fromAsync(
      tokenPages(list, async (token) => {
        const [items, next] = pages[tokens.push(token) - 1] ?? [[]]
        return { items, bytes: 10, next }
      }),
    )
    return { found, tokens }
  }

  it('are read in order, also past an empty one', async () => {
    const { found, tokens } = pagesOf([[1], 'a'], [[], 'b'], [[2], ''])
    expect((await found).flat()).toEqual([1, 2])
    expect(tokens).toEqual([undefined, 'a', 'b'])
  })

  it('are an error if a token repeats', async () => {
    await expect(pagesOf([[1], 'a'], [[2], 'b'], [[3], 'a']).found).rejects.toMatchObject({
      code: 'protocol',
      why: 'a page names one that was read before',
    })
  })

  it('are an error if there are too many, or they are too large', async () => {
    let page = 0
    const endless = tokenPages(list, async () => ({ items: [], bytes: 1, next: String(page++) }))
    await expect(Array.fromAsync(endless)).rejects.toMatchObject({ code: 'unsupported' })
    expect(page).toBe(20_001)
    const large = tokenPages(list, async () => ({ items: [], bytes: 1024 ** 3, next: String(page++) }))
    await expect(Array.fromAsync(large)).rejects.toMatchObject({ code: 'unsupported' })
  })

  it.each([
    ['relative', '</v1/list?last=b>; rel="next"', 'https://r.test/v1/list?last=b'],
    ['absolute', '<https://r.test/x?page=2>; rel="next"', 'https://r.test/x?page=2'],
    [
      'after rel="previous"',
      '<?page=1>; rel="previous", <?page=3>; rel="next"',
      'https://r.test/v1/list?page=3',
    ],
    ['of another host', '<https://evil.test/x>; rel="next"', 'https://evil.test/x'],
    ['only the first page', '<?page=1>; rel="first"', undefined],
  ])('can have a Link that is %s', (_, link, expected) => {
    const url = new URL('https://r.test/v1/list?page=2')
    expect(nextPageUrl({ url, headers: new Map([['link', link]]) })).toBe(expected)
  })
})
