import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** A value that is put into a text when it is printed. */
const gap = '\0'

/** The source of the program without comments, with one mark for each value in a template. */
function sources(): string {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.startsWith('src/embedded/'))
  const lines = files.flatMap((file) => read(file).split('\n'))
  let text = lines.filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line)).join('\n')
  for (let before = ''; before !== text;) {
    before = text
    text = text.replaceAll(/\$\{[^{}]*\}/g, gap)
  }
  return text.replaceAll(/\0+/g, gap).replaceAll("\\'", "'")
}

/** The texts in the first column of the tables of errors, with a mark for each word in capitals. */
function quotedErrors(page: string): readonly string[] {
  const tables = page.match(/^\| error \|[^\n]*\n\|[^\n]*\n(?:\|[^\n]*\n)+/gm) ?? []
  return tables.flatMap((table) => [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, text = '']) => text))
}

function withGaps(quoted: string): string {
  return quoted.replaceAll(/\b(?!(?:HTTP|JSON|TLS|URL|YAML)\b)[A-Z][A-Z_]*\b/g, gap)
}

describe('docs/troubleshooting.md', () => {
  const source = sources()

  it.each(quotedErrors(read('docs/troubleshooting.md')))(
    'quotes an error that dray reports: %s',
    (quoted) => {
      const text = withGaps(quoted).replace(/^\0+|\0+$/g, '')
      expect(source.includes(text), `src has no text "${text.replaceAll(gap, '…')}"`).toBe(true)
    },
  )

  it('quotes the frequent errors', () => {
    expect(quotedErrors(read('docs/troubleshooting.md')).length).toBeGreaterThan(40)
  })
})

describe('docs/environment-variables.md', () => {
  const page = read('docs/environment-variables.md')
  const source = sources()

  it('lists every variable of dray', () => {
    const names = new Set(source.match(/\bDRAY_[A-Z_]+[A-Z]\b/g))
    expect([...names].filter((name) => !page.includes(`\`${name}`))).toEqual([])
  })

  it('lists every variable that the program reads', () => {
    const names = new Set([...source.matchAll(/\benv\['([A-Z_]+)'\]/g)].map(([, name = '']) => name))
    expect([...names].filter((name) => !page.includes(`\`${name}`))).toEqual([])
  })

  it('lists only variables that the program reads', () => {
    const own = page.slice(0, page.indexOf('## Variables of other programs'))
    const names = [...own.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+|CI|HOME|SHELL|TERM|TMPDIR|PAGER)\b/g)].map(
      ([, name = '']) => name,
    )
    // Node reads TMPDIR for `tmpdir()`.
    const unread = new Set(
      names.filter((name) => name !== 'TMPDIR' && !new RegExp(`\\b${name}\\b`).test(source)),
    )
    expect([...unread]).toEqual([])
  })
})
