/** A start tag of a page, with unescaped attributes. */
export interface PageElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** the text in it, unescaped */
  text: string
  readonly parents: readonly string[]
}

const tag = /<(\/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"<>]*")?)*)\s*(\/?)>/y
/** Their ends separate words. */
const blocks = new Set([
  'td',
  'th',
  'dt',
  'dd',
  'li',
  'p',
  'div',
  'caption',
  'text',
  'title',
  'desc',
  'small',
])
const voids = new Set(['meta', 'br'])

/**
 * Reads a page strictly and returns its elements in their order: every tag is closed, attributes
 * are quoted, and text has no `<`. Shares no code with `src/`. @throws for any other page.
 */
export function readPage(page: string): readonly PageElement[] {
  const elements: PageElement[] = []
  const open: PageElement[] = []
  let at = '<!doctype html>'.length
  if (!page.startsWith('<!doctype html>')) throw new Error('the page has no doctype')
  while (at < page.length) {
    const next = page.indexOf('<', at)
    const text = page.slice(at, next < 0 ? undefined : next)
    if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(text) && open.at(-1)?.name !== 'style')
      throw new Error(`unknown character reference: ${text}`)
    for (const element of open) element.text += unescapeHtml(text)
    if (next < 0) break
    tag.lastIndex = next
    const [whole, closing, name = '', attributes = '', selfClosing] = tag.exec(page) ?? []
    if (whole === undefined) throw new Error(`no tag: ${page.slice(next, next + 80)}`)
    at = next + whole.length
    if (closing === '/') {
      const last = open.pop()
      if (last?.name !== name) throw new Error(`${name} closes ${last?.name}`)
      if (blocks.has(name)) for (const element of open) element.text += ' '
      continue
    }
    const element = {
      name,
      attributes: readAttributes(attributes),
      text: '',
      parents: open.map((one) => one.name),
    }
    elements.push(element)
    if (selfClosing !== '/' && !voids.has(name)) open.push(element)
  }
  if (open.length > 0) throw new Error(`not closed: ${open.map(({ name }) => name).join(', ')}`)
  return elements
}

function readAttributes(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/\s+([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?/g)]
  const attributes = found.map(([, name = '', value = '']) => [name, unescapeHtml(value)] as const)
  if (new Set(attributes.map(([name]) => name)).size < attributes.length)
    throw new Error(`an attribute occurs twice: ${text}`)
  return new Map(attributes)
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
