import { parseSync } from 'rolldown/utils'

/** A text that a person reads, and the line of its file on which it begins. */
export interface ReadableText {
  readonly text: string
  readonly line: number
}

function withoutText(part: string): string {
  return part.replaceAll(/[^\n]/g, '')
}

/** The text of a Markdown page without code, links and comments. Every line keeps its number. */
export function proseOf(page: string): ReadableText {
  const text = page
    .replaceAll(/^ *```[^\n]*\n.*?^ *```$/gms, withoutText)
    .replaceAll(/<!--.*?-->/gs, withoutText)
    .replaceAll(/`[^`\n]*`/g, '`…`')
    .replaceAll(/\]\([^)\s]*\)/g, ']')
  return { text, line: 1 }
}

/** The commands, their output and the files on a Markdown page. Every line keeps its number. */
export function consoleOutputOf(page: string): ReadableText {
  let text = ''
  let end = 0
  for (const { 0: block, 1: output = '', index } of page.matchAll(
    /^ *```(?:console|text|yaml)\n(.*?)^ *```$/gms,
  )) {
    text += `${withoutText(page.slice(end, index))}\n${output}`
    end = index + block.length
  }
  return { text, line: 1 }
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number }

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The string that an expression makes, with `…` for each value that only a run knows. */
function stringOf(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined
  if (node.type === 'TemplateLiteral') {
    const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
    return quasis.map(({ value }) => value.cooked).join('…')
  }
  if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return undefined
  const [left, right] = [stringOf(node['left'] as Node), stringOf(node['right'] as Node)]
  return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`
}

/** The children of a node that can contain texts: no imports, types and names of properties. */
function childrenOf(node: Node): readonly Node[] {
  if (/^(?:Import|ExportAll|TSLiteralType)/.test(node.type)) return []
  const children = Object.entries(node).filter(([key]) => key !== 'key' && key !== 'quasis')
  return children.flatMap(([, value]) => (Array.isArray(value) ? value : [value])).filter(isNode)
}

/** Finds the string literals that are sentences, phrases or headers of tables. */
function literalsOf(program: Node, source: string): readonly ReadableText[] {
  const found: ReadableText[] = []
  const visit = (node: Node, isPart: boolean): void => {
    const text = stringOf(node)
    if (text !== undefined && !isPart && /\w\W*\s\W*\w|^[A-Z]{2,}$/.test(text)) {
      found.push({ text, line: source.slice(0, node.start).split('\n').length })
    }
    const isSum = node.type === 'BinaryExpression' && text !== undefined
    for (const child of childrenOf(node)) visit(child, isSum)
  }
  visit(program, false)
  return found
}

interface Comment {
  readonly value: string
  readonly start: number
  readonly end: number
}

/** Joins the comments of a source. Every line keeps its number. */
function textOf(comments: readonly Comment[], source: string): ReadableText {
  let text = ''
  let last = 0
  for (const { value, start, end } of comments) {
    text += withoutText(source.slice(last, start))
    text += value.replaceAll(/^[ \t]*\**[ \t]?/gm, '').replaceAll(/`[^`\n]*`/g, '`…`')
    last = end
  }
  return { text, line: 1 }
}

/** The string literals and the comments of a TypeScript source. */
export interface SourceTexts {
  readonly literals: readonly ReadableText[]
  readonly comments: ReadableText
}

/** Reads the texts of a TypeScript source. Names, imports and types are not texts. */
export function textsOf(source: string): SourceTexts {
  const { program, comments } = parseSync('source.ts', source)
  return { literals: literalsOf(program as unknown as Node, source), comments: textOf(comments, source) }
}
