import type { Call } from '../../../lib/call.ts'
import { inParallel } from './numbered-pages.ts'
import { brokenList, changedList, type ListOfPages, PageBounds } from './page-bounds.ts'

/** How often a list is read that changes in the meantime. */
const maxReadings = 3

/** A page of a list that has the number of its last page, but no total of its items. */
export interface PageToLast<T> {
  readonly items: readonly T[]
  /** of the answer */
  readonly bytes: number
  /** the number of the last page; undefined: the answer does not have it */
  readonly last: number | undefined
  readonly hasNext: boolean
  /** of the answer */
  readonly etag: string | undefined
}

export interface ListToLast<T> extends ListOfPages {
  /** @param earlier the same page of this reading, for a request whose answer can be short */
  readonly read: (page: number, call: Call, earlier?: PageToLast<T>) => Promise<PageToLast<T>>
  /** Identifies an item in the list. */
  readonly keyOf: (item: T) => string
}

/**
 * Reads a list whose new items come first. A push or delete moves items to another page, and an
 * item can move from a page that is not read yet to one that was. The number of pages does not show
 * such a loss. Therefore the last page is read directly after the first one: if items move later,
 * an item is on two pages. A delete between these two requests shows in the first page only, which
 * is read again at the end. If the list changed, it is read again from its start.
 * @returns the items of a reading during which nothing moved
 * @throws `unavailable` if the list changes again and again; `protocol` if pages contradict each
 * other; `unsupported` for a list without end; what `read` throws.
 */
export async function readToLast<T>(list: ListToLast<T>, call: Call): Promise<readonly T[]> {
  let failed: FailedReading | undefined
  for (let reading = 0; reading < maxReadings; reading++) {
    const result = await readOnce(list, call)
    if ('items' in result) return result.items
    failed = result
  }
  throw failed?.isRepeated === true ? brokenList(list, failed.why) : changedList(list, failed?.why ?? '')
}

interface FailedReading {
  /** what changed */
  readonly why: string
  /** all items of a page were on earlier ones */
  readonly isRepeated?: boolean
}

async function readOnce<T>(
  list: ListToLast<T>,
  call: Call,
): Promise<{ readonly items: readonly T[] } | FailedReading> {
  const pages = await readPages(list, call)
  const last = Math.max(...pages.keys())
  const items: T[] = []
  const keys = new Set<string>()
  for (const [number, page] of [...pages].toSorted(([a], [b]) => a - b)) {
    if (page.items.length === 0 && last > 1) return { why: `page ${number} of ${last} is empty` }
    const before = keys.size
    for (const item of page.items) keys.add(list.keyOf(item))
    if (page.items.length > 0 && keys.size === before)
      return { why: `page ${number} repeats items of earlier pages`, isRepeated: true }
    items.push(...page.items)
  }
  if (keys.size < items.length) return { why: 'an item was on two pages' }
  if (last > 1 && (await hasChanged(list, pages.get(1), call))) return { why: 'page 1 changed' }
  return { items }
}

/** Reads page 1, then the last one, then all others. */
async function readPages<T>(list: ListToLast<T>, call: Call): Promise<Map<number, PageToLast<T>>> {
  const bounds = new PageBounds(list)
  const pages = new Map<number, PageToLast<T>>()
  const add = (number: number, page: PageToLast<T>): PageToLast<T> => {
    bounds.add(page.bytes)
    pages.set(number, page)
    return page
  }
  const first = add(1, await list.read(1, call))
  const last = first.last ?? 1
  if (last > 1) {
    const { items } = add(last, await list.read(last, call))
    if (items.length === 0) return pages
    for await (const [number, page] of inParallel((at, of) => list.read(at, of), last - 1, call))
      add(number, page)
  }
  // A page was added in the meantime, or the list does not have the number of its last page.
  for (let at = last; pages.get(at)?.hasNext === true; at++) {
    const page = add(at + 1, await list.read(at + 1, call))
    if (page.items.length === 0 || sameItems(list, page, pages.get(at))) break
  }
  return pages
}

/** Reads the first page again. */
async function hasChanged<T>(
  list: ListToLast<T>,
  earlier: PageToLast<T> | undefined,
  call: Call,
): Promise<boolean> {
  const page = await list.read(1, call, earlier)
  return page !== earlier && !(sameItems(list, page, earlier) && page.last === earlier?.last)
}

function sameItems<T>(
  { keyOf }: Pick<ListToLast<T>, 'keyOf'>,
  a: PageToLast<T>,
  b: PageToLast<T> | undefined,
): boolean {
  return JSON.stringify(a.items.map(keyOf)) === JSON.stringify(b?.items.map(keyOf))
}
