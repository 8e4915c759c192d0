import * as fc from 'fast-check'
import { parseAllDocuments } from 'yaml'
import { expect, it } from 'vitest'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import type { DocumentPath } from '../../../src/deployments/references/document-path.ts'
import type { ValueChange } from '../../../src/deployments/edit/value-place.ts'

/** A value of a random document. */
type Tree =
  | { readonly kind: 'scalar'; readonly source: string }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: string, value: Tree])[] }
  | { readonly kind: 'array'; readonly items: readonly Tree[] }

const scalars = fc.constantFrom(
  "''",
  '""',
  '~',
  '1.10',
  '12e4567',
  'on',
  '2026-11-28',
  'x:1',
  'registry.test:5000/a/b:1.4.2',
  '"double"',
  "'it''s'",
  '"\\u00e9\\n"',
  '!!str 1',
  '!custom v',
  'text with spaces',
  'ü漢😀',
  '"{{ .x }}"',
)
const scalar = scalars.map((source): Tree => ({ kind: 'scalar', source }))
const keys = fc.uniqueArray(
  fc.constantFrom('image', 'tag', 'digest', 'name', 'a b', '1', '"q"', 'ä', 'x-y'),
  {
    minLength: 1,
    maxLength: 4,
  },
)

const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree; map: Tree; array: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie('map'), tie('array')),
  map: keys.chain((names) =>
    fc.tuple(...names.map(() => tie('tree'))).map((values): Tree => ({
      kind: 'map',
      entries: names.map((name, i) => [name, values[i] as Tree] as const),
    })),
  ),
  array: fc
    .array(tie('tree'), { minLength: 1, maxLength: 3 })
    .map((items): Tree => ({ kind: 'array', items })),
})).map

/** Random formatting, one decision after the other. */
interface Formatting {
  /** Returns a number below `n`. */
  pick(n: number): number
}

function formatting(decisions: readonly number[]): Formatting {
  let at = 0
  return {
    pick(n) {
      at += 1
      return (decisions[at % decisions.length] ?? 0) % n
    },
  }
}

const comments = ['', '', ' # comment', '\t# tab', '   ', ' # "quoted: {{ x }}"']
const between = ['', '', '', '\n', '# a line\n', '   # indented: [\n', '\n\n']

/** Prints a tree in block style, with flow collections in it. */
function block(value: Tree, indent: string, format: Formatting, isRoot = false): string {
  if (value.kind === 'scalar' || format.pick(5) === 0)
    return ` ${flow(value, format)}${comments[format.pick(6)]}\n`
  const inner = isRoot && format.pick(3) > 0 ? '' : `${indent}${' '.repeat(1 + format.pick(3))}`
  const lines =
    value.kind === 'map'
      ? value.entries.map(
          ([key, child]) => `${inner}${key}${' '.repeat(format.pick(2))}:${block(child, inner, format)}`,
        )
      : value.items.map((item) => arrayItem(item, inner, format))
  return `${comments[format.pick(5)]}\n${lines.map((line) => (between[format.pick(7)] ?? '') + line).join('')}`
}

function arrayItem(item: Tree, indent: string, format: Formatting): string {
  if (item.kind !== 'map' || format.pick(3) === 0) return `${indent}-${block(item, indent, format)}`
  // The first key is on the line of the dash.
  const gap = ' '.repeat(1 + format.pick(2))
  const inner = `${indent} ${gap}`
  const [first = ['a', item] as const, ...rest] = item.entries
  const lines = rest.map(([key, child]) => `${inner}${key}:${block(child, inner, format)}`)
  return `${indent}-${gap}${first[0]}:${block(first[1], inner, format)}${lines.join('')}`
}

function flow(value: Tree, format: Formatting): string {
  const space = ' '.repeat(format.pick(2))
  if (value.kind === 'scalar') return value.source
  const comma = `${' '.repeat(format.pick(2))},${' '.repeat(1 + format.pick(2))}`
  if (value.kind === 'array')
    return `[${space}${value.items.map((item) => flow(item, format)).join(comma)}${space}]`
  return `{${space}${value.entries.map(([key, child]) => `${key}: ${flow(child, format)}`).join(comma)}${space}}`
}

function keyText(key: string): string {
  return key.replaceAll('"', '')
}

function scalarPaths(
  value: Tree,
  path: DocumentPath = [],
): readonly { path: DocumentPath; source: string }[] {
  if (value.kind === 'scalar') return [{ path, source: value.source }]
  return value.kind === 'map'
    ? value.entries.flatMap(([key, child]) => scalarPaths(child, [...path, keyText(key)]))
    : value.items.flatMap((item, i) => scalarPaths(item, [...path, i]))
}

