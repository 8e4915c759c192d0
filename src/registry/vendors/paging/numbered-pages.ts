import type { Call } from '../../../lib/call.ts'
import { brokenList, changedList, type ListOfPages, PageBounds } from './page-bounds.ts'

/** Pages that are requested at once if the total is known. */
const pagesAtOnce = 4

/** A page of a list whose pages have numbers from 1. */
export interface NumberedPage<T> {
  readonly items: readonly T[]
  /** of the answer */
  readonly bytes: number
  /** the number of items of the whole list; undefined: the API does not give it */
  readonly total?: number | undefined
  /** whether another page follows; undefined: only an empty page is the end */
  readonly hasNext?: boolean | undefined
}

export interface NumberedList<T> extends ListOfPages {
  readonly read: (page: number, call: Call) => Promise<NumberedPage<T>>
  /** Identifies an item in the list. */
  readonly keyOf: (item: T) => string
}

/**
 * Reads all pages of a numbered list: several at once if the first one has the total, otherwise in
 * order. A page can have fewer items than were asked for. If the pages contradict each other, the
 * list probably changed, and dray reads it once more from its start. The items of both readings are
 * returned then.
 * @throws `unavailable` if it changed again; `protocol` if pages contradict each other again;
 * `unsupported` for a list without end; what `read` throws.
 */
export async function* numberedPages<T>(
  list: NumberedList<T>,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  const first: Findings = { keys: new Set() }
  yield* readAll(list, first, call)
  if (first.contradiction === undefined) return
  const second: Findings = { keys: new Set() }
  yield* readAll(list, second, call)
  const { contradiction } = second
  if (contradiction === undefined) return
  throw contradiction.isChange ? changedList(list, contradiction.why) : brokenList(list, contradiction.why)
}

/** The result of reading the list once. */
interface Findings {
  readonly keys: Set<string>
  contradiction?: Contradiction
}

interface Contradiction {
  readonly why: string
  /** a change of the list explains it */
  readonly isChange: boolean
}

async function* readAll<T>(
  list: NumberedList<T>,
  findings: Findings,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  const bounds = new PageBounds(list)
  const first = await list.read(1, call)
  bounds.add(first.bytes)
  note(list, findings, first, 1)
  yield first.items
  const { total } = first
  if (total === undefined) yield* readInOrder(list, findings, first, bounds, call)
  else yield* readAtOnce(list, findings, { size: first.items.length, total }, bounds, call)
}

/** Without a total: to the page that names no next one, or to an empty page. */
async function* readInOrder<T>(
  list: NumberedList<T>,
  findings: Findings,
  first: NumberedPage<T>,
  bounds: PageBounds,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  let page = first
  for (let number = 2; page.hasNext ?? page.items.length > 0; number++) {
    page = await list.read(number, call)
    bounds.add(page.bytes)
    note(list, findings, page, number)
    if (page.items.length === 0 && page.hasNext === true)
      findings.contradiction ??= { why: `page ${number} is empty and is not the last one`, isChange: false }
    if (findings.contradiction !== undefined) return
    yield page.items
  }
}

interface Extent {
  /** items of the first page, and of all pages but the last */
  readonly size: number
  readonly total: number
}

async function* readAtOnce<T>(
  list: NumberedList<T>,
  findings: Findings,
  { size, total }: Extent,
  bounds: PageBounds,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  if (size === 0 && total > 0)
    findings.contradiction ??= { why: `the first page is empty, and the total is ${total}`, isChange: false }
  if (size === 0 || findings.contradiction !== undefined) return
  const last = Math.ceil(total / size)
  for await (const [number, page] of inParallel(list.read, last, call)) {
    bounds.add(page.bytes)
    note(list, findings, page, number)
    const expected = number < last ? size : total - size * (last - 1)
    if (page.total !== total)
      findings.contradiction ??= { why: `its total was ${total} and then ${page.total}`, isChange: true }
    else if (page.items.length !== expected)
      findings.contradiction ??= {
        why: `page ${number} has ${page.items.length} items and not ${expected}`,
        isChange: false,
      }
    if (findings.contradiction !== undefined) return
    yield page.items
  }
  const { size: found } = findings.keys
  if (found !== total)
    findings.contradiction ??= {
      why: `its pages have ${found} items, and its total is ${total}`,
      isChange: true,
    }
}

/** Reads the pages from 2 to `last`, and returns them in order. */
export async function* inParallel<Page>(
  read: (page: number, call: Call) => Promise<Page>,
  last: number,
  call: Call,
): AsyncGenerator<readonly [number: number, page: Page], void> {
  const pending: Promise<Page>[] = []
  const ended = new AbortController()
  const signal = AbortSignal.any([call.signal, ended.signal])
  let next = 2
  try {
    for (let number = 2; number <= last; number++) {
      for (; next <= last && pending.length < pagesAtOnce; next++) {
        const page = read(next, { ...call, signal })
        // The first error is thrown. Those of later pages are not errors of their own.
        page.catch(() => undefined)
        pending.push(page)
      }
      const page = pending.shift()
      if (page !== undefined) yield [number, await page]
    }
  } finally {
    ended.abort(call.signal.aborted ? call.signal.reason : endOfList)
  }
}

const endOfList = new Error('the list is not read any further')

/** An item that is repeated alone moved to another page. A page of known items was sent twice. */
function note<T>(
  { keyOf }: NumberedList<T>,
  findings: Findings,
  { items }: NumberedPage<T>,
  number: number,
): void {
  const before = findings.keys.size
  for (const item of items) findings.keys.add(keyOf(item))
  if (items.length > 0 && findings.keys.size === before)
    findings.contradiction ??= { why: `page ${number} repeats items of earlier pages`, isChange: false }
}