interface Case {
  readonly text: string
  readonly document: number
  readonly path: DocumentPath
  readonly source: string
}

const documents = fc
  .record({
    trees: fc.array(tree, { minLength: 1, maxLength: 3 }),
    decisions: fc.array(fc.nat(1000), { minLength: 40, maxLength: 80 }),
    lineBreak: fc.constantFrom('\n', '\r\n'),
    mark: fc.constantFrom('', '', '\u{feff}'),
    hasEnd: fc.boolean(),
    chosen: fc.nat(),
  })
  .map(({ trees, decisions, lineBreak, mark, hasEnd, chosen }): Case => {
    const format = formatting(decisions)
    const parts = trees.map((value) =>
      block(value, '', format, true).replace(/^[^\n]*\n/, (line) =>
        line.trim().startsWith('#') || line.trim() === '' ? '' : line,
      ),
    )
    const whole = parts.map((part, i) => (i === 0 && format.pick(2) === 0 ? part : `---\n${part}`)).join('')
    const text = hasEnd ? whole : whole.replace(/\n$/, '')
    const places = trees.flatMap((value, document) =>
      scalarPaths(value).map((found) => ({ ...found, document })),
    )
    const place = places[chosen % places.length]
    return {
      text: (text.startsWith(' ') ? '' : mark) + text.replaceAll('\n', lineBreak),
      document: place?.document ?? 0,
      path: place?.path ?? [],
      source: place?.source ?? '',
    }
  })

const values = fc.constantFrom(
  '1.5.0',
  '1.10',
  'on',
  '12e4567',
  '2026-11-28',
  `registry.test/a:1@sha256:${'5'.repeat(64)}`,
  "it's",
  'a, b: #c',
)

function valuesIn(text: string): unknown[] {
  return parseAllDocuments(text, { logLevel: 'silent' }).map((document): unknown => document.toJS())
}

function replaceAt(value: unknown, [step, ...rest]: DocumentPath, written: string): unknown {
  if (step === undefined) return written
  if (Array.isArray(value))
    return value.map((item, i) => (i === step ? replaceAt(item, rest, written) : item))
  const map = value as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(map).map(([key, child]) => [
      key,
      key === String(step) ? replaceAt(child, rest, written) : child,
    ]),
  )
}

/** The text that differs: the longest equal beginning and end are cut off. */
function difference(before: string, after: string): { readonly removed: string; readonly added: string } {
  let start = 0
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start += 1
  let end = 0
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end))
    end += 1
  return { removed: before.slice(start, before.length - end), added: after.slice(start, after.length - end) }
}

function edit(text: string, change: ValueChange): string {
  return Buffer.from(editFile({ name: 'f.yaml', bytes: Buffer.from(text) }, [change]).bytes).toString()
}

it('any value of any document changes in no other byte, and is read back', () => {
  fc.assert(
    fc.property(documents, values, ({ text, document, path, source }, value) => {
      fc.pre(!source.includes('{{') && parseAllDocuments(text).every(({ errors }) => errors.length === 0))
      const after = edit(text, { kind: 'set', place: { document, path }, value })
      const expected = valuesIn(text)
      expected[document] = replaceAt(expected[document], path, value)
      expect(valuesIn(after)).toEqual(expected)
      const { removed, added } = difference(text, after)
      expect(source.replace(/^!\S+ /, '')).toContain(removed)
      expect(removed.length + added.length).toBeLessThanOrEqual(source.length + value.length + 4)
      expect(edit(after, { kind: 'set', place: { document, path }, value })).toBe(after)
    }),
    { numRuns: 100 },
  )
})

it('any map gets a key beside any scalar, and nothing is removed', () => {
  fc.assert(
    fc.property(documents, values, ({ text, document, path }, value) => {
      fc.pre(
        typeof path.at(-1) === 'string' && parseAllDocuments(text).every(({ errors }) => errors.length === 0),
      )
      const after = edit(text, { kind: 'add', sibling: { document, path }, key: 'added', value })
      const parent = path.slice(0, -1)
      const map = parent.reduce<unknown>(
        (around, step) => (around as Record<string | number, unknown>)[step],
        valuesIn(after)[document],
      )
      expect(map).toMatchObject({ added: value })
      delete (map as Record<string, unknown>)['added']
      const { removed } = difference(text, after)
      expect(removed).toBe('')
    }),
    { numRuns: 100 },
  )
})
